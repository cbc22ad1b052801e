"""From all answers to one label for each item, and what contradicts it.

Of several answers of one annotator to an item, the last holds; earlier ones that it changed are
listed. Then the annotators of an item vote. That an item is of no class is a vote like one for a
class; whoever is unsure or skips the item abstains.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from labelbench_core.campaign.answers.answer import Answer, Label, Outcome, moment
from labelbench_core.campaign.answers.classes import ClassHistory
from labelbench_core.campaign.answers.dawid_skene import MeasuredAnnotators, require_package
from labelbench_core.campaign.answers.joining import (
    DAWID_SKENE,
    MAJORITY,
    METHODS,
    Decision,
    State,
    Vote,
    by_dawid_skene,
    by_majority,
)


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
        Share of the votes for the label (with several labels, for the least certain class), or,
        where annotators differ, its probability by Dawid and Skene; with `State.CONTRADICTED`, that
        of the most likely one. None where nobody votes.
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
    weighed
        Items on which annotators differ and that Dawid and Skene decided.
    overruled
        Those of them on which that is another label than by majority, or one where there is none.
    measured
        Of whom Dawid and Skene can tell how they err; None by majority.
    """

    items: Mapping[str, ItemLabel]
    changes: Sequence[Change] = ()
    ask_again: Mapping[str, str] = field(default_factory=dict[str, str])
    weighed: Sequence[str] = ()
    overruled: Sequence[str] = ()
    measured: MeasuredAnnotators | None = None

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
        `dawid-skene`: where annotators differ, what is more likely than all else together, by votes
        that are weighted by how each annotator errs (Dawid and Skene 1979), as far as enough rows
        with three answers tell that; else as by majority. No vote that all share is changed.
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
    decided = {item: by_majority(given) for item, given in votes.items()}
    likely, overruled, told = dict[str, Decision](), list[str](), None
    if method == DAWID_SKENE:
        require_package()
        likely, told = by_dawid_skene(votes)
        overruled = [item for item, found in likely.items() if found[:2] != decided[item][:2]]
        decided |= likely
    items = {
        item: _item(item, held, votes.get(item, {}), decided.get(item), item in changed)
        for item, held in holding.items()
    }
    again = {item: reason for item, reason in reasons.items() if not holding[item]}
    return Labels(items, changes, again, list(likely), overruled, told)


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
    decided: Decision | None,
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
