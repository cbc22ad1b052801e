"""Printing the components of a kind: a list of all, or a description of some.

`python -m labelbench_core.<kind>`. No component is imported.
"""

import argparse
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from labelbench_core.errors import InputError
from labelbench_core.piping import until_reader_leaves
from labelbench_core.registry import Component, describe, docstrings, names, problem_of
from labelbench_core.registry import info as component_info
from labelbench_core.registry import options as option_rules

NARROWEST = 40  # columns
# Told elsewhere in a description, or of use to programs only.
_LEFT_OUT = ("name", "summary", "runs", "required", "at_least", "steps_at_least")


@dataclass(frozen=True)
class OptionRow:
    """All about an option, in words; `source` is that of the default."""

    name: str
    allowed: str
    default: str
    source: str
    meaning: str


@until_reader_leaves()
def list_command(
    kind: str, columns: tuple[str, ...], argv: Sequence[str] | None, more: str = ""
) -> int:
    """`python -m labelbench_core.<kind>`, with `--list` or `--describe`; the exit status.

    Parameters
    ----------
    columns
        Keys of `INFO` that the list shows.
    more
        What else the command can do, for its help.
    """
    parser = argparse.ArgumentParser(prog=f"python -m labelbench_core.{kind}", epilog=more or None)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--list",
        action="store_true",
        help=f"print all {kind.replace('datasets', 'data sets')}, one per line",
    )
    what.add_argument(
        "--describe", nargs="+", metavar="NAME", help="print what each one is, and all its options"
    )
    chosen = parser.parse_args(argv)
    status = 0
    if chosen.list:
        print_list(kind, columns)
    elif chosen.describe:
        status = _print_descriptions(kind, chosen.describe)
    else:
        parser.print_help()
        status = 2
    return status


def print_list(kind: str, columns: tuple[str, ...]) -> None:
    """Print a table of all components of a kind; `columns` are keys of their `INFO`."""
    rows = [("id", *columns, "options")]
    for name in names(kind):
        if problem := problem_of(kind, name):
            print(f"left out: {problem}", file=sys.stderr)
            continue
        component = describe(kind, name)
        values = (_plain(component.info.get(column, "")) for column in columns)
        rows.append((name, *values, _plain([f"{k}={v}" for k, v in component.options.items()])))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(
            "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def description(component: Component, width: int) -> str:
    """A component's summary, its `INFO`, and each option with what it may be and what it means.

    Parameters
    ----------
    width
        Width of a line, in characters.
    """
    usual = component_info.DEFAULTS.get(component.kind, {})
    facts = {
        key: value
        for key, value in component.info.items()
        if key not in _LEFT_OUT and value not in ("", usual.get(key, ""))
    }
    pairs: list[tuple[str, str]] = [(key, _plain(value)) for key, value in facts.items()]
    for row in option_rows(component):
        whose = f" ({row.source})" if row.source else ""
        pairs += [("", ""), (row.name, row.meaning or "(not described)")]
        pairs += [("  allowed", row.allowed), ("  default", f"{row.default}{whose}")]
    if not component.options:
        pairs += [("", ""), ("options", "none")]
    indent = max(len(label) for label, _ in pairs) + 2
    lines = textwrap.wrap(f"{component.name}: {component.summary}", width)
    for label, text in pairs:
        lines += _labeled(label, text, indent, width)
    return "\n".join(lines)


def option_rows(component: Component) -> Iterator[OptionRow]:
    """All about each option, in the signature's order."""
    told = docstrings.descriptions(component)
    for name, default in component.options.items():
        rule = component.allowed[name]
        text = told.get(name, docstrings.Description("", ""))
        has_to_be_given = name in component.info.get("required", ())
        yield OptionRow(
            name,
            rule.words if rule else "a value like the default",
            "none: required" if has_to_be_given else written(default),
            "" if has_to_be_given else text.source,
            text.meaning,
        )


def written(value: option_rules.Value) -> str:
    """A default as the catalogue's YAML writes it."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(written, value))}]"
    if value is None or isinstance(value, bool):
        return {True: "true", False: "false", None: "null"}[value]
    return str(value) or '""'


def _print_descriptions(kind: str, chosen: Sequence[str]) -> int:
    width = max(NARROWEST, shutil.get_terminal_size().columns)
    try:
        texts = [description(describe(kind, name), width) for name in chosen]
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n\n".join(texts))
    return 0


def _labeled(label: str, text: str, indent: int, width: int) -> list[str]:
    """`label`, and `text` wrapped beside it; an empty line where both are empty."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=f"{label:<{indent}}",
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
    ) or [""]


def _plain(value: option_rules.Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "-"
    return str(value) or "-"
