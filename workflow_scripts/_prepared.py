"""What is there of an experiment's data sets when it is planned: manifests, sizes, hashes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelbench_core.configuration.catalogue import Catalogue
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.configuration.sources import since_prepared
from labelbench_core.datasets.source_files import looks
from labelbench_core.datasets.splits.drawn_ahead import Remembered
from labelbench_core.errors import InputError
from labelbench_core.stages.table import STAGES
from labelbench_core.storage.records import read_record

SOURCES_STATE = looks.STATE
BACKBONES_STATE = SOURCES_STATE.with_name("backbones.json")
PREPARED = STAGES["prepare_dataset"].path("manifest")


def remembered_of(experiment: Experiment) -> dict[str, Remembered]:
    """Data set → where it is kept what is known of its files and of an earlier draw."""
    return {
        dataset: Remembered(dataset, SOURCES_STATE, Path(PREPARED.format(dataset=dataset)).parent)
        for dataset in experiment.all_of("datasets")
    }


def sizes_of(prepared: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """Sizes of the splits of data sets, from their manifests."""
    return {
        dataset: {name: split["num_rows"] for name, split in manifest["splits"].items()}
        for dataset, manifest in prepared.items()
    }


def prepared_manifests(experiment: Experiment, catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    """Manifests of prepared data sets, whose source is no longer needed.

    Data sets prepared with settings other than the catalogue's are made again.
    """
    manifests = {}
    for dataset in experiment.all_of("datasets"):
        manifest = Path(PREPARED.format(dataset=dataset))
        if manifest.is_file():
            try:
                found = read_record(manifest, "data set", {"dataset": dataset})
            except InputError:  # made again, or named by the first job that reads it
                continue
            if since_prepared.made_by(found, catalogue["datasets"][dataset]):
                manifests[dataset] = found
    return manifests
