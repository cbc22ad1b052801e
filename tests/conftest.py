"""What all tests share."""

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

# Machines may do much else meanwhile.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# Their assertions tell as much as those of the tests.
pytest.register_assert_rewrite("helpers")


def pytest_runtest_setup(item):
    """Jobs that ran in this process before may flush denormals, which Hypothesis wants to draw."""
    torch = sys.modules.get("torch")
    if torch is not None and is_hypothesis_test(getattr(item, "obj", None)):
        torch.set_flush_denormal(False)


# Their lines are counted by the tests of the units, or run in other processes; counting takes as
# long again as they do where Python cannot count without tracing (before 3.12).
NOT_COUNTED = ("faults", "workflow")


def pytest_collection_modifyitems(items):
    """Which tests do not count lines; those that take minutes run first.

    At the end, one process would wait for another one's.
    """
    items.sort(key=lambda item: item.get_closest_marker("thorough") is None)
    for item in items:
        folder = Path(item.path).relative_to(Path(__file__).parent).parts[0]
        if folder in NOT_COUNTED or item.get_closest_marker("thorough"):
            item.add_marker("no_cover")
