"""Fine-tuning of a whole pretrained network on the labels a round had bought; its evaluation."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labelbench_core import files, metrics, registry
from labelbench_core.backbones import Backbone
from labelbench_core.datasets import POOL, Images, PreparedDataset
from labelbench_core.devices import choose_device
from labelbench_core.errors import InputError
from labelbench_core.provenance import code_hash
from labelbench_core.trainers.recipe import Recipe

if TYPE_CHECKING:
    import torch

    from labelbench_core.trainers._network import Network

log = logging.getLogger(__name__)

ROUND_IDS = ("dataset", "backbone", "proxy", "schedule", "seed", "round")
EVALUATION_BATCH = 256


@dataclass(frozen=True)
class FineTuned:
    """A finished fine-tuning.

    Attributes
    ----------
    record
        Ids, `num_labeled`, `metrics` by split and `training`; plain JSON values.
    history
        The rows of the training's history.
    weights
        Tensors of the network, in float16; `trainers._network.load_network` reads them.
    """

    record: dict[str, Any]
    history: list[dict[str, Any]]
    weights: dict[str, torch.Tensor]


def finetune_round(
    dataset: PreparedDataset,
    record: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    settings: Mapping[str, Any],
    checkpoint: Path | None = None,
    *,
    threads: int = 1,
) -> FineTuned:
    """Fine-tune on the labels that a round had bought and evaluate on every split asked for.

    Only the labels of bought examples are read for training. Runs on the first GPU if there is one.

    Parameters
    ----------
    record, arrays
        Of the round; arrays `labeled` and, for `head: proxy`, `weights` and `bias`.
    settings
        Ids `dataset`, `proxy`, `schedule`, `strategy`; `seed`, `round`; the catalogue's entries
        `backbone` and `trainer`, each with `id`, `implementation` and `options`.
    checkpoint
        File that an interrupted run leaves and the next one continues; None: no checkpoints.
    threads
        Threads for arithmetic and for decoding. The number can change the last digits.
    """
    import torch

    from labelbench_core.trainers import _loop, _network
    from labelbench_core.trainers._batches import DeviceImages
    from labelbench_core.trainers._checkpoints import Checkpoint
    from labelbench_core.trainers._examples import ImageExamples

    ids = _ids(settings)
    labeled = _check_round(dataset, record, arrays, ids)
    torch.set_num_threads(threads)
    device = torch.device(choose_device())
    trainer = _build("trainers", settings["trainer"])
    recipe = Recipe.from_options(settings["trainer"].get("training"))
    splits = _splits(dataset, recipe)
    backbone: Backbone = _build("backbones", settings["backbone"])
    network, folds = _network_to_train(backbone, recipe, arrays, dataset.num_classes)
    names = tuple(ids[key] for key in ("dataset", "backbone", "trainer", "proxy", "schedule"))
    images = dataset.images(POOL, threads=threads)

    def examples(indices: np.ndarray) -> ImageExamples:
        return ImageExamples(DeviceImages(images, indices, device), backbone.preprocess, recipe)

    unlabeled = np.setdiff1d(np.arange(len(images)), labeled)
    needs_unlabeled = registry.describe("trainers", settings["trainer"]["implementation"]).info[
        "needs_unlabeled"
    ]
    task = _loop.Task(
        labeled=examples(labeled),
        labels=dataset.labels(POOL)[labeled],
        num_classes=dataset.num_classes,
        unlabeled=examples(unlabeled) if needs_unlabeled and len(unlabeled) else None,
        # The record's strategy: round 0 is the same fine-tuning for all of them.
        names=(*names, record["strategy"], ids["seed"], ids["round"]),
        device=device,
    )
    fingerprint = _fingerprint(dataset, backbone, arrays, settings, device)
    fit = _loop.train(network, trainer, recipe, task, Checkpoint(checkpoint, fingerprint))
    dtype = _loop.training_dtype(recipe, device)
    result = {
        **ids,
        "num_labeled": len(labeled),
        "metrics": _evaluate(network, backbone, dataset, splits, threads, device, dtype),
        "training": {
            "attempts": fit.attempts,
            "diverged": fit.diverged,
            "device": device.type,
            "precision": str(dtype).removeprefix("torch."),
            "backbone_weights_sha256": backbone.weights_sha256,
        },
    }
    return FineTuned(result, fit.history, _network.portable_state(network, folds))


def predict_proba(
    network: Network,
    backbone: Backbone,
    images: Images,
    device: torch.device,
    dtype: torch.dtype,
) -> np.ndarray:
    """(N, C) float32 class probabilities of all `images`.

    The softmax is taken in float32, so that probabilities near 1 stay distinct. Where a diverged
    network gives no finite logits, the probabilities are uniform.
    """
    import torch

    from labelbench_core.trainers._batches import DeviceImages
    from labelbench_core.trainers._loop import autocast

    rows = np.arange(len(images))
    # Nothing is kept on the device: every image is seen once.
    source = DeviceImages(images, rows, device, resident_bytes=0)
    plans = np.split(rows, np.arange(EVALUATION_BATCH, len(rows), EVALUATION_BATCH))
    parts = []
    with torch.inference_mode():
        for _, batch in source.batches(plans):
            with autocast(device, dtype):
                features = network.backbone(backbone.preprocess(batch))
            logits = network.head(features.float())
            logits = torch.where(logits.isfinite().all(dim=1, keepdim=True), logits, 0.0)
            parts.append(logits.softmax(dim=1).cpu().numpy())
    return np.concatenate(parts)


def history_csv(history: list[dict[str, Any]]) -> str:
    """The history as CSV text, numbers with seven digits."""
    from labelbench_core.trainers._loop import HISTORY_COLUMNS

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


def _ids(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The ids by which results are found, as they stand in paths and records."""
    entries = ("backbone", "trainer")
    keys = (*ROUND_IDS, "strategy", "trainer")
    return {key: settings[key]["id"] if key in entries else settings[key] for key in keys}


