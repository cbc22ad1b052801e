"""What all rounds on a data set and backbone read: opened, verified, and seen to match."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core import registry
from labelbench_core.datasets import POOL, VAL, PreparedDataset, open_dataset
from labelbench_core.datasets.rows.identity import pool_sha256
from labelbench_core.embeddings.refreshing import refreshed_after
from labelbench_core.embeddings.views import open_embeddings, open_views, pool_statistics
from labelbench_core.errors import InputError, damaged
from labelbench_core.proxies import Statistics
from labelbench_core.storage.job_settings import JobSettings
from labelbench_core.storage.round_files import ids_of_round
from labelbench_core.storage.rows import LoadableRows, RowSource
from labelbench_core.storage.zero_shot_file import read_head

if TYPE_CHECKING:
    from labelbench_core.annotators.annotations import Annotations


@dataclass(frozen=True)
class RoundData:
    """What all rounds on a data set and backbone read.

    Attributes
    ----------
    embeddings
        Split → (N, D) float16, on disk. The pool's split is called `pool`. For proxies that train a
        backbone: `ImageRows`.
    truth
        Split → (N,) int64 labels that results are measured on; where a row can belong to any number
        of classes, (N, C) of 0 and 1. No strategy, proxy or trainer sees the pool's.
    statistics
        Statistics of the pool's embeddings.
    views, backbone, zero_shot, checkpoint
        See `TrainingSet`.
    source
        Identifies these embeddings among those of the same images.
    dataset_fingerprint
        Identifies the data set.
    annotations
        The annotator's labels of the pool; None for the exact annotator.
    known_multilabel
        `multilabel` where labels are left out of `truth`; None: what `truth` says.
    groups
        Split → (N,) int64, -1 for a row of no group; splits without groups are left out.
    weights, training_weights
        Split → (N,) float32 weight of each row in metrics, and in training; splits without weights
        are left out.
    pool_sha256
        Identifies the images of its pool, and their order; None: not known.
    """

    embeddings: Mapping[str, RowSource]
    truth: Mapping[str, np.ndarray]
    num_classes: int
    statistics: Statistics
    views: Mapping[str, Sequence[LoadableRows]] = field(
        default_factory=dict[str, Sequence[LoadableRows]]
    )
    backbone: Mapping[str, Any] | None = None
    zero_shot: Mapping[str, np.ndarray] | None = None
    checkpoint: Path | None = None
    source: str = ""
    dataset_fingerprint: str = ""
    annotations: "Annotations | None" = None
    known_multilabel: bool | None = None
    groups: Mapping[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])
    weights: Mapping[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])
    training_weights: Mapping[str, np.ndarray] = field(default_factory=dict[str, np.ndarray])
    pool_sha256: str | None = None

    @property
    def multilabel(self) -> bool:
        """Whether a row can belong to any number of classes."""
        if self.known_multilabel is None:
            return any(labels.ndim > 1 for labels in self.truth.values())
        return self.known_multilabel

    def without_labels(self) -> "RoundData":
        """The same for those who may see no label but those that they buy, and those of `val`."""
        kept = {split: labels for split, labels in self.truth.items() if split == VAL}
        return replace(self, truth=kept, annotations=None, known_multilabel=self.multilabel)

    @property
    def said(self) -> np.ndarray:
        """(N,) int64 labels of the pool as the annotator gives them: those that are sold.

        `InputError` where the pool has none and there is no annotator.
        """
        if self.annotations is not None:
            return self.annotations.labels
        if POOL not in self.truth:
            raise InputError("the pool has no labels; allowed: an annotator that gives some")
        return self.truth[POOL]

    @property
    def labeled_by(self) -> dict[str, str]:
        """What records say of the annotator; nothing of the exact one."""
        return {} if self.annotations is None else self.annotations.ids


def open_round_data(
    settings: Mapping[str, Any],
    dataset_manifest: Path,
    embeddings_manifest: Path,
    views_manifest: Path | None = None,
    zero_shot: Path | None = None,
    annotations: Path | None = None,
) -> RoundData:
    """Open and verify a prepared data set, its embeddings and whatever else rounds read.

    Parameters
    ----------
    settings
        Ids `dataset` and `backbone`, and the catalogue's entry `proxy`; the id `annotator`, except
        for the exact one.
    annotations
        Record of that annotator's labels.

    Raises
    ------
    InputError
        If a file is missing or damaged, or belongs to another data set, backbone or augmentation.
    """
    ids, entries = JobSettings.of(settings)
    dataset = open_dataset(dataset_manifest.parent, ids["dataset"])
    of_dataset = {
        "dataset": ids["dataset"],
        "dataset_fingerprint": dataset.manifest["fingerprint"],
        "backbone": ids["backbone"],
    }
    manifest, embeddings = open_embeddings(embeddings_manifest, of_dataset)
    for split in dataset.splits:
        if split not in embeddings:
            raise damaged(embeddings_manifest, f"splits.{split} is missing")
    views: Mapping[str, Sequence[LoadableRows]] = {}
    if views_manifest:
        of_views = {
            **of_dataset,
            "weights_sha256": manifest["weights_sha256"],
            "augmentation": option(entries["proxy"], "augmentation"),
        }
        views = open_views(views_manifest, embeddings["pool"], of_views)
    return RoundData(
        embeddings={split: embeddings[split] for split in dataset.splits},
        truth=_truth(dataset),
        annotations=_said(settings, dataset, annotations),
        num_classes=dataset.num_classes,
        statistics=Statistics(**pool_statistics(embeddings_manifest, manifest)),
        views=views,
        zero_shot=read_head(zero_shot, of_dataset, dataset.num_classes) if zero_shot else None,
        source=manifest["fingerprint"],
        dataset_fingerprint=dataset.manifest["fingerprint"],
        groups=_by_split(dataset, dataset.groups),
        weights=_by_split(dataset, dataset.evaluation_weights),
        training_weights=_by_split(dataset, dataset.training_weights),
        pool_sha256=pool_sha256(dataset.manifest["splits"]["pool"]),
    )


def open_image_data(
    settings: Mapping[str, Any],
    dataset_manifest: Path,
    checkpoint: Path | None = None,
    threads: int = 1,
    zero_shot: Path | None = None,
    annotations: Path | None = None,
) -> RoundData:
    """Open a prepared data set for proxies that train a backbone; no embeddings are needed.

    Parameters
    ----------
    settings
        The ids `dataset` and, except for the exact one, `annotator`; the entry `backbone` of the
        catalogue.
    checkpoint
        File that an interrupted training leaves, to resume from.
    zero_shot
        File of the classifier made of class names, for proxies that start from it.
    annotations
        Record of the annotator's labels.
    """
    from labelbench_core.datasets.images.framing import framing_of
    from labelbench_core.datasets.rows.image_rows import ImageRows

    ids, entries = JobSettings.of(settings)
    dataset = open_dataset(dataset_manifest.parent, ids["dataset"])
    framing = framing_of(entries["backbone"])
    blind = dataset.without_labels(POOL)  # what proxies get
    of_dataset = {
        "dataset": ids["dataset"],
        "dataset_fingerprint": dataset.manifest["fingerprint"],
        "backbone": ids["backbone"],
    }
    return RoundData(
        embeddings={split: ImageRows(blind, split, threads, framing) for split in dataset.splits},
        truth=_truth(dataset),
        annotations=_said(settings, dataset, annotations),
        num_classes=dataset.num_classes,
        statistics=Statistics(np.zeros(0), np.zeros(0)),
        backbone=entries["backbone"],
        zero_shot=read_head(zero_shot, of_dataset, dataset.num_classes) if zero_shot else None,
        checkpoint=checkpoint,
        source=dataset.manifest["fingerprint"],
        dataset_fingerprint=dataset.manifest["fingerprint"],
        groups=_by_split(dataset, dataset.groups),
        weights=_by_split(dataset, dataset.evaluation_weights),
        training_weights=_by_split(dataset, dataset.training_weights),
        pool_sha256=pool_sha256(dataset.manifest["splits"]["pool"]),
    )


def _said(
    settings: Mapping[str, Any], dataset: PreparedDataset, record: Path | None
) -> "Annotations | None":
    """The annotator's labels of the pool; None for the exact one, which most rounds have."""
    # Asked here, too: a round whose annotator is exact need not import the others.
    if settings.get("annotator") is None:
        return None
    from labelbench_core.annotators.annotations import open_annotations

    return open_annotations(settings, dataset, record)


