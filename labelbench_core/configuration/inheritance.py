"""What an experiment asks for: by its file, by the files that it extends, and by a recipe.

`extends: FILE` names a file whose keys hold where this one gives none. `recipes` are named sets of
keys that replace those of the file in which they stand; `recipe` chooses one of them, the first if
it is left out. Keys are replaced whole, except `catalogue`: the entries of all files count.
Whatever a file says replaces what the files that it extends say, their recipes included, and the
command line replaces all of it.
"""

import contextlib
import os
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from labelbench_core.configuration import own_entries
from labelbench_core.configuration.metric import ONE, SEVERAL
from labelbench_core.errors import InputError, did_you_mean, listed, shown
from labelbench_core.storage.files import Json
from labelbench_core.storage.places import is_file, looking, printable
from labelbench_core.storage.yaml_files import read_yaml

OF_FILES = ("extends", "recipes", "recipe")
"""Keys that say which other keys hold."""
NOT_IN_RECIPES = ("experiment", own_entries.KEY, *OF_FILES)
COMMAND_LINE = "--config"


@dataclass(frozen=True)
class Asked:
    """The keys of an experiment, and where each of them comes from.

    Attributes
    ----------
    values
        Keys and values; `recipes` and `recipe` as they were given.
    name
        Where the experiment is asked for, for messages.
    places
        Key → what messages about it begin with in place of `name`.
    catalogues
        The key `catalogue` of all files, those that are extended first; `values` has none.
    folder
        What paths of the file itself start from: the folder of the last of the files given.
    extended
        The keys that only extended files give.
    """

    values: Any
    name: str
    places: Mapping[str, str]
    catalogues: tuple[own_entries.Given, ...] = ()
    folder: Path = Path()
    extended: frozenset[str] = frozenset()

    @property
    def recipes(self) -> tuple[str, ...]:
        """The names of all recipes, the default first."""
        values: Json = self.values
        recipes: Json = values.get("recipes") if isinstance(values, Mapping) else None
        return tuple(recipes) if isinstance(recipes, Mapping) else ()

    @contextlib.contextmanager
    def naming_places(self) -> Generator[None]:
        """Within it, `InputError`s name the file that the key comes from."""
        try:
            yield
        except InputError as error:
            lines = dict.fromkeys(map(self._placed, str(error).splitlines()))
            raise InputError("\n".join(lines)) from error

    def _placed(self, line: str) -> str:
        start = f"{self.name}: "
        if not line.startswith(start):
            return line
        rest = line.removeprefix(start)
        found = re.match(r"\w*", rest)
        key = found[0] if found else ""
        if key in self.extended and ": unknown key" not in rest:
            rest += f"; or a value of its own for {key} in {self.name}, which extends this file"
        return self.places.get(key, start) + rest


@dataclass(frozen=True)
class _Layer:
    """Keys that stand in one place, and what messages about them begin with."""

    values: Mapping[str, Any]
    place: str


