"""Fine-tuning a whole pretrained network on the labels bought up to a round, and its evaluation."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core import registry
from labelbench_core.annotators.annotations import Annotations
from labelbench_core.backbones import Backbone
from labelbench_core.compute.devices import choose_device, prepare_cpu
from labelbench_core.datasets import POOL, VAL, PreparedDataset
from labelbench_core.errors import InputError, shown
from labelbench_core.storage import files
from labelbench_core.storage.job_settings import JobSettings
from labelbench_core.storage.records import ROUND, write_record
from labelbench_core.storage.round_files import (
    Round,
    check_labeled,
    ids_of_round,
    read_round,
    weighted_splits,
)
from labelbench_core.training.recipe import Recipe

if TYPE_CHECKING:
    import torch

    from labelbench_core.training.on_images import Start


@dataclass(frozen=True)
class FineTuned:
    """A finished fine-tuning.

    Attributes
    ----------
    record
        Ids, `num_labeled`, `metrics` by split, `training`, and `previous`, the SHA-256 of the files
        of the round it was made from; plain JSON values.
    history
        The rows of the training's history.
    weights
        Tensors of the network, in float16; `training.network.load_network` reads them.
    """

    record: dict[str, Any]
    history: list[dict[str, Any]]
    weights: dict[str, torch.Tensor]


def finetune_round(
    dataset: PreparedDataset,
    bought: Round,
    settings: Mapping[str, Any],
    checkpoint: Path | None = None,
    *,
    annotations: Annotations | None = None,
    zero_shot: Mapping[str, np.ndarray] | None = None,
    threads: int = 1,
) -> FineTuned | None:
    """Fine-tune on the labels bought up to a round, and evaluate on every requested split.

    Only the labels of bought examples are read for training. Runs on the first GPU if there is one;
    where `torchrun` started several processes, each on its own GPU; only the first has a result.

    Parameters
    ----------
    bought
        The round; its arrays `labeled` and, for `head: proxy`, `weights` and `bias`.
    settings
        Ids `dataset`, `proxy`, `schedule`, `strategy`; `seed`, `round`; the catalogue's entries
        `backbone` and `trainer`, each with `id`, `implementation` and `options`.
    checkpoint
        File that an interrupted run leaves, to resume from; None: no checkpoints.
    annotations
        What the annotator says of the pool: the labels that are trained on. None for the exact one.
    zero_shot
        From `labelbench_core.backbones.zero_shot`, for `head: zero-shot`.
    threads
        Threads for arithmetic and for decoding. The number can change the last digits.
    """
    import torch

    from labelbench_core.compute import distributed
    from labelbench_core.training import on_images
    from labelbench_core.training.checkpoints import Checkpoint
    from labelbench_core.training.fingerprint import computed_by, fingerprint
    from labelbench_core.training.network import portable_state

    named, entries = JobSettings.of(settings)
    ids = {key: named[key] for key in (*ROUND, "trainer")}
    arrays = bought.arrays
    labeled = arrays["labeled"]
    prepare_cpu(threads)
    recipe = Recipe.from_options(entries["trainer"].get("training"))
    splits = _splits(dataset, recipe)
    dataset.verify_splits({POOL, *splits})
    backbone: Backbone = registry.build("backbones", entries["backbone"])
    names = tuple(ids[key] for key in ("dataset", "backbone", "trainer", "proxy", "schedule"))
    said = dataset.labels(POOL) if annotations is None else annotations.labels
    labeled_by = {} if annotations is None else annotations.ids
    weights = dataset.training_weights(POOL)
    with distributed.joined(torch.device(choose_device())) as device:
        depends_on = fingerprint(
            __name__,
            dataset,
            backbone,
            {"trainers": entries["trainer"], "backbones": entries["backbone"]},
            device,
            {
                "settings": dict(settings),
                "arrays": files.sha256_arrays({**arrays, **_prefixed(zero_shot)}),
                **labeled_by,
            },
        )
        trained = on_images.train_network(
            dataset.without_labels(POOL),
            labeled,
            said[labeled],
            _start(backbone, recipe, arrays, zero_shot),
            entries["trainer"],
            # The record's strategy: round 0 is the same fine-tuning for all of them.
            (*names, bought.record["strategy"], ids["seed"], ids["round"]),
            Checkpoint(checkpoint, depends_on),
            device,
            threads,
            weights=weights if weights is None else weights[labeled],
            validation_weights=dataset.training_weights(VAL) if VAL in dataset.splits else None,
        )
        if distributed.rank() > 0:
            return None
    fit = trained.fit
    result = {
        **ids,
        **labeled_by,
        "num_labeled": len(labeled),
        "dataset_fingerprint": dataset.manifest["fingerprint"],
        "previous": dict(bought.digests),
        "metrics": on_images.evaluate(trained, backbone, dataset, splits, threads),
        **weighted_splits(splits, dataset.evaluation_weights),
        "training": {
            "attempts": fit.attempts,
            "diverged": fit.diverged,
            **computed_by(device),
            "precision": str(trained.dtype).removeprefix("torch."),
            "backbone_weights_sha256": backbone.weights_sha256,
            "flops": trained.flops,
            "validation": {
                "kind": recipe.validation,
                "size": trained.validation_size,
                "looks": fit.validation,
            },
        },
    }
    return FineTuned(result, fit.history, portable_state(trained.network, trained.folds))


def read_bought(
    dataset: PreparedDataset,
    record: Path,
    arrays: Path,
    settings: Mapping[str, Any],
    annotations: Annotations | None = None,
) -> Round:
    """The round that `settings` name; `InputError` if the files are damaged or of another one."""
    expected = {
        **ids_of_round(settings, settings["round"]),
        "annotations_sha256": None if annotations is None else annotations.sha256,
        "dataset_fingerprint": dataset.manifest["fingerprint"],
    }
    bought = read_round(record, arrays, expected)
    labeled, pool_size = bought.arrays["labeled"], dataset.manifest["splits"][POOL]["num_rows"]
    check_labeled(arrays, labeled, len(labeled), pool_size)
    return bought


def write_finetuned(done: FineTuned, metrics: Path, history: Path, weights: Path) -> None:
    """Write the three files of a fine-tuning; the record comes last, with the others' SHA-256."""
    write_weights(weights, done.weights)
    with files.atomic_path(history) as aside:
        aside.write_text(history_csv(done.history), encoding="utf-8")
    digests = {
        "weights_sha256": files.sha256_file(weights),
        "history_sha256": files.sha256_file(history),
    }
    write_record(metrics, "fine-tuning", {**done.record, **digests})


