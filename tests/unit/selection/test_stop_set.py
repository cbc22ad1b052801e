"""The stop set in rounds: what it records, what it costs, and that it sees no hidden label."""

from dataclasses import replace

import numpy as np
import pytest

from helpers.blob_rounds import SETTINGS
from labelbench_core.metrics.signals import OF_BATCH, OF_STOP_SET, SIGNALS, of_batch, of_stop_set
from labelbench_core.selection import rounds, stop_set
from labelbench_core.selection.data import RoundData
from labelbench_core.selection.in_memory import round_data
from labelbench_core.selection.pool_rows import PredictedRows
from labelbench_core.storage.round_files import BATCH_PREDICTED, Round


@pytest.fixture(scope="module")
def data() -> RoundData:
    """Three Gaussian classes."""
    rng = np.random.default_rng(0)
    centers = rng.standard_normal((3, 16)) * 0.9
    labels = {"pool": rng.integers(0, 3, 300), "test": rng.integers(0, 3, 50)}
    return round_data(
        {split: (centers[y] + rng.standard_normal((len(y), 16)), y) for split, y in labels.items()},
        ["a", "b", "c"],
    )


def chain(data: RoundData, count: int = 2) -> list[Round]:
    done = [rounds.initial_round(data, SETTINGS, np.arange(12))]
    for _ in range(count):
        done.append(rounds.next_round(data, SETTINGS, done[-1]))
    return done


def probabilities(data: RoundData, one: Round) -> np.ndarray:
    """(N, C) of the whole pool by a round's head, in the plain way."""
    logits = data.embeddings["pool"].load() @ one.arrays["weights"] + one.arrays["bias"]
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def test_signals_are_those_of_the_heads(data: RoundData) -> None:
    first, second, third = chain(data)
    assert set(first.record["signals"]) == {"entropy", "confidence", "confidence_variance"}
    before, after = probabilities(data, second), probabilities(data, third)
    unlabeled = np.ones(300, bool)
    unlabeled[third.arrays["labeled"]] = False
    bought = third.record["bought"]
    expected = of_stop_set(after, before.argmax(axis=1), unlabeled)
    expected |= of_batch(before[bought], data.truth["pool"][bought])
    assert set(third.record["signals"]) == set(SIGNALS)
    assert third.record["signals"] == pytest.approx(expected, rel=1e-4, abs=1e-6)
    classes = third.record["classes"]
    assert list(classes) == ["test"]  # and not the pool, of which labels were bought
    accuracy = sum(classes["test"]["hits"]) / sum(classes["test"]["rows"])
    assert accuracy == pytest.approx(third.record["metrics"]["test"]["accuracy"])
    assert third.arrays[stop_set.PREDICTED].dtype == np.uint16
    assert np.array_equal(third.arrays[stop_set.PREDICTED], after.argmax(axis=1))


def test_what_was_predicted_for_a_batch_before_it_was_bought_is_kept(data: RoundData) -> None:
    first, second, third = chain(data)
    assert BATCH_PREDICTED not in first.arrays
    for before, one in ((first, second), (second, third)):
        bought = one.arrays["labeled"][-len(one.record["bought"]) :]
        assert sorted(bought.tolist()) == sorted(one.record["bought"])
        expected = probabilities(data, before)[bought].argmax(axis=1)
        assert one.arrays[BATCH_PREDICTED].dtype == np.uint16
        assert np.array_equal(one.arrays[BATCH_PREDICTED], expected)


def test_hits_by_group_are_recorded_where_there_are_groups(data: RoundData) -> None:
    assert "groups" not in chain(data, 1)[1].record
    groups = {"pool": np.arange(300) % 4, "test": np.arange(50) % 3 - 1}
    one = chain(replace(data, groups=groups), 1)[1]
    assert list(one.record["groups"]) == ["test"]  # and not the pool, of which labels were bought
    counts = one.record["groups"]["test"]
    assert counts["rows"] == [17, 16]
    shares = np.divide(counts["hits"], counts["rows"])
    assert one.record["metrics"]["test"]["worst-group-accuracy"] == pytest.approx(shares.min())


def test_a_large_pool_is_sampled_alike_in_all_rounds(
    data: RoundData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stop_set, "STOP_ROWS", 40)
    _, second, third = chain(data)
    kept = stop_set.stop_set(
        rounds.RoundJob(data, SETTINGS, rounds.LabelSeller(data.said, np.arange(2)))
    )
    assert len(kept) == len(set(kept.tolist())) == 40
    assert np.array_equal(kept, np.sort(kept))
    for one in (second, third):
        expected = probabilities(data, one)[kept].argmax(axis=1)
        assert np.array_equal(one.arrays[stop_set.PREDICTED], expected)
    other = {**SETTINGS, "seed": 1}
    job = rounds.RoundJob(data, other, rounds.LabelSeller(data.said, np.arange(2)))
    assert not np.array_equal(kept, stop_set.stop_set(job))


def test_no_hidden_label_is_seen(data: RoundData) -> None:
    """Neither those of the test nor those of the pool that were not bought have an influence."""
    first, second = chain(data, 1)
    hidden = np.ones(300, bool)
    hidden[second.arrays["labeled"]] = False
    pool = np.where(hidden, (data.truth["pool"] + 1) % 3, data.truth["pool"])
    test = (data.truth["test"] + 1) % 3
    disturbed = replace(data, truth={"pool": pool, "test": test})
    again = rounds.next_round(disturbed, SETTINGS, first)
    assert again.record["signals"] == second.record["signals"]
    assert again.record["metrics"] != second.record["metrics"]


def test_a_pool_without_labels_has_the_same_signals(data: RoundData) -> None:
    """It is not evaluated, and then the stop set alone is predicted."""
    first, second = chain(data, 1)
    told = replace(data, truth={"test": data.truth["test"]}, known_multilabel=False)

    class Said:
        labels, ids = data.truth["pool"], {}

    again = rounds.next_round(replace(told, annotations=Said()), SETTINGS, first)
    assert "pool" not in again.record["metrics"]
    assert again.record["signals"] == pytest.approx(second.record["signals"], rel=1e-5)


def test_the_pool_is_predicted_once(data: RoundData, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the batch bought, no row is predicted anew for the stop set."""
    first = chain(data, 0)[0]
    taken = []
    take = PredictedRows.take

    def counted(self: PredictedRows, indices: np.ndarray) -> np.ndarray:
        taken.append(len(indices))
        return take(self, indices)

    monkeypatch.setattr(PredictedRows, "take", counted)
    rounds.next_round(data, SETTINGS, first)
    assert taken == [8]


def test_rounds_from_before_have_nothing_to_compare_with(data: RoundData) -> None:
    first, _ = chain(data, 1)
    old = Round(first.record, {k: v for k, v in first.arrays.items() if k != stop_set.PREDICTED})
    signals = rounds.next_round(data, SETTINGS, old).record["signals"]
    assert set(signals) == {*OF_STOP_SET, *OF_BATCH} - {"kappa", "changed"}
