"""One call of a campaign: take in what has come, and hand out the next batch if it is due.

Whatever a call writes is a fact, written whole. A call that is killed anywhere and run again does
what was left, and nothing twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.campaign.answers.formats import write_exports
from labelbench_core.campaign.answers.formats.handed import batch_of
from labelbench_core.campaign.answers.formats.label_studio import local_files
from labelbench_core.campaign.answers.ledger import Received, receive
from labelbench_core.campaign.audit.order import mixed, next_items, share_of_batch
from labelbench_core.campaign.batches import StoredBatch, hand_out
from labelbench_core.campaign.labelling_page.page import page
from labelbench_core.campaign.models import (
    Model,
    TrainedBefore,
    likeliest,
    predict,
    propose,
    propose_first,
    suggestions,
    train,
)
from labelbench_core.campaign.pool import CampaignPool
from labelbench_core.campaign.settings import Campaign
from labelbench_core.campaign.state import CampaignState, expected_answers, read_state, take_in
from labelbench_core.campaign.zero_shot import ClassNamesClassifier
from labelbench_core.counting import counted
from labelbench_core.errors import InputError
from labelbench_core.registry.info import EMBEDDINGS
from labelbench_core.seeds import rng_for
from labelbench_core.storage import files
from labelbench_core.storage.records import DIGEST

WAITING, PROPOSED, ALL_LABELED = "waiting", "proposed", "all-labelled"
INBOX = "labels"
"""Folder, within the campaign's, for the files that come back."""
LABELLING_PAGE = "label.html"


@dataclass(frozen=True)
class Call:
    """What a call did.

    Attributes
    ----------
    status
        `WAITING`: for answers to the last batch; `PROPOSED`: a new batch; `ALL_LABELED`: no row is
        left that could be proposed.
    state
        Where the campaign stands now.
    received
        What became of the files that came back.
    """

    status: str
    state: CampaignState
    received: Received

    @property
    def batch(self) -> StoredBatch | None:
        """The last batch handed out."""
        return self.state.batches[-1] if self.state.batches else None


def advance(
    campaign: Campaign,
    pool: CampaignPool,
    answers: Sequence[Path] = (),
    *,
    made_with: Mapping[str, Any] | None = None,
    classifier: ClassNamesClassifier | None = None,
    hands_out: bool = True,
    threads: int = 1,
) -> Call:
    """Take in answers and rows that have come, and hand out the next batch if it is due.

    Parameters
    ----------
    answers
        Files that came back, of any format; those received before do no harm.
    made_with
        Versions of code and packages, for the record of a batch.
    classifier
        Of the campaign's class names, where `zero_shot` asks for one.
    hands_out
        Whether the next batch is handed out if it is due.

    Raises
    ------
    InputError
        If a file of answers is not valid: all errors of all files. What the other files say has
        been received by then; no batch is handed out.
    """
    (campaign.folder / INBOX).mkdir(parents=True, exist_ok=True)
    with files.exclusive(campaign.folder / "campaign"):
        state, new = read_state(campaign, pool)
        take_in(state, pool, new)
        if new:  # there may be answers to rows that have just come
            state, _ = read_state(campaign, pool)
        received = receive(campaign.folder, answers, expected_answers(state))
        state, _ = read_state(campaign, pool)
        if received.errors:
            raise InputError("\n".join([*received.errors, *_taken_in(received)]))
        if not hands_out or not _is_due(state):
            return Call(WAITING, state, received)
        count = _room(state)
        if not count:
            return Call(ALL_LABELED, state, received)
        _hand_out_next(state, pool, count, made_with or {}, classifier, threads)
        state, _ = read_state(campaign, pool)
        return Call(PROPOSED, state, received)


def _taken_in(received: Received) -> list[str]:
    """What the files without an error said, for the error of the others."""
    answers = sum(len(one.answers) for one in received.receipts)
    if not answers:
        return []
    said = sum(bool(one.answers) for one in received.receipts)
    return [
        f"{counted(answers, 'new answer')} in {counted(said, 'other file')} taken in all the same; "
        "no batch is handed out before the wrong answers are corrected"
    ]


def _is_due(state: CampaignState) -> bool:
    """Whether enough of the last batch is answered."""
    if not state.batches:
        return True
    last = state.batches[-1]
    there = [item for item in last.record["items"] if item["item"] in state.row_of]
    gone = len(last.record["items"]) - len(there)
    needed = state.campaign.next_batch_at * len(last.record["items"])
    return state.answered(last) + gone >= needed - 1e-9


def _room(state: CampaignState) -> int:
    """How many rows the next batch has."""
    free = len(state.candidates()) + len(state.to_ask_again())
    return min(state.campaign.batch_size, free + len(_audit_left(state)))


def _audit_left(state: CampaignState) -> list[str]:
    return [item for item in state.audit if item in state.row_of and item not in state.handed_out]


