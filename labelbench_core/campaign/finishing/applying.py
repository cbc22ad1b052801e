"""Using a campaign's model on images, texts or embeddings from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core import registry
from labelbench_core.backbones import Backbone
from labelbench_core.campaign.finishing.calibration import with_temperature
from labelbench_core.campaign.finishing.model_folder import (
    NETWORK,
    RECORD,
    STATISTICS,
    WEIGHTS,
    read_arrays,
    read_model,
)
from labelbench_core.compute.devices import choose_device, prepare_cpu
from labelbench_core.compute.precision import embedding_precision
from labelbench_core.errors import InputError, damaged, shown
from labelbench_core.proxies import Statistics
from labelbench_core.registry.info import IMAGES

BATCH = 64


@dataclass(frozen=True)
class CampaignModel:
    """A campaign's model, ready to predict.

    Attributes
    ----------
    record
        That of its folder: `classes`, `multilabel`, `rows` and more.
    probabilities
        From a batch (uint8 images (B, S, S, 3), texts, or embeddings (B, D)) to float32 (B, C), not
        calibrated.
    image_size
        S: height and width of images as `read_image` makes them; 0 for other rows.
    backbone
        The network; None for embeddings.
    """

    record: dict[str, Any]
    probabilities: Callable[[Any], np.ndarray]
    image_size: int = 0
    backbone: Any = None

    def predict_proba(self, rows: Sequence[Any] | np.ndarray) -> np.ndarray:
        """(n, C) float32 calibrated probabilities of images, texts or embeddings."""
        parts = [self._of(rows[first : first + BATCH]) for first in range(0, len(rows), BATCH)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.record["classes"])))

    def _of(self, rows: Any) -> np.ndarray:
        batch = np.stack(rows) if self.record["rows"] == IMAGES else rows
        found = self.probabilities(batch)
        return with_temperature(
            found, self.record["temperature"], multilabel=self.record["multilabel"]
        )

    def read_image(self, path: Path) -> np.ndarray:
        """(S, S, 3) uint8, as images of the pool were read; `InputError` if it cannot be."""
        from labelbench_core.datasets.images.decoding import decode_square, read_regular

        try:
            content = read_regular(path)
            return decode_square(
                content, self.image_size, self.backbone.framing, self.record["reading"]["ground"]
            )
        except InputError as error:
            raise InputError(f"{path}: {error}") from error


def open_model(folder: Path, threads: int = 1) -> CampaignModel:
    """The model in a folder of a finished campaign.

    Raises
    ------
    InputError
        If it is damaged, or its backbone cannot be built here.
    """
    record = read_model(folder)
    prepare_cpu(threads)
    backbone = registry.build("backbones", record["backbone"])
    _require_same_backbone(folder, record, backbone)
    size = 0
    if record["rows"] == IMAGES:
        size = record["reading"]["image_size"] or backbone.input_size
    if record["model"] == NETWORK:
        return CampaignModel(record, _of_network(folder, record, backbone), size, backbone)
    return CampaignModel(record, _of_proxy(folder, record, backbone), size, backbone)


def _require_same_backbone(folder: Path, record: dict[str, Any], backbone: Any) -> None:
    """The backbone that is built here must be what the model was trained on."""
    found = {}
    if record["model"] != NETWORK:  # which has weights of its own
        found["backbone_weights_sha256"] = backbone.weights_sha256
    if record["preprocessing"] is not None:
        found["preprocessing"] = backbone.preprocessing()
    for key, value in found.items():
        if record[key] != value:
            raise InputError(
                f"{folder / RECORD}: {key} is {shown(record[key])}, and that of the backbone "
                f"{record['backbone']['id']!r} as it is built here is {shown(value)}; allowed: the "
                "weights and the version of the library that the campaign had"
            )


def _of_network(
    folder: Path, record: dict[str, Any], backbone: Backbone
) -> Callable[[np.ndarray], np.ndarray]:
    import torch

    from labelbench_core.training.network import load_network

    device = torch.device(choose_device())
    network = load_network(folder / WEIGHTS, backbone.model).to(device)

    def probabilities(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            logits = network(backbone.preprocess(torch.from_numpy(images).to(device)))
            found = logits.sigmoid() if record["multilabel"] else logits.softmax(dim=1)
        return found.cpu().numpy()

    return probabilities


def _of_proxy(folder: Path, record: dict[str, Any], backbone: Any) -> Callable[[Any], np.ndarray]:
    from labelbench_core.embeddings.encoders import ENCODERS

    arrays = read_arrays(folder)
    try:
        statistics = Statistics(*(arrays.pop(f"statistics.{name}") for name in STATISTICS))
    except KeyError as error:
        raise damaged(folder / WEIGHTS, f"{error} is missing") from error
    own = {name.removeprefix("proxy."): value for name, value in arrays.items()}
    proxy = registry.build("proxies", record["proxy"], 1).restore(own, statistics)
    width = len(statistics.mean)
    if record["rows"] == "embeddings":

        def given(rows: np.ndarray) -> np.ndarray:
            if not np.isfinite(rows).all():
                told = f"embeddings: row {int(np.argwhere(~np.isfinite(rows))[0, 0])} of a batch"
                raise InputError(f"{told} has a value that is not finite; allowed: numbers")
            if rows.ndim != 2 or rows.shape[1] != width:
                raise InputError(
                    f"embeddings of shape {rows.shape}; allowed by {folder / RECORD}: (n, {width})"
                )
            return proxy.predict_proba(rows)

        return given
    data_set: Any = None  # of which encoders of images and texts need nothing
    encoder = ENCODERS[record["rows"]](backbone, data_set)
    device = choose_device()
    encoder.start(device, embedding_precision("auto", device))

    def embedded(rows: Any) -> np.ndarray:
        # As embeddings are kept.
        features = encoder.encode(list(rows) if record["rows"] == "texts" else rows, None)
        return proxy.predict_proba(features.astype(np.float16))

    return embedded


def image_files(paths: Sequence[Path]) -> Iterator[Path]:
    """Images among files and folders, in order; `InputError` for a path that is not there.

    Raises
    ------
    InputError
        If a path does not exist, or a folder holds no image.
    """
    from labelbench_core.datasets.images.formats import READ_SUFFIXES

    for path in paths:
        if path.is_dir():
            found = sorted(
                one
                for one in path.rglob("*")
                if one.suffix.lower() in READ_SUFFIXES and one.is_file()
            )
            if not found:
                told = f"{path}: no image in it"
                raise InputError(f"{told}; allowed: files that end in {', '.join(READ_SUFFIXES)}")
            yield from found
        elif path.exists():
            yield path
        else:
            raise InputError(f"{path}: not found; allowed: images, or folders of images")
