"""What a campaign's file says of its end, and what each job of it depends on."""

from pathlib import Path

import pytest

from helpers.checkouts import PROJECT
from labelbench_core.campaign.settings import load_campaign
from labelbench_core.configuration.catalogue import load_catalogue
from labelbench_core.configuration.own_entries import Given, read_entries
from labelbench_core.errors import InputError

OWN = {
    "datasets": {
        "my-photos": {
            "implementation": "image-folder",
            "options": {"folder": "photos", "unlabeled": True},
        },
        "my-texts": {
            "implementation": "text-table",
            "options": {"splits": {"pool": "texts.csv"}, "unlabeled": True},
        },
    },
    "backbones": {
        "my-onnx": {
            "implementation": "onnx-model",
            "options": {
                "file": "one.onnx",
                "input_size": 32,
                "mean": [0.5] * 3,
                "std": [0.5] * 3,
                "interpolation": "bilinear",
                "resize_mode": "shortest",
            },
        },
    },
    "trainers": {
        "from-proxy": {"implementation": "supervised", "training": {"head": "proxy"}},
        "from-names": {"implementation": "supervised", "training": {"head": "zero-shot"}},
        "with-extra": {
            "implementation": "supervised",
            "training": {"head": "fresh", "validation": "extra", "validation_size": 10},
        },
    },
}
ASKED = {
    "campaign": "pets",
    "pool": "my-photos",
    "classes": ["cat", "dog"],
    "backbone": "efficientnet-lite0-96",
}
TEXTS = {"pool": "my-texts", "backbone": "minilm"}


@pytest.fixture(scope="module")
def catalogue():
    own = read_entries([Given(OWN, "pets.yaml", Path())])
    return load_catalogue(PROJECT / "config" / "catalogue", own)


def load(catalogue, **changes):
    asked = {**ASKED, **changes}
    return load_campaign(asked, catalogue, PROJECT / "config" / "schema", "pets.yaml", Path("mine"))


@pytest.mark.parametrize(
    ("changes", "trainer"),
    [
        ({}, "finetune-flexmatch"),
        ({"multilabel": True, "strategy": "mmc"}, "finetune-supervised"),
        ({"backbone": "my-onnx"}, None),
        (TEXTS, None),
        ({"finish": {"trainer": "none"}}, None),
        ({"finish": {"trainer": "finetune-supervised"}}, "finetune-supervised"),
    ],
)
def test_the_model_is_a_network_where_it_can_be_trained(catalogue, changes, trainer):
    found = load(catalogue, **changes).finish
    assert (found["trainer"] or {}).get("id") == trainer
    assert (found["onnx"], found["look_below"]) == (False, 0.9)


def test_a_rehearsal_has_no_end(catalogue):
    asked = {"campaign": "one", "pool": "digits", "backbone": ASKED["backbone"]}
    asked["rehearsal"] = {"batches": 2}
    found = load_campaign(
        asked, catalogue, PROJECT / "config" / "schema", "pets.yaml", Path("mine")
    )
    assert found.finish is None


def test_each_job_depends_on_no_more_than_it_uses(catalogue):
    usual = load(catalogue)
    for one in ({"batch_size": 7}, {"target": "90%"}, {"audit_share": "30%"}, {"first": "coreset"}):
        changed = load(catalogue, strategy="margin", proxy="linear", **one)
        usual = load(catalogue, strategy="margin", proxy="linear")
        assert changed.for_finishing() == usual.for_finishing()
    looked = load(catalogue, finish={"look_below": "70%"}, strategy="margin", proxy="linear")
    assert looked.for_finishing() != usual.for_finishing()
    assert looked.for_tuning() == usual.for_tuning()
    assert looked.for_page() == usual.for_page()
    start = {"trainer": "from-proxy"}
    written = load(catalogue, finish={**start, "onnx": True})
    assert written.for_finishing() == load(catalogue, finish=start).for_finishing()
    # A training that starts from nothing of the proxy's does not depend on it.
    other = load(catalogue, proxy="shallow", strategy="entropy", first="coreset")
    assert other.for_tuning() == usual.for_tuning()
    assert other.for_finishing() != usual.for_finishing()
    assert written.for_tuning().proxy["id"] == "linear"
    assert other.for_labels() == usual.for_labels()
    assert load(catalogue, agreement="dawid-skene").for_labels() != usual.for_labels()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"finish": {"trainer": "finetune-flexmtch"}},
            "finish.trainer: 'finetune-flexmtch' is not in the catalogue of trainers (did you mean",
        ),
        (
            {"finish": {"trainer": "finetune-supervised"}, "backbone": "my-onnx"},
            "finish.trainer: 'finetune-supervised': trains the network, and the backbone's is "
            "fixed by its file; allowed: none",
        ),
        (
            {"finish": {"trainer": "finetune-supervised"}, **TEXTS},
            "finish.trainer: 'finetune-supervised': trains on images, and the pool has none; "
            "allowed: none",
        ),
        (
            {"finish": {"onnx": True}, **TEXTS},
            "finish.onnx: true, and the rows of the pool are no images; allowed: false",
        ),
        (
            {"finish": {"onnx": True, "trainer": "none"}, "proxy": "shallow"},
            "finish.onnx: true: the proxy 'shallow' is no single linear head; allowed with it: "
            "false",
        ),
        (
            {"finish": {"onnx": True, "trainer": "none"}, "proxy": "linear-ensemble"},
            "finish.onnx: true: the proxy 'linear-ensemble' is no single linear head",
        ),
        (
            {"finish": {"trainer": "from-proxy"}, "proxy": "shallow"},
            "finish.trainer: 'from-proxy': training.head: 'proxy': the proxy 'shallow' is no "
            "single linear head; allowed with it: fresh",
        ),
        (
            {"finish": {"trainer": "from-names"}},
            "finish.trainer: 'from-names': training.head: 'zero-shot'; allowed in a campaign: "
            "fresh, proxy",
        ),
        (
            {"finish": {"trainer": "with-extra"}},
            "finish.trainer: 'with-extra': training.validation: 'extra'; allowed in a campaign",
        ),
        (
            {"finish": {"trainer": "finetune-flexmatch"}, "multilabel": True, "strategy": "mmc"},
            "finish.trainer: 'finetune-flexmatch' is not defined for several labels a row",
        ),
        ({"finish": {"look_below": "0.9"}}, "finish.look_below: '0.9'"),
        ({"finish": {"onx": True}}, "finish.onx: unknown key (did you mean 'onnx'?)"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(catalogue, changes, told):
    with pytest.raises(InputError) as raised:
        load(catalogue, **changes)
    [line] = str(raised.value).splitlines()
    assert line.startswith("pets.yaml: ")
    assert told in line
