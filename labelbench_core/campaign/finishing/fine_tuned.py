"""Fine-tuning the backbone on a campaign's labels, and what it predicts for the whole pool."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core import registry
from labelbench_core.campaign.finishing.calibration import NEAREST_TO_1, SMALLEST
from labelbench_core.campaign.finishing.collected import CollectedLabels
from labelbench_core.campaign.models import Model
from labelbench_core.campaign.settings import Campaign
from labelbench_core.compute.devices import choose_device, prepare_cpu
from labelbench_core.compute.likelihoods import sigmoid, softmax
from labelbench_core.datasets import POOL, Images, PreparedDataset
from labelbench_core.errors import InputError
from labelbench_core.storage import files
from labelbench_core.storage.records import read_record, write_record
from labelbench_core.training.recipe import Recipe

if TYPE_CHECKING:
    import torch

    from labelbench_core.backbones import Backbone
    from labelbench_core.training.on_images import Start

KIND = "campaign fine-tuning"
ROWS = 8192
"""Rows of the pool whose probabilities are kept in memory at a time."""


@dataclass(frozen=True)
class FineTunedFiles:
    """What a fine-tuning writes: its record, its history, the weights, and `pool.npy`.

    The last holds (N, C) float32 logarithms of probabilities; where a row can belong to any number
    of classes, their logits: so that probabilities near 1 are told apart.
    """

    record: Path
    history: Path
    weights: Path
    pool: Path


def finetune_campaign(
    campaign: Campaign,
    backbone_entry: Mapping[str, Any],
    dataset: PreparedDataset,
    collected: CollectedLabels,
    written: FineTunedFiles,
    proxy: Callable[[], Model],
    threads: int = 1,
) -> dict[str, Any]:
    """Fine-tune on the labels of a campaign, and predict its pool; the record.

    Images without a label, those of the audit among them, are what a semi-supervised trainer has
    besides. Runs on the first GPU if there is one.

    Parameters
    ----------
    campaign
        Its `finish` names the trainer.
    backbone_entry
        The backbone's entry of the catalogue, with its id.
    written
        Where results go; an interrupted training leaves a checkpoint beside the record.
    proxy
        Returns the trained proxy; called for trainers whose `head` is "proxy".
    threads
        For arithmetic and for decoding.

    Raises
    ------
    InputError
        If the pool is no longer that of the labels, or the recipe does not fit it.
    """
    import torch

    from labelbench_core.compute import distributed
    from labelbench_core.training import on_images
    from labelbench_core.training.checkpoints import Checkpoint
    from labelbench_core.training.finetuning import history_csv, write_weights
    from labelbench_core.training.fingerprint import computed_by, fingerprint
    from labelbench_core.training.network import portable_state

    trainer = _trainer(campaign)
    collected.require_pool(dataset.manifest["fingerprint"])
    prepare_cpu(threads)
    dataset.verify_splits({POOL})
    backbone: Backbone = registry.build("backbones", backbone_entry)
    start, head = _start(backbone, Recipe.from_options(trainer.get("training")), proxy)
    training = collected.training
    checkpoint = written.record.with_name("checkpoint.partial")
    with distributed.joined(torch.device(choose_device())) as device:
        depends_on = fingerprint(
            __name__,
            dataset,
            backbone,
            {"trainers": trainer, "backbones": backbone_entry},
            device,
            {
                "campaign": campaign.campaign,
                "seed": campaign.seed,
                "labels": files.sha256_arrays(
                    {"rows": training.rows, "values": training.values, **head}
                ),
                "classes": collected.classes,
            },
        )
        trained = on_images.train_network(
            with_classes(dataset, collected.classes),
            training.rows,
            training.values,
            start,
            trainer,
            (campaign.campaign, backbone_entry["id"], trainer["id"], "finish", campaign.seed),
            Checkpoint(checkpoint, depends_on),
            device,
            threads,
        )
        _predict_pool(
            on_images.for_inference(trained, backbone),
            backbone,
            dataset.images(POOL, threads=threads, framing=backbone.framing),
            (device, trained.dtype),
            written.pool,
            collected,
        )
    write_weights(written.weights, portable_state(trained.network, trained.folds))
    with files.atomic_path(written.history) as aside:
        aside.write_text(history_csv(trained.fit.history), encoding="utf-8")
    content = {
        "campaign": campaign.campaign,
        "trainer": trainer["id"],
        "backbone": backbone_entry["id"],
        "num_labeled": len(training.rows),
        "labels_sha256": collected.record["arrays_sha256"],
        "attempts": trained.fit.attempts,
        "diverged": trained.fit.diverged,
        "precision": str(trained.dtype).removeprefix("torch."),
        "flops": trained.flops,
        "backbone_weights_sha256": backbone.weights_sha256,
        **computed_by(device),
        "weights_sha256": files.sha256_file(written.weights),
        "pool_sha256": files.sha256_file(written.pool),
    }
    record = write_record(written.record, KIND, content)
    files.remove(checkpoint)
    return record


def with_classes(dataset: PreparedDataset, names: list[str]) -> PreparedDataset:
    """A pool without labels as one of these classes."""
    return PreparedDataset(
        dataset.folder, {**dataset.manifest, "num_classes": len(names), "class_names": names}
    )


class FineTunedRows:
    """(N, C) probabilities of the pool by a fine-tuned network, from its files.

    Raises
    ------
    InputError
        If a file is missing, damaged, or was made from other labels.
    """

    def __init__(self, written: FineTunedFiles, collected: CollectedLabels) -> None:
        expected = {
            "campaign": collected.record["campaign"],
            "labels_sha256": collected.record["arrays_sha256"],
        }
        self.record = read_record(written.record, KIND, expected)
        for path, key in ((written.weights, "weights_sha256"), (written.pool, "pool_sha256")):
            if files.sha256_file(path) != self.record[key]:
                raise InputError(
                    f"{path}: not the file that {written.record.name} names; delete it"
                )
        self._logs = np.load(written.pool, mmap_mode="r")
        shape = len(collected.stratum), len(collected.classes)
        if self._logs.shape != shape:
            told = f"{written.pool}: shape {self._logs.shape}, expected {shape}"
            raise InputError(f"{told}: it is of another pool; delete it")
        self._multilabel = collected.multilabel
        self.shape = self._logs.shape

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """(first row, float32 probabilities of consecutive rows)."""
        for first in range(0, len(self._logs), ROWS):
            yield first, self._probabilities(self._logs[first : first + ROWS])

    def take(self, rows: np.ndarray) -> np.ndarray:
        """(k, C) of the rows `rows`, in that order."""
        return self._probabilities(self._logs[rows])

    def _probabilities(self, logs: np.ndarray) -> np.ndarray:
        values = np.asarray(logs)
        return sigmoid(values) if self._multilabel else softmax(values)


class _Part:
    """Consecutive images of a split."""

    def __init__(self, images: Images, first: int) -> None:
        self._images, self._first = images, first
        self._count = min(ROWS, len(images) - first)

    def __len__(self) -> int:
        return self._count

    def batch(self, indices: np.ndarray) -> np.ndarray:
        """The images `indices` of the part."""
        return self._images.batch(np.asarray(indices) + self._first)


def _predict_pool(
    network: Any,
    backbone: Backbone,
    images: Images,
    computed_in: tuple[torch.device, torch.dtype],
    path: Path,
    collected: CollectedLabels,
) -> None:
    from labelbench_core.training.on_images import predict_proba

    device, dtype = computed_in
    shape = len(images), len(collected.classes)
    with files.atomic_path(path) as aside:
        found = np.lib.format.open_memmap(aside, "w+", np.float32, shape)
        for first in range(0, len(images), ROWS):
            part: Any = _Part(images, first)
            p = predict_proba(
                network, backbone, part, device, dtype, multilabel=collected.multilabel
            ).astype(np.float64)
            p = np.clip(p, SMALLEST, NEAREST_TO_1 if collected.multilabel else None)
            logs = np.log(p) - np.log1p(-p) if collected.multilabel else np.log(p)
            found[first : first + len(part)] = logs
        found.flush()


def _trainer(campaign: Campaign) -> Mapping[str, Any]:
    trainer = (campaign.finish or {}).get("trainer")
    if trainer is None:
        raise ValueError(f"campaign {campaign.campaign}: its `finish` names no trainer")
    return trainer


def _start(
    backbone: Backbone, recipe: Recipe, proxy: Callable[[], Model]
) -> tuple[Start, dict[str, np.ndarray]]:
    """The network's start, and the arrays of its head; none where that is fresh."""
    from labelbench_core.training.on_images import Start

    if recipe.head != "proxy":
        return Start(backbone), {}
    arrays = proxy().proxy.arrays()
    if {"weights", "bias"} - set(arrays):
        raise InputError(
            "finish.trainer: its `head` is 'proxy', and the campaign's proxy has no linear head; "
            "allowed with it: a trainer whose `head` is fresh"
        )
    head = {"weights": arrays["weights"], "bias": arrays["bias"]}
    return Start(backbone, (head["weights"], head["bias"])), head
