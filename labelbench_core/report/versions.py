"""The versions and inputs behind a report."""

import platform
from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import Any

from labelbench_core.configuration.experiment import Experiment
from labelbench_core.datasets.notes import leak_notes, left_out_notes, variant_notes
from labelbench_core.storage.files import read_json
from labelbench_core.storage.records import KIND, read_record

PACKAGES = ("jinja2", "matplotlib", "numpy", "pandas", "scipy")


def analysis_versions() -> dict[str, str]:
    """Versions of Python and of the packages that computed the tables and drew the figures."""
    found = {"python": platform.python_version()}
    return found | {name: metadata.version(name) for name in PACKAGES}


def describe_inputs(experiment: Experiment, patterns: Sequence[str]) -> list[tuple[str, str, str]]:
    """`(name, fingerprint, versions)` of every manifest that `patterns` stand for.

    A pattern is the path of a manifest, perhaps with ids in braces. The fingerprint is that of the
    data set or, for embeddings, of the weights; the versions are those that made it.
    """
    rows = []
    for manifest in _manifests(experiment, patterns):
        name = " / ".join(str(manifest[key]) for key in ("dataset", "backbone") if key in manifest)
        fingerprint = str(manifest.get("weights_sha256") or manifest.get("fingerprint") or "")
        versions = manifest.get("versions") or {}
        made = ", ".join(f"{key} {versions[key]}" for key in sorted(versions))
        rows.append((name, fingerprint[:16], made))
    return rows


def describe_images(
    experiment: Experiment, patterns: Sequence[str]
) -> tuple[list[str], list[str], list[str]]:
    """Sentences on leaks, on what was left out, and on variants of all data sets of `patterns`."""
    found: tuple[list[str], list[str], list[str]] = ([], [], [])
    for manifest in _manifests(experiment, patterns):
        if "backbone" not in manifest:
            for sentences, notes in zip(
                found, (leak_notes, left_out_notes, variant_notes), strict=True
            ):
                sentences += [f"{manifest['dataset']}: {note}" for note in notes(manifest)]
    return found


def _manifests(experiment: Experiment, patterns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Every manifest that `patterns` stand for, once."""
    paths = [pattern.format_map(ids) for pattern in patterns for ids in experiment.settings()]
    for path in dict.fromkeys(paths):
        content = read_json(path)
        is_embeddings = isinstance(content, dict) and content.get(KIND) == "embeddings"
        yield read_record(path, "embeddings" if is_embeddings else "data set")
