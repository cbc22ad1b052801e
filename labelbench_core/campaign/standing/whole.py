"""Everything that a campaign's page tells, in one place."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from labelbench_core.campaign.answers.agreement import Agreement, Seconds, agreement_of, seconds_of
from labelbench_core.campaign.answers.labels import State
from labelbench_core.campaign.audit.saving import Saving
from labelbench_core.campaign.pool import CampaignPool
from labelbench_core.campaign.standing.accuracy import Accuracy, CurvePoint, accuracy_now, curve
from labelbench_core.campaign.standing.control import saving_so_far
from labelbench_core.campaign.standing.doubts import (
    DoubtfulLabels,
    Likeness,
    doubtful_labels,
    likeness,
)
from labelbench_core.campaign.standing.history import (
    AuditAnswers,
    PastModel,
    audit_answers,
    bought_rows,
    first_batches,
    past_models,
    strata_of_rows,
)
from labelbench_core.campaign.standing.outlook import Outlook, outlook
from labelbench_core.campaign.standing.stopping import Verdict, verdicts
from labelbench_core.campaign.state import CampaignState


@dataclass(frozen=True)
class ClassStanding:
    """What is known of a class.

    Attributes
    ----------
    name
        The class.
    labels
        Rows of it that are trained on.
    predicted
        Rows of the pool that the model predicts to be of it; None before there is a model.
    """

    name: str
    labels: int
    predicted: int | None


@dataclass(frozen=True)
class Standing:
    """Where a campaign stands.

    Attributes
    ----------
    state
        The facts.
    model
        The current model; None before the first, or where classes have changed since it was made.
    num_labeled
        Labels that a model made today would be trained on.
    answers
        All answers of the audit.
    accuracy
        Of the current model; None without one.
    points
        Accuracy by labels, so far.
    on_curve
        Rows of the pool that all models predicted, over which these are.
    outlook
        What more labels may bring; None with too few points.
    saving
        On the user's own rows, against random labels; None where nothing can be compared.
    stopping
        What rules for stopping say; empty where rows can belong to several classes.
    classes
        One for each class.
    doubtful
        Labels that may be wrong.
    likeness
        Rows of the last batch and labelled ones that are like no other, or nearly equal to one.
    agreement, seconds, seconds_of
        Of the annotators: how far they agree, how long an answer takes, in all and of each.
    """

    state: CampaignState
    model: PastModel | None
    num_labeled: int
    answers: AuditAnswers
    accuracy: Accuracy | None
    points: Sequence[CurvePoint]
    on_curve: int
    outlook: Outlook | None
    saving: Saving | None
    stopping: Sequence[Verdict]
    classes: Sequence[ClassStanding]
    doubtful: DoubtfulLabels
    likeness: Likeness
    agreement: Agreement
    seconds: Seconds
    seconds_of: Mapping[str, Seconds]


def standing_of(state: CampaignState, pool: CampaignPool, threads: int = 1) -> Standing:
    """Read a campaign's facts, and train what compares them; no fact is changed."""
    campaign, names = state.campaign, state.history.classes
    models, answers, stratum = past_models(state), audit_answers(state), strata_of_rows(state)
    trained, bought = state.training_labels(), bought_rows(state)
    last = state.batches[-1] if state.batches else None
    model = models[-1] if models and last and models[-1].batch == last.number else None
    accuracy = None
    if model is not None:
        accuracy = accuracy_now(model, answers, bought, stratum, campaign.estimator, len(names))
    points = curve(models, answers, bought, stratum)
    time, by_annotator = seconds_of(state.answers)
    return Standing(
        state=state,
        model=model,
        num_labeled=len(trained.rows),
        answers=answers,
        accuracy=accuracy,
        points=points,
        on_curve=int(np.logical_and.reduce([one.known for one in models]).sum()) if models else 0,
        outlook=outlook_of(state, points),
        saving=saving_so_far(campaign, pool, models, answers, len(names), threads),
        stopping=stopping_of(state, models),
        classes=_classes(state, model),
        doubtful=doubtful_labels(campaign, pool, trained, len(names), threads),
        likeness=likeness(campaign, pool, _looked_at(state, trained.rows)),
        agreement=agreement_of(state.labels.items.values(), names),
        seconds=time,
        seconds_of=by_annotator,
    )


def outlook_of(state: CampaignState, points: Sequence[CurvePoint]) -> Outlook | None:
    """What more labels may bring, to a campaign as it is asked for."""
    campaign, bought = state.campaign, len(state.training_labels().rows)
    return outlook(
        points,
        bought,
        batch=max(round(campaign.batch_size * (1 - campaign.audit_share)), 1),
        most=bought + len(state.candidates()) + len(state.waited_for()),
        target=campaign.target,
        price=campaign.prices.get("label") if campaign.prices else None,
        audit_share=min(campaign.audit_share, 0.99),
    )


def stopping_of(state: CampaignState, models: Sequence[PastModel]) -> list[Verdict]:
    """What the rules for stopping say; nothing where rows can belong to several classes."""
    if state.campaign.multilabel:
        return []
    labels = np.full(len(state.present.number), -1, np.int64)
    trained = state.training_labels()
    labels[trained.rows] = trained.values
    proposed = {}
    for batch in state.batches:
        items = (one["item"] for one in batch.record["items"])
        own = [state.row_of[one] for one in items if one in state.row_of and one not in state.audit]
        proposed[batch.number] = np.array(own, np.int64)
    count = len(state.history.classes)
    batch_of = first_batches(state)
    return verdicts(models, proposed, labels, batch_of, count, len(trained.rows))


def _classes(state: CampaignState, model: PastModel | None) -> list[ClassStanding]:
    values = state.training_labels().values
    count = len(state.history.classes)
    labels = values.sum(axis=0) if values.ndim > 1 else np.bincount(values, minlength=count)
    predicted: np.ndarray | None = None
    if model is not None:
        found = model.predicted[model.known]
        predicted = found.sum(axis=0) if found.ndim > 1 else np.bincount(found, minlength=count)
    return [
        ClassStanding(name, int(labels[n]), None if predicted is None else int(predicted[n]))
        for n, name in enumerate(state.history.classes)
    ]


def _looked_at(state: CampaignState, labelled: np.ndarray) -> np.ndarray:
    """Rows that are labelled, and those of the last batch."""
    rows = set(labelled.tolist())
    if state.batches:
        items = (one["item"] for one in state.batches[-1].record["items"])
        rows |= {state.row_of[item] for item in items if item in state.row_of}
    return np.array(sorted(rows), np.int64)


def undecided_states(state: CampaignState) -> Counter[str]:
    """How many answered items of the audit are undecided, and why."""
    return Counter(
        "with nothing said of some class" if one.state is State.LABELED else one.state.value
        for one in state.audited()
        if not state.is_decided(one)
    )
