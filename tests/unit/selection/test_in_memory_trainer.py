"""In Python a proxy's trainer is an entry: an id, which only a catalogue knows, is told."""

import numpy as np
import pytest

from labelbench_core.errors import InputError
from labelbench_core.selection.in_memory import round_data
from labelbench_core.selection.rounds import initial_round


def test_a_trainer_by_its_id_is_one_line():
    rows = np.random.default_rng(0).standard_normal((12, 4)), np.arange(12) % 2
    data = round_data({"pool": rows, "test": rows})
    settings = {"dataset": "mine", "backbone": "precomputed", "seed": 0}
    settings["schedule"] = {"id": "few", "initial": 4, "batch": 4}
    settings["proxy"] = {"id": "shallow", "implementation": "shallow"}
    told = r"^options.trainer: 'embeddings-supervised'; allowed, in Python: its entry"
    with pytest.raises(InputError, match=told):
        initial_round(data, settings, np.arange(4))
