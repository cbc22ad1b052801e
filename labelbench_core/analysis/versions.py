"""Which versions and which inputs stand behind a report."""

import platform
from collections.abc import Sequence
from importlib import metadata
from typing import Any

from labelbench_core.experiment import Experiment
from labelbench_core.files import read_json
from labelbench_core.result_files import KIND, read_record

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
    rows = {}
    for pattern in patterns:
        for ids in experiment.settings():
            path = pattern.format_map(ids)
            if path in rows:
                continue
            manifest = _read_manifest(path)
            name = " / ".join(
                str(manifest[key]) for key in ("dataset", "backbone") if key in manifest
            )
            fingerprint = str(manifest.get("weights_sha256") or manifest.get("fingerprint") or "")
            versions = manifest.get("versions") or {}
            made = ", ".join(f"{key} {versions[key]}" for key in sorted(versions))
            rows[path] = (name, fingerprint[:16], made)
    return list(rows.values())


def _read_manifest(path: str) -> dict[str, Any]:
    """The manifest of a data set or of embeddings."""
    content = read_json(path)
    is_embeddings = isinstance(content, dict) and content.get(KIND) == "embeddings"
    return read_record(path, "embeddings" if is_embeddings else "data set")
