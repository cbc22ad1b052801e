"""A data set prepared in a folder, as its rule does."""

from pathlib import Path
from typing import Any

from labelbench_core.datasets import PreparedDataset, open_dataset
from labelbench_core.datasets.preparing.prepare import prepare_dataset


def prepare(
    target: Path,
    source: str,
    data_dir: Path,
    options: dict[str, Any] | None = None,
    **keys: Any,
) -> PreparedDataset:
    """Prepare a data set called "mine"; `keys` are those of a catalogue's entry."""
    arrays, manifest = target / "arrays", target / "manifest.json"
    prepare_dataset("mine", source, options or {}, data_dir, arrays, manifest, **keys)
    return open_dataset(target)
