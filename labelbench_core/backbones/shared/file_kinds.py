"""What a file of weights is, where it is not what an option takes: told by its first bytes."""

from __future__ import annotations

import contextlib
import zipfile
from pathlib import Path

LARGEST_HEADER = 10**8
"""Bytes of a safetensors file's description of its tensors, at most (its format's own limit)."""
TAKEN = "as timm-model and open-clip-model take them, called"
SAFETENSORS = f"a safetensors file: tensors, {TAKEN} .safetensors"
TORCH_SAVE = f"a file of torch.save: tensors, {TAKEN} .pth"
BEFORE_ZIP = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How torch.save began its files before version 1.6: a number as a pickle."""


def kind_of(path: Path) -> str:
    """What a file seems to be, and what to do with it; empty if that cannot be told.

    Nothing in it is run or unpickled.
    """
    with contextlib.suppress(OSError):
        with open(path, "rb") as file:
            start = file.read(64)
        if start.startswith(b"version https://git-lfs"):
            return "a pointer of Git LFS, in place of the file: `git lfs pull` fetches it"
        if start.lstrip().lower().startswith((b"<html", b"<!doctype", b"<?xml")):
            return "a web page, in place of the file"
        if start.startswith(b"PK\3\4"):
            return _of_archive(path)
        if start.startswith(b"\x93NUMPY"):
            return "an array of NumPy"
        if start[8:9] == b"{" and 0 < int.from_bytes(start[:8], "little") <= LARGEST_HEADER:
            return SAFETENSORS
        if start.startswith(BEFORE_ZIP):
            return TORCH_SAVE
        if start.startswith(b"\x80"):
            return "a pickle, but not one of torch.save"
    return ""


def _of_archive(path: Path) -> str:
    """As `kind_of`, of a zip archive: torch saves its files as such."""
    try:
        with zipfile.ZipFile(path) as archive:
            # Below a folder that has the name under which the file was saved.
            names = {name.partition("/")[2] for name in archive.namelist()}
    except zipfile.BadZipFile:
        return "a file whose end is missing: copy or save it again"
    if any(name.startswith("code/") for name in names):
        return "a TorchScript file, which the implementation torchscript-model reads"
    if any(name.startswith("models/") and name.endswith(".json") for name in names):
        return "a file of torch.export, which the implementation exported-model reads"
    if "data.pkl" in names:
        return TORCH_SAVE
    return "a zip archive"
