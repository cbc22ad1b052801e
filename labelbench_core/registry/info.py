"""How a component describes itself: keys of its `INFO`, and parameters of its main function.

`labelbench_core.registry` reads `INFO` without importing the component, and others rely on it.
"""

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

from labelbench_core.errors import did_you_mean, listed, shown
from labelbench_core.registry import options as option_rules

REQUIRED = {
    **dict.fromkeys(("datasets", "annotators", "backbones"), ("summary",)),
    "proxies": ("provides", "needs_torch"),
    "trainers": ("needs_unlabeled", "needs_teacher"),
    "strategies": ("kind", "needs", "multilabel", "deterministic"),
}
POOL_FIELDS = (
    *("embeddings", "probabilities", "labeled", "labels", "num_classes", "head"),
    *("member_probabilities", "held_out", "recorded"),
)
"""Fields of a pool that strategies may need: `labelbench_core.strategies.pool.Pool`."""
PROVIDED = ("probabilities", "head", "member_probabilities")
"""Those of these fields that depend on the proxy."""
# What the main function gets by position; strategies of some kinds get more.
PARAMETERS = {
    "datasets": ("data_dir",),
    "annotators": ("truth",),
    "backbones": (),
    "proxies": ("threads",),
    "trainers": (),
    "strategies": ("pool", "budget", "rng"),
}
IMAGES, TEXTS, EMBEDDINGS = ROWS = ("images", "texts", "embeddings")
"""What rows of a data set (`INFO["rows"]`), and what a backbone reads (`INFO["reads"]`), can be."""
HANDED = {"sequential": ("ask",), "ceiling": ("truth", "fit")}
FLAGS = (
    *("deterministic", "needs_torch", "needs_images", "needs_unlabeled"),
    *("needs_teacher", "pretrained_head", "text", "in_files", "trainable"),
    *("unlabeled", "without_truth", "weighted"),
)


def _are_texts(value: option_rules.Value) -> bool:
    return isinstance(value, (list, tuple)) and all(map(option_rules.is_text, value))


def _are_pairs(value: option_rules.Value) -> bool:
    return isinstance(value, dict) and all(
        option_rules.is_text(one) for pair in value.items() for one in pair
    )


def _are_sizes(value: option_rules.Value) -> bool:
    return isinstance(value, dict) and all(
        option_rules.is_text(split) and isinstance(rows, int) and rows > 0
        for split, rows in value.items()
    )


def _hold_sizes(value: option_rules.Value) -> bool:
    return isinstance(value, dict) and all(map(_are_sizes, value.values()))


def _are_sizes_by_option(value: option_rules.Value) -> bool:
    return isinstance(value, dict) and all(map(_hold_sizes, value.values()))


def _are_pairs_by_option(value: option_rules.Value) -> bool:
    return isinstance(value, dict) and all(map(_are_pairs, value.values()))


def _some_of(known: tuple[str, ...]) -> option_rules.Allowed:
    def are_known(value: option_rules.Value) -> bool:
        return isinstance(value, (list, tuple)) and all(one in known for one in value)

    return option_rules.Allowed(f"a list of {listed(known)}", are_known)


_TEXTS = option_rules.Allowed("a list of strings", _are_texts)
_PAIRS = option_rules.Allowed("a mapping of options to options", _are_pairs)
ALLOWED = {
    **dict.fromkeys(FLAGS, option_rules.of(bool)),
    "multilabel": option_rules.of(bool | Literal["only"]),
    **dict.fromkeys(("runs", "required"), _TEXTS),
    "needs": _some_of(POOL_FIELDS),
    "provides": _some_of(PROVIDED),
    **dict.fromkeys(("at_least", "steps_at_least"), _PAIRS),
    "kind": option_rules.of(Literal["strategy", "sequential", "ceiling"]),
    "unlabeled_views": option_rules.of(Literal[1, 2]),
    **dict.fromkeys(("rows", "reads"), option_rules.Allowed(listed(ROWS), ROWS.__contains__)),
    **dict.fromkeys(("groups", "weights"), option_rules.of(bool | str)),
    **dict.fromkeys(("weights_file", "code", "environment"), option_rules.of(str)),
    "options_of": option_rules.of(str),
    **dict.fromkeys(("multilabel_by", "unlabeled_by", "truth_by"), _TEXTS),
    "environment_by": option_rules.Allowed(
        "a mapping of options to mappings of their values to environments", _are_pairs_by_option
    ),
    "num_classes": option_rules.of(int | str),
    "sizes": option_rules.Allowed("a mapping of splits to numbers of rows", _are_sizes),
    "sizes_by": option_rules.Allowed(
        "a mapping of options to mappings of their values to `sizes`", _are_sizes_by_option
    ),
}
"""Other keys may hold anything, unless their names nearly are one of these, or of `TOLD`."""
TOLD = ("summary", "paper", "cost", "rule", "name", "license")
"""What is only shown to people."""
KEYS_OF = {
    "datasets": (
        *("rows", "groups", "weights", "num_classes", "sizes", "sizes_by", "in_files"),
        *("multilabel", "multilabel_by", "unlabeled", "unlabeled_by"),
    ),
    "annotators": ("without_truth", "truth_by"),
    "backbones": (
        *("reads", "text", "trainable", "weights_file", "code", "environment", "environment_by"),
    ),
    "proxies": (
        *("provides", "needs_torch", "needs_images", "pretrained_head", "multilabel", "weighted"),
    ),
    "trainers": (
        *("needs_unlabeled", "needs_teacher", "unlabeled_views", "steps_at_least"),
        *("multilabel", "weighted"),
    ),
    "strategies": ("kind", "needs", "multilabel", "deterministic", "runs"),
}
"""Kind → the keys of `ALLOWED` that its components may have, beside those that all may have."""
OF_ANY_KIND = ("required", "at_least", "options_of")
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "datasets": {"rows": IMAGES},
    "backbones": {"reads": IMAGES, "trainable": True, "environment": "torch"},
    "trainers": {"unlabeled_views": 2},
}
"""Kind → keys that `describe` adds where a component leaves them out."""


