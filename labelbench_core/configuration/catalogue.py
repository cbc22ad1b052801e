"""The catalogue: entries, each an id with its options (config/catalogue/*.yaml)."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from labelbench_core import registry
from labelbench_core.annotators import EXACT
from labelbench_core.augmentation.settings import kinds_of_rows
from labelbench_core.configuration.own_entries import KINDS, Entries
from labelbench_core.configuration.run_entries import with_run_entries
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

COMPONENT_KINDS = KINDS[:6]
"""Kinds whose entries name a component."""
# Keys of entries beside `implementation` and `options`.
ONLY_OF = {
    "datasets": (
        "prompts", "pool_size", "merge_classes", "long_tail", "near_copies", "duplicates",
        "near_duplicates", "metric", "weights_for",
    ),
    "annotators": ("price", "seconds"),
    "trainers": ("training",),
}  # fmt: skip

FOLDER = "config/catalogue"
"""Where the files of the catalogue are, for messages."""

Catalogue = dict[str, dict[str, dict[str, Any]]]
"""Kind → id → entry."""
Named = tuple[str, str]
"""Kind and id of an entry."""


class LoadedCatalogue(Catalogue):
    """A catalogue as it was read; entries that cannot be used are not in it.

    Attributes
    ----------
    places
        Where each entry is, for messages.
    origins
        Each entry's file: its absolute path, or, for shipped entries, its path in the project.
    wrong
        Entries that cannot be used → why, as lines.
    replacing
        Entries with `replace: true`, which take the place of others of the same id.
    """

    def __init__(self) -> None:
        super().__init__({kind: {} for kind in KINDS})
        self.places: dict[Named, str] = {}
        self.origins: dict[Named, str] = {}
        self.wrong: dict[Named, list[str]] = {}
        self.replacing: set[Named] = set()


def load_catalogue(folder: Path, own: Sequence[Entries] | None = None) -> LoadedCatalogue:
    """Read and check all entries: those of the catalogue's files, then those of an experiment.

    With an experiment's entries, a wrong entry is no error here: only experiments that name it
    cannot run (`wrong_entries`). An implementation that is not valid Python is never an error here.

    Parameters
    ----------
    folder
        Folder of the catalogue's files.
    own
        Entries that the experiment brings along; None: no experiment, each wrong entry is an error.

    Raises
    ------
    InputError
        If a file is missing or holds no entries, or if, without an experiment, an entry is wrong.
    """
    catalogue = LoadedCatalogue()
    schema = folder.parent / "schema" / "catalogue.schema.json"
    errors: list[str] = []
    registry.forget_own()
    for kind in KINDS:
        file = folder / f"{kind}.yaml"
        try:
            entries: Any = read_yaml(file) or {}
        except InputError as error:
            errors.append(str(error))
            continue
        errors += _add(catalogue, Entries(kind, entries, str(file), ": ", folder), schema)
    if own is None:
        errors += [line for lines in catalogue.wrong.values() for line in lines]
    raise_all(errors)
    for entries in own or ():
        raise_all(_add(catalogue, entries, schema))
    return catalogue


def _add(catalogue: LoadedCatalogue, given: Entries, schema: Path) -> list[str]:
    """Check entries and put them into the catalogue; errors of the file as a whole."""
    kind, start = given.kind, given.place + given.separator
    values: Json = given.values
    if not isinstance(values, dict):
        return kind_errors(kind, values, schema, given.place)
    for name, one in values.items():
        entry: Any = one
        named, place = (kind, name), f"{given.place}: {name}"
        try:
            entry = _with_own_files(kind, one, given.folder)
            if kind == "strategies":
                entry = with_run_entries(kind, entry, catalogue[kind], given.folder)
            found = kind_errors(kind, {name: entry}, schema, given.place)
        except InputError as error:
            found = [f"{given.place}: {name}.{error}"]
        found = [start + line.removeprefix(f"{given.place}: ") for line in found]
        if not found:
            replaces: bool = entry.get("replace", False)
            chosen: dict[str, Any] = {
                key: value for key, value in entry.items() if key != "replace"
            }
            known = catalogue[kind].get(name)
            if known is not None and known != chosen and not replaces:
                found = [
                    f"{start}{name}: differs from the entry of that id in "
                    f"{catalogue.places[named]}; allowed: another id, or replace: true to use "
                    "this one in its place"
                ]
            else:
                catalogue[kind][name] = chosen
                catalogue.wrong.pop(named, None)
                if replaces:
                    catalogue.replacing.add(named)
        if found:
            catalogue[kind].pop(name, None)
            catalogue.wrong[named] = found
        catalogue.places[named] = place if given.separator == "." else given.place
        file = Path(given.place.partition(": ")[0]).name
        is_shipped = Path(os.path.abspath(given.folder)) == registry.PROJECT / FOLDER
        origin = f"{FOLDER}/{file}" if is_shipped else os.path.abspath(given.folder / file)
        catalogue.origins[named] = origin
    return []


def _with_own_files(kind: str, entry: Json, folder: Path) -> Json:
    """An entry whose implementation, if it is a file, is found from `folder` and has its name."""
    if kind not in COMPONENT_KINDS or not isinstance(entry, dict):
        return entry
    given: Json = entry.get("implementation")
    if not isinstance(given, str) or not registry.own.is_own(given):
        return entry
    try:
        return {**entry, "implementation": registry.use_own(given, folder)}
    except InputError as error:
        raise InputError(f"implementation: {error}") from error


def wrong_entries(catalogue: Catalogue, named: Iterable[Named]) -> list[str]:
    """What is wrong with entries, and with those that their options name, as lines."""
    if not isinstance(catalogue, LoadedCatalogue):
        return []
    waiting, seen = list(named), set[Named]()
    found: list[str] = []
    while waiting:
        kind, name = one = waiting.pop(0)
        if one in seen:
            continue
        seen.add(one)
        found += catalogue.wrong.get(one, ())
        if kind in COMPONENT_KINDS and name in catalogue[kind]:
            waiting += _referred(kind, catalogue[kind][name])
    return found


def is_wrong(catalogue: Catalogue, kind: str, name: str) -> bool:
    """Whether there is an entry of that id that cannot be used."""
    return isinstance(catalogue, LoadedCatalogue) and (kind, name) in catalogue.wrong


def _referred(kind: str, entry: Mapping[str, Any]) -> Iterator[Named]:
    """Entries that an entry's options name."""
    implementation = entry["implementation"]
    if registry.problem_of(kind, implementation):
        return
    values = registry.options_of(entry)
    for option, rule in registry.describe(kind, implementation).allowed.items():
        if rule and rule.reference and isinstance(values.get(option), str):
            yield rule.reference, values[option]


