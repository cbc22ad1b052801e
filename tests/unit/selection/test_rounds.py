"""A round, in the library: what it buys, what it records, and what decides it."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from helpers.blob_rounds import SETTINGS
from labelbench_core.errors import InputError
from labelbench_core.proxies import linear, linear_ensemble
from labelbench_core.seeds import rng_for
from labelbench_core.selection import initial_pool, pool_rows, rounds, seen
from labelbench_core.selection.data import open_round_data
from labelbench_core.selection.job import RoundJob
from labelbench_core.selection.seen import pool_of
from labelbench_core.storage import files, store
from labelbench_core.storage.records import write_record
from labelbench_core.storage.round_files import Round


@pytest.fixture(scope="module")
def manifests(tmp_path_factory):
    """Three Gaussian classes on disk, as the stages before a round leave them."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    centers = rng.standard_normal((3, 16)) * 0.9
    splits, views, arrays = {}, {}, {}
    for split, rows in (("pool", 300), ("test", 150), ("shifted", 60)):
        labels = rng.integers(0, 3, rows)
        features = (centers[labels] + rng.standard_normal((rows, 16))).astype(np.float16)
        name = f"{split}-labels"
        arrays[name] = store.write_array(folder / "dataset/arrays" / name, labels)
        clean = store.write_array(folder / f"embeddings/arrays/{split}-clean", features)
        splits[split] = {"num_rows": rows, "storage": "array"}
        views[split] = {"num_rows": rows, "views": {"clean": clean}}
        if split == "pool":
            statistics = {
                "mean": features.mean(axis=0, dtype=np.float64),
                "std": features.std(axis=0, dtype=np.float64),
            }
    write_record(
        folder / "dataset/manifest.json",
        "data set",
        {
            "dataset": "blobs",
            "num_classes": 3,
            "class_names": ["a", "b", "c"],
            "splits": splits,
            "arrays": arrays,
            "fingerprint": "none",
        },
    )
    write_record(
        folder / "embeddings/manifest.json",
        "embeddings",
        {
            "dataset": "blobs",
            "dataset_fingerprint": "none",
            "backbone": "none",
            "weights_sha256": "none",
            "splits": views,
            "statistics": statistics,
            "fingerprint": "some",
        },
    )
    return folder / "dataset/manifest.json", folder / "embeddings/manifest.json"


@pytest.fixture
def data(manifests):
    return open_round_data(SETTINGS, *manifests)


def chain(data, settings, count, threads=1):
    rng = rng_for("initial", settings["seed"])
    labeled = initial_pool.draw(data.truth["pool"], 12, "uniform", rng)
    done = [rounds.initial_round(data, settings, labeled, threads)]
    for _ in range(count):
        done.append(rounds.next_round(data, settings, done[-1], threads))
    return done


def test_each_round_buys_its_batch_and_remembers_all_in_order(data):
    done = chain(data, SETTINGS, 3)
    for number, one in enumerate(done):
        labeled = one.arrays["labeled"]
        assert one.record["round"] == number
        assert one.record["num_labeled"] == len(labeled) == len(set(labeled)) == 12 + 8 * number
        assert labeled.tolist()[-len(one.record["bought"]) :] == list(one.record["bought"])
    assert done[0].record["strategy"] == "initial"
    assert done[1].record["strategy"] == "margin"


def test_all_splits_are_evaluated_shifted_ones_too(data):
    record = chain(data, SETTINGS, 1)[-1].record
    assert set(record["metrics"]) == {"pool", "test", "shifted"}
    assert 0.5 < record["metrics"]["test"]["accuracy"] <= 1


def test_margin_buys_the_rows_with_the_smallest_margin(data):
    first, second = chain(data, SETTINGS, 1)
    embeddings = data.embeddings["pool"].load().astype(np.float64)
    logits = embeddings @ first.arrays["weights"] + first.arrays["bias"]
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    ordered = np.sort(probabilities, axis=1)
    margins = ordered[:, -1] - ordered[:, -2]
    margins[first.arrays["labeled"]] = np.inf
    assert set(second.record["bought"]) == set(np.argsort(margins)[:8])


def test_threads_do_not_change_a_byte(data):
    one, two = chain(data, SETTINGS, 2)[-1], chain(data, SETTINGS, 2, threads=2)[-1]
    assert files.canonical_json(one.record) == files.canonical_json(two.record)
    assert files.sha256_arrays(one.arrays) == files.sha256_arrays(two.arrays)


