"""What exists is found without importing it, in this project and in packages outside."""

import importlib.metadata
import sys
from types import SimpleNamespace

import pytest

from helpers.project import PROJECT
from labelbench_core import provenance, registry
from labelbench_core.errors import InputError, seen_from_here

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


def with_info(key, option=""):
    """The plug-in with another key in its `INFO`, and perhaps another option."""
    source = PLUGIN.replace('"needs": [],', f'"needs": [], {key},')
    return source.replace("skip: int = 0", f"skip: int = 0, {option}") if option else source


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
        provenance._facts,
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
    provenance._facts.cache_clear()
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
        (
            PLUGIN.replace("def select(", "def choose("),
            "function select; allowed: def select(pool, budget, rng, *, …)",
        ),
        (PLUGIN.replace("skip: int = 0", "skip: int"), "line 13: option skip: has no default"),
        (
            PLUGIN.replace("skip: int", "skip: Any"),
            "line 13: option skip: annotation Any does not say what a value may be; allowed: bool",
        ),
        (
            PLUGIN.replace("skip: int = 0", "skip: Positive = -1.0"),
            "line 13: option skip: default -1.0; allowed: a number above 0",
        ),
        (
            PLUGIN.replace("skip: int = 0", 'skip: Literal["a", "b"] = "c"'),
            "option skip: default 'c'; allowed: a, b",
        ),
        (
            PLUGIN.replace("(pool, budget, rng,", "(budget, pool,"),
            "line 13: select(budget, pool): allowed before the *: pool, budget, rng",
        ),
        (
            PLUGIN.replace("(pool, budget, rng,", "(budget, pool, rng,"),
            "select(budget, pool, rng):",
        ),
        (
            PLUGIN.replace("(pool, budget, rng,", "("),
            "select(): allowed before the *: pool, budget",
        ),
        (PLUGIN.replace("rng, *, skip", "rng, skip"), "select(pool, budget, rng, skip): allowed"),
        (
            PLUGIN.replace('"kind": "strategy"', '"kind": "ceiling"'),
            "select(pool, budget, rng): allowed before the *: pool, budget, rng, truth, fit",
        ),
        (
            f"{PLUGIN}\n\ndef select_with_state(pool, budget):\n    pass\n",
            "select_with_state(pool, budget): allowed before the *: pool, budget, rng",
        ),
        (PLUGIN.replace('"needs": []', '"needs": "labels"'), "needs: 'labels'; allowed: a list of"),
        (PLUGIN.replace('"needs": []', '"needs": [5]'), "needs: [5]; allowed: a list of e"),
        (PLUGIN.replace('"needs": []', '"needs": ["head", "probs"]'), "['head', 'probs']; allowed"),
        (
            PLUGIN.replace('"kind": "strategy"', '"kind": "stratgy"'),
            "kind: 'stratgy'; allowed: strategy, sequential, ceiling",
        ),
        (PLUGIN.replace('"multilabel": True', '"multilabel": 1'), "multilabel: 1; allowed: true"),
        (PLUGIN.replace('"multilabel": True', '"multilabel": "on"'), "'on'; allowed: true, false"),
        (with_info('"runs": ["others"]'), "runs: 'others' is not an option; allowed: skip"),
        (with_info('"runs": "skip"'), "runs: 'skip'; allowed: a list of strings"),
        (
            with_info('"runs": ["skip"]'),
            "runs: skip, whose default is 0; allowed: options with names of strategies",
        ),
        (with_info('"required": ["other"]'), "required: 'other' is not an option; allowed: skip"),
        (with_info('"at_least": ["skip"]'), "at_least: ['skip']; allowed: a mapping of options to"),
        (
            with_info('"at_least": {"skip": "jump"}'),
            "at_least: 'jump' is not an option; allowed: skip",
        ),
        (
            with_info('"at_least": {"jump": "skip"}'),
            "at_least: 'jump' is not an option; allowed: skip",
        ),
        (
            with_info('"at_least": {"skip": "word"}', 'word: str = "a"'),
            "at_least: word, whose default is 'a'; allowed: options with a number, a list or null",
        ),
        (
            with_info('"steps_at_least": {"skip": "skip"}'),
            "steps_at_least: allowed for trainers only",
        ),
        (with_info('"weighted": True'), "weighted: allowed for proxies and trainers only"),
        (with_info('"provides": []'), "provides: allowed for proxies only"),
        (
            with_info('"needs_imags": True'),
            "'needs_imags': no such key (did you mean 'needs_images'?)",
        ),
    ],
)
def test_a_broken_file_is_one_line_and_stops_only_who_uses_it(plugin, source, told):
    (plugin / "first_rows.py").write_text(source, encoding="latin-1")
    with pytest.raises(InputError) as caught:
        registry.describe("strategies", "first-rows")
    assert told in str(caught.value)
    assert str(caught.value).startswith(seen_from_here(plugin / "first_rows.py"))
    assert len(str(caught.value).splitlines()) == 1
    assert registry.problem_of("strategies", "first-rows") == str(caught.value)
    assert "margin" in registry.names("strategies")
    assert provenance.code_hash("workflow_scripts.select_round", [("strategies", "margin")])


