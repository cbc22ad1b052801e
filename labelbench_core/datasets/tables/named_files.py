"""The files that a table's column of paths names, and the splits that their folders mean."""

from dataclasses import replace

from labelbench_core.datasets.folders.split_names import split_meant
from labelbench_core.datasets.tables.tabular import Cells
from labelbench_core.errors import InputError, shown


def check_path_options(
    path_suffix: str | None, *, split_by_folder: bool, split_column: str | None
) -> None:
    """`InputError` for options about paths that mean nothing, or do not go together."""
    if path_suffix is not None and (
        not path_suffix.startswith(".") or "/" in path_suffix or len(path_suffix) < 2
    ):
        told = f"options.path_suffix: {shown(path_suffix)}"
        raise InputError(f"{told}; allowed: the end of a file's name with its dot, such as .jpg")
    if split_by_folder and split_column is not None:
        raise InputError(
            "options.split_by_folder: true; `split_column` says the splits already; allowed: one "
            "of the two"
        )


def with_suffix(cells: Cells, path_suffix: str | None) -> Cells:
    """The cells with whole names of files; those that are empty stay so."""
    if path_suffix is None:
        return cells
    paths = [f"{one}{path_suffix}" if one.strip() else one for one in cells.columns["path"]]
    return replace(cells, columns={**cells.columns, "path": paths})


def with_folders_as_splits(cells: Cells, *, named: bool) -> Cells:
    """The cells with the first folder of each path as the cell of its split.

    `named`: an option says which folder is which split, by the folder's whole name. `InputError`
    for a path without a folder.
    """
    paths = cells.columns["path"]
    bare = next((row for row, path in enumerate(paths) if _folder(path) in ("", ".")), None)
    if bare is not None:
        allowed = "a path that begins with a folder, by `split_by_folder`, such as train/1.jpg"
        raise cells.error("path", bare, allowed)
    folders = [_folder(path) for path in paths]
    meant = {one: one if named else split_meant(one) for one in set(folders)}
    columns = {**cells.columns, "split": [meant[one] for one in folders]}
    return replace(cells, names={**cells.names, "split": cells.names["path"]}, columns=columns)


def _folder(path: str) -> str:
    """The first folder of a path; empty where it has none, or begins at the root."""
    folder, slash, _ = path.partition("/")
    return folder if slash else ""
