"""What a folder without classes seems to hold: a table, arrays, or what other programs saved.

For `--check`, which guesses by it, and for the message of a folder that is no data set as it is.
"""

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from labelbench_core.datasets.file_formats import arrow_folder
from labelbench_core.datasets.file_formats.columns import SPREADSHEETS, column_names
from labelbench_core.datasets.file_formats.columns import SUFFIXES as TABLES
from labelbench_core.datasets.folders.folder_entries import LEFTOVERS
from labelbench_core.datasets.folders.split_names import is_split_name
from labelbench_core.datasets.images.formats import READ_SUFFIXES
from labelbench_core.datasets.looking import guessing
from labelbench_core.datasets.looking._guessed_columns import split_of
from labelbench_core.datasets.looking.guessing import ARRAYS, Guess
from labelbench_core.errors import InputError, listed
from labelbench_core.registry import option_errors

METADATA = "metadata."
MOST_NAMED = 5


def guess_folder(path: Path, inside: str, given: Mapping[str, Any]) -> Guess | None:
    """What a folder holds that is no folder of images by class; None if it may be one.

    Parameters
    ----------
    inside
        The folder's path in the data directory.
    given
        Options that are known: they are not guessed.

    Raises
    ------
    InputError
        If its files could be several data sets, or none that can be guessed.
    """
    is_single, of_images = arrow_folder.is_single(path), arrow_folder.holds_images(path)
    if (path / arrow_folder.SPLITS).is_file() or (is_single and of_images):
        columns = arrow_folder.feature_names(path)
        held = arrow_folder.STATE if is_single else arrow_folder.SPLITS
        layout = "saved-images" if of_images else "saved"
        return _hugging_face(layout, path, inside, held, columns, given)
    names = _names(path)
    if not any(name.lower().startswith(METADATA) for name in names):
        files = _data_files(path, names)
        if files and len(files) == len([name for name in names if _may_hold_data(path / name)]):
            return _of_files(path, inside, files, given)
        beside = _table_beside_images(path, inside, files, given)
        if beside is not None:
            return beside
        if names and not any(_may_hold_data(path / name) for name in names):
            read = f"folders of images, tables ({listed(TABLES)}) and arrays ({listed(ARRAYS)})"
            raise InputError(f"{path}: holds {listed(names[:MOST_NAMED])}; allowed: {read}")
    tables = sorted([*path.glob(f"{METADATA}*"), *path.glob(f"*/{METADATA}*")])
    if not tables:
        return None
    columns = []
    for table in tables:
        # What cannot be read is for the check to name.
        with contextlib.suppress(InputError):
            columns += column_names(table)
    held = str(tables[0].relative_to(path))
    return _hugging_face("folder", path, inside, held, columns, given)


def _hugging_face(
    layout: str,
    path: Path,
    inside: str,
    held: str,
    columns: Iterable[str],
    given: Mapping[str, Any],
) -> Guess:
    """The guess of one of Hugging Face's layouts, from a file that it holds."""
    source, used = f"hugging-face-{layout}", tuple(given.values())
    weights = guessing.unused_weights(dict.fromkeys(columns), used, "weight_column: {}".format)
    lines = [f"{path}: holds {held}", *weights, f"guessed: {source}"]
    return Guess(source, {"folder": inside}, lines)


def _names(folder: Path) -> list[str]:
    """What is in a folder, sorted, without hidden entries and what systems leave behind."""
    names = sorted(os.listdir(folder))
    return [one for one in names if not one.startswith(".") and one.lower() not in LEFTOVERS]


def _data_files(folder: Path, names: Sequence[str]) -> list[Path]:
    """Tables and arrays among `names`."""
    suffixes = (*TABLES, *ARRAYS)
    return [folder / one for one in names if one.lower().endswith(suffixes)]


def _may_hold_data(path: Path) -> bool:
    """Whether something is a folder, an image, a table or an array: a README is not."""
    suffixes = (*TABLES, *ARRAYS, *READ_SUFFIXES)
    return path.is_dir() or path.name.lower().endswith(suffixes)


