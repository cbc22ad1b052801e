"""What strategies that cover the pool refuse: options, and pools of several classes a row."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.choosing import choose
from labelbench_core.errors import InputError
from labelbench_core.strategies.testing import make_pool


def test_uherding_refuses_multilabel_pools():
    pool = make_pool(30)
    pool = replace(pool, multilabel=True, labels=np.zeros((9, 3), np.int64))
    with pytest.raises(InputError, match="multi-label"):
        choose("uherding", pool, 3)
    assert len(choose("maxherding", pool, 3)) == len(choose("probcover", pool, 3)) == 3


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("probcover", "delta", 0),
        ("probcover", "delta", float("inf")),
        ("probcover", "purity", 0),
        ("probcover", "purity", 1.1),
        ("probcover", "targets", 0),
        ("probcover", "max_edges", 0),
        ("maxherding", "bandwidth", 0),
        ("maxherding", "bandwidth", float("nan")),
        ("maxherding", "targets", 0),
        ("uherding", "targets", 0),
        ("uherding", "calibration", "test"),
    ],
)
def test_options_are_checked(name, option, value):
    with pytest.raises(InputError, match=f"{name}.*{option}: "):
        choose(name, make_pool(20), 3, **{option: value})
