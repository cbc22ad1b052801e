"""The catalogue: entries, each an id with its options (config/catalogue/*.yaml)."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from labelbench_core import registry
from labelbench_core.annotators import EXACT
from labelbench_core.configuration.schemas import schema_errors
from labelbench_core.errors import (
    InputError,
    did_you_mean,
    listed,
    raise_all,
    shown,
    shown_key,
    shown_value,
)
from labelbench_core.storage.files import Json
from labelbench_core.storage.yaml_files import read_yaml
from labelbench_core.trainers.shared.places import in_steps
from labelbench_core.training.recipe import Recipe

COMPONENT_KINDS = ("datasets", "annotators", "backbones", "proxies", "trainers", "strategies")
KINDS = (*COMPONENT_KINDS, "schedules", "augmentations")

# Keys of entries beside `implementation` and `options`.
ONLY_OF = {
    "datasets": (
        "prompts", "pool_size", "merge_classes", "long_tail", "near_copies", "duplicates",
        "near_duplicates", "metric",
    ),
    "annotators": ("price", "seconds"),
    "trainers": ("training",),
}  # fmt: skip

FOLDER = "config/catalogue"
"""Where the files of the catalogue are, for messages."""

Catalogue = dict[str, dict[str, dict[str, Any]]]


def load_catalogue(folder: Path) -> Catalogue:
    """Read and check all files of the catalogue: kind → id → entry.

    An entry whose implementation is no valid Python is no error here: only an experiment that names
    it cannot run (`labelbench_core.registry.problem_of`).

    Raises
    ------
    InputError
        All errors of all files, one a line.
    """
    catalogue: Catalogue = {}
    errors: list[str] = []
    for kind in KINDS:
        file = folder / f"{kind}.yaml"
        try:
            catalogue[kind] = read_yaml(file) or {}
        except InputError as error:
            errors.append(str(error))
        else:
            schema = folder.parent / "schema" / "catalogue.schema.json"
            errors += kind_errors(kind, catalogue[kind], schema, file)
    raise_all(errors)
    return catalogue


def entry_error(kind: str, entry: str, error: object) -> str:
    """The line for what is wrong with an entry and shows only where it is used.

    Parameters
    ----------
    entry
        What the entry is, such as "backbone 'mine'".
    """
    return f"{FOLDER}/{kind}.yaml: {entry}: {error}"


def kind_errors(kind: str, entries: Any, schema: Path, file: Path | str) -> list[str]:
    """Everything that is wrong in one file of the catalogue, as lines."""
    is_component = kind in COMPONENT_KINDS
    definition = "components" if is_component else kind
    unsaid = [key for other, keys in ONLY_OF.items() if other != kind for key in keys]
    found = schema_errors(entries, schema, file, definition, unsaid)
    if found and is_component:
        better = dict(_misplaced(kind, entries, file))
        found = [better.get(line.partition(": unknown key")[0], line) for line in found]
    if not found and is_component:
        for name, entry in entries.items():
            found += [f"{file}: {name}.{line}" for line in _component_errors(kind, entry)]
    if kind == "annotators" and not found:
        exact = entries.get(EXACT, {"implementation": EXACT})["implementation"]
        if exact != EXACT:
            told = "the id of the data set's own labels"
            found.append(f"{file}: {EXACT}.implementation: {exact!r}; {told}; allowed: {EXACT}")
    if not found and kind == "augmentations":
        for name, entry in entries.items():
            found += _augmentation_errors(name, entry, file)
    if not found and kind == "schedules":
        for name, entry in entries.items():
            found += _schedule_errors(name, entry, file)
    return found


def _component_errors(kind: str, entry: Mapping[str, Any]) -> list[str]:
    """Whether an entry's implementation exists and allows its options, without importing it."""
    implementation = entry["implementation"]
    known = registry.names(kind)
    if implementation not in known and not registry.is_broken(kind, implementation):
        return [
            f"implementation: {shown(implementation)} does not exist"
            f"{did_you_mean(implementation, known)}; allowed: {listed(known)}"
        ]
    if registry.problem_of(kind, implementation):
        return []
    options = registry.options_of(entry)
    errors = registry.option_errors(kind, implementation, options)
    in_files = registry.describe(kind, implementation).info.get("in_files")
    if kind == "datasets" and "near_copies" in entry and in_files:
        errors.append(
            f"near_copies: {implementation} leaves images in their files, which are not copied; "
            "allowed: leave it out"
        )
    if kind == "trainers":
        training: Mapping[str, Any] = entry.get("training") or {}
        wrong = Recipe.errors_in(training)
        info = registry.describe(kind, implementation).info
        if not wrong and info["needs_teacher"] and not Recipe.from_options(training).ema_decay:
            wrong = [f"training.ema_decay: 0.0; allowed with {implementation}: more than 0"]
        if not info["needs_unlabeled"]:
            wrong += [
                f"training.{key}: {shown_value(training[key])}; {implementation} uses no "
                "unlabelled examples; allowed: leave it out"
                for key in ("unlabeled_ratio", "strong_operations", "strong_cutout")
                if key in training
            ]
        if not errors and not wrong:
            recipe = Recipe.from_options(training)
            if recipe.epochs is None:  # else their number is the labels'
                wrong = _step_errors(implementation, options, recipe.steps)
        errors += wrong
    for other, keys in ONLY_OF.items():
        if other != kind:
            owners = other.replace("datasets", "data sets")
            told = f"only {owners} have it; allowed: {listed(('options', *ONLY_OF.get(kind, ())))}"
            errors += [f"{key}: {told}" for key in keys if key in entry]
    return errors


