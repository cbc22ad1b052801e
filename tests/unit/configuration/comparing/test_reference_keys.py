"""Keys `reference` and `panels`: what they name, and whether a setting is the published one."""

import copy

import pytest

from helpers.experiments_read import errors_of, load
from labelbench_core.configuration.comparing import same_setting
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.published.settings import names, setting, settings
from labelbench_core.training.recipe import Recipe

NAME = "cifar10-1000-linear"
EXPERIMENT = {
    "experiment": "beside",
    "datasets": ["cifar-10-labelbench", "cifar-10"],
    "backbones": ["clip-vit-b32"],
    "proxies": ["paper-linear", "linear"],
    "schedules": ["start-1000-batch-1000"],
    "strategies": ["random", "margin", "bait", "bait-swap", "tcm"],
    "rounds": 3,
    "seeds": 2,
    "finetune": {"trainers": ["full"], "strategies": ["random"], "rounds": [2], "seeds": 2},
}
IDS = dict(
    zip(
        ("dataset", "backbone", "proxy", "schedule"),
        ("cifar-10-labelbench", "clip-vit-b32", "paper-linear", "start-1000-batch-1000"),
        strict=True,
    )
)


def trainer_like(training):
    """A trainer's entry as published, with all that a recipe can say."""
    recipe = {}
    wanted = {key: getattr(training, key) for key in same_setting.TRAINING_KEYS}
    wanted |= {"validation": "extra", "validation_size": 5000, "count_validation": False}
    # In this order: some are allowed only with others.
    for key in ("validation", "validation_size", *wanted):
        if wanted[key] is not None and key not in recipe:
            tried = {**recipe, key: wanted[key]}
            if key == "validation":
                tried["validation_size"] = 5000
            recipe = recipe if Recipe.errors_in(tried) else tried
    return {"implementation": training.method, "training": recipe}


def unsaid(training):
    """What no recipe can say yet."""
    given = trainer_like(training)["training"]
    keys = {key for key in same_setting.TRAINING_KEYS if getattr(training, key) is not None}
    return keys - set(given)


@pytest.fixture
def with_paper(catalogue):
    """The catalogue with a data set, a trainer and a proxy like those of the paper."""
    found = copy.deepcopy(catalogue)
    found["datasets"].setdefault("cifar-10-labelbench", {"implementation": "cifar10"})
    found["trainers"]["paper"] = trainer_like(setting(NAME).training)
    found["trainers"]["full"] = {"implementation": "supervised", "training": {"head": "fresh"}}
    options = {"trainer": "paper", "augmentation": "natural"}
    found["proxies"]["paper-linear"] = {"implementation": "trained-linear", "options": options}
    return found


@pytest.fixture
def refusing_nothing(monkeypatch):
    """Proxies may have more labels for validation than their budget."""
    monkeypatch.setattr(
        "labelbench_core.configuration.loading._unsuitable", lambda crossing, catalogue: []
    )


def differences(catalogue, name=NAME, trainer="", **changes):
    found = same_setting.differences(setting(name), {**IDS, **changes}, trainer, catalogue)
    told = list(found)
    for key in unsaid(setting(name).training):
        told = [line for line in told if f"training.{key}:" not in line]
    return told


def test_the_published_setting_is_the_same(with_paper):
    assert differences(with_paper) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"dataset": "cifar-10"}, "data set: cifar-10, published: cifar-10-labelbench"),
        ({"backbone": "coca-vit-b32"}, "backbone: coca-vit-b32, published: clip-vit-b32"),
        ({"proxy": "linear"}, "proxy: linear, published: trained-linear"),
        ({"annotator": "uniform-10"}, "annotator: uniform-10, published: exact"),
        (
            {"schedule": "start-200-batch-200"},
            "budgets: 200 labels and 200 a round, published: 1,000 and 1,000",
        ),
        ({"name": "cifar10-1000-shallow"}, "proxy: trained-linear, published: shallow"),
        (
            {"trainer": "full"},
            "fine-tuned after the last round: full, published: not",
        ),
        (
            {"name": "imagenet-50000-clip-linear"},
            "data set: cifar-10-labelbench, published: imagenet",
        ),
        ({"name": "fmow-3000-noisy"}, "annotator: exact, published: uniform-10"),
    ],
)
def test_what_differs_is_told(with_paper, changes, told):
    found = differences(with_paper, **changes)
    assert any(line.startswith(told) for line in found), found


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("learning_rate", 1e-3, "proxy's training.learning_rate: 0.001, published: 0.003"),
        ("batch_size", 64, "proxy's training.batch_size: 64, published: 128"),
        ("optimizer", "sgd", "proxy's training.optimizer: sgd, published: adam"),
        ("validation", "none", "proxy's training.validation: none, published: extra"),
    ],
)
def test_another_training_is_another_setting(with_paper, key, value, told):
    with_paper["trainers"]["paper"]["training"][key] = value
    if key == "validation":
        for name in ("validation_size", "count_validation", "patience"):
            with_paper["trainers"]["paper"]["training"].pop(name, None)
    assert told in differences(with_paper)


