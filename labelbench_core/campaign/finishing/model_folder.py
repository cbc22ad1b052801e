"""The folder of a campaign's model: weights, what they need to be used, and the model card."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.campaign.finishing.collected import CollectedLabels
from labelbench_core.campaign.finishing.model_card import CARD, model_card
from labelbench_core.campaign.finishing.predictions import CalibratedPredictions
from labelbench_core.campaign.models import Model
from labelbench_core.campaign.pool import CampaignPool
from labelbench_core.campaign.settings import Campaign
from labelbench_core.datasets import POOL
from labelbench_core.errors import InputError, damaged, missing
from labelbench_core.storage import files
from labelbench_core.storage.records import read_record, write_record

KIND = "campaign model"
RECORD, WEIGHTS = "model.json", "model.safetensors"
NETWORK, PROXY = "network", "proxy"
STATISTICS = ("mean", "std")


@dataclass(frozen=True)
class HandedOver:
    """The model that a campaign hands over.

    Attributes
    ----------
    proxy
        The proxy on frozen embeddings; None where the model is a fine-tuned network.
    weights
        File of the fine-tuned network; None where the model is the proxy.
    trained
        What the record of a fine-tuning says; for a proxy what its fit recorded.
    predictions
        Of the pool.
    compared
        What the audit says of the proxy beside a fine-tuned network; None without one.
    """

    proxy: Model | None
    weights: Path | None
    trained: Mapping[str, Any]
    predictions: CalibratedPredictions
    compared: "Compared | None" = None


@dataclass(frozen=True)
class Compared:
    """A fine-tuned network and the proxy on the same rows of the audit.

    Attributes
    ----------
    proxy, low, high
        Accuracy of the proxy on a random row of the pool, and its 95 % interval.
    only_network, only_proxy
        Decided rows of the audit on which just one of them is right.
    p_value
        Of a difference, by McNemar's exact test; 1 where they are right on the same rows.
    """

    proxy: float
    low: float
    high: float
    only_network: int
    only_proxy: int
    p_value: float


def compared(network: CalibratedPredictions, proxy: CalibratedPredictions) -> Compared:
    """Compare two models; McNemar, Psychometrika 12, 1947, with the exact binomial distribution."""
    from scipy.stats import binomtest

    ours = int((network.audit_right & ~proxy.audit_right).sum())
    theirs = int((proxy.audit_right & ~network.audit_right).sum())
    p_value = float(binomtest(ours, ours + theirs).pvalue) if ours + theirs else 1.0
    of_proxy = proxy.accuracy.estimate
    return Compared(of_proxy.estimate, of_proxy.low, of_proxy.high, ours, theirs, p_value)


def write_model(
    folder: Path,
    campaign: Campaign,
    backbone: Mapping[str, Any],
    pool: CampaignPool,
    collected: CollectedLabels,
    model: HandedOver,
    made_with: Mapping[str, Any],
    embedded: Mapping[str, Any],
) -> dict[str, Any]:
    """Write a model's folder anew; its record.

    Parameters
    ----------
    backbone
        The backbone's entry of the catalogue, with its id.
    embedded
        What the manifest of the embeddings says: `weights_sha256` of the backbone, and
        `preprocessing` where it has any.
    made_with
        Versions of code and packages.
    """
    aside = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    path = aside / WEIGHTS
    if model.weights is not None:
        shutil.copyfile(model.weights, path)
    else:
        assert model.proxy is not None
        _write_arrays(path, _arrays_of(model.proxy, pool))
    manifest = pool.dataset.manifest
    content = {
        "campaign": campaign.campaign,
        "model": PROXY if model.weights is None else NETWORK,
        "classes": collected.classes,
        "multilabel": collected.multilabel,
        "rows": pool.dataset.rows,
        "backbone": dict(backbone),
        "proxy": dict(campaign.proxy) if model.weights is None else None,
        "trainer": None if model.weights is None else dict((campaign.finish or {})["trainer"]),
        # How images in files are read; those in arrays are framed by the backbone.
        "reading": {
            "image_size": manifest["splits"][POOL].get("image_size"),
            "ground": manifest["splits"][POOL].get("ground", "white"),
        },
        "preprocessing": embedded.get("preprocessing"),
        "backbone_weights_sha256": embedded["weights_sha256"],
        "temperature": model.predictions.calibration.temperature,
        "exponent": model.predictions.calibration.exponent,
        "calibration": _plain(asdict(model.predictions.calibration)),
        "accuracy": _plain(asdict(model.predictions.accuracy.estimate)),
        "undecided": _plain(asdict(model.predictions.accuracy.undecided)),
        "compared": None if model.compared is None else _plain(asdict(model.compared)),
        "num_labeled": collected.record["num_labeled"],
        "trained": _plain(model.trained),
        "made_with": dict(made_with),
        "weights_sha256": files.sha256_file(path),
    }
    record = write_record(aside / RECORD, KIND, content)
    card = model_card(record, collected, model.predictions)
    (aside / CARD).write_text(card, encoding="utf-8")
    if folder.exists():
        shutil.rmtree(folder)
    os.replace(aside, folder)
    return record


def read_model(folder: Path) -> dict[str, Any]:
    """The record of a model's folder, whose weights are as it says.

    Raises
    ------
    InputError
        If a file is missing or damaged.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: not found; allowed: the folder of a finished campaign's model")
    record = read_record(folder / RECORD, KIND)
    path = folder / WEIGHTS
    if not path.is_file():
        raise missing(path, "finish_campaign")
    if files.sha256_file(path) != record["weights_sha256"]:
        raise damaged(path, f"not the weights that {RECORD} names")
    return record


def read_arrays(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of a proxy's folder, with `statistics.mean` and `statistics.std`."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(folder / WEIGHTS))
    except SafetensorError as error:
        raise damaged(folder / WEIGHTS, str(error)) from error


def _arrays_of(model: Model, pool: CampaignPool) -> dict[str, np.ndarray]:
    found = {f"proxy.{name}": value for name, value in model.proxy.arrays().items()}
    found |= {f"statistics.{name}": getattr(pool.statistics, name) for name in STATISTICS}
    return found


def _write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    from safetensors.numpy import save

    # One entry of metadata only: the order of several is not fixed.
    content = save(
        {name: np.ascontiguousarray(value) for name, value in arrays.items()}, {"format": "np"}
    )
    with files.atomic_path(path) as aside:
        aside.write_bytes(content)


def _plain(value: Any) -> Any:
    """JSON values, with None for numbers that are not finite."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
