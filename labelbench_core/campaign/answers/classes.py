"""Classes that change while labels come in: what an earlier answer means in today's names.

Answers keep the names that classes had when they were given. Changes are a list, each an object
with one key, in the order in which they were made:

    {"add": "lynx"}                                    a class that appears late
    {"rename": {"from": "cat", "to": "house cat"}}
    {"merge": {"from": ["dog", "puppy"], "to": "dog"}}
    {"split": {"from": "bird", "into": ["duck", "goose"]}}

A name means one class for good: a name that another class had cannot be given again, which is why a
split needs names of its own. An answer with a class that was split no longer holds: the item is to
be asked again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labelbench_core.campaign.answers.answer import Answer, Label, Outcome
from labelbench_core.campaign.answers.formats.handed import check_class_names
from labelbench_core.errors import InputError, did_you_mean, listed, shown

KINDS = ("add", "rename", "merge", "split")


@dataclass(frozen=True)
class Meaning:
    """What an answer means today.

    Attributes
    ----------
    label
        As in `Answer`, in today's names; also None where `ask_again` says why it no longer holds.
    ask_again
        Why the item is to be asked again; empty: the answer holds.
    silent_on
        Classes of today that the annotator could not choose: with several labels, or where none of
        the classes was found to fit, the answer says nothing of them.
    former
        With `ask_again` the label in names of before the split (classes that were not split: of
        today); else None.
    before, since
        With `ask_again` all names that the classes had until they were split, and those of what
        they were split into, today and until it was split again; else empty.
    """

    label: Label | None
    ask_again: str = ""
    silent_on: tuple[str, ...] = ()
    former: Label | None = None
    before: frozenset[str] = frozenset()
    since: frozenset[str] = frozenset()


class ClassHistory:
    """The classes of a campaign from its start until today.

    Parameters
    ----------
    start
        Names at the start.
    changes
        See the module.
    where
        File and key that the changes are from, for messages.
    order
        Today's names in another order, in which they are given; empty: as `classes` says.

    Attributes
    ----------
    classes
        Today's names, in their order: what was renamed, merged or split keeps its place.
    names
        All names that classes ever had: what answers may say.

    Raises
    ------
    InputError
        For an impossible change, or one that contradicts an earlier one; the message is one line.
    """

    def __init__(
        self,
        start: Sequence[str],
        changes: Sequence[Mapping[str, Any]] = (),
        where: str = "classes",
        order: Sequence[str] = (),
    ) -> None:
        check_class_names(start, where)
        self._where = where
        # A class is a number. Those that were there first, added or made by a split are parts; a
        # merged class is the number of its first part and has the parts of all. A name meant the
        # parts that its class had when it was last called so.
        self._of_name = {name: number for number, name in enumerate(start)}
        self._today = dict(enumerate(start))
        self._parts = {number: {number} for number in self._today}
        self._meant = {name: {number} for number, name in self._today.items()}
        self._parents: dict[int, set[int]] = {}
        self._split: dict[int, tuple[str, tuple[str, ...]]] = {}
        for place, change in enumerate(changes):
            self._where = f"{where}[{place}]"
            self._apply(change)
        if order:
            place = {name: number for number, name in enumerate(order)}
            self._today = dict(sorted(self._today.items(), key=lambda one: place[one[1]]))
        self.classes = tuple(self._today.values())
        self.names = tuple(self._of_name)

    def _apply(self, change: Any) -> None:
        if not (isinstance(change, Mapping) and len(change) == 1 and set(change) <= set(KINDS)):
            raise self._error(shown(change), f"an object with one key of {listed(KINDS)}")
        kind: str = next(iter(change))
        given: Any = change[kind]
        self._where += f".{kind}"
        if kind == "add":
            if not isinstance(given, str):
                raise self._error(shown(given), "the name of a class")
            self._new_class(given)
            return
        ends = ("from", "into" if kind == "split" else "to")
        if not (isinstance(given, Mapping) and set(given) == set(ends)):
            raise self._error(shown(given), f"an object with the keys {ends[0]} and {ends[1]}")
        many = {"rename": (), "merge": ("from",), "split": ("into",)}[kind]
        for key in ends:
            self._check_names(key, given[key], several=key in many)
        values: dict[str, Any] = dict(given)
        if kind == "split":
            self._apply_split(values["from"], values["into"])
        else:
            sources = [values["from"]] if kind == "rename" else values["from"]
            self._apply_merge([self._number(name) for name in sources], values["to"])

    def _check_names(self, key: str, value: Any, *, several: bool) -> None:
        if not several:
            if not isinstance(value, str):
                raise self._error(f"{key}: {shown(value)}", "the name of a class")
            return
        names = value if isinstance(value, list | tuple) else ()
        if len(names) < 2 or not all(isinstance(one, str) for one in names):
            raise self._error(f"{key}: {shown(value)}", "a list of two or more names")
        if len(set(names)) < len(names):
            raise self._error(f"{key}: {shown(value)}", "each name once")

    def _apply_merge(self, numbers: list[int], name: str) -> None:
        """Give one class, or several together, a new name, or one that one of them has or had."""
        if name in self._of_name and self._of_name[name] not in numbers:
            raise self._taken(name)
        check_class_names([name], self._where)
        kept = min(numbers, key=list(self._today).index)
        for number in numbers:
            self._parts[kept] |= self._parts[number]
            if number != kept:
                del self._today[number]
        for earlier, number in self._of_name.items():
            if number in numbers:
                self._of_name[earlier] = kept
        self._of_name[name] = kept
        self._today[kept] = name
        self._meant[name] = set(self._parts[kept])

    def _apply_split(self, name: str, into: Sequence[str]) -> None:
        number = self._number(name)
        place = list(self._today).index(number)
        before = list(self._today.items())
        del self._today[number]
        first = len(self._parts)
        for one in into:
            self._parents[self._new_class(one)] = self._parts[number]
        made = [(child, self._today[child]) for child in range(first, len(self._parts))]
        self._today = dict([*before[:place], *made, *before[place + 1 :]])
        self._split[number] = (name, tuple(into))

    def _new_class(self, name: str) -> int:
        if name in self._of_name:
            raise self._taken(name)
        check_class_names([name], self._where)
        number = len(self._parts)
        self._of_name[name], self._today[number], self._meant[name] = number, name, {number}
        self._parts[number] = {number}
        return number

    def _number(self, name: str) -> int:
        """The number of today's class of that name."""
        number = self._of_name.get(name)
        if number is not None and self._today.get(number) == name:
            return number
        reason = ""
        if number in self._split:
            reason = f" was split into {listed(self._split[number][1])}"
        elif number is not None:
            reason = f" is called {self._today[number]!r} since an earlier change"
        reason = reason or f" is no class{did_you_mean(name, self._today.values())}"
        raise self._error(f"{shown(name)}{reason}", listed(self._today.values()))

    def _taken(self, name: str) -> InputError:
        is_class = self._today.get(self._of_name[name]) == name
        told = "is a class already" if is_class else "was the name of another class"
        allowed = "a name of its own; classes become one by merge, with both in from"
        return self._error(f"{shown(name)} {told}", allowed)

    def _error(self, told: str, allowed: str) -> InputError:
        return InputError(f"{self._where}: {told}; allowed: {allowed}")

    def meaning(self, answer: Answer, offered: Sequence[str] | None = None) -> Meaning:
        """What an answer means today.

        Parameters
        ----------
        answer
            With names that classes had at any time.
        offered
            The classes of its batch, among which the annotator chose; None: not known, all.
        """
        given = answer.label
        if given is None:
            silent = self._silent_on(offered) if answer.outcome is Outcome.NO_CLASS else ()
            return Meaning(None, silent_on=silent)
        several = not isinstance(given, str)
        numbers = [self._of_name[name] for name in (given if several else [given])]
        if split := [number for number in numbers if number in self._split]:
            return self._meaning_of_split(split, numbers, several=several)
        names = [self._today[number] for number in numbers]
        if several:
            return Meaning(tuple(sorted(set(names))), silent_on=self._silent_on(offered))
        return Meaning(names[0])

    def _meaning_of_split(
        self, split: Sequence[int], numbers: Sequence[int], *, several: bool
    ) -> Meaning:
        """What an answer means of whose classes some were split."""
        last = {number: name for number, (name, _) in self._split.items()}
        former = sorted({(self._today | last)[number] for number in numbers})
        parts = set[int]().union(*(self._parts[number] for number in split))
        later = {
            number: name for number, name in (self._today | last).items() if number not in split
        }
        name, into = self._split[split[0]]
        return Meaning(
            None,
            f"{name} was split into {listed(into)}",
            former=tuple(former) if several else former[0],
            before=frozenset(one for one, number in self._of_name.items() if number in split),
            since=frozenset(
                name
                for number, name in later.items()
                if any(self._is_of(part, parts) for part in self._parts[number])
            ),
        )

    def _is_of(self, part: int, parts: set[int]) -> bool:
        """Whether a part is one of `parts`, or was split from one."""
        return part in parts or any(self._is_of(one, parts) for one in self._parents.get(part, ()))

    def _silent_on(self, offered: Sequence[str] | None) -> tuple[str, ...]:
        if offered is None:
            return ()
        chosen_from = set[int]()
        for name in offered:
            chosen_from |= self._meant[name]
        return tuple(
            name
            for number, name in self._today.items()
            if not all(self._was_offered(part, chosen_from) for part in self._parts[number])
        )

    def _was_offered(self, part: int, chosen_from: set[int]) -> bool:
        """Whether a part, or the whole class that it was split from, could be chosen."""
        parents = self._parents.get(part, ())
        return part in chosen_from or (
            bool(parents) and all(self._was_offered(one, chosen_from) for one in parents)
        )
