"""All components of this project are listed and described without importing them."""

import dataclasses
import subprocess
import sys

import pytest

from helpers.project import PROJECT
from labelbench_core import registry
from labelbench_core.errors import InputError
from labelbench_core.registry import info
from labelbench_core.strategies.pool import Pool


def test_an_unknown_name_is_told_with_what_there_is():
    with pytest.raises(InputError, match=r"'margn': unknown name .*'margin'.*; allowed: .*margin"):
        registry.load("strategies", "margn")
    with pytest.raises(InputError, match="kind of component: 'strategy'; allowed: datasets"):
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
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"torch", "scipy", "sklearn", "pandas"} & set(done.stdout.split())
    assert "options" in done.stdout


def test_what_strategies_may_need_are_fields_of_a_pool_and_proxies_provide_some_of_them():
    fields = {field.name for field in dataclasses.fields(Pool)}
    assert set(info.POOL_FIELDS) <= fields
    assert set(info.PROVIDED) < set(info.POOL_FIELDS)