def asked(
    config: Mapping[str, Any] | Json,
    name: str,
    files: Mapping[Path, Json] | None = None,
    recipe: str | None = None,
) -> Asked:
    """An experiment's keys, with all files that it extends read and its recipe chosen.

    Parameters
    ----------
    config
        What is asked for: the content of `files`, merged, and what the command line says.
    name
        Where the experiment is asked for, for messages.
    files
        File → its content, in the order in which they are merged; none for a mapping that comes
        from no file.
    recipe
        The recipe to choose instead of the one in `config`.

    Raises
    ------
    InputError
        If a file that is extended is missing, not a mapping, or extends itself; if an experiment
        that extends another has no name of its own; if the recipe does not exist. All else is
        checked later, as for any experiment.
    """
    files = files or {}
    if not isinstance(config, Mapping):
        return Asked(config, name, {})
    if recipe is not None:
        config = {**config, "recipe": recipe}
    extended, written = _extended(config, name, files), _written(config, name, files)
    _require_own_name(extended, written)
    layers = [*extended, *written]
    given = {key: layer for layer in layers for key in layer.values}  # the last one holds
    chosen = _chosen(given)
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    for layer in layers:
        _hold(values, layer.values)
        places |= dict.fromkeys(layer.values, f"{layer.place}: ")
        if chosen is not None and layer is given["recipes"]:
            replaced: Mapping[str, Any] = layer.values["recipes"][chosen] or {}
            _hold(values, replaced)
            places |= dict.fromkeys(replaced, f"{layer.place}: recipes.{chosen}.")
    values.pop("extends", None)
    values.pop(own_entries.KEY, None)
    is_default = chosen is None or chosen == next(iter(values["recipes"]))
    if not is_default and isinstance(values.get("experiment"), str):
        # Its report lies beside that of the default.
        values["experiment"] = f"{values['experiment']}-{chosen}"
    catalogues = tuple(_catalogues(extended, config, name, files))
    folder = list(files)[-1].parent if files else Path()
    inherited = {key for key, layer in given.items() if layer in extended}
    return Asked(values, name, places, catalogues, folder, frozenset(inherited))


def _hold(values: dict[str, Any], given: Mapping[str, Any]) -> None:
    """Let the keys given replace earlier ones; `metric` and `metrics` replace each other, too."""
    if (ONE in given) != (SEVERAL in given):
        values.pop(SEVERAL if ONE in given else ONE, None)
    values |= given


def _catalogues(
    extended: Sequence[_Layer],
    config: Mapping[str, Json],
    name: str,
    files: Mapping[Path, Json],
) -> Iterator[own_entries.Given]:
    """The key `catalogue` of every file; paths start from the folder of the file that has it."""
    merged: dict[str, Any] = {}
    for content in files.values():
        merged = _merged(merged, content if isinstance(content, Mapping) else {})
    key = own_entries.KEY
    if files and config.get(key) != merged.get(key):
        raise InputError(f"{COMMAND_LINE}: {key}; allowed: only in the experiment's file")
    for layer in extended:
        if key in layer.values:
            place = Path(layer.place)
            yield own_entries.Given(layer.values[key], layer.place, place.parent)
    for file, content in files.items():
        if isinstance(content, Mapping) and key in content:
            yield own_entries.Given(content[key], str(file), file.parent)
    if not files and key in config:
        yield own_entries.Given(config[key], name, Path())


def _written(config: Mapping[str, Any], name: str, files: Mapping[Path, Json]) -> list[_Layer]:
    """The keys of each file whose values hold, and then those that no file gives so."""
    contents: dict[Path, Mapping[str, Any]] = {
        file: content if isinstance(content, Mapping) else {} for file, content in files.items()
    }
    merged: dict[str, Any] = {}
    for content in contents.values():
        merged = _merged(merged, content)
    said = {key: value for key, value in config.items() if key in merged and merged[key] == value}
    others = {key: value for key, value in config.items() if key not in said}
    layers = [
        _Layer({key: said[key] for key in content if key in said}, str(file))
        for file, content in contents.items()
    ]
    return [*layers, _Layer(others, COMMAND_LINE if files else name)]