def history_csv(history: list[dict[str, Any]]) -> str:
    """The history as CSV text, numbers with seven digits."""
    from labelbench_core.training.loop import HISTORY_COLUMNS

    text = io.StringIO()
    print(",".join(HISTORY_COLUMNS), file=text)
    for row in history:
        print(",".join(_number(row[column]) for column in HISTORY_COLUMNS), file=text)
    return text.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.7g}"


def write_weights(path: Path, weights: dict[str, torch.Tensor]) -> None:
    """Write tensors as a `.safetensors` file, atomically; equal tensors give equal bytes."""
    from safetensors.torch import save

    with files.atomic_path(path) as aside:
        # One entry of metadata only: the order of several is not fixed.
        aside.write_bytes(save(weights, metadata={"format": "pt"}))


def _start(
    backbone: Backbone,
    recipe: Recipe,
    arrays: Mapping[str, np.ndarray],
    zero_shot: Mapping[str, np.ndarray] | None,
) -> Start:
    """The pretrained backbone, and the classifier that the recipe's `head` names."""
    from labelbench_core.training.on_images import Start, zero_shot_start

    if recipe.head == "fresh":
        return Start(backbone)
    if recipe.head == "zero-shot":
        if zero_shot is None:
            raise InputError(
                "training.head: 'zero-shot'; no zero-shot head was given; allowed "
                "without it: fresh, proxy"
            )
        return zero_shot_start(backbone, zero_shot)
    if {"weights", "bias"} - set(arrays):
        raise InputError(
            "training.head: 'proxy'; the round's proxy has no linear head; allowed: fresh, "
            "zero-shot"
        )
    return Start(backbone, (arrays["weights"], arrays["bias"]))


def _prefixed(zero_shot: Mapping[str, np.ndarray] | None) -> dict[str, np.ndarray]:
    return {f"zero_shot_{name}": np.asarray(value) for name, value in (zero_shot or {}).items()}


def _splits(dataset: PreparedDataset, recipe: Recipe) -> list[str]:
    known = [split for split in dataset.splits if dataset.has_labels(split)]
    wanted = known if recipe.evaluate is None else list(recipe.evaluate)
    unknown = [split for split in wanted if split not in known]
    if unknown:
        raise InputError(
            f"training.evaluate: {shown(unknown[0])}: no such split with labels; allowed: "
            f"{', '.join(known)}"
        )
    return wanted
