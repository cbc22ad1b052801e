"""Pools without labels: what needs these is refused by name before any job."""

import copy

import pytest

from helpers.experiments_read import errors_of, load
from labelbench_core.configuration import loading
from labelbench_core.errors import InputError

MINE = {
    "implementation": "own-embeddings",
    "options": {"splits": {"pool": "p.npz", "test": "t.npz"}, "unlabeled": True},
}
SAID = {"implementation": "recorded", "options": {"table": "said.csv", "column": "label"}}
OF_MINE = "data set 'mine', whose pool has no labels; allowed: "
KNOWN = "said"  # those of CIFAR-10 compare their table with the pool's labels


@pytest.fixture
def unlabeled(quickstart, catalogue):
    """An experiment on a pool without labels that runs, and its catalogue."""
    catalogue = copy.deepcopy(catalogue)
    catalogue["datasets"]["mine"] = copy.deepcopy(MINE)
    catalogue["annotators"]["said"] = SAID
    del quickstart["finetune"]
    chosen = {"datasets": ["mine"], "annotators": ["said"], "proxies": ["linear"]}
    return {**quickstart, **chosen, "backbones": ["precomputed"]}, catalogue


def test_an_annotator_that_needs_no_truth_is_all_that_is_needed(unlabeled, tmp_path):
    config, catalogue = unlabeled
    experiment = load(config, catalogue)
    sizes = {"mine": {"pool": 1000, "test": 10}}
    assert loading.check_sources(experiment, catalogue, tmp_path, sizes, "my.yaml") == {}
    sizes = {"mine": {"pool": 1000, "val": 10}}
    with pytest.raises(InputError) as caught:
        loading.check_sources(experiment, catalogue, tmp_path, sizes, "my.yaml")
    told = (
        "my.yaml: datasets: 'mine': its pool has no labels, and there is no test split to measure"
    )
    assert str(caught.value).startswith(told)
    panels = [{"title": "a", "split": "pool"}]
    experiment = load({**config, "panels": panels}, catalogue)
    sizes = {"mine": {"pool": 1000, "test": 10}}
    with pytest.raises(InputError, match="has no split 'pool' with labels; allowed: test"):
        loading.check_sources(experiment, catalogue, tmp_path, sizes, "my.yaml")


@pytest.mark.parametrize(
    ("changed", "entry", "told"),
    [
        (
            {"annotators": ["exact"]},
            {},
            f"annotators: 'exact' needs the labels of {OF_MINE}{KNOWN}",
        ),
        (
            {"annotators": ["uniform-10"]},
            {},
            f"annotators: 'uniform-10' needs the labels of {OF_MINE}{KNOWN}",
        ),
        (
            {"annotators": ["cifar-10n-worst"]},
            {},
            f"annotators: 'cifar-10n-worst' needs the labels of {OF_MINE}{KNOWN}",
        ),
        (
            {"ceilings": ["look-ahead"]},
            {},
            f"ceilings: 'look-ahead' needs the labels of {OF_MINE}leave it out",
        ),
        ({}, {"long_tail": {"ratio": 5}}, "datasets: 'mine': long_tail needs labels of the pool"),
        ({}, {"merge_classes": 2}, "datasets: 'mine': merge_classes needs labels of the pool"),
    ],
)
def test_what_needs_labels_is_refused(unlabeled, changed, entry, told):
    config, catalogue = unlabeled
    catalogue["datasets"]["mine"] |= entry
    assert f"my.yaml: {told}" in errors_of({**config, **changed}, catalogue)


def test_where_no_annotator_fits_the_kind_of_entry_is_named(unlabeled):
    config, catalogue = unlabeled
    del catalogue["annotators"]["said"]
    told = "an entry of the implementation recorded, without `clean`"
    assert f"{OF_MINE}{told}" in errors_of({**config, "annotators": ["exact"]}, catalogue)
