"""Fine-tuning on images with weights: those of the images bought reach the loss, or the metrics."""

import numpy as np
import pytest

from helpers.small_finetuning import IDS, draw, settings
from labelbench_core.datasets import digits, open_dataset
from labelbench_core.datasets.preparing import raw_checks
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.storage.round_files import Round
from labelbench_core.training import on_images
from labelbench_core.training.finetuning import finetune_round


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    """Digits of which every row weighs its number + 1."""
    load = digits.load

    def with_weights(*arguments, **options):
        raw = load(*arguments, **options)
        for split in raw.splits.values():
            weights = np.arange(1, len(split.labels) + 1, dtype=np.float32)
            object.__setattr__(split, "weights", weights)
        return raw

    monkeypatch.setattr(digits, "load", with_weights)
    monkeypatch.setattr(raw_checks, "has_weights", lambda entry: True)
    paths = tmp_path / "arrays", tmp_path / "manifest.json"
    prepare_dataset("digits", "digits", {}, tmp_path, *paths)
    return open_dataset(tmp_path)


def test_what_weights_are_for_decides_where_they_count(dataset, monkeypatch):
    bought, given, done = draw(), [], []
    set_up = on_images.set_up

    def noted(*arguments, **options):
        given.append(options["weights"])
        return set_up(*arguments, **options)

    monkeypatch.setattr(on_images, "set_up", noted)
    for dataset.manifest["weights_for"] in ("evaluation", "training"):
        again = type(dataset)(dataset.folder, dataset.manifest)
        done.append(finetune_round(again, Round(IDS, bought), settings(steps=1, warmup_steps=0)))
    assert given[0] is None
    assert given[1].tolist() == (bought["labeled"] + 1).tolist()
    assert [one.record.get("weighted") for one in done] == [["test"], None]
    losses = [one.history[0]["loss"] for one in done]
    assert losses[0] != losses[1]
