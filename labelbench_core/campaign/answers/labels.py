"""From all answers to one label for each item, and what contradicts it.

Of several answers of one annotator to an item, the last holds; earlier ones that it changed are
listed. Then the annotators of an item vote. That an item is of no class is a vote like one for a
class; whoever is unsure or skips the item abstains.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from labelbench_core.campaign.answers.answer import Answer, Label, Outcome, moment
from labelbench_core.campaign.answers.classes import ClassHistory
from labelbench_core.campaign.answers.dawid_skene import posteriors

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


@dataclass(frozen=True)
class ItemLabel:
    """What all answers together say of an item.

    Attributes
    ----------
    item
        Its id.
    state
        Labelled; of no class; contradicted, where annotators disagree without a majority; unsure or
        skipped, where nobody says more; ask again, where its class was split since.
    label
        With `State.LABELED` the label in today's names, as in `Answer`.
    confidence
        Share of the votes for the label (with several labels, for the least certain class), or its
        probability by Dawid and Skene; with `State.CONTRADICTED`, that of the most likely one. None
        where nobody votes.
    votes
        Annotator → vote.
    silent_on
        Classes of which no annotator could say anything (`classes.Meaning`).
    """

    item: str
    state: State
    label: Label | None = None
    confidence: float | None = None
    votes: Mapping[str, Vote] = field(default_factory=dict[str, Vote])
    silent_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """An annotator's answer that a later one of the same annotator differs from."""

    earlier: Answer
    later: Answer


@dataclass(frozen=True)
class Labels:
    """What all answers say.

    Attributes
    ----------
    items
        Item → its label and state, in the order of the first answers.
    changes
        Answers that were changed, in order.
    ask_again
        Item → why it is to be asked again.
    overruled
        Items that Dawid and Skene label otherwise than a majority does.
    """

    items: Mapping[str, ItemLabel]
    changes: Sequence[Change] = ()
    ask_again: Mapping[str, str] = field(default_factory=dict[str, str])
    overruled: Sequence[str] = ()

    def of_state(self, state: State) -> list[str]:
        """Items of a state, in order."""
        return [item for item, one in self.items.items() if one.state is state]


@dataclass(frozen=True)
class Holding:
    """An answer that holds, in today's names."""

    answer: Answer
    label: Label | None
    silent_on: tuple[str, ...]

    @property
    def votes(self) -> bool:
        """Whether it says something of the item's class."""
        return _votes(self.answer)


def labels_of(
    answers: Iterable[Answer],
    history: ClassHistory,
    *,
    method: str = MAJORITY,
    offered: Mapping[str, Sequence[str]] | None = None,
    later_holds: bool = True,
) -> Labels:
    """One label for each item that was answered, and all that is contradicted or changed.

    Parameters
    ----------
    answers
        All answers, in order of receipt.
    history
        The classes from the start until today.
    method
        `majority`: what more than half of the votes say; with several labels, for each class.
        `dawid-skene`: what is more likely than all else together, by votes that are weighted by
        how each annotator errs (Dawid and Skene 1979).
    offered
        Batch → the classes among which its annotators chose.
    later_holds
        Whether the last of several answers of one annotator holds. If not, an item whose class
        somebody changed is contradicted.

    Returns
    -------
    Labels
        In today's names.

    Raises
    ------
    InputError
        If the package that `dawid-skene` needs is not installed.
    """
    if method not in METHODS:
        raise ValueError(f"method {method!r}; allowed: {', '.join(METHODS)}")
    holding, changes, reasons = holding_answers(answers, history, offered)
    changed = set[str]()
    if not later_holds:
        changed = {one.later.item for one in changes if _votes(one.earlier) and _votes(one.later)}
    votes = {
        item: {one.answer.annotator: one.label for one in held if one.votes}
        for item, held in holding.items()
        if any(one.votes for one in held)
    }
    decided = {item: _majority(given) for item, given in votes.items()}
    overruled = list[str]()
    if method == DAWID_SKENE:
        likely = _by_dawid_skene(votes)
        overruled = [
            item
            for item, (state, label, _) in decided.items()
            if state is not State.CONTRADICTED and likely[item][:2] != (state, label)
        ]
        decided = likely
    items = {
        item: _item(item, held, votes.get(item, {}), decided.get(item), item in changed)
        for item, held in holding.items()
    }
    again = {item: reason for item, reason in reasons.items() if not holding[item]}
    return Labels(items, changes, again, overruled)


