"""What all tests share."""

from hypothesis import HealthCheck, settings

# Machines may do much else meanwhile.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
