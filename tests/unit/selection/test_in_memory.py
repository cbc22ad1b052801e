"""What `round_data` refuses of data in memory: in one line, as files of embeddings are refused."""

import numpy as np
import pytest

from labelbench_core.errors import InputError
from labelbench_core.proxies.linear import LinearProxy
from labelbench_core.selection.in_memory import round_data
from labelbench_core.selection.rounds import initial_round, next_round

ROWS = np.random.default_rng(0).standard_normal((12, 4))
LABELS = np.arange(12) % 3


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS * 2, r"split pool: no row has label 1, of 0 to 4 \(2 of these are missing\); allo"),
        (LABELS + 1, "split pool: no row has label 0, of 0 to 3 .*: subtract 1, or save"),
    ],
)
def test_numbers_of_classes_have_no_gap(labels, message):
    with pytest.raises(InputError, match=message):
        round_data({"pool": (ROWS, labels)})
    names = [str(one) for one in range(6)]
    assert round_data({"pool": (ROWS, labels)}, class_names=names).num_classes == 6
    assert round_data({"pool": (ROWS, labels.astype(str))}).num_classes == 3


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ((ROWS, LABELS), "splits: 2 values; allowed: a mapping, such as {'pool': "),
        (ROWS, r"splits: an array of shape \(12, 4\); allowed: a mapping"),
        ({"pool": ROWS}, r"splits: pool: an array of shape \(12, 4\); allowed: two arrays"),
        ({"pool": (ROWS, LABELS, LABELS)}, "splits: pool: 3 values; allowed: two arrays"),
        ({"pool": None}, "splits: pool: None; allowed: two arrays"),
    ],
)
def test_splits_have_names_embeddings_and_labels(splits, message):
    with pytest.raises(InputError, match=message):
        round_data(splits)


@pytest.mark.parametrize(
    ("class_names", "message"),
    [
        ("abc", "class_names: 'abc'; allowed: a list of at least two names"),
        ({"a": 0, "b": 1}, "class_names: .*; allowed: a list of at least two"),
        (["a"], r"class_names: \['a'\]; allowed: a list of at least two"),
        (["a", "b", 3], "class_names: 2: 3; allowed: texts, each once"),
        (["a", "b", "a"], "class_names: 2: 'a'; allowed: texts, each once"),
        (["a", "b"], "split pool: row 2: label 2; allowed: a whole number from 0 to 1, those of"),
    ],
)
def test_names_of_classes_are_texts(class_names, message):
    with pytest.raises(InputError, match=message):
        round_data({"pool": (ROWS, LABELS)}, class_names=class_names)


def test_classes_without_rows_are_classes_and_columns_are_labels():
    names = np.array([f"class {number}" for number in range(20)])  # more than rows
    column = LABELS.reshape(-1, 1)
    made = round_data({"pool": (ROWS, column)}, class_names=names, weights={"pool": column + 1.0})
    assert made.num_classes == 20
    np.testing.assert_array_equal(made.truth["pool"], LABELS)
    np.testing.assert_array_equal(made.weights["pool"], LABELS + 1)
    with pytest.raises(InputError, match="split pool: one class, 0; allowed: at least two classes"):
        round_data({"pool": (ROWS, 0 * LABELS)})


SEVERAL = (ROWS[:, :3] > 0).astype(np.int64)
SETTINGS = {
    "dataset": "mine",
    "backbone": "precomputed",
    "seed": 0,
    "schedule": {"id": "few", "initial": 4, "batch": 3},
    "proxy": {"id": "linear", "implementation": "linear"},
    "strategy": {"id": "mmc", "implementation": "mmc"},
}


def test_a_chain_on_rows_with_several_labels():
    """With a test and without; labels that were bought are (L, C)."""
    for splits in ({"pool": (ROWS, SEVERAL), "test": (ROWS, SEVERAL)}, {"pool": (ROWS, SEVERAL)}):
        data = round_data(splits, multilabel=True)
        assert data.multilabel
        assert data.num_classes == 3
        done = next_round(data, SETTINGS, initial_round(data, SETTINGS, np.arange(4)))
        assert done.record["num_labeled"] == 7
        assert set(done.record["metrics"]) == set(splits)
        assert "mean-average-precision" in done.record["metrics"]["pool"]
    one = {**SETTINGS, "strategy": {"id": "alfa-mix", "implementation": "alfa-mix"}}
    with pytest.raises(InputError, match="alfa-mix"):
        next_round(data, one, initial_round(data, one, np.arange(4)))


@pytest.mark.parametrize(
    ("labels", "more", "message"),
    [
        (SEVERAL, {}, r"split pool: labels have the shape \(12, 3\); allowed: .* multilabel=True"),
        (SEVERAL + 1, {"multilabel": True}, "split pool: row 0, column .: label 2; allowed: 0, 1"),
        (LABELS, {"multilabel": True}, r"split pool: labels are int64 of shape \(12,\); allowed: "),
        (None, {"multilabel": True}, "multilabel: True, and the pool has no labels, for which"),
        (SEVERAL, {"multilabel": True, "class_names": ["a", "b"]}, "3 columns of labels; allowed"),
        (SEVERAL[:5], {"multilabel": True}, "split pool: "),
    ],
)
def test_columns_of_labels_are_asked_for_and_hold_0_and_1(labels, more, message):
    given = {"class_names": ["a", "b", "c"], **more}
    with pytest.raises(InputError, match=message):
        round_data({"pool": (ROWS, labels)}, **given)


def test_after_the_pool_was_embedded_again_ceilings_use_the_new_penalty(
    monkeypatch,
):
    generator = np.random.default_rng(0)
    labels = np.arange(200) % 4
    rows = np.eye(4, dtype=np.float32)[labels] @ generator.standard_normal((4, 16))
    before, now = (rows + scale * generator.standard_normal((200, 16)) for scale in (0.3, 3))
    fitted, tried = [], []
    fit, refit = LinearProxy.fit, LinearProxy.refit

    def noted_fit(proxy, *arguments):
        fitted.append(fit(proxy, *arguments))
        return fitted[-1]

    def noted_refit(proxy, training, of):
        tried.append(of["penalty"])
        return refit(proxy, training, of)

    monkeypatch.setattr(LinearProxy, "fit", noted_fit)
    monkeypatch.setattr(LinearProxy, "refit", noted_refit)
    options = {"batches": 2, "candidates": ["random"]}
    settings = {
        **{"dataset": "d", "backbone": "b", "seed": 0},
        "schedule": {"id": "few", "initial": 40, "batch": 10},
        "proxy": {"id": "linear", "implementation": "linear"},
        "strategy": {"id": "look-ahead", "implementation": "look-ahead", "options": options},
    }
    first = initial_round(round_data({"pool": (before, labels)}), settings, np.arange(40))
    assert fitted[0]["penalty"] == first.record["fit"]["penalty"]
    next_round(round_data({"pool": (now, labels)}), settings, first)
    assert fitted[1]["penalty"] != fitted[0]["penalty"]
    assert set(tried) == {fitted[1]["penalty"]}
