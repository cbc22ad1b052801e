"""What a component's docstring says about its options: their meaning, unit and source.

The main function has a numpydoc section `Parameters`; it is read from the source, without importing
it. Type, range and default are given once, in the signature (`options`): a docstring that repeats
them is wrong as soon as they change. Each option's text ends with the source of its default:
`Default: SOURCE.`, where SOURCE begins with one of `SOURCES`.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from labelbench_core.errors import listed, shown
from labelbench_core.registry import MAIN_FUNCTION, Component, parse
from labelbench_core.registry import options as option_rules
from labelbench_core.registry.reading import function_at

SOURCES = (
    *("the paper's", "the authors' code's", "another paper's", "another code's"),
    *("LabelBench's", "USB's", "the weights'", "ours"),
)
_UNDERLINE = re.compile(r"-{3,}")
_SOURCE = re.compile(r"\s*Default: (?P<source>.+)\.$")
_TYPE_WORDS = re.compile(
    r"\b(int|integer|float|bool|boolean|str|string|whole number|true or false|optional|"
    r"non-negative|positive|at (?:least|most) [\d.]+)\b",
    re.IGNORECASE,
)
# Too frequent in prose to count as a default, unless the text calls them that.
_COMMON_NUMBERS = (0, 1)


@dataclass(frozen=True)
class Description:
    """What a docstring says of an option; `source` is that of the default."""

    meaning: str
    source: str


def descriptions(component: Component) -> dict[str, Description]:
    """What the docstring says of each option, in its order; without those it does not name."""
    texts = parameters(component)
    return {name: _parted(texts[name]) for name in component.options if name in texts}


def parameters(component: Component) -> dict[str, str]:
    """The section `Parameters` of a component's main function: each name's text, as one line.

    It includes that of the function whose options it has, too (`INFO["options_of"]`). An entry is
    kept as in its head line: what follows a colon is part of the name, which `errors` refuses.
    """
    found: dict[str, str] = {}
    for function in _functions(component):
        found.update(section(ast.get_docstring(function) or "", "Parameters"))
    return found


def section(docstring: str, title: str) -> dict[str, str]:
    """Each name's text in a section of a numpydoc docstring, as one line."""
    lines = inspect.cleandoc(docstring).split("\n")
    try:
        start = lines.index(title) + 2
    except ValueError:
        return {}
    found: dict[str, list[str]] = {}
    names: list[str] = []
    for line, following in zip(lines[start:], [*lines[start + 1 :], ""], strict=True):
        if _UNDERLINE.fullmatch(following):
            break  # the title of the next section
        if line and not line.startswith(" "):
            names = [name.strip() for name in line.split(",")] if ":" not in line else [line]
            found.update({name: [] for name in names})
        elif line:
            for name in names:
                found[name].append(line.strip())
    return {name: " ".join(text) for name, text in found.items()}


def errors(component: Component) -> Iterator[str]:
    """Errors in how the docstring describes the options, one line each."""
    texts = parameters(component)
    known = [
        one.arg
        for signature in (function.args for function in _functions(component))
        for one in (*signature.posonlyargs, *signature.args, *signature.kwonlyargs)
    ]
    if unknown := [name for name in texts if name not in known]:
        yield f"Parameters: {listed(unknown)}; allowed: {listed(known)}"
    for name, default in component.options.items():
        if name not in texts:
            yield f"Parameters: {name}: missing; allowed: its meaning, unit and source"
            continue
        text = _parted(texts[name])
        if not text.meaning:
            yield f"Parameters: {name}: has no description"
        if not text.source.startswith(SOURCES):
            yield f"Parameters: {name}: source {shown(text.source)}; allowed: {listed(SOURCES)}"
        if words := _TYPE_WORDS.findall(f"{text.meaning} {text.source}"):
            yield f"Parameters: {name}: {listed(words)}: repeats what the annotation says"
        if _repeats(text, default):
            yield f"Parameters: {name}: repeats the default, {shown(default)}"


def _functions(component: Component) -> list[ast.FunctionDef]:
    """The functions whose parameters are a component's options."""
    wanted = MAIN_FUNCTION[component.kind]
    body = parse(component.path).body
    main = [one for one in body if isinstance(one, ast.FunctionDef) and one.name == wanted]
    shared = component.info.get("options_of")
    return main if shared is None else [*main, function_at(shared)[2]]


def _parted(text: str) -> Description:
    found = _SOURCE.search(text)
    if not found:
        return Description(text, "")
    return Description(text[: found.start()].strip(), found["source"])


def _repeats(text: Description, default: Any) -> bool:
    """Whether a text names the default's value.

    A number other than 0 and 1 must not occur in it at all; other values may be explained as
    allowed values, but not called the default.
    """
    if re.search(r"\bdefaults?\b", text.meaning, re.IGNORECASE):
        return _names_value(re.sub(r".*?\bdefaults?\b", "", text.meaning, count=1), default)
    if _names_value(text.source, default):
        return True
    is_rare = option_rules.is_number(default) and default not in _COMMON_NUMBERS
    return is_rare and _names_value(text.meaning, default)


def _names_value(text: str, value: Any) -> bool:
    if option_rules.is_number(value):
        spelled = {f"{value}", f"{value:g}", f"{value:,}"}
        words = re.findall(r"(?<![\w.,-])\d[\d,]*(?:\.\d+)?(?!\w)", text)
        return any(word.rstrip(",") in spelled for word in words)
    words = {True: "true", False: "false", None: "null"}
    spelled_out = words[value] if value is None or isinstance(value, bool) else str(value)
    return re.search(rf"(?<!\w){re.escape(spelled_out)}(?!\w)", text) is not None
