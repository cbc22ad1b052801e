"""The versions and inputs behind a report."""

import platform
from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import Any

from labelbench_core.analysis.collected.frames import labels_note
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.configuration.references import written_setting
from labelbench_core.datasets.preparing.notes import (
    corrupt_notes,
    leak_notes,
    left_out_notes,
    small_test_notes,
    variant_notes,
)
from labelbench_core.storage.files import read_json
from labelbench_core.storage.records import KIND, read_record

PACKAGES = ("altair", "jinja2", "matplotlib", "numpy", "pandas", "scipy", "vl-convert-python")


def analysis_versions() -> dict[str, str]:
    """Versions of Python and of the packages that computed the tables and drew the figures."""
    found = {"python": platform.python_version()}
    return found | {name: metadata.version(name) for name in PACKAGES}


def describe_inputs(experiment: Experiment, patterns: Sequence[str]) -> list[tuple[str, str, str]]:
    """`(name, fingerprint, versions)` of every manifest that `patterns` stand for.

    A pattern is the path of a manifest, perhaps with ids in braces. The fingerprint is that of the
    data set; for embeddings, of the weights; for an annotator's labels, of these. The versions are
    those of the software that made it.
    """
    rows = []
    for manifest in _manifests(experiment, patterns):
        name = written_setting(str(manifest.get(key, "")) for key in ("dataset", "backbone"))
        name += labels_note(manifest)
        digests = (manifest.get(key) for key in ("weights_sha256", "fingerprint", "arrays_sha256"))
        fingerprint = str(next(filter(None, digests), ""))
        versions = manifest.get("versions") or {}
        made = ", ".join(f"{key} {versions[key]}" for key in sorted(versions))
        rows.append((name, fingerprint[:16], made))
    return rows


def describe_images(
    experiment: Experiment, patterns: Sequence[str]
) -> tuple[list[str], list[str], list[str]]:
    """Sentences on all data sets of `patterns`: caveats, what was left out, and variants.

    Caveats are leaks, images that cannot be decoded, and small splits.
    """
    found: tuple[list[str], list[str], list[str]] = ([], [], [])
    for manifest in _manifests(experiment, patterns):
        if manifest[KIND] == "data set":
            for sentences, notes in zip(
                found, (_caveats, left_out_notes, variant_notes), strict=True
            ):
                sentences += [f"{manifest['dataset']}: {note}" for note in notes(manifest)]
    return found


def _caveats(manifest: dict[str, Any]) -> Iterator[str]:
    for notes in (leak_notes, corrupt_notes, small_test_notes):
        yield from notes(manifest)


def describe_annotators(experiment: Experiment, patterns: Sequence[str]) -> list[str]:
    """A sentence for every annotator among `patterns`: how many of its labels are wrong."""
    notes = []
    for record in _manifests(experiment, patterns):
        if record[KIND] == "annotations" and "noise" not in record:
            notes.append(
                f"{record['dataset']}{labels_note(record)}: the pool has no labels of its own, so "
                "that nothing is measured on it, and it is unknown how many of these are wrong."
            )
        elif record[KIND] == "annotations":
            least, most = (100 * one(record["noise_by_class"]) for one in (min, max))
            notes.append(
                f"{record['dataset']}{labels_note(record)}: {100 * record['noise']:.2f} % of the "
                f"pool's {record['num_rows']:,} labels are not the data set's own ({least:.2f} % "
                f"of the least affected class, {most:.2f} % of the most). Strategies and trainings "
                "are told these labels; results are measured on the data set's own."
            )
    return notes


def _manifests(experiment: Experiment, patterns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Every manifest that `patterns` stand for, once."""
    paths = [pattern.format_map(ids) for pattern in patterns for ids in experiment.settings()]
    for path in dict.fromkeys(paths):
        content = read_json(path)
        kind = content.get(KIND) if isinstance(content, dict) else None
        yield read_record(path, kind if kind in ("embeddings", "annotations") else "data set")