def holding_answers(
    answers: Iterable[Answer],
    history: ClassHistory,
    offered: Mapping[str, Sequence[str]] | None = None,
) -> tuple[dict[str, list[Holding]], list[Change], dict[str, str]]:
    """The answers that hold, one for each annotator of an item, in today's names.

    Returns
    -------
    holding
        Item → its answers that hold, in the order of the first answers of each annotator; none, if
        all are of a class that was split.
    changes
        See `Change`.
    reasons
        Item → why an answer to it does not hold.
    """
    said: dict[str, dict[str, list[Answer]]] = {}
    for answer in answers:
        said.setdefault(answer.item, {}).setdefault(answer.annotator, []).append(answer)
    holding: dict[str, list[Holding]] = {}
    changes, reasons = list[Change](), dict[str, str]()
    for item, by_annotator in said.items():
        holding[item] = []
        for given in by_annotator.values():
            last: Holding | None = None
            for answer in _in_time(given):
                meaning = history.meaning(answer, (offered or {}).get(answer.batch or ""))
                if meaning.ask_again:
                    reasons[item] = meaning.ask_again
                    continue
                found = Holding(answer, meaning.label, meaning.silent_on)
                if last and (last.answer.outcome, last.label) != (answer.outcome, meaning.label):
                    changes.append(Change(last.answer, answer))
                last = found
            if last:
                holding[item].append(last)
    return holding, changes, reasons


def _votes(answer: Answer) -> bool:
    return answer.outcome in (Outcome.LABELED, Outcome.NO_CLASS)


def _in_time(answers: Sequence[Answer]) -> Sequence[Answer]:
    """Answers of one annotator to an item: by their times if all have one, else as received."""
    if len(answers) < 2 or any(one.at is None for one in answers):
        return answers
    return sorted(answers, key=lambda one: moment(one.at))


def _item(
    item: str,
    held: Sequence[Holding],
    votes: Mapping[str, Vote],
    decided: tuple[State, Label | None, float] | None,
    changed: bool,
) -> ItemLabel:
    voters = [one for one in held if one.votes]
    if decided is None:
        if not held:
            return ItemLabel(item, State.ASK_AGAIN)
        unsure = any(one.answer.outcome is Outcome.UNSURE for one in held)
        return ItemLabel(item, State.UNSURE if unsure else State.SKIPPED)
    state, label, confidence = decided
    if changed:
        state, label = State.CONTRADICTED, None
    silent = [one.silent_on for one in voters]
    nobody = tuple(name for name in silent[0] if all(name in names for names in silent))
    return ItemLabel(item, state, label, confidence, votes, nobody)


def _majority(votes: Mapping[str, Vote]) -> tuple[State, Label | None, float]:
    """What more than half of the votes say; with several labels, of each class."""
    given = list(votes.values())
    none = given.count(None)
    if 2 * none > len(given) or not any(isinstance(vote, tuple) for vote in given):
        (vote, count), *_ = Counter(given).most_common(1)
        return _decided(vote, count / len(given))
    counts = Counter(name for vote in given for name in vote or ())
    shares = {name: count / len(given) for name, count in counts.items()}
    return _decided_by_class(shares)


def _decided(vote: Vote, share: float) -> tuple[State, Label | None, float]:
    if 2 * share <= 1:
        return State.CONTRADICTED, None, share
    return (State.NO_CLASS if vote is None else State.LABELED), vote, share


def _decided_by_class(shares: Mapping[str, float]) -> tuple[State, Label | None, float]:
    least = min((max(share, 1 - share) for share in shares.values()), default=1.0)
    if 2 * least <= 1:
        return State.CONTRADICTED, None, least
    return State.LABELED, tuple(sorted(name for name in shares if shares[name] > 0.5)), least


def _by_dawid_skene(
    votes: Mapping[str, Mapping[str, Vote]],
) -> dict[str, tuple[State, Label | None, float]]:
    """Item → what is decided by probabilities instead of shares."""
    flat = [(item, who, vote) for item, given in votes.items() for who, vote in given.items()]
    none_of_all = f"({NO_CLASS})"  # no class can be called so
    named = [(item, who, none_of_all if vote is None else vote) for item, who, vote in flat]
    single = [(item, who, vote) for item, who, vote in named if isinstance(vote, str)]
    if len(single) == len(flat):
        decided = dict[str, tuple[State, Label | None, float]]()
        likely = posteriors(single)
        for item, shares in likely.items():
            best = max(shares, key=lambda name: shares[name])
            vote = None if best == none_of_all else best
            decided[item] = _decided(vote, shares[best])
        return decided
    # With several labels each class is decided on its own, and so is whether none fits.
    names = sorted({name for *_, vote in flat for name in vote or ()})
    none = _shares([(item, who, vote is None) for item, who, vote in flat])
    of_class = {name: _shares([(i, w, name in (v or ())) for i, w, v in flat]) for name in names}
    return {
        item: (State.NO_CLASS, None, none[item])
        if none[item] > 0.5
        else _decided_by_class({name: of_class[name][item] for name in names})
        for item in votes
    }


def _shares(votes: Sequence[tuple[str, str, bool]]) -> dict[str, float]:
    """Item → the probability of yes."""
    if len({vote for *_, vote in votes}) == 1:
        return {item: float(vote) for item, _, vote in votes}
    found = posteriors([(item, who, "yes" if vote else "no") for item, who, vote in votes])
    return {item: shares["yes"] for item, shares in found.items()}