def test_the_strategys_id_and_seed_decide_its_draws_and_nothing_else(data):
    settings = {**SETTINGS, "strategy": {"id": "random", "implementation": "random"}}
    bought = chain(data, settings, 1)[-1].record["bought"]
    assert np.array_equal(bought, chain(data, settings, 1)[-1].record["bought"])
    other = {**settings, "strategy": {"id": "random-again", "implementation": "random"}}
    assert not np.array_equal(bought, chain(data, other, 1)[-1].record["bought"])


def test_hidden_labels_do_not_reach_the_strategy(data):
    settings = {**SETTINGS, "strategy": {"id": "badge", "implementation": "badge"}}
    first = chain(data, settings, 0)[0]
    expected = rounds.next_round(data, settings, first).record["bought"]
    hidden = np.ones(300, bool)
    hidden[first.arrays["labeled"]] = False
    changed = data.truth["pool"].copy()
    changed[hidden] = (changed[hidden] + 1) % 3
    disturbed = replace(data, truth={**data.truth, "pool": changed})
    assert np.array_equal(expected, rounds.next_round(disturbed, settings, first).record["bought"])


def test_a_pool_that_is_streamed_gives_the_same_picks(data, monkeypatch):
    settings = {**SETTINGS, "strategy": {"id": "coreset", "implementation": "coreset"}}
    dense = chain(data, settings, 1)[-1].record["bought"]
    monkeypatch.setattr(pool_rows, "DENSE_BYTES", 0)
    assert np.array_equal(dense, chain(data, settings, 1)[-1].record["bought"])


@pytest.mark.parametrize("kind", ["linear", "linear-ensemble"])
def test_held_out_rows_are_predicted_by_a_proxy_that_never_saw_them(data, kind, monkeypatch):
    pools = []

    def spy(name, pool, budget, rng, **options):
        pools.append(pool)
        return pool.unlabeled()[:budget], {}

    proxy = {"id": kind, "implementation": kind}
    settings = {**SETTINGS, "proxy": proxy, "strategy": {"id": "u", "implementation": "uherding"}}
    first = chain(data, settings, 0)[0]
    monkeypatch.setattr("labelbench_core.strategies.select_with_state", spy)
    second = rounds.next_round(data, settings, first)
    rounds.next_round(data, settings, second)
    pool = pools[1]
    probabilities, labels = pool.held_out(0.3)
    assert pool.held_out(0.3)[0] is probabilities  # trained once
    assert np.array_equal(labels, pool.labels[14:])
    assert len(labels) == int(0.3 * 20)
    if kind == "linear":
        known = replace(data, truth={**data.truth, "pool": data.truth["pool"].copy()})
        known.truth["pool"][pool.labeled[14:]] = 0  # of no influence
        job = RoundJob(known, settings, rounds.LabelSeller(known.truth["pool"], pool.labeled))
        training = job.training_set(pool.labeled[:14], pool.labels[:14])
        other = linear.build(penalty=second.record["fit"]["penalty"])
        other.fit(training, np.random.default_rng(0))
        rows = data.embeddings["pool"].take(pool.labeled[14:])
        assert np.array_equal(probabilities, other.predict_proba(rows))
    # And so much of the labelled rows at least: one.
    assert len(pools[0].held_out(0.01)[1]) == 1


def test_uherding_in_a_round_trains_once_more_or_not(data, monkeypatch):
    trained = []
    fit = linear.LinearProxy.fit

    def counted(self, training, *arguments):
        trained.append(len(training.labels))
        return fit(self, training, *arguments)

    monkeypatch.setattr(linear.LinearProxy, "fit", counted)
    bought = {}
    for calibration, sizes in (("held_out", [12, 9, 20]), ("training", [12, 20])):
        trained.clear()
        options = {"calibration": calibration}
        entry = {"id": "u", "implementation": "uherding", "options": options}
        bought[calibration] = chain(data, {**SETTINGS, "strategy": entry}, 1)[-1].record["bought"]
        assert trained == sizes
    assert len(set(bought["held_out"])) == 8


def test_a_sequential_strategy_spends_exactly_its_budget_and_says_so(data):
    settings = {**SETTINGS, "strategy": {"id": "galaxy", "implementation": "galaxy"}}
    record = chain(data, settings, 2)[-1].record
    assert record["sequential"]
    assert len(record["bought"]) == 8
    assert record["num_labeled"] == 28


ENSEMBLE = {
    "id": "linear-ensemble",
    "implementation": "linear-ensemble",
    "options": {"members": 4},
}


@pytest.mark.parametrize("strategy", ["bald", "power-bald", "margin", "badge"])
def test_an_ensemble_as_proxy(data, strategy, monkeypatch):
    settings = {**SETTINGS, "proxy": ENSEMBLE}
    settings["strategy"] = {"id": strategy, "implementation": strategy}
    done = chain(data, settings, 2)
    assert done[-1].record["num_labeled"] == 28
    assert done[-1].record["metrics"]["test"]["accuracy"] > 0.5
    monkeypatch.setattr(pool_rows, "DENSE_BYTES", 0)  # members too are streamed then
    streamed = chain(data, settings, 2)
    for one, other in zip(done, streamed, strict=True):
        assert np.array_equal(one.record["bought"], other.record["bought"])


