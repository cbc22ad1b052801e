"""The pool as its proxy sees it: the same values block by block, row by row and in memory."""

import tracemalloc
import types

import numpy as np
import pytest

from labelbench_core.errors import InputError
from labelbench_core.proxies import Statistics, linear_ensemble
from labelbench_core.proxies.linear import LinearProxy
from labelbench_core.selection import pool_rows
from labelbench_core.selection.pool_rows import (
    EmbeddedRows,
    PredictedRows,
    in_memory_if_small,
    member_rows,
)
from labelbench_core.storage import store
from labelbench_core.strategies import Pool, select


@pytest.fixture
def rows(tmp_path):
    """(500, 6) float16 in 63 chunks of 8 rows."""
    features = np.random.default_rng(0).standard_normal((500, 6)).astype(np.float16)
    store.create_array(tmp_path / "rows", features.shape, "float16", 64)
    for block in range(8):
        store.write_block(tmp_path / "rows", block, features[64 * block : 64 * (block + 1)])
    return store.open_rows(tmp_path / "rows")


@pytest.fixture
def proxy():
    rng = np.random.default_rng(1)
    head = {"weights": rng.standard_normal((6, 4), np.float32), "bias": np.zeros(4, np.float32)}
    return LinearProxy(None, 1e-3, 10, 1).restore(head, Statistics(np.full(6, 0.1), np.ones(6)))


def stream(view):
    return np.concatenate([values for _, values in view.blocks()])


def test_embeddings_are_those_of_the_proxy(rows, proxy):
    view = EmbeddedRows(proxy, rows, threads=2)
    expected = proxy.embed(rows.load())
    assert (view.shape, view.dtype, len(view)) == ((500, 6), np.float32, 500)
    assert np.array_equal(stream(view), expected)
    assert np.array_equal(view.load(), expected)
    indices = np.array([499, 3, 3, 77])
    assert np.array_equal(view.take(indices), expected[indices])
    assert view.take(indices[:0]).shape == (0, 6)


def test_probabilities_are_those_of_the_proxy(rows, proxy, monkeypatch):
    view = PredictedRows(proxy, rows, threads=2)
    expected = proxy.predict_proba(rows)
    assert (view.shape, view.dtype) == ((500, 4), np.float32)
    assert np.array_equal(stream(view), expected)
    monkeypatch.setattr(pool_rows, "TAKEN_ROWS", 7)
    indices = np.random.default_rng(2).integers(0, 500, 50)
    assert np.allclose(view.take(indices), expected[indices], rtol=1e-5, atol=1e-7)


def test_threads_do_not_change_a_byte(rows, proxy):
    one, three = (PredictedRows(proxy, rows, threads) for threads in (1, 3))
    assert np.array_equal(stream(one), stream(three))
    indices = np.arange(0, 500, 3)
    assert np.array_equal(one.take(indices), three.take(indices))


def test_only_what_fits_the_limit_is_held_in_memory(rows, proxy, monkeypatch):
    view = PredictedRows(proxy, rows)
    monkeypatch.setattr(pool_rows, "DENSE_BYTES", 500 * 4 * 4)
    assert isinstance(in_memory_if_small(view), np.ndarray)
    monkeypatch.setattr(pool_rows, "DENSE_BYTES", 500 * 4 * 4 - 1)
    assert in_memory_if_small(view) is view


def test_the_pool_is_predicted_once_and_only_a_few_blocks_ahead(rows, proxy):
    predicted, held = [], []

    def predict_proba(features):
        predicted.append(len(features))
        return proxy.predict_proba(features)

    view = PredictedRows(types.SimpleNamespace(predict_proba=predict_proba), rows, threads=2)
    for number, _ in enumerate(view.blocks()):
        held.append(len(predicted) - number)
    assert max(held) <= 7  # and one call that tells the width
    predicted.clear()
    pool = Pool(EmbeddedRows(proxy, rows), view, np.arange(3), np.zeros(3, np.int64), 4)
    select("margin", pool, 5, np.random.default_rng(0))
    assert sum(predicted) == 500