def _merged(values: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Two files' contents as Snakemake merges them: mappings key by key."""
    result = dict(values)
    value: Json
    for key, value in others.items():
        before: Json = result.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            result[key] = _merged(before, value)
        else:
            result[key] = value
    return result


def _extended(config: Mapping[str, Any], name: str, files: Mapping[Path, Json]) -> list[_Layer]:
    """The files that are extended, the one extended by all others first."""
    if "extends" not in config:
        return []
    written = [
        file
        for file, content in files.items()
        if isinstance(content, Mapping) and "extends" in content
    ]
    if len(written) > 1:
        told = f"{name}: extends: in {listed(written)}; allowed: in one of the files given"
        raise InputError(told)
    # On the command line and in a module's configuration, it is a file of the working directory.
    place, folder = COMMAND_LINE if files else name, Path()
    if written:
        place, folder = str(written[0]), written[0].parent
    layers: list[_Layer] = []
    seen = [file.resolve() for file in files]
    content = config
    while "extends" in content:
        file = _base(content["extends"], place, folder)
        if file.resolve() in seen:
            told = f"{place}: extends: {shown(content['extends'])} leads back to {file}; allowed: "
            raise InputError(told + "a file that does not extend this one")
        seen.append(file.resolve())
        read: Json = read_yaml(file)
        if not isinstance(read, Mapping):
            raise InputError(f"{file}: the file: {shown(read)}; allowed: a mapping")
        content, place, folder = read, str(file), file.parent
        kept = {key: value for key, value in content.items() if key != "extends"}
        layers.insert(0, _Layer(kept, place))
    return layers


def _require_own_name(extended: Sequence[_Layer], written: Sequence[_Layer]) -> None:
    """`InputError` where an experiment would write into the reports of one that it extends."""
    others = {
        str(one.values["experiment"]): one.place for one in extended if "experiment" in one.values
    }
    own = [one for one in written if "experiment" in one.values]
    given = str(own[-1].values["experiment"]) if own else None
    if not others or (given is not None and given not in others):
        return
    place = own[-1].place if own else next(one.place for one in written if "extends" in one.values)
    told = f"experiment: {shown(given)}" if own else "experiment: missing"
    theirs = listed(f"{name!r} ({file})" for name, file in others.items())
    raise InputError(
        f"{place}: {told}; allowed: a name of its own, not that of an experiment that it extends: "
        f"{theirs}"
    )


def _base(extends: Any, place: str, folder: Path) -> Path:
    """The file that is extended."""
    told = f"{place}: extends: {shown(extends)}"
    relative = f"the path of an experiment's file, from the folder {os.path.relpath(folder)}"
    if not isinstance(extends, str) or not extends:
        raise InputError(f"{told}; allowed: {relative}")
    file = Path(os.path.relpath(folder / extends))
    with looking(told):
        there = is_file(file)
    if not there:
        # A file outside the project may extend one inside by the path that the docs show.
        here = os.path.abspath(extends)
        hint = f" (did you mean {here!r}?)" if os.path.isfile(here) else ""
        where = printable(file)
        what = f"{where} is a folder" if os.path.isdir(file) else f"there is no file {where}"
        raise InputError(f"{told}: {what}{hint}; allowed: {relative}")
    return file


def _chosen(given: Mapping[str, _Layer]) -> str | None:
    """The name of the recipe that holds; None if there is none, or recipes are not mappings."""
    recipes: Json = given["recipes"].values["recipes"] if "recipes" in given else None
    if "recipe" not in given:
        return next(iter(recipes)) if _are_recipes(recipes) else None
    place, name = given["recipe"].place, given["recipe"].values["recipe"]
    if recipes is None:
        told = f"{place}: recipe: {shown(name)}, but there are no recipes"
        raise InputError(f"{told}; allowed: leave it out")
    if not _are_recipes(recipes):
        return None
    if not isinstance(name, str) or name not in recipes:
        hint = did_you_mean(name, recipes) if isinstance(name, str) else ""
        told = f"{place}: recipe: {shown(name)} is none of the experiment's recipes{hint}"
        raise InputError(f"{told}; allowed: {listed(recipes)}")
    return name


def _are_recipes(recipes: Json) -> TypeGuard[Mapping[str, Mapping[str, Any] | None]]:
    """Whether recipes are what the schema allows, as far as choosing one needs it."""
    return (
        isinstance(recipes, Mapping)
        and len(recipes) > 0
        and all(isinstance(one, Mapping | None) for one in recipes.values())
        and not any(set(one or ()) & {*NOT_IN_RECIPES} for one in recipes.values())
    )
