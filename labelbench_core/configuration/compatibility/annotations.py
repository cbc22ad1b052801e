"""Annotators on the data sets of an experiment, checked before any job starts."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from labelbench_core import registry
from labelbench_core.annotators import EXACT, PoolFacts
from labelbench_core.annotators.annotating import made_by, source_of
from labelbench_core.configuration.catalogue import Catalogue, entry_error
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.configuration.sources.source_sizes import pool_labels, source_sizes
from labelbench_core.datasets import POOL
from labelbench_core.datasets.labels.unlabeled import has_labels
from labelbench_core.errors import InputError, raise_all
from labelbench_core.storage import files
from labelbench_core.storage.records import read_record

Annotated = tuple[str, str]
"""Ids of a data set and of an annotator."""


def annotated(experiment: Experiment) -> Iterator[Annotated]:
    """Every data set with every annotator but the exact one, each once."""
    pairs = (
        (dataset, annotator)
        for crossing in experiment.crossings
        for dataset in crossing.datasets
        for annotator in crossing.annotators
        if annotator != EXACT
    )
    yield from dict.fromkeys(pairs)


def look_at_annotators(
    experiment: Experiment,
    catalogue: Catalogue,
    data_dir: Path,
    records: Mapping[Annotated, Path],
    prepared: Mapping[str, Mapping[str, Any]],
) -> dict[Path, str]:
    """Check that annotators can be used, and whether their tables have changed since.

    Annotations from a table that is no longer there stay valid.

    Parameters
    ----------
    data_dir
        Where files of data sets and annotators are looked for.
    records
        Where the records of `annotated` are, or will be.
    prepared
        Manifests of the data sets that are prepared as the catalogue has them.

    Returns
    -------
    Records of annotators whose tables have changed → the line about it.

    Raises
    ------
    InputError
        All errors, one a line.
    """
    errors: list[str] = []
    changed: dict[Path, str] = {}
    for (dataset, annotator), record in records.items():
        entry = catalogue["annotators"][annotator]
        try:
            state = _state(record, entry, data_dir)
            if state == "current":
                continue
            facts = _facts(catalogue["datasets"][dataset], data_dir, prepared.get(dataset))
            registry.check("annotators", entry, facts)
            if state == "changed":
                changed[record] = f"the table of annotator {annotator!r} has changed"
        except InputError as error:
            where = f"annotator {annotator!r} on data set {dataset!r}"
            errors.append(entry_error(catalogue, "annotators", annotator, where, error))
    raise_all(errors)
    return changed


def _state(record: Path, entry: Mapping[str, Any], data_dir: Path) -> str:
    """State of the annotations: "absent", "changed" if the table has changed, else "current".

    What was made by another entry is made again, and counts as absent.
    """
    if not record.is_file():
        return "absent"
    try:
        found = read_record(record, "annotations")
    except InputError:  # named by the first job that reads it
        return "current"
    if found.get("made_by") != made_by(entry):
        return "absent"
    path = source_of(entry, data_dir)
    if path is None or not path.is_file():
        return "current"
    return "current" if files.sha256_file(path) == found.get("source_sha256") else "changed"


def _facts(
    entry: Mapping[str, Any], data_dir: Path, manifest: Mapping[str, Any] | None
) -> PoolFacts:
    """What can be known of a data set's pool without reading images."""
    if manifest is not None:
        num_rows = manifest["splits"][POOL]["num_rows"]
        return PoolFacts(num_rows, manifest["class_names"], data_dir, has_labels(entry))
    component = registry.load("datasets", entry["implementation"])
    options = registry.options_of(entry)
    known = None
    # With any other key beside them, the pool is not what the source has.
    if set(entry) <= {"implementation", "options", "prompts"} and hasattr(component, "pool_labels"):
        if (found := source_sizes(entry, data_dir)).missing:
            return PoolFacts(found.splits.get(POOL), None, data_dir, has_labels(entry))
        known = pool_labels(component, data_dir, options)
    if known is None:
        return PoolFacts(None, None, data_dir, has_labels(entry))
    labels, class_names = known
    return PoolFacts(len(labels), class_names, data_dir, has_labels(entry))
