"""Proxies, trainers and backbones that do not go together are told of before any job starts."""

import copy

import pytest

from helpers.project import PROJECT
from labelbench_core.configuration.catalogue import load_catalogue, read_yaml
from labelbench_core.configuration.compatibility.combinations import combination_errors
from labelbench_core.configuration.loading import load_experiment
from labelbench_core.errors import InputError

CONFIG = PROJECT / "config"
BESIDE = {"validation": "extra", "validation_size": 5, "count_validation": False}


@pytest.fixture(scope="module")
def whole():
    return load_catalogue(CONFIG / "catalogue")


def errors(whole, proxy, *, training=None, options=None, finetune=None, backbone=None, name="mine"):
    """What is told of the quickstart with one proxy entry, one trainer, another backbone.

    The trainers are `one`, on unlabelled images, and `two`, supervised with `options`.
    """
    catalogue = copy.deepcopy(whole)
    catalogue["proxies"][name] = proxy
    supervised = {"implementation": "supervised", "options": options or {}}
    catalogue["trainers"]["two"] = {**supervised, "training": training or {}}
    catalogue["trainers"]["one"] = {"implementation": "fixmatch", "training": training or {}}
    catalogue["backbones"]["text"] = {"implementation": "open-clip-model"}
    config = {**read_yaml(CONFIG / "config.yaml"), "proxies": [name]}
    config |= {"backbones": [backbone]} if backbone else {}
    config["finetune"] = {**config["finetune"], "trainers": [finetune]} if finetune else None
    config = {key: value for key, value in config.items() if value is not None}
    try:
        experiment = load_experiment(config, catalogue, CONFIG / "schema", "mine.yaml")
    except InputError as error:
        return str(error)
    assert combination_errors(experiment.crossings[0], catalogue) == []
    return None


def trained(implementation, **options):
    return {"implementation": implementation, "options": {"trainer": "one", **options}}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            {"proxy": trained("shallow", trainer="on")},
            "'on' is not in catalogue trainers.yaml (did you mean 'one'?)",
        ),
        (
            {"proxy": trained("shallow", augmentation="naturel")},
            "'naturel' is not in catalogue augmentations.yaml (did you mean 'natural'?)",
        ),
        ({"proxy": trained("shallow")}, "options.augmentation: null, but trainer 'one' needs"),
        ({"proxy": trained("finetune")}, "training.head is 'proxy'; allowed there: fresh"),
        (
            {
                "proxy": trained("shallow", augmentation="natural"),
                "training": {"validation": "extra", "validation_size": 5.0},
            },
            "training.validation is 'extra'; allowed there: none, held-out",
        ),
        (
            {
                "proxy": trained("shallow", augmentation="natural"),
                "training": BESIDE,
            },
            "weights are chosen by 5 labels that the budget does not count "
            "(training.count_validation: false); "
            "allowed: an id of the proxy that says so, ending in -plus-5-labels",
        ),
        (
            {
                "proxy": trained("finetune", start="zero-shot"),
                "training": {"head": "proxy"},
                "backbone": "text",
            },
            "training.head is 'proxy'; allowed there: fresh, zero-shot",
        ),
        (
            {"proxy": trained("finetune", start="zero-shot"), "training": {"head": "zero-shot"}},
            "proxies: 'mine' starts from class names; backbone 'efficientnet-lite0-64'",
        ),
        (
            {
                "proxy": {"implementation": "linear"},
                "training": {"head": "zero-shot"},
                "finetune": "one",
            },
            "starts from class names; backbone 'efficientnet-lite0-64'",
        ),
        (
            {"proxy": {"implementation": "shallow"}, "finetune": "one"},
            "proxy 'mine' has no linear head on the pretrained backbone's features",
        ),
        (
            {
                "proxy": trained("shallow", augmentation="natural"),
                "training": {"gradient_checkpointing": True},
            },
            "training.gradient_checkpointing is true; allowed on embeddings: false",
        ),
        (
            {"proxy": trained("shallow", trainer="two"), "options": {"cutmix": 1.0}},
            "options.cutmix is 1.0; allowed on embeddings: 0",
        ),
        (
            {
                "proxy": trained("shallow", trainer="two"),
                "options": {"mixup": 0.5},
                "training": {"batch_size": 1},
            },
            "options.mixup is 0.5, but batches of 1 in 1 parts leave a single example in a part",
        ),
        (
            {
                "proxy": {"implementation": "linear"},
                "options": {"cutmix": 1.0},
                "training": {"batch_size": 8, "accumulate": 5},
                "finetune": "two",
            },
            "finetune.trainers: 'two': options.cutmix is 1.0, but batches of 8 in 5 parts",
        ),
    ],
)
def test_what_cannot_run_is_told_with_what_is_allowed(whole, arguments, told):
    message = errors(whole, **arguments)
    assert message is not None
    assert told in message
    assert message.startswith("mine.yaml: ")


@pytest.mark.parametrize(
    "arguments",
    [
        {"proxy": {"implementation": "linear"}, "finetune": "one"},
        {"proxy": trained("shallow", augmentation="natural")},
        {"proxy": trained("finetune"), "training": {"head": "fresh"}},
        {"proxy": trained("blend", refresh_every=1), "training": {"head": "fresh"}},
        {
            "proxy": trained("shallow", augmentation="natural"),
            "training": BESIDE,
            "name": "mine-plus-5-labels",
        },
        {
            "proxy": trained("finetune", start="zero-shot"),
            "training": {"head": "zero-shot"},
            "backbone": "text",
        },
        {"proxy": trained("shallow", trainer="two"), "options": {"mixup": 0.5}},
        {
            "proxy": trained("finetune", trainer="two"),
            "options": {"mixup": 0.5, "cutmix": 1.0},
            "training": {
                "head": "fresh",
                "gradient_checkpointing": True,
                "batch_size": 8,
                "accumulate": 4,
            },
        },
        {
            "proxy": {"implementation": "linear"},
            "training": {"head": "zero-shot"},
            "finetune": "one",
            "backbone": "text",
        },
    ],
)
def test_what_can_run_is_not_complained_of(whole, arguments):
    assert errors(whole, **arguments) is None
