"""What a finished campaign hands over: data set, predictions, rows to look at, and a model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from labelbench_core.campaign.finishing.collected import CollectedLabels
from labelbench_core.campaign.finishing.final_proxy import final_proxy
from labelbench_core.campaign.finishing.fine_tuned import FineTunedFiles, FineTunedRows
from labelbench_core.campaign.finishing.model_folder import HandedOver, compared, write_model
from labelbench_core.campaign.finishing.predictions import CalibratedPredictions, predictions_of
from labelbench_core.campaign.finishing.tables import (
    MODEL,
    NOBODY,
    PEOPLE,
    fill,
    write_data_set,
    write_predictions,
    write_to_check,
)
from labelbench_core.campaign.pool import CampaignPool
from labelbench_core.campaign.settings import Campaign
from labelbench_core.campaign.standing.doubts import doubtful_labels
from labelbench_core.selection.pool_rows import PredictedRows
from labelbench_core.storage.records import write_record

KIND = "finished campaign"


@dataclass(frozen=True)
class FinishedFiles:
    """Where a finished campaign's files go.

    Attributes
    ----------
    data_set, predictions, to_check
        Tables.
    probabilities
        (N, C) float16 calibrated probabilities, as `.npy`.
    model
        Folder of the model.
    summary
        Record of what was made, which comes last.
    """

    data_set: Path
    predictions: Path
    to_check: Path
    probabilities: Path
    model: Path
    summary: Path


def finish(
    campaign: Campaign,
    backbone: Mapping[str, Any],
    pool: CampaignPool,
    collected: CollectedLabels,
    fine_tuned: FineTunedFiles | None,
    written: FinishedFiles,
    *,
    made_with: Mapping[str, Any],
    embedded: Mapping[str, Any],
    threads: int = 1,
) -> dict[str, Any]:
    """Train the proxy on all labels, predict the pool, and write everything; the summary.

    Parameters
    ----------
    backbone
        The backbone's entry of the catalogue, with its id.
    fine_tuned
        Files of the fine-tuning, which then is the model; None: the proxy is.
    made_with
        Versions of code and packages.
    embedded
        What the manifest of the embeddings says; see `write_model`.

    Raises
    ------
    InputError
        If a file is damaged, or the pool is not that of the labels.
    """
    collected.require_pool(pool.dataset.manifest["fingerprint"])
    proxy = final_proxy(campaign, pool, collected, threads)
    of_proxy = PredictedRows(
        proxy.proxy,
        proxy.proxy.pool_rows(pool.embeddings),
        threads,
        multilabel=collected.multilabel,
    )

    def predicted(rows: Any, path: Path | None) -> CalibratedPredictions:
        return predictions_of(rows, collected, campaign.estimator, campaign.seed, path)

    if fine_tuned is None:
        model = HandedOver(proxy, None, proxy.fit, predicted(of_proxy, written.probabilities))
    else:
        rows = FineTunedRows(fine_tuned, collected)
        found = predicted(rows, written.probabilities)
        beside = compared(found, predicted(of_proxy, None))
        model = HandedOver(None, fine_tuned.weights, rows.record, found, beside)
    predictions = model.predictions
    doubtful = doubtful_labels(campaign, pool, collected.training, len(collected.classes), threads)
    finishing = campaign.finish or {}
    filled = fill(collected, predictions, doubtful, finishing["look_below"])
    write_data_set(written.data_set, pool, collected, predictions, filled)
    write_predictions(written.predictions, pool, collected, predictions)
    write_to_check(written.to_check, pool, collected, predictions, filled)
    record = write_model(
        written.model, campaign, backbone, pool, collected, model, made_with, embedded
    )
    by = filled.by.tolist()
    content = {
        "campaign": campaign.campaign,
        "rows": len(by),
        "by_people": by.count(PEOPLE),
        "by_model": by.count(MODEL),
        "of_no_class": by.count(NOBODY),
        "wrong": None if filled.wrong is None else asdict(filled.wrong),
        "to_check": len(filled.to_check),
        "model": record["model"],
        "accuracy": record["accuracy"],
        "undecided": record["undecided"],
        "compared": record["compared"],
        "notes": collected.record["notes"],
        "answers_sha256": collected.record["answers_sha256"],
    }
    return write_record(written.summary, KIND, content)