def _truth(dataset: PreparedDataset) -> dict[str, np.ndarray]:
    return {one: dataset.labels(one) for one in dataset.splits if dataset.has_labels(one)}


def _by_split(
    dataset: PreparedDataset, read: Callable[[str], np.ndarray | None]
) -> dict[str, np.ndarray]:
    """Split → what `read` gives for it, unless that is None."""
    return {one: array for one in dataset.splits if (array := read(one)) is not None}


def expected_before(data: RoundData, settings: Mapping[str, Any], number: int) -> dict[str, Any]:
    """What the record of the round before `number` must say, for `round_files.read_round`.

    Parameters
    ----------
    settings
        Ids or entries of the catalogue; `proxy` is an entry.
    """
    expected = ids_of_round(settings, number - 1)
    expected["dataset_fingerprint"] = data.dataset_fingerprint
    expected["annotations_sha256"] = data.labeled_by.get("annotations_sha256")
    every = option(JobSettings.of(settings).entries["proxy"], "refresh_every")
    if refreshed_after(every, number) == refreshed_after(every, number - 1):
        expected["source"] = data.source
    return expected


def option(entry: Mapping[str, Any], name: str) -> Any:
    """The value of an option of a proxy's entry, its default included; None if there is none."""
    defaults = registry.describe("proxies", entry["implementation"]).options
    return {**defaults, **registry.options_of(entry)}.get(name)