def _build(kind: str, entry: Mapping[str, Any]) -> Any:
    return registry.load(kind, entry["implementation"]).build(**(entry.get("options") or {}))


def _check_round(
    dataset: PreparedDataset,
    record: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    ids: Mapping[str, Any],
) -> np.ndarray:
    """The bought indices; `InputError` if the round is not the one meant, or damaged."""
    for key in ROUND_IDS:
        if record.get(key) != ids[key]:
            raise InputError(f"round: {key} is {record.get(key)!r}, but {ids[key]!r} was asked for")
    labeled = arrays["labeled"]
    pool_size = dataset.manifest["splits"][POOL]["num_rows"]
    if not len(labeled) or len(np.unique(labeled)) != len(labeled):
        raise InputError("round: `labeled` is empty or has repeated indices")
    if labeled.min() < 0 or labeled.max() >= pool_size:
        raise InputError(f"round: `labeled` has indices outside of the pool of {pool_size}")
    return labeled


def _splits(dataset: PreparedDataset, recipe: Recipe) -> list[str]:
    wanted = list(dataset.splits) if recipe.evaluate is None else list(recipe.evaluate)
    unknown = [split for split in wanted if split not in dataset.splits]
    if unknown:
        raise InputError(
            f"trainer options: evaluate: no split {', '.join(unknown)}; there are: "
            f"{', '.join(dataset.splits)}"
        )
    return wanted


def _network_to_train(
    backbone: Backbone, recipe: Recipe, arrays: Mapping[str, np.ndarray], num_classes: int
) -> tuple[Network, list[Any]]:
    """The network at its start, and which BatchNorms were folded."""
    from labelbench_core.trainers._network import Network, fold_batch_norm, set_head

    model, folds = backbone.model, []
    if recipe.batch_norm == "folded":
        model, folds = fold_batch_norm(model, backbone.input_size)
        log.info("%d BatchNorms folded", len(folds))
    network = Network(model, backbone.num_features, num_classes)
    if recipe.head == "proxy":
        missing = {"weights", "bias"} - set(arrays)
        if missing:
            raise InputError("head: proxy: the round's proxy has no linear head; use `head: fresh`")
        set_head(network, arrays["weights"], arrays["bias"])
    return network, folds


def _evaluate(
    network: Network,
    backbone: Backbone,
    dataset: PreparedDataset,
    splits: list[str],
    threads: int,
    device: torch.device,
    dtype: torch.dtype,
) -> dict[str, dict[str, float]]:
    """Metrics by split; BatchNorms that are left are folded into a copy first."""
    import torch

    from labelbench_core.trainers._network import Network, fold_batch_norm

    model, folds = fold_batch_norm(network.backbone, backbone.input_size)
    if folds:
        copy = Network(model, backbone.num_features, dataset.num_classes)
        copy.head = network.head
        network = copy.eval().to(device=device, memory_format=torch.channels_last)
    return {
        split: metrics.evaluate(
            predict_proba(network, backbone, dataset.images(split, threads=threads), device, dtype),
            dataset.labels(split),
        )
        for split in splits
    }


def _fingerprint(
    dataset: PreparedDataset,
    backbone: Backbone,
    arrays: Mapping[str, np.ndarray],
    settings: Mapping[str, Any],
    device: torch.device,
) -> str:
    """Of everything that the training depends on."""
    components = [
        ("trainers", settings["trainer"]["implementation"]),
        ("backbones", settings["backbone"]["implementation"]),
    ]
    content = {
        "settings": dict(settings),
        "dataset": dataset.manifest["fingerprint"],
        "backbone": backbone.weights_sha256,
        "round": files.sha256_arrays(arrays),
        "code": code_hash(__name__, components),
        "device": device.type,
    }
    return files.sha256_bytes(files.canonical_json(content).encode())
