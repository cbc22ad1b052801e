"""From all answers to one label for each item, and what contradicts it.

Of several answers of one annotator to an item, the last holds; earlier ones that it changed are
listed. Then the annotators of an item vote. That an item is of no class is a vote like one for a
class; whoever is unsure or skips the item abstains.

An answer with a class that was split since says what the item is not, but no longer what it is. It
stays a vote, by the name of then, until somebody chooses one of the new classes. An item of which
such votes are the majority is asked again, whoever else has said no more than to skip it; once
somebody has seen it with the new classes, it is not asked another time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from labelbench_core.campaign.answers.answer import Answer, Label, Outcome, moment
from labelbench_core.campaign.answers.classes import ClassHistory, Meaning
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
        Annotator → vote; one for a class that was split, by its name before.
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
    """The last answer of an annotator to an item, in today's names.

    Attributes
    ----------
    answer
        What was answered.
    meaning
        What that means today.
    """

    answer: Answer
    meaning: Meaning

    @property
    def votes(self) -> bool:
        """Whether it says something of the item's class."""
        return _votes(self.answer)

    @property
    def holds(self) -> bool:
        """Whether none of its classes was split."""
        return not self.meaning.ask_again

    @property
    def vote(self) -> Vote:
        """The label, where it no longer holds in names of before the split."""
        return self.meaning.label if self.holds else self.meaning.former

    @property
    def said(self) -> tuple[Outcome, Vote]:
        """What tells one answer from another."""
        return self.answer.outcome, self.vote

    def refines(self, split: "Holding") -> bool:
        """Whether it names one of the classes that the class of another answer was split into."""
        return self.votes and not split.meaning.since.isdisjoint(_names(self.vote))


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
    offered = offered or {}
    last, changes = last_answers(answers, history, offered)
    changed = set[str]()
    if not later_holds:
        changed = {one.later.item for one in changes if _votes(one.earlier) and _votes(one.later)}
    votes = {item: votes_of(given) for item, given in last.items()}
    decided = {item: by_majority(given) for item, given in votes.items() if given}
    likely, overruled, told = dict[str, Decision](), list[str](), None
    if method == DAWID_SKENE:
        require_package()
        in_todays = (item for item, given in last.items() if all(one.holds for one in given))
        likely, told = by_dawid_skene({item: votes[item] for item in in_todays if votes[item]})
        overruled = [item for item, found in likely.items() if found[:2] != decided[item][:2]]
        decided |= likely
    items, again = dict[str, ItemLabel](), dict[str, str]()
    for item, given in last.items():
        found = _item(item, given, votes[item], decided.get(item), offered, item in changed)
        items[item] = found
        if found.state is State.ASK_AGAIN:
            again[item] = next(one.meaning.ask_again for one in given if not one.holds)
    return Labels(items, changes, again, list(likely), overruled, told)


def last_answers(
    answers: Iterable[Answer], history: ClassHistory, offered: Mapping[str, Sequence[str]]
) -> tuple[dict[str, list[Holding]], list[Change]]:
    """The last answer of each annotator of an item, in the order of their first ones.

    Returns
    -------
    last
        Item → these answers.
    changes
        See `Change`; to name what a class was split into is none.
    """
    said: dict[str, dict[str, list[Answer]]] = {}
    for answer in answers:
        said.setdefault(answer.item, {}).setdefault(answer.annotator, []).append(answer)
    found: dict[str, list[Holding]] = {}
    changes = list[Change]()
    for item, by_annotator in said.items():
        found[item] = []
        for given in by_annotator.values():
            last: Holding | None = None
            for answer in _in_time(given):
                meaning = history.meaning(answer, offered.get(answer.batch or ""))
                one = Holding(answer, meaning)
                if last and last.said != one.said and not one.refines(last):
                    changes.append(Change(last.answer, answer))
                last = one
            if last:
                found[item].append(last)
    return found, changes


def votes_of(given: Sequence[Holding]) -> dict[str, Vote]:
    """Annotator → vote, without those with a class that was split if another names a new one."""
    voters = [one for one in given if one.votes]
    return {
        one.answer.annotator: one.vote
        for one in voters
        if one.holds or not any(other.refines(one) for other in voters)
    }


def _votes(answer: Answer) -> bool:
    return answer.outcome in (Outcome.LABELED, Outcome.NO_CLASS)


def _in_time(answers: Sequence[Answer]) -> Sequence[Answer]:
    """Answers of one annotator to an item: by their times if all have one, else as received."""
    if len(answers) < 2 or any(one.at is None for one in answers):
        return answers
    return sorted(answers, key=lambda one: moment(one.at))


def _names(vote: Vote) -> tuple[str, ...]:
    return (vote,) if isinstance(vote, str) else vote or ()


def _item(
    item: str,
    given: Sequence[Holding],
    votes: Mapping[str, Vote],
    decided: Decision | None,
    offered: Mapping[str, Sequence[str]],
    changed: bool,
) -> ItemLabel:
    held = [one for one in given if one.holds]
    voters = [one for one in held if one.votes]
    split = [one for one in given if not one.holds and one.answer.annotator in votes]
    if split and decided is not None and _is_of_split(decided, split, voters):
        if not any(_saw_new_classes(one, split, offered) for one in held):
            return ItemLabel(item, State.ASK_AGAIN)
        decided = (State.CONTRADICTED, None, decided[2]) if voters else None
    if decided is None:
        unsure = any(one.answer.outcome is Outcome.UNSURE for one in held)
        return ItemLabel(item, State.UNSURE if unsure else State.SKIPPED)
    state, label, confidence = decided
    if changed:
        state, label = State.CONTRADICTED, None
    silent = [one.meaning.silent_on for one in voters]
    nobody = tuple(name for name in silent[0] if all(name in names for names in silent))
    return ItemLabel(item, state, label, confidence, votes, nobody)


def _is_of_split(decided: Decision, split: Sequence[Holding], voters: Sequence[Holding]) -> bool:
    """Whether what is decided is a class that was split, or all votes are for such classes."""
    before = frozenset[str]().union(*(one.meaning.before for one in split))
    return not voters or not before.isdisjoint(_names(decided[1]))


def _saw_new_classes(
    one: Holding, split: Sequence[Holding], offered: Mapping[str, Sequence[str]]
) -> bool:
    """Whether an annotator chose among classes of which none was split since, as far as known."""
    chosen_from = offered.get(one.answer.batch or "")
    return chosen_from is None or all(
        other.meaning.before.isdisjoint(chosen_from) for other in split
    )
