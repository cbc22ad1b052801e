"""What exists is found without importing it, in this project and in packages outside."""

import importlib.metadata
import subprocess
import sys

import pytest

from labelbench_core import provenance, registry
from labelbench_core.errors import InputError

PLUGIN = '''"""Takes the first rows: a plug-in's strategy."""

import numpy as np

from outside_package.order import first

INFO = {
    "name": "first-rows", "paper": "-", "rule": "-", "cost": "N", "needs": [],
    "multilabel": True, "kind": "strategy", "deterministic": True,
}


def select(pool, budget, rng, *, skip: int = 0):
    return first(np.setdiff1d(np.arange(pool.num_rows), pool.labeled)[skip:], budget)
'''


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """An installed package with one strategy in an entry point."""
    package = tmp_path / "outside_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "order.py").write_text("def first(rows, budget):\n    return rows[:budget]\n")
    (package / "first_rows.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    point = importlib.metadata.EntryPoint(
        "first-rows", "outside_package.first_rows", "labelbench.strategies"
    )
    monkeypatch.setattr(
        importlib.metadata,
        "entry_points",
        lambda group: [point] if group == "labelbench.strategies" else [],
    )
    caches = (
        registry._plugins,
        registry.describe,
        registry.parse,
        provenance._imports,
        provenance._exists,
        provenance.module_hash,
    )
    for cache in caches:
        cache.cache_clear()
    yield package
    for cache in caches:
        cache.cache_clear()
    for name in [name for name in sys.modules if name.startswith("outside_package")]:
        del sys.modules[name]


def test_a_plugins_strategy_is_listed_described_and_run(plugin):
    import numpy as np

    from labelbench_core.strategies import Pool, select

    assert "first-rows" in registry.names("strategies")
    component = registry.describe("strategies", "first-rows")
    assert component.options == {"skip": 0}
    assert component.summary == "Takes the first rows: a plug-in's strategy."
    pool = Pool(
        embeddings=np.zeros((9, 2), np.float32),
        probabilities=None,
        labeled=np.array([0, 2]),
        labels=np.array([0, 1]),
        num_classes=2,
    )
    chosen = select("first-rows", pool, 3, np.random.default_rng(0), skip=1)
    assert chosen.tolist() == [3, 4, 5]


def test_a_plugins_code_and_what_it_imports_enter_the_hash(plugin):
    components = [("strategies", "first-rows")]
    before = provenance.code_hash("workflow_scripts.select_round", components)
    (plugin / "order.py").write_text("def first(rows, budget):\n    return rows[-budget:]\n")
    registry.parse.cache_clear()
    provenance.module_hash.cache_clear()
    assert provenance.code_hash("workflow_scripts.select_round", components) != before


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def select(pool, budget, rng)\n    return 1\n", "line 1: not valid Python: expected ':'"),
        ('"""A."""\nINFO = {\n', "line 2: not valid Python: '{' was never closed"),
        ("x = '\0'\n", "not valid Python: source code string cannot contain null bytes"),
        (PLUGIN.encode("utf-16").decode("latin-1"), "not valid Python"),
        (PLUGIN.replace('"needs": [],', ""), "INFO: missing key: needs"),
        (PLUGIN.replace('"needs": []', '"needs": list()'), "INFO: line 7: not a literal"),
        (PLUGIN.replace("skip: int = 0", "skip: int = len('')"), "default of skip: line 13: not"),
        (PLUGIN.replace("INFO = {", "INFO = 3, {"), "INFO: "),
    ],
)
def test_a_broken_file_is_one_line_and_stops_only_who_uses_it(plugin, source, told):
    (plugin / "first_rows.py").write_text(source, encoding="latin-1")
    with pytest.raises(InputError) as caught:
        registry.describe("strategies", "first-rows")
    assert told in str(caught.value)
    assert str(caught.value).startswith(str(plugin / "first_rows.py"))
    assert len(str(caught.value).splitlines()) == 1
    assert registry.problem_of("strategies", "first-rows") == str(caught.value)
    assert "margin" in registry.names("strategies")
    assert provenance.code_hash("workflow_scripts.select_round", [("strategies", "margin")])