def _hand_out_next(
    state: CampaignState,
    pool: CampaignPool,
    count: int,
    made_with: Mapping[str, Any],
    classifier: ClassNamesClassifier | None,
    threads: int,
) -> None:
    campaign, number = state.campaign, len(state.batches) + 1
    before = [item["item"] for batch in state.batches for item in batch.record["items"]]
    due = share_of_batch(
        count, campaign.audit_share, len(before), sum(item in state.audit for item in before)
    )
    candidates = state.candidates()
    again = state.to_ask_again()[: count - min(due, count)]
    # Where a strategy has too few rows left, the audit fills the batch.
    due = max(due, count - len(again) - len(candidates))
    present = state.row_of.keys() - state.unasked.keys()
    of_audit = next_items(state.order, due, present, state.handed_out)
    wanted = min(count - len(of_audit) - len(again), len(candidates))
    labels = state.training_labels()
    model: Model | None = None
    strategy, memory = campaign.first, {}
    if len(labels.rows):
        strategy = campaign.strategy
        model = train(
            pool,
            campaign.model_ids,
            len(state.history.classes),
            labels,
            candidates,
            number - 1,
            _trained_before(state),
            threads,
        )
        chosen, memory = propose(model, wanted)
    else:
        rng = rng_for("first-batch", campaign.campaign, campaign.seed, number)
        classes = len(state.history.classes)
        classifier = _classifier_of_today(state, classifier)
        chosen = propose_first(pool, strategy, classes, candidates, wanted, rng, classifier)
    names = [*again, *(pool.items[row] for row in chosen.tolist())]
    shown = mixed(of_audit, names, campaign.campaign, campaign.seed, number)
    rows = np.array([state.row_of[item] for item in shown], np.int64)
    suggested: list[Any] = [None] * len(rows)
    if model is not None:
        suggested = list(suggestions(model, pool, rows, state.history.classes))
    elif classifier is not None:
        said = classifier.probabilities(pool.embeddings.take(rows))
        suggested = list(likeliest(said, state.history.classes))
    proposal = {
        "classes": list(state.history.classes),
        "multilabel": campaign.multilabel,
        "rows": pool.dataset.rows,
        "items": [
            {
                "item": item,
                "number": int(state.present.number[row]),
                "sha256": pool.digests[row] or None,
                "suggestion": one,
            }
            for item, row, one in zip(shown, rows.tolist(), suggested, strict=True)
        ],
        "strategy": dict(strategy),
        "zero_shot": model is None and classifier is not None,
        "advice": dict(campaign.advice),
        "state": memory,
        "num_labeled": len(labels.rows),
        "estimator": campaign.estimator,
        "answers_sha256": state.receipts[-1].sha256 if state.receipts else None,
        "source": pool.source,
        "made_with": dict(made_with),
    }
    trained, arrays = (None, {}) if model is None else _trained(model, state, pool, threads)

    def write_files(folder: Path, record: Mapping[str, Any]) -> None:
        texts = _texts(pool, shown, rows)
        handed = record if campaign.suggestions else _without_suggestions(record)
        images_in = pool.image_folder
        image_url = local_files(images_in.name) if images_in else None
        write_exports(folder, batch_of(handed, texts), image_url=image_url)
        if pool.dataset.rows != EMBEDDINGS:
            # The page lets people switch suggestions on, and notes with each answer if they were.
            images = dict(zip(shown, pool.pictures(rows, threads), strict=True))
            written = page(batch_of(record, texts), record[DIGEST], images, campaign.suggestions)
            (folder / LABELLING_PAGE).write_text(written, encoding="utf-8")

    hand_out(
        campaign.folder, campaign.campaign, state.batches, proposal, trained, arrays, write_files
    )


def _classifier_of_today(
    state: CampaignState, classifier: ClassNamesClassifier | None
) -> ClassNamesClassifier | None:
    """The classifier with its classes in the order of today's; None where none is asked for."""
    campaign = state.campaign
    if not campaign.zero_shot:
        return None
    if classifier is None:
        told = "first: zero-shot; no classifier of the class names was given"
        raise InputError(f"{told}; allowed without it: the id of a strategy")
    place = {name: number for number, name in enumerate(campaign.classes)}
    return classifier.of_classes([place[name] for name in state.history.classes])


def _without_suggestions(record: Mapping[str, Any]) -> dict[str, Any]:
    return {**record, "items": [{**one, "suggestion": None} for one in record["items"]]}


def _texts(pool: CampaignPool, items: Sequence[str], rows: np.ndarray) -> dict[str, str]:
    if pool.dataset.rows != "texts":
        return {}
    return dict(zip(items, pool.dataset.texts("pool").batch(rows), strict=True))


def _trained_before(state: CampaignState) -> TrainedBefore | None:
    """The model that proposed the last batch; None if classes or proxy differ, or without one."""
    if not state.batches or state.batches[-1].trained is None:
        return None
    last = state.batches[-1]
    trained = last.trained or {}
    if tuple(trained["classes"]) != state.history.classes:
        return None
    if trained["proxy"] != dict(state.campaign.proxy):
        return None
    proxy = {
        key.removeprefix("proxy-"): value
        for key, value in last.arrays().items()
        if key.startswith("proxy-")
    }
    same = last.record["strategy"] == dict(state.campaign.strategy)
    memory = last.record["state"] if same else {}
    return TrainedBefore(trained["source"], trained["fit"], proxy, memory)


def _trained(
    model: Model, state: CampaignState, pool: CampaignPool, threads: int
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What is kept of a model: its record and its arrays, with its predictions for the pool."""
    said = predict(model, pool, threads)
    record = {
        "num_labeled": len(model.job.seller.bought),
        "classes": list(state.history.classes),
        "proxy": dict(state.campaign.proxy),
        "backbone": state.campaign.backbone,
        "source": pool.source,
        "fit": dict(model.fit),
    }
    arrays = {f"proxy-{name}": value for name, value in model.proxy.arrays().items()}
    arrays |= {
        "numbers": state.present.number,
        "predicted": said.predicted,
        "confidence": said.confidence.astype(np.float16),
    }
    if said.entropy is not None:
        arrays["entropy"] = said.entropy.astype(np.float16)
    return record, arrays


def waiting_files(folder: Path) -> list[Path]:
    """Files in the campaign's inbox, by name; hidden files and editors' copies are left out."""
    inbox = folder / INBOX
    if not inbox.is_dir():
        return []
    return [
        path
        for path in sorted(inbox.iterdir())
        if path.is_file() and not path.name.startswith((".", "~")) and not path.name.endswith("~")
    ]