def errors(kind: str, info: option_rules.Value, options: Mapping[str, Any]) -> Iterator[str]:
    """The errors in an `INFO`, one per line.

    Parameters
    ----------
    options
        The component's options and their defaults.
    """
    if not isinstance(info, dict):
        yield f"{shown(info)}; allowed: a mapping"
        return
    if missing := [key for key in REQUIRED[kind] if key not in info]:
        yield f"missing key: {listed(missing)}"
    known = (*ALLOWED, *TOLD)
    for key, value in info.items():
        if key not in known and (meant := did_you_mean(key, known, cutoff=0.8)):
            yield f"{shown(key)}: no such key{meant}; allowed: {listed(sorted(known))}"
        elif key in ALLOWED and not ALLOWED[key].holds(value):
            yield f"{key}: {shown(value)}; allowed: {ALLOWED[key].words}"
        elif key in ALLOWED and key not in (*KEYS_OF[kind], *OF_ANY_KIND):
            kinds = [one for one, keys in KEYS_OF.items() if key in keys]
            yield f"{key}: allowed for {' and '.join(kinds)} only"
        elif key == "multilabel" and option_rules.is_text(value) and kind != "strategies":
            yield f"multilabel: {shown(value)}: allowed for strategies only"
        elif key == "runs":
            yield from _not_of_use(key, value, options, _is_names, "names of strategies")
        elif key in ("groups", "weights") and isinstance(value, str):
            yield from _not_of_use(key, [value], options, lambda default: not default, "nothing")
        elif key == "num_classes" and isinstance(value, str):
            yield from _not_of_use(key, [value], options, option_rules.is_number, "a number")
        elif key in ("weights_file", "code"):
            yield from _not_of_use(key, [value], options, lambda default: not default, "nothing")
        elif key == "sizes_by":
            yield from _not_of_use(key, value, options, lambda _: True, "any default")
        elif key in ("required", "multilabel_by", "unlabeled_by", "truth_by"):
            yield from _not_of_use(key, value, options, lambda default: not default, "nothing")
        elif key == "at_least":
            yield from _not_of_use(key, value, options, _is_number, "a number or null")
            yield from _not_of_use(
                key, value.values(), options, _has_size, "a number, a list or null"
            )
        elif key == "steps_at_least":
            named = [*value, *value.values()]
            yield from _not_of_use(key, named, options, option_rules.is_number, "a number")


def signature(kind: str, function: str) -> str:
    """How a function of a component is defined: what it gets by position, then its options."""
    return f"{function}({', '.join((*PARAMETERS[kind], '*', '…'))})"


def parameter_errors(
    kind: str, info: Mapping[str, Any], function: ast.FunctionDef
) -> Iterator[str]:
    """A line if a function cannot be called as others of its kind: with `PARAMETERS` by position.

    Parameters may be renamed, but not swapped.
    """
    needed = PARAMETERS[kind] + HANDED.get(str(info.get("kind")), ())
    arguments = function.args
    named = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    enough = len(named) == len(needed) or (arguments.vararg and len(named) < len(needed))
    swapped = any(a != b and a in needed for a, b in zip(named, needed, strict=False))
    if swapped or not enough:
        yield (
            f"{function.name}({listed(named) if named else ''}): allowed before the *: "
            f"{listed(needed)}"
        )


def shared_errors(function: ast.FunctionDef, place: str, shared: ast.FunctionDef) -> Iterator[str]:
    """A line for each option of the function `shared` at `place` that `function` cannot be given.

    It cannot be if it has a parameter of that name itself, or takes no options but its own.
    """
    arguments = function.args
    own = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    line_of = {argument.arg: argument.lineno for argument in own}
    for argument in shared.args.kwonlyargs:
        if argument.arg in line_of:
            yield (
                f"line {line_of[argument.arg]}: {function.name} has {argument.arg}, and so has "
                f"{place}, which INFO names as options_of; allowed: another name for one of them"
            )
    if arguments.kwarg is None:
        yield (
            f"line {function.lineno}: {function.name} takes no options but its own; allowed with "
            f"options_of, {place}: **options among its parameters"
        )


def _not_of_use(
    key: str,
    named: Iterable[str],
    options: Mapping[str, Any],
    holds: Callable[[Any], bool],
    what: str,
) -> Iterator[str]:
    """Errors for options that a key names and that do not exist or have another kind of default."""
    for option in named:
        if option not in options:
            yield f"{key}: {shown(option)} is not an option; allowed: {listed(sorted(options))}"
        elif not holds(options[option]):
            default = shown(options[option])
            yield f"{key}: {option}, whose default is {default}; allowed: options with {what}"


def _is_names(value: option_rules.Value) -> bool:
    return option_rules.is_text(value) or (bool(value) and _are_texts(value))


def _is_number(value: Any) -> bool:
    return value is None or option_rules.is_number(value)


def _has_size(value: option_rules.Value) -> bool:
    return _is_number(value) or isinstance(value, (list, tuple))


def size(value: option_rules.Value) -> float | None:
    """What `at_least` compares: a number, or the length of a list; None where there is neither."""
    if isinstance(value, (list, tuple)):
        return len(value)
    return value if option_rules.is_number(value) else None