@pytest.mark.parametrize("key", ["pool_size", "long_tail", "merge_classes", "near_copies"])
def test_a_changed_pool_is_another_setting(with_paper, key):
    with_paper["datasets"]["cifar-10-labelbench"][key] = 5
    assert differences(with_paper) == [f"data set: with {key} 5, published: without"]


def test_what_a_proxy_selected_for_is_compared_with_fine_tunings(with_paper):
    name = "cifar10-1000-shallow-finetune"
    published = setting(name)
    with_paper["trainers"]["full"] = trainer_like(published.training)
    with_paper["trainers"]["paper"] = trainer_like(published.proxy)
    with_paper["proxies"]["paper-shallow"] = {
        "implementation": "shallow",
        "options": {"trainer": "paper", "augmentation": "natural"},
    }
    ids = {"name": name, "proxy": "paper-shallow"}
    assert differences(with_paper, trainer="full", **ids) == []
    (told,) = differences(with_paper, **ids)
    assert told.startswith("fine-tuned after the last round: not, published: trained end to end")


def test_published_strategies_are_those_with_the_same_options(with_paper):
    with_paper["strategies"]["replay-margin"] = {
        "implementation": "replay",
        "options": {"strategy": "margin"},
    }
    with_paper["strategies"]["replay-bait"] = {
        "implementation": "replay",
        "options": {"strategy": "bait"},
    }
    ours = ("random", "margin", "bait", "bait-swap", "tcm", "replay-margin", "replay-bait")
    found = same_setting.published_strategies(setting(NAME), ours, with_paper)
    expected = {name: name for name in ("random", "margin")}
    expected |= {"bait-swap": "bait", "replay-margin": "margin", "replay-bait": "bait"}
    assert found == expected


def test_every_published_setting_differs_from_every_other(with_paper):
    table = {
        (one.path, one.training, one.dataset, one.backbone, one.annotator) for one in settings()
    }
    assert len(table) == len(names())


def test_a_name_belongs_to_every_setting(with_paper, refusing_nothing):
    experiment = load({**EXPERIMENT, "reference": NAME}, with_paper)
    assert len(experiment.references) == 4
    assert len({tuple(one.setting.values()) for one in experiment.references}) == 4
    assert all(one.trainer == "" for one in experiment.references)
    (paper,) = (one for one in experiment.references if one.setting == IDS)
    assert paper.strategies == {"random": "random", "margin": "margin", "bait-swap": "bait"}
    assert paper.validation_labels == 5000
    linear = [one for one in experiment.references if one.setting["proxy"] == "linear"]
    assert {one.validation_labels for one in linear} == {0}
    assert not any(one.is_same for one in linear)
    assert Experiment.from_json(experiment.to_json()) == experiment


