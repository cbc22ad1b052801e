"""Whether the options of backbones can work, checked before any job."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from typing import Any

from labelbench_core import registry
from labelbench_core.errors import InputError

_SCRIPT = """
import importlib, json, sys
from labelbench_core.errors import InputError
problems = {}
for name, (module, options) in json.load(sys.stdin).items():
    try:
        importlib.import_module(module).check_known(**options)
    except InputError as error:
        problems[name] = str(error)
    except (Exception, SystemExit) as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())
        problems[name] = f"its options cannot be checked here: {told}"
with open(sys.argv[1], "w") as answer:
    json.dump(problems, answer)
"""


def problems_of(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """What is wrong with entries of the catalogue's backbones, by id; nothing is downloaded.

    A backbone's module has a cheap `check`. If it also has a `check_known`, which needs the large
    library named by its `LIBRARY`, that is called too if the library is installed here.
    """
    problems: dict[str, str] = {}
    waiting: dict[str, tuple[str, dict[str, Any]]] = {}
    for name, entry in entries.items():
        component = registry.load("backbones", entry["implementation"])
        options = registry.options_of(entry)
        try:
            component.check(**options)
        except InputError as error:
            problems[name] = str(error)
            continue
        library = getattr(component, "LIBRARY", None)
        if library is not None and importlib.util.find_spec(library) is not None:
            waiting[name] = (component.__name__, options)
    return {**problems, **(_problems_known(waiting) if waiting else {})}


def _problems_known(waiting: Mapping[str, tuple[str, Mapping[str, Any]]]) -> dict[str, str]:
    """The errors of `check_known` for (module, options), by name, all from one other process.

    The libraries take seconds to import and hundreds of megabytes, which Snakemake's own process
    would keep for as long as an experiment runs.
    """
    paths = [str(registry.PROJECT), os.environ.get("PYTHONPATH", "")]
    # A file of its own: libraries print on standard output.
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as answer:
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT, answer.name],
            input=json.dumps(waiting, default=str),
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        )
        if not done.returncode:
            return json.load(answer)
    reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    return dict.fromkeys(waiting, f"its options cannot be checked here: {reason}")
