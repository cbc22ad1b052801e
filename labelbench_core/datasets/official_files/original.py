"""The splits of the public LabelBench code: validation and test are parts of the official test set.

Zhang et al., "LabelBench: A Comprehensive Framework for Benchmarking Adaptive
Label-Efficient Learning", 2023 (arXiv 2306.09910). Which rows go where is taken from its public
code, so that an accuracy here is measured on the very images of a published one.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from labelbench_core.datasets import TEST, VAL, RawDataset

SEED = 42

Parts = tuple[np.ndarray, np.ndarray]
"""Rows of the official test set that are validation, and those that are test."""


def numpy_halves(count: int) -> Parts:
    """Halves of a permutation by NumPy's legacy generator: CIFAR-10, CIFAR-100 and SVHN."""
    order = np.random.RandomState(SEED).permutation(count)
    return order[: count // 2], order[count // 2 :]


def torch_quarter(count: int) -> Parts:
    """The first quarter and the rest of PyTorch's `random_split`: ImageNet.

    Its permutation (`torch.randperm` with a CPU generator, fewer than 2^32 / 20 rows) is a
    Fisher-Yates shuffle by the 32-bit numbers of a Mersenne Twister, which NumPy seeds alike: no
    import of PyTorch for a split.
    """
    numbers = np.random.RandomState(SEED).randint(0, 2**32, size=count, dtype=np.uint32)
    order = list(range(count))
    for place, number in enumerate(numbers.tolist()[:-1]):
        other = place + number % (count - place)
        order[place], order[other] = order[other], order[place]
    rows = np.array(order, np.int64)
    return rows[: count // 4], rows[count // 4 :]


def original_sizes(sizes: dict[str, int], parts: Callable[[int], Parts]) -> dict[str, int]:
    """Sizes of the splits, given those of the official ones."""
    validation, test = parts(sizes[TEST])
    return {**sizes, VAL: len(validation), TEST: len(test)}


def with_original_splits(raw: RawDataset, parts: Callable[[int], Parts]) -> RawDataset:
    """`raw`, whose official test set becomes validation and test, and a note that says so."""
    whole = raw.splits[TEST]
    validation, test = parts(len(whole.labels))
    note = (
        f"LabelBench's splits (arXiv 2306.09910), not the official ones: of the official test "
        f"set's {len(whole.labels):,} images, {len(validation):,} are validation (val) and "
        f"{len(test):,} are test, drawn with seed {SEED} as in its public code"
    )
    splits = {**raw.splits, VAL: whole.take(validation), TEST: whole.take(test)}
    return replace(raw, splits=splits, splits_note=note)
