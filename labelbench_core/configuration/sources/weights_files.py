"""Files of weights that backbones name: whether embeddings were made with their content."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelbench_core import registry
from labelbench_core.backbones.shared.model_files import file_sha256
from labelbench_core.datasets.source_files import looks
from labelbench_core.datasets.source_files.digests import Digests
from labelbench_core.storage.places import at_home, is_file


def file_of(entry: Mapping[str, Any]) -> Path | None:
    """The file of weights that an entry of a backbone names; None if it names none."""
    info = registry.describe("backbones", entry["implementation"]).info
    given = registry.options_of(entry).get(info.get("weights_file", ""))
    return at_home(given) if isinstance(given, str) and given else None


def names_weights(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of a backbone can name a file of weights, or a function that gives them."""
    info = registry.describe("backbones", entry["implementation"]).info
    return "weights_file" in info or "code" in info


def content_changed(entry: Mapping[str, Any], manifest: Path, state: Path) -> str | None:
    """Why embeddings were not made with the weights that an entry names; None if they were.

    Also None where the file or the manifest is missing: then nothing can be told.

    Parameters
    ----------
    state
        A folder of this machine where hashes are remembered.
    """
    path = file_of(entry)
    if path is None or not manifest.is_file():
        return None
    record = looks.digests_record(state, path.parent)

    def remembered(file: Path) -> str:
        return Digests(file.parent, record).of([file.name])[file.name]

    try:
        if not is_file(path):
            return None
        made_of = json.loads(manifest.read_text(encoding="utf-8")).get("file_sha256")
        digest = file_sha256(path, remembered) if made_of else None
    except (OSError, ValueError, AttributeError, KeyError):  # reported by those that read them
        return None
    return None if digest == made_of else f"{path} has changed since"
