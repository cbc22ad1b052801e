"""Checks that need a large library, made in a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from labelbench_core import registry
from labelbench_core.errors import InputError

_SCRIPT = """
import importlib, json, sys
from labelbench_core.errors import InputError
try:
    importlib.import_module(sys.argv[1]).check_known(**json.loads(sys.argv[2]))
except InputError as error:
    print(error)
    sys.exit(3)
"""
_REFUSED = 3


def check_apart(module: str, options: Mapping[str, Any]) -> None:
    """Call `module.check_known(**options)` in another process; its `InputError` is raised here.

    The libraries take hundreds of megabytes, which Snakemake's own process would keep for as long
    as an experiment runs.
    """
    paths = [str(registry.PROJECT), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, module, json.dumps(dict(options), default=str)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )
    if done.returncode == _REFUSED:
        raise InputError(done.stdout.strip())
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise InputError(f"its options cannot be checked here: {reason}")
