"""Whether the options of backbones can work, checked before any job."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelbench_core import registry
from labelbench_core.errors import InputError
from labelbench_core.storage import files
from labelbench_core.storage.places import at_home

_SCRIPT = """
import importlib, json, sys
from labelbench_core.errors import InputError
problems = {}
for name, (module, options) in json.load(sys.stdin).items():
    try:
        component = importlib.import_module(module)
        if not (hasattr(component, "surely_known") and component.surely_known(**options)):
            component.check_known(**options)
    except InputError as error:
        problems[name] = str(error)
    except (Exception, SystemExit) as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())
        problems[name] = f"its options cannot be checked here: {told}"
with open(sys.argv[1], "w") as answer:
    json.dump(problems, answer)
"""


def problems_of(
    entries: Mapping[str, Mapping[str, Any]], remembered: Path | None = None
) -> dict[str, str]:
    """What is wrong with entries of the catalogue's backbones, by id; nothing is downloaded.

    A backbone's module has a cheap `check`. If it also has a `check_known`, which needs the large
    library named by its `LIBRARY`, that is called too if the library is installed here, unless its
    `surely_known` shows without the library that this is not needed.

    Parameters
    ----------
    remembered
        A file of this machine that says of which entries nothing was wrong, so that the library is
        not asked again; None: it always is.
    """
    good = _read(remembered)
    problems: dict[str, str] = {}
    waiting: dict[str, tuple[str, dict[str, Any]]] = {}
    keys: dict[str, str | None] = {}
    for name, entry in entries.items():
        component = registry.load("backbones", entry["implementation"])
        options = registry.options_of(entry)
        try:
            registry.check("backbones", entry)
        except InputError as error:
            problems[name] = str(error)
            continue
        library = getattr(component, "LIBRARY", None)
        if library is not None and (found := importlib.util.find_spec(library)) is not None:
            keys[name] = _key(entry, found.origin) if remembered else None
            if keys[name] is None or keys[name] not in good:
                waiting[name] = (component.__name__, options)
    told = _problems_known(waiting) if waiting else {}
    new = {key for name in waiting if name not in told and (key := keys[name]) is not None}
    if remembered is not None and new:
        with contextlib.suppress(OSError), files.atomic_path(remembered) as aside:
            aside.write_text(files.canonical_json(sorted(good | new)), encoding="utf-8")
    return {**problems, **told}


def _read(remembered: Path | None) -> set[str]:
    with contextlib.suppress(OSError, ValueError, TypeError):
        return set(json.loads(remembered.read_bytes())) if remembered else set()
    return set()


def _key(entry: Mapping[str, Any], library: str | None) -> str | None:
    """A hash of all that the answer of a library at that path depends on; None: not known."""
    name, options = entry["implementation"], registry.options_of(entry)
    info = registry.describe("backbones", name).info
    if registry.own.is_own(name) or "code" in info or library is None:
        return None
    paths = [Path(library)]
    weights = options.get(info.get("weights_file", ""))
    if isinstance(weights, str):
        file = at_home(weights).absolute()
        paths += [file, *file.parent.glob("*.json")]
    found = [(str(one), one.stat().st_size, one.stat().st_mtime_ns) for one in sorted(paths)]
    content = files.canonical_json([name, options, found, _code()])
    return files.sha256_bytes(content.encode())


@functools.cache
def _code() -> dict[str, str]:
    """Hashes of this package's files: by content, since copies elsewhere have the same answers."""
    folder = Path(__file__).parent
    return {
        one.relative_to(folder).as_posix(): files.sha256_file(one) for one in folder.rglob("*.py")
    }


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
