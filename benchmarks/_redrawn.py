"""How often intervals of accuracy hold in rehearsed campaigns, and on audits drawn again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks._rehearsed import Rehearsal
from labelbench_core.campaign.audit.estimators import POWERED, plain
from labelbench_core.campaign.standing.accuracy import accuracy_now
from labelbench_core.campaign.standing.history import (
    AuditAnswers,
    BoughtRows,
    PastModel,
    bought_rows,
    past_models,
    strata_of_rows,
)
from labelbench_core.seeds import rng_for

SIZES = (10, 50, 100, 200, 400)
PARTS = 8
WHOLE, DRAWN = "campaigns", "redrawn"
ALONE, CLASSES = "audit alone", "classes"
ROUNDING = 1e-9


@dataclass(frozen=True)
class Audited:
    """An audit of a model, and what its intervals say.

    `size` of the audit; `estimator`; `low`, `high`: the interval's ends; `truth`.
    """

    size: int
    estimator: str
    low: float
    high: float
    truth: float


def audited(
    model: PastModel,
    rows: np.ndarray,
    truth: np.ndarray,
    bought: BoughtRows,
    stratum: np.ndarray,
    classes: int,
) -> Iterator[Audited]:
    """What all estimators say of a model, by an audit of `rows`."""
    answers = AuditAnswers(rows, np.ones(len(rows), bool), truth[rows], stratum[rows])
    found = accuracy_now(model, answers, bought, stratum, POWERED, classes)
    right = model.predicted == truth
    size, accuracy = len(rows), float(right.mean())
    for one in (found.undecided.decided, found.estimate):
        yield Audited(size, one.name, one.low, one.high, accuracy)
    alone = plain(right[rows], stratum[rows], np.bincount(stratum).tolist())
    yield Audited(size, ALONE, alone.low, alone.high, accuracy)
    for label, of_class in enumerate(found.classes):
        if of_class is not None:
            mean = float(right[truth == label].mean())
            yield Audited(size, CLASSES, of_class.low, of_class.high, mean)


@dataclass(frozen=True)
class _Kept:
    """A model of a campaign, and what is known of its pool."""

    model: PastModel
    bought: BoughtRows
    stratum: np.ndarray
    classes: int
    order: np.ndarray
    rng: np.random.Generator

    def said(self, rows: np.ndarray, truth: np.ndarray, bought: BoughtRows) -> Iterator[Audited]:
        yield from audited(self.model, rows, truth, bought, self.stratum, self.classes)


def _kept(campaigns: Sequence[Rehearsal]) -> Iterator[_Kept]:
    for one in campaigns:
        state = one.state
        bought, stratum = bought_rows(state), strata_of_rows(state)
        [audit] = state.order.strata
        own = np.array([state.row_of[item] for item in audit.items[: audit.reserved]], np.int64)
        for model in past_models(state):
            rng = rng_for("redrawn", one.campaign.campaign, one.campaign.seed, model.batch)
            yield _Kept(model, bought, stratum, len(state.history.classes), own, rng)


def in_campaigns(campaigns: Sequence[Rehearsal], truth: np.ndarray) -> Iterator[Audited]:
    """Each model of each campaign by rows of that campaign's own audit, in their order.

    By the first so many, the next ones, and so on, at most `PARTS` times: all are as random.
    """
    models = list(_kept(campaigns))
    for size in SIZES:  # sizes first: intervals of one size share what they draw
        for one in models:
            for part in range(min(len(one.order) // size, PARTS)):
                rows = one.order[part * size : (part + 1) * size]
                yield from one.said(rows, truth, one.bought)


def drawn_again(
    campaigns: Sequence[Rehearsal], truth: np.ndarray, audits: int
) -> Iterator[Audited]:
    """Audits of random rows that did not train the model; at least `audits` of each size.

    The rows that a strategy has taken make no difference here, as they do in whole campaigns.
    """
    models = list(_kept(campaigns))
    each = -(-audits // len(models))
    for size in SIZES:
        for one in models:
            mine = one.bought.before(one.model).rows
            free = np.setdiff1d(np.arange(len(truth)), mine)
            for _ in range(each if size <= len(free) else 0):
                rows = one.rng.choice(free, size, replace=False)
                reserved = np.zeros(len(truth), bool)
                reserved[rows] = True
                found = one.said(rows, truth, replace(one.bought, reserved=reserved))
                yield from (said for said in found if said.estimator != ALONE)


def summarised(kind: str, found: Iterator[Audited]) -> list[dict[str, Any]]:
    """A row for each size and estimator: n, coverage, median width."""
    groups: dict[tuple[int, str], list[tuple[bool, float]]] = {}
    for one in found:
        holds = one.low <= one.truth + ROUNDING and one.truth - ROUNDING <= one.high
        groups.setdefault((one.size, one.estimator), []).append((holds, one.high - one.low))
    rows = []
    for (size, estimator), values in sorted(groups.items()):
        holds, widths = np.array(values).T
        row = {"audits": kind, "size": size, "estimator": estimator, "n": len(values)}
        rows.append({**row, "coverage": holds.mean(), "width": np.median(widths)})
    return rows
