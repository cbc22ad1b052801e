"""Files of embeddings that are damaged, or called as files of another kind, are one line."""

import numpy as np
import pytest
import zarr

from labelbench_core.datasets import own_embeddings
from labelbench_core.datasets.file_formats.array_files import shapes_in
from labelbench_core.errors import InputError
from tests.helpers.embedding_files import random_rows, told


@pytest.fixture
def pool():
    return random_rows()["pool"]


@pytest.mark.parametrize(
    ("saved_as", "name", "expected"),
    [
        ("npy", "a.npz", "a file of one array without a name, which has to be called .npy"),
        ("npz", "a.npy", "a file of several arrays, which has to be called .npz"),
    ],
)
def test_a_file_that_is_called_as_one_of_the_other_kind(saved_as, name, expected, pool, tmp_path):
    embeddings, labels = pool
    np.save(tmp_path / "labels.npy", labels)
    with open(tmp_path / name, "wb") as file:
        if saved_as == "npy":
            np.save(file, embeddings)
        else:
            np.savez(file, embeddings=embeddings, labels=labels)
    options = {"splits": {"pool": name}, "labels": {"pool": "labels.npy"}}
    told_line = told(tmp_path, options)
    assert f"{tmp_path / name}: not a readable array ({expected})" in told_line
    assert "unpickled" not in told_line
    with pytest.raises(InputError, match="which has to be called"):
        shapes_in(tmp_path / name)


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_file_whose_end_is_missing(name, share, pool, tmp_path):
    embeddings, labels = pool
    if name == "a.npy":
        np.save(tmp_path / name, embeddings)
    else:
        np.savez(tmp_path / name, embeddings=embeddings)
    np.save(tmp_path / "labels.npy", labels)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(share * len(content))])
    line = told(tmp_path, {"splits": {"pool": name}, "labels": {"pool": "labels.npy"}})
    assert f"{name}: not a readable array (" in line
    kind = {"a.npy": "save", "a.npz": "savez"}[name]
    assert line.endswith(f"; allowed: a whole file of numpy.{kind}")


def write_zarr(folder, pool, **options):
    group = zarr.open_group(str(folder), mode="w")
    group.create_array("embeddings", data=pool[0], chunks=(10, pool[0].shape[1]), **options)
    group.create_array("labels", data=pool[1])
    return sorted(path for path in (folder / "embeddings" / "c").rglob("*") if path.is_file())


def test_a_chunk_of_zarr_that_is_damaged(pool, tmp_path):
    chunk = write_zarr(tmp_path / "a.zarr", pool)[1]
    chunk.write_bytes(chunk.read_bytes()[:-20])
    line = told(tmp_path, {"splits": {"pool": "a.zarr"}})
    assert "a.zarr: not a readable array (" in line
    assert line.endswith("; allowed: a whole folder of Zarr")


def test_a_chunk_of_zarr_that_is_missing(pool, tmp_path):
    """Zarr would give out rows of zeros."""
    write_zarr(tmp_path / "a.zarr", pool)[1].unlink()
    line = told(tmp_path, {"splits": {"pool": "a.zarr"}})
    assert "a.zarr: row 10: all values are 0.0, and 2 of 3 chunks are there; allowed: " in line


def test_chunks_that_zarr_need_not_write(pool, tmp_path):
    """Of a feature, or of labels, that are all 0."""
    embeddings, labels = pool[0].copy(), np.zeros((30, 3), int)
    embeddings[:, 0] = 0
    labels[12:] = 1
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w")
    group.create_array("embeddings", data=embeddings, chunks=(10, 1))
    group.create_array("labels", data=labels, chunks=(10, 3))
    assert group["labels"].nchunks_initialized < group["labels"].nchunks
    assert group["embeddings"].nchunks_initialized < group["embeddings"].nchunks
    options = {"splits": {"pool": "a.zarr"}, "multilabel": True}
    found = own_embeddings.load(tmp_path, **options).splits["pool"]
    np.testing.assert_array_equal(found.embeddings, embeddings)
    np.testing.assert_array_equal(found.labels, labels)
