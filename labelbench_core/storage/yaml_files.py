"""YAML for configuration: text, numbers, lists and mappings, and no silent conversions.

In addition to what YAML itself forbids, it is an error if a key occurs twice or is not a string, if
a tag requests anything but the values above, if a file is not UTF-8, or if, with aliases expanded,
it is larger or deeper than any configuration. Every error is one line that names file, line
and column.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from labelbench_core.errors import InputError, shown

if TYPE_CHECKING:
    import yaml

MOST_SAID = 200
"""Most characters that are shown of a message of the YAML reader."""
MOST_BYTES = 2_000_000
MOST_VALUES = 100_000  # with aliases expanded: a kilobyte of them can stand for gigabytes
DEEPEST = 40
MOST_BITS = 1000  # of a whole number
_TAG = "tag:yaml.org,2002:"
# Numbers that YAML 1.1 does not read as they look.
_OTHER_BASE = re.compile(r"[-+]?0[0-9_]+|[-+]?[0-9][0-9_]*(:[0-9.]+)+")
_SCALARS = ("null", "bool", "int", "float", "str")


def read_yaml(file: Path) -> Any:
    """The content of a YAML file.

    Raises
    ------
    InputError
        One line with file, line, column and what is wrong.
    """
    return parse_yaml(read_text(file), file)


def read_text(file: Path) -> str:
    """The text of a file of a configuration; `InputError` if there is none, or it is not UTF-8."""
    try:
        if file.stat().st_size > MOST_BYTES:
            raise InputError(f"{file}: {file.stat().st_size} bytes; allowed: at most {MOST_BYTES}")
        return file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"{file}: file not found") from error
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        before = error.object[: error.start].split(b"\n")
        column = 1 + len(before[-1].decode("utf-8"))
        raise InputError(
            f"{file}: line {len(before)}, column {column}: not UTF-8 text (byte {error.start}); "
            "save the file as UTF-8"
        ) from error


def parse_yaml(text: str, file: Path | str) -> Any:
    """The content of `text`, which `file` holds; `InputError` as for `read_yaml`."""
    import yaml

    try:
        return yaml.load(text, _loader())
    except yaml.reader.ReaderError as error:
        raise InputError(
            f"{file}: not valid YAML: position {error.position}: "
            f"character {shown(_character(error.character))} is not allowed"
        ) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{_place(mark)}: " if mark else ""
        told = " ".join(": ".join(filter(None, (error.context, error.problem))).split())
        # The message may quote a name of any length.
        told = told if len(told) <= MOST_SAID else f"{told[: MOST_SAID - 1]}…"
        raise InputError(f"{file}: not valid YAML: {place}{told}") from error
    except _Refused as error:
        raise InputError(f"{file}: {_place(error.args[0])}: {error.args[1]}") from error


def _place(mark: yaml.Mark) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}"


def _character(code: int | str) -> str:
    return chr(code) if isinstance(code, int) else str(code)


class _Refused(Exception):
    """(mark, what is wrong)."""


@functools.cache
def _loader() -> type[yaml.SafeLoader]:
    """The loader's class; created on first use, because importing yaml takes time."""
    import yaml

    base = _fast_loader() if yaml.__with_libyaml__ else yaml.SafeLoader

    class Loader(base):
        """See the module."""

        def __init__(self, stream: str) -> None:
            super().__init__(stream)
            self.depth = 0
            # Of every composed node: the values that it stands for, and whether it is finished.
            self.sizes: dict[int, int] = {}

        if TYPE_CHECKING:  # PyYAML's parsers are not annotated

            def peek_event(self) -> yaml.Event: ...

            def check_event(self, *choices: type[yaml.Event]) -> bool: ...

            def resolve(
                self, kind: type[yaml.Node], value: str, implicit: tuple[bool, bool]
            ) -> str: ...

        def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node:
            mark = self.peek_event().start_mark
            is_alias = self.check_event(yaml.AliasEvent)
            self.depth += 1
            if self.depth > DEEPEST:
                raise _Refused(mark, f"nested more than {DEEPEST} deep")
            node = cast("yaml.Node", super().compose_node(parent, index))
            self.depth -= 1
            if is_alias and id(node) not in self.sizes:
                raise _Refused(mark, "an alias refers to a value that contains it")
            if not is_alias:
                self.sizes[id(node)] = 1 + sum(self.sizes[id(part)] for part in _parts(node))
                if self.sizes[id(node)] > MOST_VALUES:
                    raise _Refused(mark, f"more than {MOST_VALUES} values, with aliases expanded")
                if isinstance(node, yaml.MappingNode):
                    self.check_keys(node)
            return node

        def check_keys(self, node: yaml.MappingNode) -> None:
            # As written: constructing a mapping adds merged keys to its own.
            given: set[str] = set()
            for key, _ in node.value:
                mark = key.start_mark
                is_scalar = isinstance(key, yaml.ScalarNode)
                if not is_scalar or key.tag not in (f"{_TAG}str", f"{_TAG}merge"):
                    value = key.value if is_scalar else "a list or mapping"
                    raise _Refused(mark, f"key {shown(value)} is not a string; put it in quotes")
                if key.value in given:
                    raise _Refused(mark, f"key {shown(key.value)} occurs twice")
                given.add(key.value)

        def mapping(self, node: Any) -> dict[Hashable, Any]:
            if not isinstance(node, yaml.MappingNode):
                raise _Refused(node.start_mark, f"a {node.id} is not a mapping")
            return self.construct_mapping(node, deep=True)

        def sequence(self, node: yaml.SequenceNode) -> list[Any]:
            return self.construct_sequence(node, deep=True)

        def scalar(self, node: yaml.ScalarNode) -> Any:
            name = node.tag.removeprefix(_TAG)
            if name in ("int", "float") and _OTHER_BASE.fullmatch(str(node.value)):
                raise _Refused(
                    node.start_mark,
                    f"{node.value} would be read in base 8 or 60; write it in base 10 or in quotes",
                )
            try:
                value = getattr(self, f"construct_yaml_{name}")(node)
                if isinstance(value, int) and value.bit_length() > MOST_BITS:
                    raise ValueError  # too long for any message
                return value
            except (ValueError, KeyError, IndexError, OverflowError) as error:
                raise _Refused(
                    node.start_mark, f"{shown(node.value)} is not {_WORDS[name]}"
                ) from error

        def refuse(self, node: yaml.Node) -> None:
            tag = node.tag.replace(_TAG, "!!")
            mark = node.start_mark
            if (read_as := _NO_TEXT.get(node.tag)) and node.tag == self.resolve(
                yaml.ScalarNode, node.value, (True, False)
            ):
                raise _Refused(mark, f"{node.value} would be read as {read_as}; put it in quotes")
            raise _Refused(mark, f"tag {shown(tag)}; allowed: {', '.join(_ALLOWED_TAGS)}")

    Loader.yaml_constructors = {
        None: Loader.refuse,
        f"{_TAG}map": Loader.mapping,
        f"{_TAG}seq": Loader.sequence,
        **{f"{_TAG}{name}": Loader.scalar for name in _SCALARS},
    }
    return Loader


