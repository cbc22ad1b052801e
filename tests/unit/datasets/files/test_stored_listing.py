"""Listings of files: what is read is what was written, whatever names hold; damage is told."""

import hashlib
import json

import pytest

from labelbench_core.datasets.files.stored_listing import read_listing, write_listing
from labelbench_core.errors import InputError

NAMES = ["pool/cat/1.png", "a,b]\n[c", 'quote"\\', "über/猫.jpg", "latin\udce9.jpg", "\r\x85\u2028"]


def test_what_is_read_is_what_was_written(tmp_path):
    listed = [(name, hashlib.sha256(bytes([row])).hexdigest()) for row, name in enumerate(NAMES)]
    path = tmp_path / "pool-files.json"
    sha256 = write_listing(path, listed)
    read = read_listing(path, sha256)
    assert list(read) == listed
    assert (len(read), read[3], read[-1]) == (len(NAMES), listed[3], listed[-1])
    assert list(read[1:3]) == listed[1:3]
    assert json.loads(path.read_text()) == [list(entry) for entry in listed]
    with pytest.raises(IndexError):
        read[len(NAMES)]


@pytest.mark.parametrize("count", [0, 1])
def test_short_listings(tmp_path, count):
    path = tmp_path / "x.json"
    sha256 = write_listing(path, [("a", "b")] * count)
    assert list(read_listing(path, sha256)) == [("a", "b")] * count


def test_damage_is_told(tmp_path):
    path = tmp_path / "x.json"
    sha256 = write_listing(path, [("a", "b")])
    path.write_bytes(path.read_bytes().replace(b"a", b"c"))
    for expected in (sha256, None):
        with pytest.raises(InputError, match="does not match its SHA-256 in the manifest"):
            read_listing(path, expected)
    path.unlink()
    with pytest.raises(InputError, match="file not found"):
        read_listing(path, sha256)
