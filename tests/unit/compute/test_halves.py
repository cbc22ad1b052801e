"""Half precision in single precision: every bit as NumPy has it, however denormals are treated."""

import numpy as np
import pytest
import torch

from labelbench_core.compute import halves

ALL = np.arange(1 << 16, dtype=np.uint16).view(np.float16)


def bits(values):
    assert values.dtype == np.float32
    assert values.flags.c_contiguous
    return values.view(np.uint32)


@pytest.fixture(params=[False, True], ids=["denormals", "flushed denormals"])
def flushed(request):
    torch.set_flush_denormal(request.param)
    tiny = np.full(1, 2.0**-130, np.float32)
    assert ((tiny * np.float32(1))[0] == 0) == request.param
    halves._SINGLES.clear()
    yield
    halves._SINGLES.clear()


def test_every_half_has_the_bits_that_numpy_gives_it(flushed):
    shuffled = np.random.default_rng(0).permutation(np.tile(ALL, 3))
    for values in (ALL, shuffled, shuffled.reshape(-1, 64), shuffled.reshape(64, -1)[::3, ::2]):
        expected = values.astype(np.float32)
        np.testing.assert_array_equal(
            bits(halves.single(values)), np.ascontiguousarray(expected).view(np.uint32)
        )


def test_other_numbers_are_as_they_are():
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert halves.single(values) is values
    np.testing.assert_array_equal(halves.single(values.T), values.T)
    np.testing.assert_array_equal(halves.single(values.astype(np.float64)), values)
    assert halves.single(np.zeros((0, 4), np.float16)).shape == (0, 4)


@pytest.mark.parametrize("num_rows", [0, 1, 767, 768, 769, 2000])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_product_in_parts_is_that_of_the_whole(num_rows, dtype):
    rng = np.random.default_rng(num_rows)
    rows = np.maximum(rng.standard_normal((num_rows, 96)), 0).astype(dtype)
    weights = rng.standard_normal((96, 10)).astype(np.float32)
    found = halves.product(rows, weights)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, rows.astype(np.float32) @ weights, rtol=1e-5, atol=1e-5)
