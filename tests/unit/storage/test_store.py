"""Arrays on disk: equal to what zarr reads, checked against damage, light to import."""

import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from labelbench_core.errors import InputError
from labelbench_core.storage import row_blocks, store


def make(path, shape=(100, 6), dtype="float16", block_rows=16):
    """A random array in `path`, with a stretch of zeros; its values and its blocks' hashes."""
    values = np.random.default_rng(0).normal(scale=9, size=shape).astype(dtype)
    values[20:40] = 0
    store.create_array(path, shape, dtype, block_rows)
    digests = [
        store.write_block(path, index, values[first : first + block_rows])
        for index, first in enumerate(range(0, len(values), block_rows))
    ]
    return values, {"shape": list(shape), "dtype": dtype, "blocks": digests}


@pytest.fixture
def array(tmp_path):
    path = tmp_path / "arrays" / "pool-clean"
    return path, *make(path)


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((100, 6), "float16"), ((50,), "int64"), ((41, 3, 2, 3), "uint8"), ((48, 2), "float32")],
)
def test_reads_what_zarr_reads(tmp_path, shape, dtype):
    import zarr

    values, _ = make(tmp_path / "a", shape, dtype)
    rows = store.open_rows(tmp_path / "a")
    theirs = zarr.open_array(str(tmp_path / "a"), mode="r")[:]
    np.testing.assert_array_equal(theirs, values)
    np.testing.assert_array_equal(rows.load(), values)
    assert (rows.shape, rows.dtype, len(rows)) == (values.shape, values.dtype, len(values))
    pieces = list(rows.blocks())
    np.testing.assert_array_equal(np.concatenate([piece for _, piece in pieces]), values)
    assert [first for first, _ in pieces] == np.cumsum([0] + [len(p) for _, p in pieces])[
        :-1
    ].tolist()
    wanted = np.array([0, len(values) - 1, 7, 7, 3, 30])
    np.testing.assert_array_equal(rows.take(wanted), values[wanted])
    assert rows.take(np.array([], dtype=np.int64)).shape == (0, *shape[1:])


def test_whole_arrays(tmp_path):
    for number, size in enumerate([0, 1, 8, 1000]):
        values = np.arange(size * 3, dtype=np.float32).reshape(size, 3)
        described = store.write_array(tmp_path / str(number), values)
        np.testing.assert_array_equal(store.open_rows(tmp_path / str(number)).load(), values)
        assert described["shape"] == [size, 3]
        store.check_array(tmp_path / str(number), described)


def test_views_are_read_only_and_not_copied(array):
    path, _, _ = array
    _, view = next(store.open_rows(path).blocks())
    assert not view.flags.writeable
    assert not view.flags.owndata


@pytest.mark.parametrize("index", [-1, 100])
def test_rows_outside_are_refused(array, index):
    with pytest.raises(IndexError):
        store.open_rows(array[0]).take(np.array([0, index]))


def test_wrong_rows_are_not_written(array):
    path, values, _ = array
    with pytest.raises(ValueError, match="expected float16"):
        store.write_block(path, 0, values[:16].astype(np.float32))
    with pytest.raises(ValueError, match=r"\(4, 6\)"):
        store.write_block(path, 6, values[:16])
    with pytest.raises(ValueError, match="multiple of 8"):
        store.create_array(path.with_name("b"), (9, 2), "float16", 9)


def test_equal_content_has_equal_bytes(tmp_path):
    assert make(tmp_path / "a")[1] == make(tmp_path / "b")[1]


def test_crc32c_known_values():
    assert row_blocks.crc32c(b"123456789") == 0xE3069283
    assert row_blocks.crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4


def test_flipped_bit_is_found_and_named(array, tmp_path):
    path, _, described = array
    record = tmp_path / "record.json"
    store.verify(path, described, record)
    victim = store.block_path(path, 2, 2)
    content = bytearray(victim.read_bytes())
    content[5] ^= 1
    victim.write_bytes(content)
    with pytest.raises(InputError) as caught:
        store.verify(path, described, record)
    assert str(victim) in str(caught.value)
    assert f"delete the folder {path.parent}" in str(caught.value)


def test_unchanged_blocks_are_not_hashed_again(array, tmp_path, monkeypatch):
    path, _, described = array
    record = tmp_path / "record.json"
    hashed = []
    real = store.files.sha256_file
    monkeypatch.setattr(store.files, "sha256_file", lambda p: hashed.append(p) or real(p))
    store.verify(path, described, record)
    assert len(hashed) == len(described["blocks"]) == 7
    store.verify(path, described, record)
    assert len(hashed) == 7
    touched = store.block_path(path, 3, 2)
    os.utime(touched, ns=(1, 1))
    store.verify(path, described, record)
    assert hashed[7:] == [touched]
    others = {**described, "blocks": ["0" * 64, *described["blocks"][1:]]}
    with pytest.raises(InputError, match="does not match"):  # another manifest is no excuse
        store.verify(path, others, record)


def test_record_may_be_lost_damaged_or_shared(array, tmp_path):
    path, _, described = array
    record = tmp_path / "record.json"
    record.write_text("{torn")
    other = path.with_name("test-clean")
    _, other_described = make(other)
    threads = [
        threading.Thread(target=store.verify, args=(p, d, tmp_path / f"record-{n % 2}.json"))
        for n, (p, d) in enumerate([(path, described), (other, other_described)] * 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.verify(path, described, record)
    store.verify(other, other_described, record)
    assert set(json.loads(record.read_text())) == {str(path), str(other)}


def test_missing_and_truncated_blocks(array):
    path, _, described = array
    victim = store.block_path(path, 1, 2)
    content = victim.read_bytes()
    for kept in (0, 10, len(content) - 1, len(content) // 2):
        victim.write_bytes(content[:kept])
        with pytest.raises(InputError, match=r"truncated|damaged") as caught:
            store.open_rows(path)
        assert str(victim) in str(caught.value)
    victim.unlink()
    with pytest.raises(InputError, match="block is missing"):
        store.open_rows(path)
    victim.write_bytes(content)
    with pytest.raises(InputError, match="7 blocks, 6 in the manifest"):
        store.check_array(path, {**described, "blocks": described["blocks"][:-1]})


def test_missing_array_and_other_codecs(tmp_path):
    import zarr

    with pytest.raises(InputError, match="file not found"):
        store.open_rows(tmp_path / "nothing")
    zarr.create_array(str(tmp_path / "plain"), shape=(8, 2), chunks=(4, 2), dtype="f4")
    with pytest.raises(InputError, match=r"plain/zarr.json"):
        store.open_rows(tmp_path / "plain")
    zarr.create_array(
        str(tmp_path / "zstd"), shape=(8, 2), chunks=(4, 2), shards=(8, 2), dtype="f4"
    )
    with pytest.raises(InputError, match="inner codecs"):
        store.open_rows(tmp_path / "zstd")


def test_rows_never_written_are_refused(tmp_path):
    import zarr

    store.create_array(tmp_path / "a", (16, 2), "float32", 16)
    array = zarr.open_array(str(tmp_path / "a"), mode="r+")
    array[:8] = 1.0
    with pytest.raises(InputError, match="never written"):
        store.open_rows(tmp_path / "a")


def test_reading_imports_nothing_heavy(array):
    code = (
        "import sys; from labelbench_core.storage import store;"
        f"rows = store.open_rows({str(array[0])!r}); rows.load(); rows.take([1]);"
        "import labelbench_core.datasets, labelbench_core.backbones;"
        "print(sorted({'zarr','torch','timm','sklearn','pandas','scipy','PIL'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
