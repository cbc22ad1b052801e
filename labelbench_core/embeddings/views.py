"""Reading embedded views of a pool; nothing here imports torch."""

from pathlib import Path

from labelbench_core import files
from labelbench_core.errors import InputError
from labelbench_core.store import RowBlocks, open_rows, verify

KINDS = ("weak", "strong")
CLEAN = "clean"


def open_views(manifest_path: Path, clean: RowBlocks) -> dict[str, list[RowBlocks]]:
    """The draws of every kind of view, checked against the manifest of `extract_views`.

    Parameters
    ----------
    clean
        (N, D) the pool's clean embeddings by the same backbone: the only draw of a kind that is not
        random.

    Returns
    -------
    "weak" and "strong" → arrays (N, D) float16, on disk.

    Raises
    ------
    InputError
        If an array is missing, damaged or not of the shape of `clean`.
    """
    folder = manifest_path.parent
    manifest = files.read_json(manifest_path)
    pool = manifest["splits"].get("pool", {"views": {}})["views"]
    views: dict[str, list[RowBlocks]] = {}
    for kind in KINDS:
        if manifest[kind] == CLEAN:
            views[kind] = [clean]
            continue
        views[kind] = []
        for array in manifest[kind]:
            verify(folder / "arrays" / array, pool[array]["blocks"], folder / ".checked.json")
            rows = open_rows(folder / "arrays" / array)
            if rows.shape != clean.shape:
                raise InputError(
                    f"{rows.path}: has the shape {rows.shape}, the clean embeddings {clean.shape}: "
                    "views and embeddings must be of one data set and backbone"
                )
            views[kind].append(rows)
    return views
