"""What folders, files and cells call the splits."""

import re

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
