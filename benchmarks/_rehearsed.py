"""Whole rehearsed campaigns, and what is true of the labels that their strategy has saved."""

import json
import math
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.analysis.savings.crossings import first_crossing
from labelbench_core.campaign.answers.labels import labels_of
from labelbench_core.campaign.models import RowLabels, train
from labelbench_core.campaign.pool import CampaignPool
from labelbench_core.campaign.rehearsal import compared, rehearse, with_next
from labelbench_core.campaign.settings import Campaign
from labelbench_core.campaign.standing.control import saving_so_far
from labelbench_core.campaign.standing.history import PastModel, audit_answers, past_models
from labelbench_core.campaign.state import CampaignState, read_state
from labelbench_core.seeds import rng_for
from labelbench_core.selection.pool_rows import PredictedRows
from labelbench_core.storage import files

FOLDS, MODELS = 5, 20
RESULT = "rehearsed.json"
ASKED = (
    "pool", "backbone", "proxy", "strategy", "first", "batch_size", "audit", "audit_share", "seed",
    "rehearsal",
)  # fmt: skip
"""What a campaign that has been run must agree in, to be read instead of run again."""
NOTHING = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Rehearsal:
    """A rehearsed campaign, as it ended.

    `said`: `stopping` and `saving` as mappings of their fields; `state`: the facts.
    """

    campaign: Campaign
    state: CampaignState
    said: dict[str, Any]


def rehearsed(campaign: Campaign, pool: CampaignPool, threads: int) -> Rehearsal:
    """Run a campaign by itself, or read it where it has been run before with the same settings."""
    kept = campaign.folder.parent / RESULT
    campaign = replace(campaign, classes=tuple(pool.dataset.class_names))
    asked = {key: campaign.as_mapping()[key] for key in ASKED} | {"source": pool.source}
    asked = json.loads(json.dumps(asked))  # tuples become lists
    if not (kept.exists() and _read(kept)["asked"] == asked):
        kept.unlink(missing_ok=True)
        shutil.rmtree(campaign.folder, ignore_errors=True)
        truth = pool.dataset.labels("pool")
        assert campaign.rehearsal is not None
        count = campaign.rehearsal["batches"]
        done = rehearse(campaign, pool, truth, truth, count, threads=threads)
        found = {
            "asked": asked,
            "stopping": [asdict(one) for one in done.rules],
            "saving": _saving(campaign, done.state, pool, threads),
        }
        with files.atomic_path(kept) as aside:
            # Python's own form of JSON: open ends are infinite, and what is not known is NaN.
            aside.write_text(json.dumps(found, indent=1), encoding="utf-8")
    state, _ = read_state(campaign, pool)
    return Rehearsal(campaign, state, _read(kept))


def batches_of(one: Rehearsal, truth: np.ndarray) -> list[dict[str, Any]]:
    """What a campaign says after each of its batches, by its facts until then; and what is true."""
    state, found = one.state, []
    for count in range(2, len(state.batches) + 1):
        receipts = state.receipts[: count - 1]  # one file for each batch
        answers = [answer for receipt in receipts for answer in receipt.answers]
        batches = state.batches[:count]
        offered = {batch.name: batch.record["classes"] for batch in batches}
        labels = labels_of(answers, state.history, method=one.campaign.agreement, offered=offered)
        then = replace(state, batches=batches, receipts=receipts, labels=labels)
        if past_models(then):
            found.append(compared(then, truth, truth))
    return [asdict(batch) for batch in with_next(found)]


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _saving(
    campaign: Campaign, state: CampaignState, pool: CampaignPool, threads: int
) -> dict[str, Any]:
    """What the campaign says at its end, and the models' accuracy on rows that they did not see."""
    models = past_models(state)
    told = saving_so_far(
        campaign, pool, models, audit_answers(state), len(campaign.classes), threads
    )
    assert told is not None  # there are models, and half of each batch is of the audit
    found = {**asdict(told), "true_level": math.nan, "least": 0.0, "most": math.inf}
    if not told.labels:
        return found
    level = control_level(campaign, pool, int(told.labels), threads)
    labels, bought, curve = state.training_labels(), [], []
    for one in models:
        bought.append(one.num_labeled)
        curve.append(unseen_accuracy(campaign, pool, one, labels, threads))
        if curve[-1] >= level:
            break
    there = float(first_crossing(np.array(bought, float), np.array([curve]), np.array([level]))[0])
    least = 0.0 if math.isinf(there) else told.labels / there
    most = math.inf if there <= bought[0] else told.labels / min(there, bought[-1])
    return {**found, "true_level": level, "least": least, "most": most}


def unseen_accuracy(
    campaign: Campaign, pool: CampaignPool, model: PastModel, labels: RowLabels, threads: int
) -> float:
    """Accuracy on the pool, where rows that trained the model are predicted by models of the rest.

    That is what the audit measures: none of its rows has trained a model.
    """
    truth = pool.dataset.labels("pool")
    right = model.predicted == truth
    own = RowLabels(labels.rows[: model.num_labeled], labels.values[: model.num_labeled])
    names = (campaign.campaign, campaign.seed, model.batch)
    order = rng_for("rehearsed-folds", *names).permutation(len(own.rows))
    # Each class is spread evenly over the folds.
    order = order[np.argsort(own.values[order], kind="stable")]
    for part in range(FOLDS):
        out = order[part::FOLDS]
        rest = np.setdiff1d(order, out)
        known = RowLabels(own.rows[rest], own.values[rest])
        predicted = _predicted(campaign, pool, known, own.rows[out], threads)
        right[own.rows[out]] = predicted == own.values[out]
    return float(right.mean())


def control_level(campaign: Campaign, pool: CampaignPool, labels: int, threads: int) -> float:
    """Expected accuracy of models trained on so many random rows of the pool, on all its others.

    It is the same for all seeds, and kept beside their folders.
    """
    kept = campaign.folder.parents[1] / f"level-{labels}.json"
    asked = {"proxy": dict(campaign.proxy), "source": pool.source}
    if kept.exists() and files.read_json(kept)["asked"] == asked:
        return files.read_json(kept)["level"]
    truth = pool.dataset.labels("pool")
    found = []
    for number in range(MODELS):
        rng = rng_for("rehearsed-control", campaign.campaign, labels, number)
        rows = np.sort(rng.choice(len(pool), labels, replace=False))
        others = np.setdiff1d(np.arange(len(pool)), rows)
        known = RowLabels(rows, truth[rows])
        found.append((_predicted(campaign, pool, known, others, threads) == truth[others]).mean())
    files.write_json(kept, {"asked": asked, "level": float(np.mean(found))})
    return float(np.mean(found))


def _predicted(
    campaign: Campaign, pool: CampaignPool, known: RowLabels, rows: np.ndarray, threads: int
) -> np.ndarray:
    model = train(pool, campaign.model_ids, len(campaign.classes), known, NOTHING, 0, None, threads)
    said = PredictedRows(model.proxy, model.proxy.pool_rows(pool.embeddings), threads)
    blocks = [said.take(part).argmax(axis=1) for part in _parts(rows)]
    return np.concatenate(blocks) if blocks else NOTHING


def _parts(rows: np.ndarray, size: int = 5000) -> list[np.ndarray]:
    return [rows[first : first + size] for first in range(0, len(rows), size)]


def folder_of(folder: Path, name: str, seed: int) -> Path:
    """Where a campaign's facts are kept."""
    return folder / "campaigns" / name / f"seed-{seed:02d}" / "facts"
