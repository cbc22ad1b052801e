"""Notes of this folder, beside Snakemake's own metadata: what earlier runs and plans saw.

Each file is a JSON object to which any process may add. Nothing depends on them: a missing or
damaged one costs only what it is for.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelbench_core.storage import files


def read(notes: Path) -> dict[str, Any]:
    """What is noted; empty where the file is missing or damaged."""
    try:
        found = json.loads(notes.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def add(notes: Path, found: Mapping[str, Any]) -> None:
    """Note `found`; what is noted under other keys stays, also what others note meanwhile."""
    with files.exclusive(notes), files.atomic_path(notes) as aside:
        aside.write_text(files.canonical_json({**read(notes), **found}), encoding="utf-8")