def test_parameters_may_have_other_names(plugin):
    for named in ("(seen, count, generator,", "(pool, *others,"):
        text = PLUGIN.replace("(pool, budget, rng,", named).replace(", *others, *,", ", *others,")
        (plugin / "first_rows.py").write_text(text)
        registry.describe.cache_clear()
        registry.parse.cache_clear()
        assert registry.problem_of("strategies", "first-rows") is None


def test_an_option_that_is_compared_may_be_null(plugin):
    """On either side: nothing is compared then."""
    key, more = '"at_least": {"most": "least"}', "least: int | None = None, most: int | None = None"
    (plugin / "first_rows.py").write_text(with_info(key, more))

    def told(**given):
        return registry.option_errors("strategies", "first-rows", given)

    assert told() == told(least=5) == told(most=5) == told(least=5, most=None) == []
    assert told(least=2, most=2) == []
    assert told(least=2, most=1) == ["options.most: 1; allowed: at least 2 (that of least)"]


@pytest.mark.parametrize(
    ("line", "annotation"),
    [
        ("from labelbench_core.registry.options import Positive as Pos", "Pos"),
        ("from labelbench_core.registry import options as o", "o.Positive"),
        ("Positive = float\nPos = Positive | None", "Pos"),
    ],
)
def test_an_annotation_by_another_name_is_a_check(plugin, line, annotation):
    source = PLUGIN.replace("import numpy as np", f"import numpy as np\n\n{line}")
    (plugin / "first_rows.py").write_text(
        source.replace("skip: int = 0", f"skip: {annotation} = 1")
    )
    assert registry.option_errors("strategies", "first-rows", {"skip": 0.5}) == []
    assert registry.option_errors("strategies", "first-rows", {"skip": "a"})
    above_zero = "Positive = " not in line  # the module's own name comes first
    assert bool(registry.option_errors("strategies", "first-rows", {"skip": -1})) == above_zero


def test_strategies_that_run_each_other_are_listed_once(plugin):
    source = with_info('"runs": ["others"]', 'others: Sequence[str] = ("first-rows", "margin")')
    (plugin / "first_rows.py").write_text(source)
    run = {("strategies", "first-rows"), ("strategies", "margin")}
    assert registry.components_run("strategies", "first-rows") == run


def test_a_broken_file_that_a_strategy_imports_is_one_line(plugin):
    (plugin / "order.py").write_text("def first(rows, budget:\n")
    with pytest.raises(InputError, match=r"order\.py: line 1: not valid Python"):
        provenance.code_hash("workflow_scripts.select_round", [("strategies", "first-rows")])


