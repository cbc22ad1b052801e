"""Which rows of its source a pool is made of: what `bought.csv` leads people back to."""

import numpy as np
import pytest

from helpers.pictures_by_table import write_table
from labelbench_core.datasets import open_dataset
from labelbench_core.datasets.preparing.prepare import prepare_dataset


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


@pytest.mark.parametrize("kind", ["npz", "csv"])
def test_rows_of_drawn_splits_lead_back_to_the_file(kind, tmp_path):
    # Some rows are equal, and all weigh differently: which of them is which must not be lost.
    numbers = np.random.default_rng(0).integers(0, 30, 48)
    labels, weights = numbers % 3, np.arange(1, 49, dtype=np.float32)
    source = {"npz": "own-embeddings", "csv": "text-table"}[kind]
    options = {"splits": {"pool": f"rows.{kind}"}, "test_share": 0.25}

    def save(count):
        if kind == "npz":
            rows = np.column_stack([numbers, numbers**2]).astype(np.float32)
            arrays = {"embeddings": rows, "labels": labels, "weights": weights}
            np.savez(tmp_path / "rows.npz", **{key: one[:count] for key, one in arrays.items()})
            return
        cells = zip(numbers[:count], labels[:count], weights[:count], strict=True)
        rows = [[f"text {number}", str(label), str(weight)] for number, label, weight in cells]
        write_table(tmp_path / "rows.csv", ["text", "label", "weight"], rows)

    if kind == "npz":
        options["weights"] = {"pool": "rows.npz"}
    else:
        options["weight_column"] = "weight"

    def prepared(folder, **changes):
        paths = tmp_path / folder / "arrays", tmp_path / folder / "manifest.json"
        prepare_dataset("mine", source, options, tmp_path, *paths, **changes)
        return open_dataset(tmp_path / folder)

    save(40)
    for folder, count, changes in (
        ("all", 40, {}),
        ("part", 40, {"pool_size": 20}),
        ("all", 48, {}),  # rows that were drawn stay where they are
    ):
        save(count)
        dataset = prepared(folder, **changes)
        seen = []
        for split in dataset.splits:
            rows = dataset.source_rows(split)
            assert dataset.labels(split).tolist() == labels[rows].tolist()
            assert dataset.weights(split).tolist() == weights[rows].tolist()
            seen += rows.tolist()
        assert len(set(seen)) == len(seen)
        assert changes or sorted(seen) == list(range(count))
