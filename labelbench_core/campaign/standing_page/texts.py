"""What a campaign's page says, in sentences: every number with its interval and what it is of."""

import math
from collections.abc import Iterator

from labelbench_core.campaign.audit.estimators import PLAIN, Estimate
from labelbench_core.campaign.audit.extrapolation import Range
from labelbench_core.campaign.audit.saving import Saving
from labelbench_core.campaign.standing.outlook import Outlook
from labelbench_core.campaign.standing.whole import Standing, undecided_states

OPEN = "cannot be told yet"


def percent(share: float) -> str:
    """A share in per cent, with one decimal."""
    return f"{100 * share:.1f} %" if math.isfinite(share) else "unknown"


def interval(low: float, high: float) -> str:
    """The ends of an interval of shares."""
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def estimated(one: Estimate) -> str:
    """An estimate with its interval."""
    return f"{percent(one.estimate)} ({interval(one.low, one.high)})" if one.n else OPEN


def of_range(one: Range) -> str:
    """A share that is not known yet, with its interval."""
    return f"{percent(one.estimate)} ({interval(one.low, one.high)})"


def quantity(multilabel: bool, rows: str) -> str:
    """What an accuracy is the accuracy of."""
    one = {"images": "image", "texts": "text"}.get(rows, "row")
    right = "gets all classes right" if multilabel else "is right"
    return f"how often the current model {right} on a random {one} of the pool"


def headline(standing: Standing, rows: str) -> str:
    """The page's first sentence."""
    if standing.accuracy is None:
        if not any(batch.trained for batch in standing.state.batches):
            return "There is no model yet: it is trained when labels have come and a batch is due."
        return (
            "The last batch was proposed by no model of today's classes: accuracy is measured when "
            "the next one has been handed out."
        )
    one = standing.accuracy.estimate
    if not one.n and not standing.state.audit.keys() & standing.state.row_of.keys():
        return (
            "No row of the pool is left to the audit, as all of its rows have answers that no "
            "batch had asked for, or are gone: accuracy cannot be told."
        )
    if not one.n:
        return "No row of the audit has been decided yet: accuracy cannot be told."
    what = quantity(standing.state.campaign.multilabel, rows)
    how = "the audit's labels" if one.name == PLAIN else "the audit and the model's own confidence"
    return (
        f"Accuracy, {what}: {percent(one.estimate)}, 95 % interval {interval(one.low, one.high)}, "
        f"by {how} ({one.n} decided rows); rows that were bought count as they are known."
    )


def of_undecided(standing: Standing) -> str:
    """What undecided rows of the audit may change; empty where there are none."""
    if standing.accuracy is None or not standing.accuracy.undecided.undecided:
        return ""
    found = standing.accuracy.undecided
    states = sorted(undecided_states(standing.state).items())
    why = ", ".join(f"{count} {name}" for name, count in states)
    wrong, right = estimated(found.all_wrong), estimated(found.all_right)
    return (
        f"Of the audit, rows are undecided: {why}. As if the model were wrong on all "
        f"{found.undecided} of them that it predicted: {wrong}; as if it were right: {right}; "
        f"without them, by the audit's labels: {estimated(found.decided)}."
    )


def of_rows_left_out(standing: Standing) -> Iterator[str]:
    """What the numbers do not cover yet, as sentences."""
    state, model = standing.state, standing.model
    open_rows = len(state.audit_waited_for())
    if standing.accuracy is not None and open_rows:
        yield (
            f"{open_rows} rows of the audit are handed out and not answered yet. If those that are "
            "answered first are the easier ones, the interval does not hold until all are."
        )
    if model is not None and not model.known.all():
        late = int((~model.known).sum())
        yield (
            f"{late:,} rows came to the pool after the current model predicted it, and are in no "
            "number of its accuracy until the next batch."
        )
    if len(standing.points) > 1 and standing.on_curve < len(state.present.number):
        yield (
            f"The curve, what may come and the saving are over the {standing.on_curve:,} rows that "
            "all models predicted."
        )


