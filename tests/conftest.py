"""What all tests share."""

import atexit
import gc
import importlib.util
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# What is imported and collected stays to the end: it is not looked through again and again.
gc.disable()

# Machines may do much else meanwhile.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# Threads of torch and scikit-learn that wait do so asleep, here and in the jobs: where as many
# processes as cores run tests, spinning takes the time of the others' work.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# Their assertions tell as much as those of the tests.
pytest.register_assert_rewrite("helpers")


def pytest_plugin_registered(plugin, plugin_name, manager):
    """Count lines without tracing where Python cannot; before any other file is imported."""
    from helpers import counted_lines

    if plugin_name == "_cov" and counted_lines.is_needed():
        manager.register(counted_lines.Plugin(plugin))


def pytest_collection_finish():
    """From here on garbage is looked for among what tests make, to the last look of pytest.

    Some packages complain at the end of what was not taken apart.
    """
    gc.freeze()
    gc.enable()
    atexit.register(gc.unfreeze)


def pytest_configure(config):
    """Where processes of tests keep all cores busy, more threads only wait for each other.

    Before the processes start, which take this from here: they have NumPy before this file. Tests
    of threads, and the workflow's jobs, say how many they use.
    """
    processes = getattr(config.option, "numprocesses", None) or 0
    if processes:
        gc.enable()  # nothing is collected here
    if processes >= len(os.sched_getaffinity(0)):
        for library in ("OMP", "OPENBLAS", "MKL"):
            os.environ.setdefault(f"{library}_NUM_THREADS", "1")


EXTRAS_ARE_REQUIRED = os.environ.get("LABELBENCH_EXTRAS") == "required"
"""Whether a test must not be skipped: `make test-extras`."""


def pytest_runtest_setup(item):
    """Skip what needs packages that are not here; see to it that floats are as in a new process."""
    needed = [name for marker in item.iter_markers("extra") for name in marker.args]
    if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
        pytest.skip(f"needs {', '.join(missing)}: make test-extras")
    do_not_flush_denormals()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """A test that is skipped has failed where it must not be."""
    report = yield
    if EXTRAS_ARE_REQUIRED and report.skipped:
        report.outcome, report.longrepr = "failed", f"skipped: {report.longrepr}"
    return report


def do_not_flush_denormals():
    """Jobs that ran in this process before may have made it flush denormals."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_flush_denormal(False)


# Their lines are counted by the tests of the units, or run in other processes.
NOT_COUNTED = ("faults", "workflow")


def pytest_collection_modifyitems(items):
    """Which tests do not count lines; those that take minutes run first.

    At the end, one process would wait for another one's.
    """
    from helpers import counted_lines

    items.sort(key=lambda item: item.get_closest_marker("thorough") is None)
    for item in items:
        folder = Path(item.path).relative_to(Path(__file__).parent).parts[0]
        if folder in NOT_COUNTED or item.get_closest_marker("thorough"):
            counted_lines.leave_out(item)
