"""What all tests share."""

import pytest
from hypothesis import HealthCheck, settings

# Machines may do much else meanwhile.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# Their assertions tell as much as those of the tests.
pytest.register_assert_rewrite("helpers")
