"""What folders, files and cells call the splits."""

import re
from collections.abc import Sequence

from labelbench_core.errors import InputError, listed

MEANT = {
    **{"train": "pool", "training": "pool"},
    **{"valid": "val", "validation": "val", "dev": "val", "testing": "test"},
}
"""Names of folders that stand for a split of another name."""
SPLIT_NAME = re.compile(r"[a-z0-9-]+")
_SET = re.compile(r"[-_ ]?set$")


def split_meant(folder: str) -> str:
    """The split that a folder's name stands for, as `Train` and `test_set` do; else that name."""
    plain = _SET.sub("", folder.lower())
    split = MEANT.get(plain, plain)
    return split if split in ("pool", "test", "val") else folder


def is_split_name(folder: str) -> bool:
    """Whether a folder is called as the pool, the test or validation is."""
    return split_meant(folder) in ("pool", "test", "val")


def refuse_only_splits(where: str, classes: Sequence[str]) -> None:
    """`InputError` if all folders of images are called as splits: they are no classes then."""
    if classes and all(map(is_split_name, classes)):
        raise InputError(
            f"{where}: {listed(classes)} would be the classes, and are called as splits; allowed: "
            "folders of classes in each of them; `implementation: table`, with labels in a table; "
            "`nested: outer`, if the folders above them are the classes and splits may be drawn "
            "anew; or `layout: classes`, if they are classes"
        )
