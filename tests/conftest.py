"""What all tests share."""

import sys

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
