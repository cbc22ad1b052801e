"""What the optimal designs share: a ridge that is never lost, whatever the units."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from helpers.choosing import choose
from labelbench_core.strategies.kernels.design import LEAST, raised
from labelbench_core.strategies.testing import make_pool


def test_a_ridge_is_raised_only_where_it_would_be_lost():
    matrix = np.diag([3.0, 4.0])
    assert raised(1e-3, matrix) == 1e-3
    assert raised(1e-12, matrix) == pytest.approx(5e-7)
    assert raised(sys.float_info.min, np.zeros((2, 2))) == LEAST
    assert np.isfinite(LEAST**-2)


@pytest.mark.parametrize("name", ["bait", "bait-binary"])
def test_units_of_embeddings_do_not_matter(name):
    pool = make_pool(60, dims=4, classes=4, labeled=5)
    tiny = replace(pool, embeddings=pool.embeddings * np.float32(2.0**-30))
    expected = choose(name, pool, 12, ridge=2.0).tolist()
    assert choose(name, tiny, 12, ridge=2.0**-59).tolist() == expected
