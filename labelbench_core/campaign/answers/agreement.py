"""How far annotators agree, who disagrees with whom on what, and how long an answer takes.

Agreement is over what was voted: a class, or that there is none. Each annotator has one vote for an
item, the last; whoever is unsure or skips has none.

Sources: J. Cohen, "A Coefficient of Agreement for Nominal Scales", 1960; K. Krippendorff, "Content
Analysis", 4th edition, 2019, chapter 12 (nominal data, any number of annotators for an item).
"""

import itertools
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labelbench_core.campaign.answers.answer import Answer
from labelbench_core.campaign.answers.labels import ItemLabel, Vote


@dataclass(frozen=True)
class Pair:
    """Two annotators.

    Attributes
    ----------
    annotators
        Their names, in alphabetical order.
    items
        Number of items that both voted on.
    agreed
        Number of those on which they agree.
    kappa
        Cohen's kappa: 1 for perfect agreement, 0 for that of chance. None where chance alone would
        agree always, or nothing is in common. With several labels, whole sets are compared.
    disagreements
        What the first and the second voted → on which items, the most frequent first.
    """

    annotators: tuple[str, str]
    items: int
    agreed: int
    kappa: float | None
    disagreements: Mapping[tuple[Vote, Vote], tuple[str, ...]] = field(repr=False)


@dataclass(frozen=True)
class Agreement:
    """How far annotators agree.

    Attributes
    ----------
    alpha
        Krippendorff's alpha: 1 for perfect agreement, 0 for that of chance. None where fewer than
        two values were voted for on items with two votes or more. With several labels,
        whole sets are compared.
    per_class
        Class → alpha of whether an item belongs to it.
    items
        Number of items with two votes or more.
    pairs
        All pairs of annotators with an item in common.
    """

    alpha: float | None
    per_class: Mapping[str, float | None]
    items: int
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Seconds:
    """How long answers take.

    Attributes
    ----------
    median
        Median seconds of an answer; None where no answer has a time.
    answers
        Number of answers with a time.
    total
        Sum of these times, in seconds.
    """

    median: float | None
    answers: int
    total: float


def agreement_of(items: Iterable[ItemLabel], classes: Sequence[str]) -> Agreement:
    """How far the annotators of items agree.

    Parameters
    ----------
    items
        As `labels.labels_of` gives them.
    classes
        Today's names.
    """
    votes = {one.item: dict(one.votes) for one in items if len(one.votes) > 1}
    sets = [list(given.values()) for given in votes.values()]
    per_class = {
        name: alpha([[_belongs(vote, name) for vote in given] for given in sets])
        for name in classes
    }
    return Agreement(alpha(sets), per_class, len(votes), tuple(_pairs(votes)))


def _belongs(vote: Vote, name: str) -> bool:
    return vote == name if isinstance(vote, str) else name in (vote or ())


def _pairs(votes: Mapping[str, Mapping[str, Vote]]) -> Iterable[Pair]:
    shared: dict[tuple[str, str], list[tuple[Vote, Vote, str]]] = defaultdict(list)
    for item, given in votes.items():
        for first, second in itertools.combinations(sorted(given), 2):
            shared[first, second].append((given[first], given[second], item))
    for annotators, rows in sorted(shared.items()):
        differing: dict[tuple[Vote, Vote], list[str]] = defaultdict(list)
        for one, other, item in rows:
            if one != other:
                differing[one, other].append(item)
        ordered = sorted(differing.items(), key=lambda entry: -len(entry[1]))
        yield Pair(
            annotators,
            len(rows),
            len(rows) - sum(map(len, differing.values())),
            cohen_kappa([row[0] for row in rows], [row[1] for row in rows]),
            {said: tuple(found) for said, found in ordered},
        )


def cohen_kappa(first: Sequence[Any], second: Sequence[Any]) -> float | None:
    """Cohen's kappa of two annotators' values of the same items; None where it is not defined."""
    count = len(first)
    if not count:
        return None
    observed = sum(one == other for one, other in zip(first, second, strict=True)) / count
    shares, others = Counter(first), Counter(second)
    chance = sum(shares[value] * others[value] for value in shares) / count**2
    return None if chance == 1 else (observed - chance) / (1 - chance)


def alpha(items: Iterable[Sequence[Any]]) -> float | None:
    """Krippendorff's alpha of the values that each item was given, in any order.

    Items with fewer than two values do not count. None where all values are equal: then chance
    alone would agree always.
    """
    total, disagreeing = Counter[Any](), 0.0
    for values in items:
        if len(values) < 2:
            continue
        counts = Counter(values)
        total.update(counts)
        pairs = len(values) ** 2 - sum(count**2 for count in counts.values())
        disagreeing += pairs / (len(values) - 1)
    number = total.total()
    by_chance = number**2 - sum(count**2 for count in total.values())
    return None if not by_chance else 1 - (number - 1) * disagreeing / by_chance


def seconds_of(answers: Iterable[Answer]) -> tuple[Seconds, dict[str, Seconds]]:
    """How long answers take, of all annotators together and of each, by name.

    Every answer counts, also one that was changed later: its time was spent.
    """
    by_annotator: dict[str, list[float]] = {}
    for answer in answers:
        if answer.seconds is not None:
            by_annotator.setdefault(answer.annotator, []).append(answer.seconds)
    every = list(itertools.chain.from_iterable(by_annotator.values()))
    return _seconds(every), {name: _seconds(by_annotator[name]) for name in sorted(by_annotator)}


def _seconds(values: Sequence[float]) -> Seconds:
    return Seconds(statistics.median(values) if values else None, len(values), sum(values))