def entry_error(catalogue: Catalogue, kind: str, name: str, entry: str, error: object) -> str:
    """The line for an error of an entry that shows only where the entry is used.

    Parameters
    ----------
    entry
        The entry in words, such as "backbone 'mine'".
    """
    place = f"{FOLDER}/{kind}.yaml"
    if isinstance(catalogue, LoadedCatalogue):
        found = catalogue.places.get((kind, name), place)
        place = place if Path(found) == _shipped(kind) else found
    return f"{place}: {entry}: {error}"


def _shipped(kind: str) -> Path:
    return registry.PROJECT / FOLDER / f"{kind}.yaml"


def kind_errors(kind: str, entries: Any, schema: Path, file: Path | str) -> list[str]:
    """Everything that is wrong in one file of the catalogue, as lines."""
    is_component = kind in COMPONENT_KINDS
    definition = "components" if is_component else kind
    unsaid = [key for other, keys in ONLY_OF.items() if other != kind for key in keys]
    unsaid.append("replace")
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
            told = "this id means the data set's own labels"
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
    if not registry.exists(kind, implementation) and not registry.is_broken(kind, implementation):
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
            if recipe.epochs is None:  # else the number of labels decides the steps
                wrong = _step_errors(implementation, options, recipe.steps)
        errors += wrong
    for other, keys in ONLY_OF.items():
        if other != kind:
            owners = other.replace("datasets", "data sets")
            told = f"only {owners} have it; allowed: {listed(('options', *ONLY_OF.get(kind, ())))}"
            errors += [f"{key}: {told}" for key in keys if key in entry]
    return errors


def _misplaced(kind: str, entries: Json, file: Path | str) -> Iterator[tuple[str, str]]:
    """File and key of every option that stands beside `options`, and the line about it."""
    entry: Json
    for name, entry in entries.items() if isinstance(entries, dict) else ():
        if not isinstance(entry, dict):
            continue
        implementation = entry.get("implementation")
        if not isinstance(implementation, str) or not registry.exists(kind, implementation):
            continue
        if registry.problem_of(kind, implementation):
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
    """Whether an augmentation changes anything, and only images or only texts."""
    changed = {rows: key for key, rows in kinds_of_rows(entry)}
    if len(changed) > 1:
        told = f"{changed['texts']} changes texts, {changed['images']} images"
        return [f"{file}: {name}: {told}; allowed: keys of texts, or keys of images"]
    weak, strong = entry.get("weak", {}), entry.get("strong", {})
    further = ("word_dropout",) if "texts" in changed else ("operations", "cutout")
    if any(weak.values()) or any(strong.get(key, True) for key in further):
        return []
    return [
        f"{file}: {name}: it changes nothing; allowed: at least one value in weak or strong above 0"
    ]


def _schedule_errors(name: str, entry: Mapping[str, Any], file: Path | str) -> Iterator[str]:
    """Schedules that draw from a recorded list and name none, and the other way round."""
    is_recorded = entry.get("draw") == "recorded"
    if is_recorded and "list" not in entry:
        yield f"{file}: {name}.list: missing; allowed: the list that draw: recorded takes"
    if "list" in entry and not is_recorded:
        given = entry.get("draw", "uniform")
        yield f"{file}: {name}.draw: {shown_value(given)}; allowed with a list: recorded"
    if is_recorded and entry["initial"] == "all":
        yield f"{file}: {name}.draw: 'recorded'; allowed with initial: all: leave it out"