def of_saving(saving: Saving | None, decided: int, rows: int) -> str:
    """What the strategy has saved, as a bound or as unknown.

    Parameters
    ----------
    decided
        Decided rows of the audit.
    rows
        Rows of the pool.
    """
    what = (
        "labels that random selection would have needed for the same accuracy, over those bought, "
        "both without those of the audit"
    )
    if saving is None:
        return f"Saving ({what}): {OPEN}; it needs a model, and ten decided rows of the audit."
    if not saving.labels:
        return (
            f"Saving ({what}): {OPEN}; the control reaches too few labels. With "
            f"{_count(saving.audit_labels_needed, rows)} of the audit it can be compared."
        )
    level = percent(saving.level)
    seen = f"At the accuracy that random labels reach with {saving.labels:g}, {level}"
    high = "no upper bound" if math.isinf(saving.high) else f"{saving.high:.2f}"
    low = "no lower bound" if saving.low == 0 else f"{saving.low:.2f}"
    ends = f"95 % interval: {low} to {high}"
    if saving.told:
        needs = "fewer labels" if saving.low > 1 else "more labels than random selection"
        return f"{seen}, the strategy needs {needs}. Saving ({what}): {ends}."
    if saving.audit_labels_needed > decided:
        needed = _count(saving.audit_labels_needed, rows)
        until = f"If the curves go on as they are, it takes {needed} of the audit."
    else:
        until = "It takes more of them, so that random labels reach as far as those bought."
    until = f"It can be told with more rows of the audit than {decided} decided ones. {until}"
    return f"{seen}: whether the strategy saves labels {OPEN}. Saving ({what}): {ends}. {until}"


def of_labels_not_asked_for(standing: Standing) -> str:
    """Whose choice it was where models were trained on rows that no batch asked for; or empty."""
    state = standing.state
    rows = {state.row_of[item] for item in state.unasked if item in state.row_of}
    count = len(rows.intersection(state.training_labels().rows.tolist()))
    if not count:
        return ""
    of = f"{count:,} label" + ("s" if count > 1 else "")
    return (
        f"{of} that no batch had asked for {'are' if count > 1 else 'is'} among those bought: "
        "these rows were chosen by people, not by the strategy."
    )


def of_outlook(found: Outlook | None, standing: Standing) -> list[str]:
    """What more labels may bring, as sentences."""
    if found is None:
        told = f"What more labels may bring {OPEN}"
        return [f"{told}: it takes models with three different numbers of labels."]
    lines = []
    if found.gain is not None:
        low, high = (f"{100 * one:+.1f}" for one in (found.gain.low, found.gain.high))
        lines.append(
            f"One more batch: {100 * found.gain.estimate:+.1f} points of accuracy, 95 % interval "
            f"{low} to {high}."
        )
    if found.target is not None and found.needed is not None:
        needed = f"To {percent(found.target)}: {_labels(found.needed)} in all"
        lines.append(f"{needed}, without those of the audit; there are {standing.num_labeled:,}.")
        lines += _reached(found.target, standing)
    if found.price is not None:
        currency = (standing.state.campaign.prices or {}).get("currency", "")
        lines.append(
            "What is still needed costs, with the audit's share: "
            f"{_money(found.price.low, found.price.high, currency)}."
        )
    return lines


def _reached(target: float, standing: Standing) -> list[str]:
    """Where the estimate is beyond the target already, what is missing to say so."""
    one = None if standing.accuracy is None else standing.accuracy.estimate
    if one is None or not one.n or one.estimate < target:
        return []
    if one.low >= target:
        return [f"The current model has reached it: {estimated(one)}."]
    return [
        f"The current model may have reached it, {estimated(one)}, but the interval begins below: "
        "labels of the audit make it narrower."
    ]


def _labels(needed: Range) -> str:
    if math.isinf(needed.low):
        return "more labels than the pool has rows"
    if math.isinf(needed.high):
        return f"{math.ceil(needed.low):,} labels or more, and all rows may not suffice,"
    return f"{math.ceil(needed.low):,} to {math.ceil(needed.high):,} labels"


def _money(low: float, high: float, currency: str) -> str:
    if math.isinf(low):
        return "more than the labels of all rows"
    if math.isinf(high):
        return f"{low:,.2f} {currency}".strip() + " or more; all rows may not suffice"
    return f"{low:,.2f} to {high:,.2f} {currency}".strip()


def _count(value: float, most: int) -> str:
    return "more rows than the pool has" if value > most else f"{math.ceil(value):,} decided rows"
