"""List data sets, describe their options, or look at one before anything runs.

python -m labelbench_core.datasets --list
python -m labelbench_core.datasets --describe NAME ...
python -m labelbench_core.datasets --check ID_OR_FILE
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from labelbench_core.datasets import data_directory
from labelbench_core.datasets.looking import guessing
from labelbench_core.datasets.looking.guessed_folders import guess_file, guess_folder
from labelbench_core.datasets.looking.new_entry import entry_lines, place_of
from labelbench_core.datasets.source_files.looks import STATE
from labelbench_core.errors import InputError, did_you_mean, listed, shown
from labelbench_core.piping import CUT_SHORT, until_reader_leaves
from labelbench_core.registry import listing, option_errors, options_of, own
from labelbench_core.registry.options import ID
from labelbench_core.storage.files import atomic_path
from labelbench_core.storage.places import printable
from labelbench_core.storage.yaml_files import parse_yaml, read_yaml

COLUMNS = ("summary",)
PREPARED = Path("results", "datasets")
CATALOGUE = Path("config", "catalogue", "datasets.yaml")


@until_reader_leaves(CUT_SHORT)
def main(argv: list[str] | None = None) -> int:
    """Print a list, descriptions or what a look found; the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if any(one.split("=")[0] == "--check" for one in argv):
        return check(argv)
    more = "--check ID_OR_FILE examines a data set before anything runs; see --check --help"
    return listing.list_command("datasets", COLUMNS, argv, more)


def check(argv: list[str]) -> int:
    """Exit status of `--check`: 0 if the data set can be prepared, 1 if not, 2 if it is not one."""
    parser = argparse.ArgumentParser(prog="python -m labelbench_core.datasets")
    parser.add_argument(
        "--check",
        required=True,
        metavar="ID_OR_FILE",
        help="an id of the catalogue, a folder of images, a table, a file of embeddings, or a YAML "
        "file of entries",
    )
    parser.add_argument("--options", default="{}", help="YAML: options of the entry")
    parser.add_argument("--catalogue", type=Path, default=CATALOGUE, help="file with the ids")
    parser.add_argument(
        "--sheet",
        type=Path,
        help="contact sheet to write; default: NAME-check.png, for texts NAME-check.txt",
    )
    parser.add_argument(
        "--prepared",
        type=Path,
        default=PREPARED,
        help="folder of prepared data sets, where drawn splits are recorded",
    )
    parser.add_argument("--threads", type=int, default=2, help="threads that read and decode")
    asked = parser.parse_args(argv)
    status = 0
    path = Path(asked.check)
    try:
        options = parse_yaml(asked.options, "--options")
        if not isinstance(options, dict):
            told = f"--options: {shown(asked.options)}"
            raise InputError(f"{told}; allowed: a mapping, such as {{layout: splits}}")
        if path.suffix not in (".yaml", ".yml") or not os.path.isfile(path):
            return _check_one(*_entry(asked, options), asked)
        where, entries = _of_file(path)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for name, entry in entries.items():
        # One that is wrong does not keep the others from being looked at.
        try:
            known = _with(_known(name, entry, path.parent), options)
            found = _check_one(name, known, data_directory(), False, asked)
        except InputError as error:
            print(f"error: {where}: {printable(str(name))}: {error}", file=sys.stderr)
            found = 2
        status = max(status, found)
    return status


def _check_one(
    name: str, entry: dict[str, Any], data_dir: Path, is_new: bool, asked: argparse.Namespace
) -> int:
    # These import Pillow and what else decoding needs, which `--list` does without.
    from labelbench_core.datasets.looking.look import look
    from labelbench_core.datasets.sheets.contact_sheet import write_contact_sheet
    from labelbench_core.datasets.sheets.text_sheet import text_sheet

    folder = asked.prepared / name
    try:
        seen = look(name, entry, data_dir, STATE, prepared=folder, threads=asked.threads)
    except InputError:
        if is_new and entry["implementation"] != "image-folder":
            print("\n".join(entry_lines(name, entry, data_dir)))
        raise
    print("\n".join(seen.lines))
    rows = {split.rows for split in seen.raw.splits.values()}
    if rows <= {"images", "texts"}:
        sheet = asked.sheet or Path(f"{name}-check.{'txt' if 'texts' in rows else 'png'}")
        if "texts" in rows:
            with atomic_path(sheet) as aside:
                aside.write_text(text_sheet(seen.raw), encoding="utf-8")
        else:
            write_contact_sheet(seen.raw, data_dir, sheet)
        print(f"  {'sheet':<9} {sheet}")
    if is_new:
        print("\n".join(entry_lines(name, entry, data_dir, seen.corrupt)))
    return int(seen.broken)


