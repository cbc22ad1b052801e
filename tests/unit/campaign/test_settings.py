"""A campaign's file: what is wrong with it is told in one line, file, key, value and allowed."""

from dataclasses import replace
from pathlib import Path

import pytest

from helpers.checkouts import PROJECT
from labelbench_core.campaign.settings import Campaign, load_campaign
from labelbench_core.configuration.catalogue import load_catalogue
from labelbench_core.configuration.own_entries import Given, read_entries
from labelbench_core.errors import InputError

OWN = {
    "datasets": {
        "my-photos": {
            "implementation": "image-folder",
            "options": {"folder": "photos", "unlabeled": True},
        },
    }
}
CLIP = "clip-vit-b32"
ASKED = {
    "campaign": "pets",
    "pool": "my-photos",
    "classes": ["cat", "dog"],
    "backbone": "efficientnet-lite0-96",
}


@pytest.fixture(scope="module")
def catalogue():
    own = read_entries([Given(OWN, "pets.yaml", Path())])
    return load_catalogue(PROJECT / "config" / "catalogue", own)


def load(catalogue, **changes):
    """The campaign of `ASKED` with changes; keys that are changed to None are left out."""
    asked = {key: value for key, value in {**ASKED, **changes}.items() if value is not None}
    return load_campaign(asked, catalogue, PROJECT / "config" / "schema", "pets.yaml", Path("mine"))


def test_what_is_left_out_has_defaults(catalogue):
    found = load(catalogue)
    assert found.folder == Path("mine/pets")
    assert (found.proxy["id"], found.first["id"], found.strategy["id"]) == (
        "linear",
        "typiclust",
        "margin",
    )
    assert (found.batch_size, found.audit, found.audit_share) == (100, None, 0.1)
    assert Campaign.from_mapping(found.as_mapping()) == found


def test_what_is_chosen_for_a_strategy_that_is_left_out_has_its_reason(catalogue):
    usual = load(catalogue)
    assert set(usual.advice) == {"strategy", "proxy"}
    assert usual.advice["strategy"]["reason"].startswith("margin, by our own experiments with a ")
    # Some labels per class in a batch: what covers the pool does better.
    many = load(catalogue, classes=[f"class {number}" for number in range(70)])
    assert many.strategy["id"] == many.advice["strategy"]["chosen"] == "typiclust"
    several = load(catalogue, multilabel=True)
    assert several.strategy["id"] == several.advice["strategy"]["chosen"] == "badge"
    assert Campaign.from_mapping(several.as_mapping()) == several
    named = load(catalogue, strategy="margin", proxy="linear")
    assert named.advice == {}
    assert named.strategy == usual.strategy
    assert set(load(catalogue, proxy="shallow").advice) == {"strategy"}


def test_a_backbone_with_a_text_tower_can_choose_the_first_batch_by_class_names(catalogue):
    found = load(catalogue, first={"zero-shot": "margin"}, backbone=CLIP)
    assert (found.first["id"], found.zero_shot) == ("margin", True)
    assert Campaign.from_mapping(found.as_mapping()) == found
    assert not load(catalogue, first="coreset").zero_shot


def test_what_is_chosen_for_a_rehearsal_does_not_know_the_number_of_classes(catalogue):
    found = load(catalogue, classes=None, pool="digits", rehearsal={"batches": 3})
    assert "the number of classes is not known" in found.advice["strategy"]["reason"]


def test_shares_are_numbers_and_paths_start_at_the_file(catalogue):
    found = load(catalogue, audit="50%", audit_share="2.5%", folder="../labels", strategy="badge")
    assert (found.audit, found.audit_share) == (0.5, 0.025)
    assert found.folder == Path("mine/../labels")
    assert Campaign.from_mapping(found.as_mapping()) == found


def test_what_only_the_page_tells_is_no_part_of_what_batches_are_made_from(catalogue):
    usual = load(catalogue)
    found = load(catalogue, target="90%", prices={"label": 0.1}, estimator="prediction-powered")
    assert (found.target, found.prices) == (0.9, {"label": 0.1})
    assert Campaign.from_mapping(found.as_mapping()) == found
    assert found.for_batches() == replace(usual.for_page(), estimator="prediction-powered")


