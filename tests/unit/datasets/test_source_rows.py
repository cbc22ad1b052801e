"""Which rows of its source a pool is made of: what `bought.csv` leads people back to."""

import numpy as np

from labelbench_core.datasets import open_dataset
from labelbench_core.datasets.prepare import prepare_dataset


def test_a_part_of_a_pool_knows_its_rows_of_the_file(tmp_path):
    rows = np.random.default_rng(0).standard_normal((40, 4)).astype(np.float32)
    np.savez(tmp_path / "rows.npz", embeddings=rows, labels=np.arange(40) % 2)
    options = {"splits": {"pool": "rows.npz", "test": "rows.npz"}}

    def prepared(name, **changes):
        paths = tmp_path / name / "arrays", tmp_path / name / "manifest.json"
        prepare_dataset("mine", "own-embeddings", options, tmp_path, *paths, **changes)
        return open_dataset(tmp_path / name)

    assert prepared("whole").source_rows("pool") is None
    part = prepared("part", pool_size=10)
    found = part.source_rows("pool")
    assert found is not None
    assert len(found) == 10
    np.testing.assert_array_equal(part.labels("pool"), found % 2)
    np.testing.assert_array_equal(part.embeddings("pool").batch(np.arange(10)), rows[found])
