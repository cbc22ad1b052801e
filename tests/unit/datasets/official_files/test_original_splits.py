"""LabelBench's own splits: the very rows that its public code draws."""

import numpy as np
import pytest

from labelbench_core.datasets import RawDataset, RawSplit
from labelbench_core.datasets.official_files.original import (
    numpy_halves,
    original_sizes,
    torch_quarter,
    with_original_splits,
)


@pytest.mark.parametrize("count", [10_000, 26_032, 7])
def test_halves_are_those_of_the_public_code(count):
    """Its slices: `[:-len(idxs) // 2]` is validation, `[-len(idxs) // 2:]` is test."""
    rows = np.random.RandomState(42).permutation(count)
    validation, test = numpy_halves(count)
    np.testing.assert_array_equal(validation, rows[: -len(rows) // 2])
    np.testing.assert_array_equal(test, rows[-len(rows) // 2 :])


def test_the_first_rows_are_those_of_the_legacy_generator():
    """Which NumPy keeps as it is: CIFAR's first validation and test images, written down."""
    validation, test = numpy_halves(10_000)
    assert validation[:4].tolist() == [6252, 4684, 1731, 4742]
    assert (len(validation), len(test)) == (5_000, 5_000)


@pytest.mark.parametrize("count", [50_000, 5, 4])
def test_a_quarter_is_that_of_pytorchs_random_split(count):
    import torch

    quarter = count // 4
    parts = torch.utils.data.random_split(
        range(count), [quarter, count - quarter], generator=torch.Generator().manual_seed(42)
    )
    for ours, theirs in zip(torch_quarter(count), parts, strict=True):
        np.testing.assert_array_equal(ours, theirs.indices)


def test_splits_and_the_note_say_what_was_done():
    images = np.arange(8, dtype=np.uint8).reshape(8, 1, 1, 1).repeat(3, axis=-1)
    whole = RawSplit(np.arange(8) % 2, images)
    raw = with_original_splits(RawDataset(["a", "b"], {"pool": whole, "test": whole}), numpy_halves)
    validation, test = numpy_halves(8)
    assert raw.splits["val"].images[:, 0, 0, 0].tolist() == validation.tolist()
    assert raw.splits["test"].labels.tolist() == (test % 2).tolist()
    assert raw.splits["pool"] is whole
    assert "of the official test set's 8 images, 4 are validation (val) and 4 are test" in (
        raw.splits_note
    )
    sizes = original_sizes({"pool": 8, "test": 9}, numpy_halves)
    assert sizes == {"pool": 8, "val": 4, "test": 5}