def test_a_broken_file_that_a_strategy_imports_is_one_line(plugin):
    (plugin / "order.py").write_text("def first(rows, budget:\n")
    with pytest.raises(InputError, match=r"order\.py: line 1: not valid Python"):
        provenance.code_hash("workflow_scripts.select_round", [("strategies", "first-rows")])


def test_only_an_experiment_that_names_a_broken_strategy_is_stopped(plugin):
    from labelbench_core import config as experiments
    from labelbench_core.catalogue import kind_errors, load_catalogue
    from labelbench_core.component_code import check_code
    from labelbench_core.yaml_files import read_yaml

    folder = registry.PROJECT / "config"
    catalogue = load_catalogue(folder / "catalogue")
    catalogue["strategies"]["broken"] = {"implementation": "first-rows"}
    quickstart = read_yaml(folder / "config.yaml")
    named = {**quickstart, "strategies": ["random", "margin", "broken"]}

    def load(config):
        found = experiments.load_experiment(config, catalogue, folder / "schema", "my.yaml")
        check_code(found, catalogue, "my.yaml")

    load(named)
    for file in ("order.py", "first_rows.py"):
        (plugin / file).write_text("def (:\n")
        for cache in (registry.describe, registry.parse, provenance._imports):
            cache.cache_clear()
        schema = folder / "schema" / "catalogue.schema.json"
        assert kind_errors("strategies", catalogue["strategies"], schema, "s.yaml") == []
        load(quickstart)
        with pytest.raises(InputError) as caught:
            load(named)
        assert str(caught.value) == (
            f"my.yaml: strategies: 'broken': {plugin / file}: line 1: "
            "not valid Python: invalid syntax"
        )


def test_a_strategy_that_ends_the_program_is_named(plugin, tmp_path):
    import numpy as np

    from labelbench_core.strategies import select
    from labelbench_core.strategies.testing import make_pool
    from workflow_scripts._job import job_parser, run_job

    (plugin / "order.py").write_text("import sys\n\n\ndef first(rows, budget):\n    sys.exit(0)\n")

    def choose(_arguments=None):
        return select("first-rows", make_pool(20), 2, np.random.default_rng(0))

    with pytest.raises(InputError) as caught:
        choose()
    told = (
        f"strategy 'first-rows' ended the program by sys.exit(0) in {plugin / 'order.py'}, line 5"
    )
    assert str(caught.value).startswith(told)
    log = tmp_path / "log"
    arguments = job_parser("A job.").parse_args(["--log", str(log)])
    assert run_job(choose, arguments) == 2
    assert f"error: {told}" in log.read_text()
    assert run_job(lambda _: sys.exit(0), arguments) == 2
    assert f"ended the program by sys.exit(0) in {__file__}" in log.read_text()


def test_an_unknown_name_is_told_with_what_there_is():
    with pytest.raises(InputError, match=r"no method 'margn'; there are: .*margin"):
        registry.load("strategies", "margn")
    with pytest.raises(InputError, match="no kind of component 'strategy'"):
        registry.names("strategy")


def test_every_component_can_be_described_and_all_its_options_have_defaults():
    for kind in registry.MAIN_FUNCTION:
        assert registry.names(kind), kind
        for name in registry.names(kind):
            component = registry.describe(kind, name)
            assert component.summary.endswith("."), (kind, name)
            assert component.info, (kind, name)


@pytest.mark.parametrize("kind", sorted(registry.MAIN_FUNCTION))
def test_listing_imports_nothing_heavy(kind):
    command = (
        "import runpy, sys; sys.argv = ['x', '--list'];"
        f"runpy.run_module('labelbench_core.{kind}.__main__', run_name='__main__', alter_sys=True)"
    )
    code = f"import sys\ntry:\n    exec({command!r})\nexcept SystemExit:\n    pass\n"
    code += "print('MODULES', *sys.modules)\n"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=registry.PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"torch", "scipy", "sklearn", "pandas"} & set(done.stdout.split())
    assert "options" in done.stdout