def test_only_an_experiment_that_names_a_broken_strategy_is_stopped(plugin):
    from labelbench_core.configuration import loading as experiments
    from labelbench_core.configuration.catalogue import kind_errors, load_catalogue
    from labelbench_core.configuration.compatibility.component_code import check_code
    from labelbench_core.storage.yaml_files import read_yaml

    folder = PROJECT / "config"
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
        for cache in (registry.describe, registry.parse, provenance._facts, provenance._imports):
            cache.cache_clear()
        schema = folder / "schema" / "catalogue.schema.json"
        assert kind_errors("strategies", catalogue["strategies"], schema, "s.yaml") == []
        load(quickstart)
        with pytest.raises(InputError) as caught:
            load(named)
        assert str(caught.value) == (
            f"my.yaml: strategies: 'broken': {seen_from_here(plugin / file)}: line 1: "
            "not valid Python: invalid syntax"
        )


@pytest.mark.parametrize("source", ["def (:\n", "", "INFO = {}\ndef select(pool):\n    pass\n"])
def test_a_broken_strategy_that_another_one_runs_stops_only_who_names_that(plugin, source):
    from labelbench_core.configuration import loading as experiments
    from labelbench_core.configuration.catalogue import kind_errors, load_catalogue
    from labelbench_core.storage.yaml_files import read_yaml

    folder = PROJECT / "config"
    schema = folder / "schema" / "catalogue.schema.json"
    catalogue = load_catalogue(folder / "catalogue")
    entry = {"implementation": "refine", "options": {"final": "first-rows"}}
    catalogue["strategies"]["refine-small"] = entry
    quickstart = read_yaml(folder / "config.yaml")
    named = {**quickstart, "strategies": ["random", "margin", "refine-small"]}

    def load(config):
        experiments.load_experiment(config, catalogue, folder / "schema", "my.yaml")

    load(named)
    (plugin / "first_rows.py").write_text(source)
    for cache in (registry.describe, registry.parse, provenance._facts, provenance._imports):
        cache.cache_clear()
    assert kind_errors("strategies", catalogue["strategies"], schema, "s.yaml") == []
    load(quickstart)
    with pytest.raises(InputError) as caught:
        load(named)
    assert str(caught.value).startswith(
        f"my.yaml: strategies: 'refine-small': {seen_from_here(plugin / 'first_rows.py')}: "
    )
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_is_no_component_any_more_stops_only_who_uses_it():
    """Its main function or its `INFO` is gone; here, a file that never had any."""
    from labelbench_core.configuration.catalogue import kind_errors

    schema = PROJECT / "config" / "schema" / "catalogue.schema.json"
    assert "testing" not in registry.names("strategies")
    entries = {"mine": {"implementation": "testing"}, "other": {"implementation": "tseting"}}
    (line,) = kind_errors("strategies", entries, schema, "s.yaml")
    assert line.startswith("s.yaml: other.implementation: 'tseting' does not exist")
    with pytest.raises(InputError) as caught:
        registry.components_run("strategies", "testing")
    path = "labelbench_core/strategies/testing.py"
    signature = "select(pool, budget, rng, *, …)"
    assert str(caught.value) == f"{path}: has no function select; allowed: def {signature}"


def test_methods_for_several_classes_a_row_are_listed_beside_broken_ones(plugin):
    from labelbench_core.configuration.catalogue import load_catalogue
    from labelbench_core.configuration.compatibility import multilabel

    catalogue = load_catalogue(PROJECT / "config" / "catalogue")
    entry = {"implementation": "tailor", "options": {"candidates": ["margin", "first-rows"]}}
    catalogue["strategies"]["mine"] = entry
    (plugin / "first_rows.py").write_text("def (:\n")
    crossing = SimpleNamespace(strategies=("alfa-mix",), ceilings=(), proxies=(), finetune=None)
    (line,) = multilabel._methods(crossing, catalogue, "digits")
    allowed = line.partition("allowed: ")[2].split(", ")
    assert "margin" in allowed
    assert "mine" not in allowed


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
