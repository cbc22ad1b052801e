"""A campaign's page: one HTML file that needs no network, about where it stands and what to do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core import report
from labelbench_core.campaign.advice.kept import told as told_of_choices
from labelbench_core.campaign.answers.labels import State
from labelbench_core.campaign.audit.estimators import LEAST_OF_A_CLASS
from labelbench_core.campaign.notes import notes_of
from labelbench_core.campaign.pool import CampaignPool
from labelbench_core.campaign.standing.doubts import NEARLY_EQUAL
from labelbench_core.campaign.standing.whole import Standing
from labelbench_core.campaign.standing_page import texts
from labelbench_core.campaign.standing_page.curve_drawing import draw_curve
from labelbench_core.report.templates import data_uri, template

MOST_OF_BATCH, MOST_OTHERS = 100, 24
"""Rows of the next batch, and of any other list, that are shown."""


@dataclass(frozen=True)
class Shown:
    """A row of the pool as the page shows it.

    Attributes
    ----------
    item
        What it is called.
    picture
        Its image as a `data:` URI; empty where it has none.
    text
        Its text; empty where it has none.
    note
        What is said of it.
    """

    item: str
    picture: str
    text: str
    note: str


def page(standing: Standing, pool: CampaignPool, threads: int = 1) -> str:
    """The page as text, the same for the same facts."""
    import markupsafe

    folder = Path(__file__).parent
    common = Path(report.__file__).with_name("report.css").read_text(encoding="utf-8")
    own = (folder / "campaign.css").read_text(encoding="utf-8")
    state, rows = standing.state, pool.dataset.rows
    names = state.history.classes
    show = _Rows(standing, pool, threads)
    return template(folder, "campaign.html").render(
        campaign=state.campaign,
        batch=state.batches[-1] if state.batches else None,
        answered=state.answered(state.batches[-1]) if state.batches else 0,
        num_labeled=standing.num_labeled,
        pool_rows=len(pool),
        headline=texts.headline(standing, rows),
        undecided=texts.of_undecided(standing),
        left_out=list(texts.of_rows_left_out(standing)),
        f1=None if standing.accuracy is None else standing.accuracy.f1,
        estimated=texts.estimated,
        curve=markupsafe.Markup(draw_curve(standing.points, standing.outlook)),
        points=standing.points,
        ahead=[] if standing.outlook is None else list(standing.outlook.ahead),
        of_range=texts.of_range,
        percent=texts.percent,
        outlook=texts.of_outlook(standing.outlook, standing),
        saving=texts.of_saving(standing.saving, int(standing.answers.decided.sum()), len(pool)),
        not_asked_for=texts.of_labels_not_asked_for(standing),
        stopping=standing.stopping,
        classes=list(_classes(standing)),
        least=LEAST_OF_A_CLASS,
        doubtful=show.rows(
            [one.row for one in standing.doubtful.labels],
            [
                f"answered {names[one.label]}, likelier {names[one.likelier]} "
                f"({texts.percent(one.probability)} for the answer)"
                for one in standing.doubtful.labels
            ],
        ),
        doubtful_count=len(standing.doubtful.labels),
        agreed=standing.doubtful.agreed,
        contradicted=[
            one for one in state.labels.items.values() if one.state is State.CONTRADICTED
        ],
        notes=notes_of(state),
        changes=state.labels.changes,
        agreement=standing.agreement,
        seconds=standing.seconds,
        seconds_of=standing.seconds_of,
        outliers=show.rows(standing.likeness.outliers, None),
        outliers_count=len(standing.likeness.outliers),
        nearly_equal=[
            (pool.items[one], pool.items[other], cosine)
            for one, other, cosine in standing.likeness.nearly_equal[:MOST_OTHERS]
        ],
        nearly_equal_count=len(standing.likeness.nearly_equal),
        nearly=NEARLY_EQUAL,
        next_rows=show.batch(),
        choices=told_of_choices(state.campaign.advice),
        batches=state.batches,
        estimator_changes=list(_estimator_changes(standing)),
        style=markupsafe.Markup(common + own),
    )


def _classes(standing: Standing) -> Iterator[dict[str, Any]]:
    """A row for each class, those of which least is known first."""
    measured = standing.accuracy.classes if standing.accuracy else ()
    found = [
        {
            "name": one.name,
            "labels": one.labels,
            "predicted": one.predicted,
            "accuracy": measured[place] if place < len(measured) else None,
        }
        for place, one in enumerate(standing.classes)
    ]

    def worst(row: dict[str, Any]) -> tuple[float, int]:
        known = row["accuracy"]
        return (known.estimate if known is not None else 2.0, row["labels"])

    yield from sorted(found, key=worst)


def _estimator_changes(standing: Standing) -> Iterator[str]:
    """Phrases on estimators that were changed after labels had come."""
    if not len(standing.answers.rows):
        return
    chosen: str | None = None
    for batch in standing.state.batches:
        asked = batch.record.get("estimator")
        if chosen is not None and asked is not None and asked != chosen:
            yield f"with batch {batch.number}, from {chosen} to {asked}"
        chosen = asked if asked is not None else chosen
    now = standing.state.campaign.estimator
    if chosen is not None and now != chosen:
        yield f"after batch {len(standing.state.batches)}, from {chosen} to {now}"


class _Rows:
    """Rows of the pool with their pictures and texts."""

    def __init__(self, standing: Standing, pool: CampaignPool, threads: int) -> None:
        self._standing, self._pool, self._threads = standing, pool, threads

    def rows(self, rows: Sequence[int], notes: Sequence[str] | None) -> list[Shown]:
        """The first of `rows`, with what is said of each."""
        rows = list(rows[:MOST_OTHERS])
        return self._shown(rows, notes[: len(rows)] if notes else [""] * len(rows))

    def batch(self) -> list[Shown]:
        """The rows of the last batch that the pool still has."""
        state = self._standing.state
        items = [one["item"] for one in state.batches[-1].record["items"]] if state.batches else []
        rows = [state.row_of[item] for item in items if item in state.row_of][:MOST_OF_BATCH]
        return self._shown(rows, [""] * len(rows))

    def _shown(self, rows: list[int], notes: Sequence[str]) -> list[Shown]:
        pictures = self._pool.readable_pictures(rows, self._threads)
        dataset = self._pool.dataset
        texts = [""] * len(rows)
        if rows and dataset.rows == "texts":
            texts = dataset.texts("pool").batch(np.array(rows, np.int64))
        return [
            Shown(
                item=self._pool.items[row],
                picture=data_uri(picture, self._pool.items[row]) if picture else "",
                text=text,
                note=note if picture is not None else f"{note} (its file cannot be read)".strip(),
            )
            for row, picture, text, note in zip(rows, pictures, texts, notes, strict=True)
        ]
