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
        provenance._tree,
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
    provenance._tree.cache_clear()
    provenance.module_hash.cache_clear()
    assert provenance.code_hash("workflow_scripts.select_round", components) != before


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