def _entry(
    asked: argparse.Namespace, options: dict[str, Any]
) -> tuple[str, dict[str, Any], Path, bool]:
    """Id, entry, data directory, and whether the entry is made up here, of what is asked for."""
    path, what = Path(asked.check), asked.check
    if not what:
        told = "--check: ''"
        raise InputError(f"{told}; allowed: an id, a folder (. is the current one) or a file")
    # Not `Path.exists`, which raises for what cannot be a name.
    if os.path.exists(path):
        name, data_dir, inside = place_of(path)
        is_file = path.is_file() or guessing.is_array_file(path)
        guess = (guess_file if is_file else guess_folder)(path, inside, options)
        if guess is not None:
            print("\n".join(guess.lines), end="\n\n")
            source, options = guess.source, {**guess.options, **options}
        else:
            source, options = "image-folder", {"folder": inside, **options}
        errors = option_errors("datasets", source, options)
        if errors:
            told = f"{what}: {source}: {errors[0]}; set it with --options"
            raise InputError(f"{told}, such as --options '{{label_column: animal}}'")
        return name, {"implementation": source, "options": options}, data_dir, True
    known = read_yaml(asked.catalogue) or {}
    if what not in known:
        hint = did_you_mean(what, known)
        told = f"--check: {shown(what)}: no such file, and no such id in {asked.catalogue}{hint}"
        raise InputError(f"{told}; allowed: {listed(sorted(known))}")
    entry = _known(what, known[what], asked.catalogue.parent)
    return what, _with(entry, options), data_directory(), False


def _with(entry: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """An entry with further options."""
    return {**entry, "options": {**options_of(entry), **options}}


def _of_file(path: Path) -> tuple[str, dict[str, Any]]:
    """Where the entries of data sets stand in a file, and id → entry.

    It is a file of entries, one of a catalogue with several kinds, or an experiment with its own.

    Raises
    ------
    InputError
        If there are none, or something else in their place.
    """
    entries, keys = read_yaml(path) or {}, []
    is_experiment = isinstance(entries, dict) and "experiment" in entries
    for key in ("catalogue", "datasets"):
        inner = entries.get(key) if isinstance(entries, dict) else None
        # Either may be an id, too.
        is_entry = isinstance(inner, dict) and isinstance(inner.get("implementation"), str)
        if (inner is not None and not is_entry) or (is_experiment and isinstance(entries, dict)):
            keys, entries = [*keys, key], inner or {}
    where = f"{path}: {'.'.join(keys)}" if keys else str(path)
    if not isinstance(entries, dict) or not entries:
        told = f"{where}: {shown(entries)}; allowed for --check: a mapping of ids to entries of "
        told += "data sets"
        if isinstance(entries, str | list):
            told += ", or the file with these in place of the one that names it"
        raise InputError(told)
    return where, entries


def _known(name: Any, entry: Any, folder: Path) -> dict[str, Any]:
    """An entry as the registry takes it, from a file in `folder`; `InputError` if it is none."""
    if not isinstance(name, str) or not ID.fullmatch(name):
        raise InputError("no id; allowed: lower-case letters, digits and single hyphens")
    implementation = entry.get("implementation") if isinstance(entry, dict) else None
    if not isinstance(implementation, str):
        raise InputError(f"{shown(entry)}; allowed: a mapping with `implementation`")
    options = entry.get("options") or {}
    if not isinstance(options, dict):
        raise InputError(f"options: {shown(options)}; allowed: a mapping")
    if own.is_own(implementation):
        implementation = own.add(implementation, folder)
    return {**entry, "implementation": implementation}


if __name__ == "__main__":
    sys.exit(main())