def test_a_mapping_says_where_each_belongs(with_paper, refusing_nothing):
    asked = {
        NAME: {"dataset": "cifar-10-labelbench", "proxy": "paper-linear"},
        "cifar10-1000-shallow": {"dataset": "cifar-10"},
        "cifar10-1000-shallow-finetune": {"proxy": "linear", "dataset": "cifar-10"},
    }
    experiment = load({**EXPERIMENT, "reference": asked}, with_paper)
    found = [(one.name, one.setting["proxy"], one.trainer) for one in experiment.references]
    assert found == [
        (NAME, "paper-linear", ""),
        ("cifar10-1000-shallow", "paper-linear", ""),
        ("cifar10-1000-shallow", "linear", ""),
        ("cifar10-1000-shallow-finetune", "linear", "full"),
    ]


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("cifar10-100-linear", "reference: 'cifar10-100-linear' is no published setting (did you"),
        ({"imagenet": None}, "reference: 'imagenet' is no published setting"),
        (7, "reference: 7; allowed: a string or a mapping"),
        ({NAME: {"prox": "x"}}, f"reference.{NAME}.prox: unknown key (did you mean 'proxy'?)"),
        (
            {NAME: {"proxy": "liner"}},
            f"reference: {NAME}.proxy: 'liner' is not in the experiment (did you mean 'linear'?)",
        ),
        ({NAME: {"trainer": "ful"}}, ".trainer: 'ful' is not in the experiment's finetune.trainer"),
        (
            {NAME: {"proxy": "linear"}, "cifar10-200-linear": None},
            f"already has the reference '{NAME}'; allowed: one for each setting",
        ),
    ],
)
def test_a_wrong_reference_is_one_clear_error(with_paper, refusing_nothing, reference, told):
    text = errors_of({**EXPERIMENT, "reference": reference}, with_paper)
    assert told in text


def test_panels_are_looked_up(with_paper, refusing_nothing):
    chosen = {"dataset": "cifar-10-labelbench", "proxy": "paper-linear"}
    panels = [
        {"title": "(a)", **chosen, "y": [92, 96], "smoothing": "max"},
        {"title": "(b)", **chosen, "split": "pool", "reference": "cifar10-200-linear"},
        {"title": "(c)", **chosen, "proxy": "linear", "trainer": "full", "metric": "macro-f1"},
    ]
    reference = {NAME: chosen}
    experiment = load({**EXPERIMENT, "reference": reference, "panels": panels}, with_paper)
    a, b, c = experiment.panels
    assert (a.setting, a.split, a.metric) == (IDS, "test", "accuracy")
    assert (a.smoothing, a.y) == ("max", (92, 96))
    assert a.reference == experiment.references[0]
    assert (a.reference.name, b.reference.name, c.reference) == (NAME, "cifar10-200-linear", None)
    assert not b.reference.is_same
    assert (c.trainer, c.metric, c.validation_labels) == ("full", "macro-f1", 0)
    assert (a.validation_labels, b.validation_labels) == (5000, 5000)
    assert Experiment.from_json(experiment.to_json()) == experiment


@pytest.mark.parametrize(
    ("panel", "told"),
    [
        ({}, "panels.0: missing key: title; allowed: a string of 1 to 100 characters"),
        ({"title": "a", "y": [1]}, "panels.0.y: [1]; allowed: a list of 2 items, each a number"),
        (
            {"title": "a", "metric": "worst-group-accuracy", **IDS},
            "panels.0.metric: 'worst-group-accuracy': data set 'cifar-10-labelbench' has no groups",
        ),
        (
            {"title": "a"},
            "panels.0: several settings fit; allowed: ids of one of them: cifar-10-label",
        ),
        ({"title": "a", "dataset": "svhn"}, "panels.0.dataset: 'svhn' is not in the experiment"),
        ({"title": "a", "reference": "x"}, "panels.0.reference: 'x' is no published setting"),
        ({"title": "a", "y": [98, 96]}, "panels.0.y: [98, 96]; allowed: the lower limit first"),
        ({"title": "a", "smoothing": "mean"}, "panels.0.smoothing: 'mean'; allowed: none, max"),
        ({"title": "a", "trainer": "x"}, "panels.0.trainer: 'x' is not in the experiment's"),
        ({"title": "a", "metric": "acc"}, "panels.0.metric: 'acc'"),
        (
            {"title": "a", "metric": "nll", "smoothing": "max"},
            "panels.0.smoothing: 'max', but lower nll is better; allowed: none",
        ),
    ],
)
def test_a_wrong_panel_is_told_before_any_job(with_paper, refusing_nothing, panel, told):
    text = errors_of({**EXPERIMENT, "panels": [panel]}, with_paper)
    assert told in text


def test_an_experiment_without_them_is_what_it_was(with_paper, refusing_nothing):
    values = load(EXPERIMENT, with_paper).as_mapping()
    assert set(values) == {"experiment", "crossings", "baseline", "highlight", "metric"}