def _table_beside_images(
    path: Path, inside: str, files: Sequence[Path], given: Mapping[str, Any]
) -> Guess | None:
    """The table of a folder whose images are in no folders of classes, if it names them.

    Of several, such as a `sample_submission.csv` beside `train.csv`, that of the pool.
    """
    tables = [one for one in files if one.suffix.lower() in TABLES and one.is_file()]
    names = _names(path)
    images = any(one.lower().endswith(READ_SUFFIXES) for one in names)
    folders = [one for one in names if (path / one).is_dir()]
    if not (images or len(folders) <= 1 or all(_is_flat_split(path / one) for one in folders)):
        return None
    found: dict[Path, Guess] = {}
    for table in tables:
        # Paths may start at the folder of the table, or at one in it.
        for folder in ("", *folders)[: MOST_NAMED if "images" not in given else 1]:
            asked = {**given, "images": f"{inside}/{folder}"} if folder else given
            # It may be some other file, beside folders of classes.
            with contextlib.suppress(InputError):
                guess = guessing.guess_table(table, f"{inside}/{table.name}", asked)
                options = {**guess.options, **asked}
                known = not given or not option_errors("datasets", "table", options)
                if guess.source == "table" and known and table not in found:
                    found[table] = replace(guess, options=options if folder else guess.options)
    pools = [guess for table, guess in found.items() if split_of(table.stem) == "pool"]
    chosen = pools if len(found) > 1 else list(found.values())
    return chosen[0] if len(chosen) == 1 else None


def _is_flat_split(folder: Path) -> bool:
    """Whether a folder is called as a split is, and holds no folders of classes."""
    inner = (folder / one for one in _names(folder))
    return is_split_name(folder.name) and not any(one.is_dir() for one in inner)


def _of_files(path: Path, inside: str, files: Sequence[Path], given: Mapping[str, Any]) -> Guess:
    """What a folder of nothing but tables and arrays is: the file of the pool, or its only one."""
    pools = [one for one in files if split_of(one.stem) == "pool"]
    first_error: InputError | None = None
    found: list[Guess] = []
    for file in pools or files:
        try:
            guess = guess_file(file, f"{inside}/{file.name}", given)
        except InputError as error:
            first_error = first_error or error
        else:
            found.append(guess)
    if len(found) == 1:
        return found[0]
    if len(files) == 1 and first_error is not None:
        raise first_error
    named = listed([one.name for one in files[:MOST_NAMED]])
    what = "each of which could be a data set" if found else "none of which can be guessed"
    raise InputError(
        f"{path}: holds no images, but {named}, {what}; name one, such as --check "
        f"{files[0]}; {implementations(inside, [one.name for one in files])}"
    ) from first_error


def guess_file(path: Path, inside: str, given: Mapping[str, Any]) -> Guess:
    """What a table or a file of arrays seems to be.

    Raises
    ------
    InputError
        If it cannot be read, or nothing fits: what is in it, and how to say what it is.
    """
    if guessing.is_array_file(path) and not {"path_column", "text_column"} & set(given):
        found = guessing.guess_arrays(path, inside, given)
    elif path.suffix.lower() in (*TABLES, *SPREADSHEETS):
        found = guessing.guess_table(path, inside, given)
    else:
        told = f"{path}: its name ends in {path.suffix!r}; allowed: tables ({listed(TABLES)}) and"
        raise InputError(f"{told} arrays ({listed(ARRAYS)})")
    if not found.source:
        raise _nothing_fits(str(path), found)
    return found


def _nothing_fits(what: str, guess: Guess) -> InputError:
    """The error that shows what was found, and how to say what it means."""
    found = "\n".join(f"  {one}" for one in guess.lines)
    sources = listed(("table", "text-table", "own-embeddings"))
    return InputError(
        f"{what}: cannot guess what this is; say so with --options, such as --options "
        "'{path_column: file, label_column: animal}' for a table of images, or --options "
        "'{text_column: question, label_column: topic}' for one of texts, or '{splits: {pool: "
        "FILE:ARRAY}, labels: {pool: FILE:ARRAY}}' for embeddings, (N, D); or write an entry with "
        f"one of the implementations {sources} (docs/your-data.md):\n{found}"
    )


def implementations(folder: str, names: Sequence[str]) -> str:
    """Which implementations read files of such names in a folder, and by which options."""
    tables = [one for one in names if one.lower().endswith(TABLES)]
    arrays = [one for one in names if one.lower().endswith(ARRAYS)]
    ways = []
    if tables:
        table = f"{folder}/{tables[0]}"
        ways += [
            f"a table of images is read by `implementation: table` with `table: {table}`, "
            "`path_column` and `label_column`",
            f"one of texts by `implementation: text-table` with `splits: {{pool: {table}}}`, "
            "`text_column` and `label_column`",
        ]
    if arrays:
        place = f"{folder}/{arrays[0]}"
        ways.append(
            "embeddings are read by `implementation: own-embeddings` with "
            f"`splits: {{pool: {place}}}` and `labels`"
        )
    return ", ".join(ways)
