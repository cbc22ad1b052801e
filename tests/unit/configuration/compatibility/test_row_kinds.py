"""What data sets consist of and what backbones read go together, or it is told before any job."""

import copy

import pytest

from helpers.project import PROJECT
from labelbench_core import registry
from labelbench_core.configuration.catalogue import load_catalogue, read_yaml
from labelbench_core.configuration.compatibility.row_kinds import environment
from labelbench_core.configuration.loading import load_experiment
from labelbench_core.errors import InputError
from labelbench_core.registry import info

CONFIG = PROJECT / "config"


@pytest.fixture(scope="module")
def whole():
    return load_catalogue(CONFIG / "catalogue")


def told(whole, entry=None, **keys):
    catalogue = copy.deepcopy(whole)
    splits = {"splits": {"pool": "a.npz", "test": "b.npz"}}
    catalogue["datasets"]["mine"] = {
        "implementation": "own-embeddings",
        "options": splits,
        **(entry or {}),
    }
    config = {
        **read_yaml(CONFIG / "config.yaml"),
        "datasets": ["mine"],
        "backbones": ["precomputed"],
    }
    config |= keys
    config = {key: value for key, value in config.items() if value is not None}
    try:
        load_experiment(config, catalogue, CONFIG / "schema", "mine.yaml")
    except InputError as error:
        return str(error)
    return None


def test_every_strategy_and_proxy_on_embeddings_is_allowed(whole):
    proxies = ["linear", "linear-ensemble", "shallow", "shallow-ensemble"]
    strategies = read_yaml(CONFIG / "all_strategies.yaml")["strategies"]
    assert len(strategies) > 20
    assert told(whole, proxies=["linear-ensemble"], strategies=strategies, finetune=None) is None
    assert told(whole, proxies=proxies, finetune=None) is None


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (
            {},
            "finetune.trainers: 'brief' trains on images, but the rows of data set 'mine' are emb",
        ),
        ({"proxies": ["finetune"]}, "proxies: 'finetune' trains on images, but"),
        ({"proxies": ["lora"]}, "proxies: 'lora' trains on images, but"),
        ({"proxies": ["blend"]}, "proxies: 'blend' trains on images, but"),
        (
            {"proxies": ["linear-flexmatch"]},
            "'linear-flexmatch' learns from views 'natural' of ima",
        ),
        ({"proxies": ["finetune-zero-shot"]}, "'precomputed'; it has no text tower"),
        (
            {"backbones": ["efficientnet-lite0-64"]},
            "'efficientnet-lite0-64' reads images, but the rows of data set 'mine' are embeddings; "
            "allowed with it: precomputed",
        ),
        (
            {"datasets": ["digits"]},
            "'precomputed' reads embeddings, but the rows of data set 'digits' are images; allowed",
        ),
        (
            {"entry": {"near_duplicates": 4}},
            "near_duplicates: 4; rows are embeddings; allowed with",
        ),
        ({"entry": {"near_copies": {"count": 1}}}, "rows are embeddings; allowed with images only"),
    ],
)
def test_what_needs_images_is_refused_by_name(whole, keys, expected):
    if "finetune-zero-shot" in keys.get("proxies", ()):
        whole = copy.deepcopy(whole)
        options = {"trainer": "finetune-supervised", "start": "zero-shot"}
        whole["proxies"]["finetune-zero-shot"] = {"implementation": "finetune", "options": options}
    assert expected in told(whole, **keys)


def test_views_of_texts_are_for_texts_and_views_of_images_for_images(whole):
    texts = {
        "entry": {"implementation": "text-table"},
        **{"datasets": ["mine"], "backbones": ["minilm"], "finetune": None},
    }
    assert told(whole, **texts, proxies=["linear-flexmatch-texts"]) is None
    (line,) = told(whole, **texts, proxies=["linear-flexmatch"]).splitlines()
    assert "'linear-flexmatch' learns from views 'natural' of images, but the rows of data" in line
    allowed = line.partition("allowed: ")[2].split(", ")
    assert {"linear", "linear-flexmatch-texts"} <= set(allowed)
    assert not {"finetune", "shallow-flexmatch"} & set(allowed)
    images = {"datasets": ["digits"], "backbones": ["efficientnet-lite0-64"]}
    (line,) = told(whole, **images, proxies=["linear-flexmatch-texts"]).splitlines()
    assert "learns from views 'texts' of texts, but the rows of data set 'digits' are ima" in line
    assert "linear-flexmatch-texts" not in line.partition("allowed: ")[2]


def test_kinds_of_rows_are_known_names():
    for kind, key in (("datasets", "rows"), ("backbones", "reads")):
        assert not list(info.errors(kind, {"summary": "-", key: "embeddings"}, {}))
        (line,) = info.errors(kind, {"summary": "-", key: "pictures"}, {})
        assert line == f"{key}: 'pictures'; allowed: images, texts, embeddings"
    (line,) = info.errors("backbones", {"summary": "-", "rows": "images"}, {})
    assert line == "rows: allowed for datasets only"
    for kind, key in (("datasets", "rows"), ("backbones", "reads")):
        for name in registry.names(kind):
            assert registry.describe(kind, name).info.get(key, "images") in info.ROWS


def test_networks_in_files_are_not_trained(whole):
    of_file = {"implementation": "exported-model", "options": {"file": "net.pt2"}}
    catalogue = copy.deepcopy(whole)
    catalogue["backbones"]["in-file"] = of_file
    mine = {"datasets": ["digits"], "backbones": ["in-file"]}
    config = {**read_yaml(CONFIG / "config.yaml"), **mine}
    finetune = config.pop("finetune")
    load_experiment(config, catalogue, CONFIG / "schema", "mine.yaml")
    assert environment(catalogue, "in-file") == "torch"
    for proxies, tuning, expected in (
        (
            ["lora"],
            None,
            "proxies: 'lora' trains the network, but that of backbone 'in-file'",
        ),
        (["linear"], finetune, "finetune.trainers: 'brief' trains the network, but"),
    ):
        more = {"proxies": proxies, **({"finetune": tuning} if tuning else {})}
        with pytest.raises(InputError, match=expected):
            load_experiment({**config, **more}, catalogue, CONFIG / "schema", "mine.yaml")
    of_file["implementation"] = "onnx-model"
    assert environment(catalogue, "in-file") == "onnx"
