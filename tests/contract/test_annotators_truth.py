"""From what strategies, proxies and trainers are handed, no attribute leads to the truth.

Where an annotator's labels are sold. Found is what can be reached by attributes, closures and bound
arguments, down to data sets that can be asked for their labels.
"""

import numpy as np
import pytest

from helpers import small_finetuning
from helpers.reachable import reachable
from labelbench_core import proxies, strategies
from labelbench_core.annotators.annotations import Annotations
from labelbench_core.datasets import PreparedDataset, open_dataset
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.selection import job as round_job
from labelbench_core.selection import rounds
from labelbench_core.selection.data import open_image_data
from labelbench_core.storage.round_files import Round
from labelbench_core.strategies.testing import Blocks
from labelbench_core.training import finetuning, on_images

ROWS, CLASSES = 120, 3


def leads_to(start, truth):
    """Whether labels that are `truth`, or a data set that tells them, can be reached."""
    for one in reachable(start):
        is_vector = isinstance(one, np.ndarray) and one.shape == truth.shape
        if is_vector and one.dtype.kind in "iu" and np.array_equal(one, truth):
            return True
        if isinstance(one, PreparedDataset):
            try:
                one.labels("pool")
            except RuntimeError:
                continue
            return True
    return False


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, CLASSES, ROWS)
    features = (np.eye(CLASSES)[truth] + rng.standard_normal((ROWS, CLASSES))).astype(np.float32)
    said = (truth + (rng.random(ROWS) < 0.3)) % CLASSES
    statistics = proxies.Statistics(features.mean(axis=0), features.std(axis=0))
    rows = {split: Blocks(features, 50) for split in ("pool", "test")}
    labels = {"pool": truth, "test": truth.copy()}
    annotations = Annotations("somebody", said)
    return rounds.RoundData(rows, labels, CLASSES, statistics, annotations=annotations)


SETTINGS = {
    "dataset": "blobs",
    "backbone": "none",
    "annotator": "somebody",
    "seed": 0,
    "proxy": {"id": "linear", "implementation": "linear", "options": {"penalty": 1e-3}},
    "schedule": {"id": "s", "initial": 20, "batch": 5},
}


@pytest.mark.parametrize("strategy", ["random", "direct"])
def test_neither_a_strategy_nor_a_proxy_is_led_to_the_truth(data, monkeypatch, strategy):
    handed = []
    first = rounds.initial_round(data, SETTINGS, np.arange(20))
    select, training_set = strategies.select_with_state, round_job.RoundJob.training_set

    def selecting(*arguments, **options):
        handed.append((arguments, options))
        return select(*arguments, **options)

    def training(*arguments, **options):
        handed.append(training_set(*arguments, **options))
        return handed[-1]

    monkeypatch.setattr(strategies, "select_with_state", selecting)
    monkeypatch.setattr(round_job.RoundJob, "training_set", training)
    entry = {"id": strategy, "implementation": strategy}
    second = rounds.next_round(data, {**SETTINGS, "strategy": entry}, first)
    assert len(handed) >= 2
    truth, said = data.truth["pool"], data.said
    assert leads_to(data, truth)  # the search finds what is there
    assert not any(leads_to(one, truth) for one in handed)
    bought = second.arrays["labeled"]
    assert (said[bought] != truth[bought]).any()
    assert np.array_equal(handed[-1].labels, said[bought])
    assert second.record["annotator"] == "somebody"


def test_a_ceiling_is_trained_on_what_was_said_and_judged_by_the_truth(data, monkeypatch):
    trained = []
    training_set = round_job.RoundJob.training_set

    def training(*arguments, **options):
        trained.append(training_set(*arguments, **options))
        return trained[-1]

    monkeypatch.setattr(round_job.RoundJob, "training_set", training)
    first = rounds.initial_round(data, SETTINGS, np.arange(20))
    entry = {"id": "look-ahead", "implementation": "look-ahead", "options": {"batches": 3}}
    rounds.next_round(data, {**SETTINGS, "strategy": entry}, first)
    assert len(trained) > 3
    assert all(np.array_equal(one.labels, data.said[one.indices]) for one in trained)


def test_rounds_are_judged_by_the_truth(data):
    """What was said is nothing but wrong: who learns it well is right never."""
    said = (data.truth["pool"] + 1) % CLASSES
    wrong = rounds.RoundData(
        data.embeddings,
        data.truth,
        CLASSES,
        data.statistics,
        annotations=Annotations("liar", said),
    )
    exact = rounds.RoundData(data.embeddings, data.truth, CLASSES, data.statistics)
    told, true = (rounds.initial_round(one, SETTINGS, np.arange(60)) for one in (wrong, exact))
    for split in ("pool", "test"):
        assert told.record["metrics"][split]["accuracy"] < 1 / CLASSES
        assert true.record["metrics"][split]["accuracy"] > 1 / CLASSES
    assert "annotator" not in true.record


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    prepare_dataset("digits", "digits", {}, folder, folder / "arrays", folder / "manifest.json")
    return folder


def test_a_proxy_on_images_is_not_led_to_labels(digits):
    backbone = {"id": "tiny", "implementation": "timm-model", "options": small_finetuning.BACKBONE}
    settings = {**SETTINGS, "dataset": "digits", "annotator": None, "backbone": backbone}
    images = open_image_data(settings, digits / "manifest.json")
    truth = open_dataset(digits).labels("pool")
    assert leads_to(images, truth)
    seller = rounds.LabelSeller((truth + 1) % 10, np.arange(5))
    job = round_job.RoundJob(images.without_labels(), settings, seller)
    assert not leads_to(job.training_set(seller.bought, seller.labels), truth)


def test_a_fine_tuning_sees_what_was_said_and_is_judged_by_the_truth(digits, monkeypatch):
    handed = []
    set_up = on_images.set_up

    def setting_up(*arguments, **options):
        handed.append((arguments, options))
        return set_up(*arguments, **options)

    monkeypatch.setattr(on_images, "set_up", setting_up)
    dataset = open_dataset(digits)
    truth = dataset.labels("pool")
    said = Annotations("somebody", (truth + 1) % 10, "0" * 64)
    bought = Round({"strategy": "random", "round": 1}, small_finetuning.draw())
    settings = {**small_finetuning.settings(), "annotator": "somebody"}
    told = finetuning.finetune_round(dataset, bought, settings, annotations=said)
    exact = finetuning.finetune_round(dataset, bought, small_finetuning.settings())
    labeled = bought.arrays["labeled"]
    assert np.array_equal(handed[0][0][1], said.labels[labeled])
    assert np.array_equal(handed[1][0][1], truth[labeled])
    assert not any(leads_to(one, truth) for one in handed)
    assert told.record["annotator"] == "somebody"
    assert told.record["annotations_sha256"] == said.sha256
    assert not {"annotator", "annotations_sha256"} & set(exact.record)
    assert told.history != exact.history
