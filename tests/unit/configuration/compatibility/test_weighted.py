"""Rows with weights: what would leave these out in training is refused by name before any job."""

import copy

import pytest

from helpers.experiments_read import errors_of, load
from labelbench_core import registry
from labelbench_core.configuration.comparing.same_setting import differences
from labelbench_core.published.settings import settings

MINE = {
    "implementation": "table",
    "options": {"table": "a.csv", "path_column": "p", "label_column": "y", "weight_column": "w"},
}
OF_MINE = "does not weigh rows in training, and rows of data set 'mine' have weights; allowed: "


@pytest.fixture
def weighted(quickstart, catalogue):
    """An experiment on rows with weights, and its catalogue."""
    catalogue = copy.deepcopy(catalogue)
    catalogue["datasets"]["mine"] = copy.deepcopy(MINE)
    return {**quickstart, "datasets": ["mine"]}, catalogue


@pytest.fixture
def without(monkeypatch):
    """Components of which another says that it does not weigh rows."""

    def forget(kind, name):
        describe = registry.describe

        def described(*one):
            found = describe(*one)
            if one != (kind, name):
                return found
            info = {key: value for key, value in found.info.items() if key != "weighted"}
            return type(found)(**{**vars(found), "info": info})

        monkeypatch.setattr(registry, "describe", described)

    return forget


def test_all_of_our_own_proxies_and_trainers_weigh_rows(weighted):
    assert load(*weighted).all_of("datasets") == ("mine",)
    for kind in ("proxies", "trainers"):
        for name in registry.names(kind):
            assert registry.describe(kind, name).info["weighted"] is True


def test_a_proxy_that_does_not_is_refused_and_evaluation_alone_needs_none(weighted, without):
    config, catalogue = weighted
    without("proxies", "linear")
    told = errors_of(config, catalogue)
    assert f"proxies: 'linear' {OF_MINE}" in told
    allowed = told.split(OF_MINE)[1]
    assert "shallow" in allowed
    assert " linear," not in allowed
    assert "or weights_for: evaluation in the data set's entry" in told
    catalogue["datasets"]["mine"]["weights_for"] = "evaluation"
    load(config, catalogue)
    catalogue["datasets"]["mine"] = {"implementation": "digits"}
    load(config, catalogue)


def test_a_trainer_that_does_not_is_refused_wherever_it_trains(weighted, without):
    config, catalogue = weighted
    without("trainers", "supervised")
    trainer = config["finetune"]["trainers"][0]
    assert catalogue["trainers"][trainer]["implementation"] == "supervised"
    assert f"finetune.trainers: '{trainer}' {OF_MINE}" in errors_of(config, catalogue)
    config = {**config, "finetune": None, "proxies": ["shallow"]}
    told = "proxies: 'shallow' is trained by 'embeddings-supervised', which"
    assert f"{told} {OF_MINE}" in errors_of(config, catalogue)


def test_weights_of_the_test_alone_change_no_training(weighted, without):
    config, catalogue = weighted
    without("proxies", "linear")
    options = {"splits": {"pool": "p.npz", "test": "t.npz"}, "weights": {"test": "t.npz:w"}}
    catalogue["datasets"]["mine"] = {"implementation": "own-embeddings", "options": options}
    config = {**config, "finetune": None, "backbones": ["precomputed"]}
    load(config, catalogue)
    options["weights"]["pool"] = "p.npz:w"
    assert f"proxies: 'linear' {OF_MINE}" in errors_of(config, catalogue)


def test_what_weights_are_for_needs_weights(weighted):
    config, catalogue = weighted
    catalogue["datasets"]["mine"]["weights_for"] = "training"
    load(config, catalogue)
    del catalogue["datasets"]["mine"]["options"]["weight_column"]
    told = "datasets: 'mine': weights_for: 'training': its rows have no weights; allowed: leave it"
    assert told in errors_of(config, catalogue)
    options = {"splits": {"pool": "p.npz", "test": "t.npz"}, "weights": {"test": "t.npz:w"}}
    of_test = {"implementation": "own-embeddings", "options": options, "weights_for": "training"}
    catalogue["datasets"]["mine"] = of_test
    config = {**config, "finetune": None, "backbones": ["precomputed"]}
    told = "weights_for: 'training': rows of its pool have no weights; allowed: 'evaluation', or"
    assert told in errors_of(config, catalogue)
    of_test["weights_for"] = "both"
    load(config, catalogue)


def test_a_weighted_setting_is_not_the_published_one(catalogue):
    published = settings()[0]
    setting = {"dataset": published.dataset, "backbone": published.backbone}
    setting |= {"proxy": "linear", "schedule": next(iter(catalogue["schedules"]))}
    before = list(differences(published, setting, "", catalogue))
    catalogue = {**catalogue, "datasets": {published.dataset: MINE}}
    after = list(differences(published, setting, "", catalogue))
    assert set(after) - set(before) == {"rows: weighted (both), published: not"}