def test_a_rehearsal_takes_what_its_pool_is(catalogue):
    found = load(catalogue, classes=None, pool="digits-mosaics", rehearsal={"batches": 3})
    assert found.multilabel
    assert found.rehearsal == {"batches": 3}
    assert Campaign.from_mapping(found.as_mapping()) == found


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"target": "100%"}, "target: '100%'; allowed: a share above 0% and below 100%"),
        ({"prices": {"currency": "EUR"}}, "prices: "),
        ({"estimator": "best"}, "estimator: 'best'; allowed: "),
        (
            {"estimator": "inverse-probability"},
            "estimator: inverse-probability needs a positive probability of being proposed for",
        ),
        ({"rehearsal": {}}, "rehearsal: "),
        (
            {"rehearsal": {"batches": 2}, "classes": None},
            "rehearsal: the pool 'my-photos' has no labels; allowed:",
        ),
        ({"classes": None}, "classes: missing; allowed: a list of at least two names of classes"),
        (
            {"rehearsal": {"batches": 2}, "pool": "digits"},
            "classes: given with `rehearsal`; allowed: none",
        ),
        (
            {"rehearsal": {"batches": 2, "annotator": "nobody"}, "pool": "digits"},
            "rehearsal.annotator: 'nobody' is not in the catalogue of annotators",
        ),
        (
            {
                "rehearsal": {"batches": 2, "annotator": "uniform-10"},
                "pool": "digits-mosaics",
                "classes": None,
                "strategy": "entropy",
            },
            "rehearsal.annotator: 'uniform-10', where rows have several labels",
        ),
        ({"classes": ["cat"]}, "classes: ['cat']; allowed: a list of at least two distinct names"),
        ({"classes": ["cat", "Cat "]}, "classes: cat, Cat ; allowed: names that differ in more"),
        ({"pool": "my-photo"}, "pool: 'my-photo' is not in the catalogue of datasets (did you me"),
        ({"pool": "digits"}, "pool: 'digits' has labels; allowed: a data set whose pool has none"),
        ({"backbone": "efficientnet"}, "backbone: 'efficientnet' is not in the catalogue of back"),
        ({"proxy": "finetune"}, "proxy: 'finetune'; allowed: one that is trained on embeddings al"),
        ({"proxy": "linear-flexmatch"}, "proxy: 'linear-flexmatch'; allowed: one that is trained"),
        ({"strategy": "galaxy"}, "strategy: 'galaxy' asks for one label after the other; allowed"),
        ({"strategy": "look-ahead"}, "strategy: 'look-ahead' sees hidden labels; allowed: a stra"),
        ({"strategy": "bald"}, "strategy: 'bald' needs member_probabilities; the proxy provides:"),
        ({"strategy": "mmc"}, "strategy: 'mmc' is for several labels a row; allowed: another"),
        (
            {"strategy": "alfa-mix", "multilabel": True},
            "strategy: 'alfa-mix' is not defined for s",
        ),
        ({"first": "margin"}, "first: 'margin' needs probabilities; allowed: one that needs embed"),
        (
            {"first": {"zero-shot": "margin"}},
            "first.zero-shot: the backbone 'efficientnet-lite0-96' has no text tower; allowed: one",
        ),
        (
            {"first": {"zero-shot": "alfa-mix"}, "backbone": CLIP},
            "first.zero-shot: 'alfa-mix' needs head, labels; allowed: one that needs embeddings an",
        ),
        (
            {"first": {"zero-shot": "margn"}, "backbone": CLIP},
            "first.zero-shot: 'margn' is not in the catalogue of strategies (did you mean",
        ),
        (
            {"first": {"zero-shot": "margin"}, "backbone": CLIP, "multilabel": True},
            "first.zero-shot: given with rows that have several labels; allowed: the id of a",
        ),
        ({"first": {"zeroshot": "margin"}}, "first: {'zeroshot': 'margin'}; allowed: an id, or"),
        ({"batchsize": 10}, "batchsize: unknown key (did you mean 'batch_size'?); allowed: "),
        ({"audit": "800%"}, "audit: '800%'; allowed: a whole number of at least 1, or a share"),
        ({"audit": True}, "audit: true; allowed: a whole number of at least 1, or a share"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(catalogue, changes, told):
    with pytest.raises(InputError) as caught:
        load(catalogue, **changes)
    assert str(caught.value).startswith(f"pets.yaml: {told}")
    assert "\n" not in str(caught.value)


def test_classes_are_compared_with_the_campaigns_facts(catalogue, tmp_path):
    batch = tmp_path / "pets" / "batches" / "batch-001"
    batch.mkdir(parents=True)
    (batch / "proposal.json").write_text('{"classes": ["cat", "dog", "hare"], "advice": {}}')

    def load_here(**changes):
        asked = {**ASKED, "strategy": "margin", "proxy": "linear", **changes}
        return load_campaign(asked, catalogue, PROJECT / "config" / "schema", "pets.yaml", tmp_path)

    assert load_here(classes=["hare", "cat", "dog"]).classes == ("hare", "cat", "dog")
    with pytest.raises(InputError, match=r"^pets\.yaml: classes: without hare, which people chose"):
        load_here()
    with pytest.raises(InputError, match=r"^pets\.yaml: class_changes\[0\]\.merge: 'hair' is"):
        load_here(class_changes=[{"merge": {"from": ["hair", "dog"], "to": "dog"}}])
    merged = [{"merge": {"from": ["hare", "dog"], "to": "dog"}}]
    assert load_here(class_changes=merged).classes == ("cat", "dog")