@functools.cache
def _fast_loader() -> type[yaml.SafeLoader]:
    """PyYAML's loader with libyaml's parser, ten times faster, but Python's composer."""
    import yaml
    from yaml.composer import Composer

    class FastLoader(Composer, yaml.CSafeLoader):
        """What a `SafeLoader` offers."""

        def __init__(self, stream: str) -> None:
            yaml.CSafeLoader.__init__(self, stream)
            Composer.__init__(self)

    return cast("type[yaml.SafeLoader]", FastLoader)


_WORDS = {
    "null": "null",
    "bool": "true or false",
    "int": "a whole number that can be read",
    "float": "a number that can be read",
    "str": "text",
}
# Values that look like text but are not to Snakemake, which also reads the experiment's file.
_NO_TEXT = {f"{_TAG}timestamp": "a date", f"{_TAG}value": "a special value"}
_ALLOWED_TAGS = tuple(f"!!{name}" for name in (*_SCALARS, "seq", "map"))


def _parts(node: yaml.Node) -> Sequence[yaml.Node]:
    """The nodes right below a node."""
    if isinstance(node.value, str):
        return ()
    items: list[yaml.Node | tuple[yaml.Node, yaml.Node]] = node.value
    return [part for item in items for part in (item if isinstance(item, tuple) else (item,))]