def test_bald_buys_where_the_ensembles_members_disagree(data):
    strategy = {"id": "bald", "implementation": "bald"}
    settings = {**SETTINGS, "proxy": ENSEMBLE, "strategy": strategy}
    first, second = chain(data, settings, 1)
    proxy = linear_ensemble.build().restore(first.arrays, data.statistics)
    members = proxy.predict_members(data.embeddings["pool"].load()).astype(np.float64)

    def entropy(p):
        return -(p * np.log(p)).sum(axis=-1)

    scores = entropy(members.mean(axis=1)) - entropy(members).mean(axis=1)
    scores[first.arrays["labeled"]] = -1
    assert set(second.record["bought"]) == set(np.argsort(-scores)[:8])


def test_a_ceiling_looks_ahead_and_gains_by_it(data):
    settings = {name: dict(SETTINGS) for name in ("random", "margin", "badge", "look-ahead")}
    for name, one in settings.items():
        one["strategy"] = {"id": name, "implementation": name}
    first = chain(data, SETTINGS, 0)[0]
    found = {
        name: rounds.next_round(data, one, first).record["metrics"]["pool"]["nll"]
        for name, one in settings.items()
    }
    assert found["look-ahead"] < 0.95 * min(found[name] for name in found if name != "look-ahead")


def test_a_ceiling_is_judged_by_a_sample_of_a_large_pool(data, monkeypatch):
    settings = {**SETTINGS, "strategy": {"id": "look-ahead", "implementation": "look-ahead"}}
    settings["strategy"]["options"] = {"batches": 7}
    judged = []

    class Recorded(seen.LookAhead):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            judged.append((self._features, self._truth))

    monkeypatch.setattr(seen, "LookAhead", Recorded)
    monkeypatch.setattr(seen, "LOOK_AHEAD_ROWS", 50)
    chain(data, settings, 1)
    (features, truth) = judged[0]
    assert len(features) == len(truth) == 50
    known = {
        row.tobytes(): label
        for row, label in zip(data.embeddings["pool"].load(), data.truth["pool"], strict=True)
    }
    assert len(known) == 300
    assert [known[row.astype(np.float16).tobytes()] for row in features] == truth.tolist()


FEW_STEPS = {
    "id": "few",
    "implementation": "supervised",
    "training": {"steps": 20, "batch_size": 4, "warmup_steps": 0, "head": "fresh"},
}


def test_a_proxy_that_cannot_refit_looks_ahead_by_training_anew(data):
    strategy = {"id": "look-ahead", "implementation": "look-ahead", "options": {"batches": 7}}
    proxy = {"id": "few", "implementation": "trained-linear", "options": {"trainer": FEW_STEPS}}
    settings = {**SETTINGS, "strategy": strategy, "proxy": proxy}
    ahead = chain(data, settings, 1)[-1].record
    at_random = {"id": "random", "implementation": "random"}
    random = chain(data, {**settings, "strategy": at_random}, 1)[-1].record
    assert ahead["num_labeled"] == random["num_labeled"] == 20
    assert ahead["metrics"]["pool"]["nll"] < random["metrics"]["pool"]["nll"]


def test_labels_of_any_number_of_classes_make_a_multilabel_pool(data, monkeypatch):
    several = {split: np.eye(3, dtype=np.int64)[labels] for split, labels in data.truth.items()}
    many = rounds.RoundData(data.embeddings, several, 3, data.statistics)
    assert many.multilabel
    assert not data.multilabel
    proxy = linear.build().restore(chain(data, SETTINGS, 0)[0].arrays, data.statistics)
    seller = rounds.LabelSeller(several["pool"], np.arange(5))
    previous = Round({"round": 0, "state": {}}, {})
    assert pool_of(RoundJob(many, SETTINGS, seller, previous), proxy, []).multilabel


def test_a_damaged_label_is_noticed(manifests, tmp_path):
    for manifest in manifests:
        shutil.copytree(manifest.parent, tmp_path / manifest.parent.name)
    block = next((tmp_path / "dataset/arrays/test-labels/c").rglob("0"))
    content = bytearray(block.read_bytes())
    content[0] ^= 1
    block.write_bytes(content)
    copies = [tmp_path / manifest.parent.name / "manifest.json" for manifest in manifests]
    with pytest.raises(InputError, match="test-labels"):
        open_round_data(SETTINGS, *copies)