def _misplaced(kind: str, entries: Json, file: Path | str) -> Iterator[tuple[str, str]]:
    """Of every option that stands beside `options`: file and key, and what to say of it."""
    entry: Json
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        if not isinstance(entry, dict):
            continue
        implementation = entry.get("implementation")
        if implementation not in registry.names(kind) or registry.problem_of(kind, implementation):
            continue
        inside = dict.fromkeys(registry.describe(kind, implementation).options, "options")
        if kind == "trainers":
            inside = {
                **dict.fromkeys((field.name for field in fields(Recipe)), "training"),
                **inside,
            }
        for key in entry:
            if key in inside:
                where = f"{file}: {shown_key(name)}.{key}"
                yield where, f"{where}: belongs under {inside[key]}"


def _step_errors(trainer: str, given: Mapping[str, Any], steps: int) -> list[str]:
    """Options that are steps of the training, and may not come before another such option."""
    component = registry.describe("trainers", trainer)
    values = {**component.options, **given}
    errors: list[str] = []
    for later, earlier in component.info.get("steps_at_least", {}).items():
        # If only one of the two was given, the message is about that one.
        named, other, bound = (later, earlier, "least")
        if later not in given:
            named, other, bound = (earlier, later, "most")
        place = {option: in_steps(values[option], steps) for option in (named, other)}
        if place[later] < place[earlier]:
            errors.append(
                f"options.{named}: {shown_value(values[named])} (step {place[named]:g} of "
                f"{steps}); allowed: at {bound} {other}, {shown_value(values[other])} (step "
                f"{place[other]:g})"
            )
    return errors


def _augmentation_errors(name: str, entry: Mapping[str, Any], file: Path | str) -> list[str]:
    """Whether an augmentation changes anything."""
    weak, strong = entry.get("weak", {}), entry.get("strong", {})
    if any(weak.values()) or strong.get("operations", True) or strong.get("cutout", True):
        return []
    return [
        f"{file}: {name}: it changes nothing; allowed: at least one value in weak or strong above 0"
    ]


def _schedule_errors(name: str, entry: Mapping[str, Any], file: Path | str) -> Iterator[str]:
    """Initial labels of a recorded list without the list, and the other way round."""
    is_recorded = entry.get("draw") == "recorded"
    if is_recorded and "list" not in entry:
        yield f"{file}: {name}.list: missing; allowed: the list that draw: recorded takes"
    if "list" in entry and not is_recorded:
        given = entry.get("draw", "uniform")
        yield f"{file}: {name}.draw: {shown_value(given)}; allowed with a list: recorded"
    if is_recorded and entry["initial"] == "all":
        yield f"{file}: {name}.draw: 'recorded'; allowed with initial: all: leave it out"
