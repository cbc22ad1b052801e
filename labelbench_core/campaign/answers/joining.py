"""How the votes of several people on an item become one label: by majority, or Dawid and Skene."""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

from labelbench_core.campaign.answers.answer import Label, Outcome
from labelbench_core.campaign.answers.dawid_skene import MeasuredAnnotators, measured, posteriors

MAJORITY, DAWID_SKENE = "majority", "dawid-skene"
METHODS = (MAJORITY, DAWID_SKENE)
NO_CLASS = Outcome.NO_CLASS.value
Vote = Label | None
"""A label in today's names; None: the item is of no class."""


class State(StrEnum):
    """What all answers together say of an item."""

    LABELED = "labelled"
    NO_CLASS = "no-class"
    CONTRADICTED = "contradicted"
    UNSURE = "unsure"
    SKIPPED = "skipped"
    ASK_AGAIN = "ask-again"


Decision = tuple[State, Label | None, float]
"""State, label and confidence, as in `labels.ItemLabel`."""


def by_majority(votes: Mapping[str, Vote]) -> Decision:
    """What more than half of an item's votes say; with several labels, of each class."""
    given = list(votes.values())
    none = given.count(None)
    if 2 * none > len(given) or not any(isinstance(vote, tuple) for vote in given):
        (vote, count), *_ = Counter(given).most_common(1)
        return _decided(vote, count / len(given))
    counts = Counter(name for vote in given for name in vote or ())
    shares = {name: count / len(given) for name, count in counts.items()}
    return _decided_by_class(shares)


def by_dawid_skene(
    votes: Mapping[str, Mapping[str, Vote]],
) -> tuple[dict[str, Decision], MeasuredAnnotators]:
    """What is more likely than all else together, on items on which annotators differ.

    Parameters
    ----------
    votes
        Item → annotator → vote.

    Returns
    -------
    decided
        Item → what is decided by probabilities instead of shares. An item whose votes are equal is
        not among them. Nor is any, where it cannot be told of anybody how they err.
    measured
        Of whom it can be told.
    """
    flat = [(item, who, vote) for item, given in votes.items() for who, vote in given.items()]
    none_of_all = f"({NO_CLASS})"  # no class can be called so
    named = [(item, who, none_of_all if vote is None else vote) for item, who, vote in flat]
    single = [(item, who, vote) for item, who, vote in named if isinstance(vote, str)]
    one_class = len(single) == len(flat)
    # With several labels each class is decided on its own, by yes and no.
    told = measured(votes, len({vote for *_, vote in single}) if one_class else 2)
    decided = dict[str, Decision]()
    if not told.annotators:
        return decided, told
    if one_class:
        for item, shares in posteriors(single, told.annotators).items():
            best = max(shares, key=lambda name: shares[name])
            decided[item] = _decided(None if best == none_of_all else best, shares[best])
        return decided, told

    def chances(yes: Mapping[tuple[str, str], bool]) -> dict[str, float]:
        """Item → the probability of yes; that of all votes, where they are equal."""
        found = posteriors(
            [(item, who, "yes" if yes[item, who] else "no") for item, who, _ in flat],
            told.annotators,
        )
        agreed = {item: float(yes[item, who]) for item, who, _ in flat}
        return agreed | {item: shares["yes"] for item, shares in found.items()}

    names = sorted({name for *_, vote in flat for name in vote or ()})
    none = chances({(item, who): vote is None for item, who, vote in flat})
    of_class = {
        name: chances({(item, who): name in (vote or ()) for item, who, vote in flat})
        for name in names
    }
    for item, given in votes.items():
        if len(set(given.values())) == 1:
            continue
        shares = {name: of_class[name][item] for name in names}
        is_none = none[item] > 0.5
        decided[item] = (State.NO_CLASS, None, none[item]) if is_none else _decided_by_class(shares)
    return decided, told


def _decided(vote: Vote, share: float) -> Decision:
    if 2 * share <= 1:
        return State.CONTRADICTED, None, share
    return (State.NO_CLASS if vote is None else State.LABELED), vote, share


def _decided_by_class(shares: Mapping[str, float]) -> Decision:
    least = min((max(share, 1 - share) for share in shares.values()), default=1.0)
    if 2 * least <= 1:
        return State.CONTRADICTED, None, least
    return State.LABELED, tuple(sorted(name for name in shares if shares[name] > 0.5)), least