@pytest.mark.parametrize("strategy", ["margin", "badge"])
def test_values_that_are_no_numbers_are_named_while_they_are_read(rows, proxy, strategy):
    damaged = np.array(rows.take(np.array([301])))

    def predict_proba(features):
        values = proxy.predict_proba(features)
        values[(features == damaged).all(axis=1), 2] = np.nan
        return values

    view = PredictedRows(types.SimpleNamespace(predict_proba=predict_proba), rows)
    pool = Pool(EmbeddedRows(proxy, rows), view, np.arange(3), np.zeros(3, np.int64), 4)
    with pytest.raises(InputError, match=r"probabilities: row 301 holds a value that is NaN"):
        select(strategy, pool, 5, np.random.default_rng(0))


@pytest.mark.parametrize("strategy", ["margin", "power-margin", "coreset", "badge"])
def test_a_streamed_pool_gives_the_same_picks_with_any_threads(rows, proxy, strategy):
    def picks(embeddings, probabilities):
        pool = Pool(embeddings, probabilities, np.arange(40), np.zeros(40, np.int64), 4)
        return select(strategy, pool, 60, np.random.default_rng(0)).tolist()

    one, three = (
        picks(EmbeddedRows(proxy, rows, threads), PredictedRows(proxy, rows, threads))
        for threads in (1, 3)
    )
    assert one == three
    assert one == picks(EmbeddedRows(proxy, rows).load(), PredictedRows(proxy, rows).load())


@pytest.fixture
def ensemble():
    """Five heads for 6 columns and 40 classes."""
    rng = np.random.default_rng(3)
    arrays = {"weights": rng.standard_normal((6, 40), np.float32), "bias": np.zeros(40, np.float32)}
    arrays["member_weights"] = rng.standard_normal((6, 5, 40), np.float32)
    arrays["member_bias"] = rng.standard_normal((5, 40), np.float32)
    statistics = Statistics(np.zeros(6), np.ones(6))
    return linear_ensemble.build().restore(arrays, statistics)


def test_members_in_memory_and_streamed_are_the_same(rows, ensemble, monkeypatch):
    together = member_rows(ensemble, rows, threads=2)
    expected = ensemble.predict_members(rows.load()).transpose(1, 0, 2)
    assert together.shape == (5, 500, 40)
    assert np.allclose(together, expected, rtol=1e-5, atol=1e-7)
    monkeypatch.setattr(pool_rows, "DENSE_BYTES", 0)
    apart = member_rows(ensemble, rows, threads=2)
    assert [member.shape for member in apart] == [(500, 40)] * 5
    for member, values in zip(apart, together, strict=True):
        assert np.allclose(stream(member), values, rtol=1e-5, atol=1e-7)


def test_bald_never_holds_all_members_of_a_large_pool(tmp_path, ensemble, monkeypatch):
    count = 20_000
    features = np.random.default_rng(0).standard_normal((count, 6)).astype(np.float16)
    store.create_array(tmp_path / "large", features.shape, "float16", 2048)
    for block in range(0, count, 2048):
        store.write_block(tmp_path / "large", block // 2048, features[block : block + 2048])
    rows = store.open_rows(tmp_path / "large")

    def buy():
        """What is bought, and the most memory that it took on the way."""
        tracemalloc.start()
        pool = Pool(
            embeddings=EmbeddedRows(ensemble, rows),
            probabilities=None,
            labeled=np.zeros(0, np.int64),
            labels=np.zeros(0, np.int64),
            num_classes=40,
            member_probabilities=member_rows(ensemble, rows),
        )
        chosen = select("bald", pool, 10, np.random.default_rng(0))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return chosen, peak

    expected, much = buy()
    monkeypatch.setattr(pool_rows, "DENSE_BYTES", 0)
    chosen, little = buy()
    assert np.array_equal(chosen, expected)
    everything = 4 * 5 * count * 40
    assert much > everything
    assert little < everything / 5
