"""Estimates of what an experiment will cost, beside what jobs record when they have run."""

import math

import numpy as np
import pytest
import torch

from labelbench_core import registry
from labelbench_core.configuration import entries
from labelbench_core.configuration.experiment import Crossing, Experiment, Finetuning
from labelbench_core.datasets import open_dataset
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.datasets.rows.image_rows import ImageRows
from labelbench_core.proxies import Statistics, TrainingSet
from labelbench_core.seeds import rng_for
from labelbench_core.stages.estimates import DatasetFacts, estimate, estimate_jobs
from labelbench_core.stages.plan import Needs
from labelbench_core.storage.rows import ArrayRows

POOL, TEST, LABELS = 120, 50, 30
FACTS = {"digits": DatasetFacts({"pool": POOL, "test": TEST}, 10)}
STEPS = {"steps": 3, "batch_size": 8, "warmup_steps": 0, "head": "fresh"}
HELD_OUT = {"validation": "held-out", "validation_size": 0.2, "validation_every": 2}
EPOCHS = {"epochs": 2, "batch_size": 8, "warmup_steps": 0, "head": "fresh"}
CATALOGUE = {
    "datasets": {"digits": {"implementation": "digits"}},
    "backbones": {
        name: {
            "implementation": "timm-model",
            "options": {"model": f"test_{name}", "pretrained": False, "input_size": 16},
        }
        for name in ("vit", "efficientnet")
    },
    "proxies": {
        "linear": {"implementation": "linear"},
        "mix": {
            "implementation": "trained-linear",
            "options": {"trainer": "fixmatch", "augmentation": "moved"},
        },
        "shallow": {"implementation": "shallow", "options": {"hidden": 7, "trainer": "held-out"}},
        "several": {
            "implementation": "shallow-ensemble",
            "options": {"hidden": 5, "members": 3, "trainer": "epochs"},
        },
        "finetune": {"implementation": "finetune", "options": {"trainer": "plain"}},
        "lora": {"implementation": "lora", "options": {"trainer": "plain", "rank": 4}},
    },
    "trainers": {
        "plain": {"implementation": "supervised", "training": STEPS},
        "held-out": {"implementation": "supervised", "training": {**STEPS, **HELD_OUT}},
        "epochs": {"implementation": "supervised", "training": EPOCHS},
        "fixmatch": {"implementation": "fixmatch", "training": {**STEPS, "unlabeled_ratio": 2}},
    },
    "schedules": {"small": {"initial": LABELS, "batch": 10}},
    "strategies": {"random": {"implementation": "random"}, "margin": {"implementation": "margin"}},
    "augmentations": {
        "moved": {"weak": {}, "strong": {"operations": 1}, "draws": 2},
    },
}


def experiment(proxy, backbone="vit", **changes):
    lists = {"datasets": ("digits",), "backbones": (backbone,), "proxies": (proxy,)}
    lists |= {"schedules": ("small",), "strategies": ("random", "margin"), "seeds": (0, 1)}
    crossing = Crossing(**{**lists, "rounds": 3, **changes})
    return Experiment("x", (crossing,), "random", "margin")


def estimates(proxy, facts=FACTS, **changes):
    chosen = experiment(proxy, **changes)
    return chosen, CATALOGUE, Needs.from_values(entries.needs(chosen, CATALOGUE)), facts


def first_round(*given):
    """The estimate of round 0's job."""
    return next(job for job in estimate_jobs(*given) if job.stage.name == "train_initial")


@pytest.mark.parametrize("proxy", ["mix", "shallow", "several"])
def test_trainings_on_embeddings_cost_what_they_record(proxy):
    given = estimates(proxy)
    outline = registry.load("backbones", "timm-model").outline(
        **CATALOGUE["backbones"]["vit"]["options"]
    )
    rng = np.random.default_rng(0)
    size = (POOL, outline.num_features)
    pool = ArrayRows(rng.standard_normal(size, dtype=np.float32))
    training = TrainingSet(
        pool,
        np.arange(LABELS),
        np.arange(LABELS) % 10,
        10,
        Statistics(np.zeros(size[1]), np.ones(size[1])),
        views={"weak": [pool], "strong": [pool]},
    )
    built = registry.build("proxies", entries.entry(CATALOGUE, "proxies", proxy), 1)
    record = built.fit(training, rng)
    assert first_round(*given).flops == record["flops"] > 0


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    manifest = folder / "manifest.json"
    prepare_dataset("digits", "digits", {}, folder, folder / "arrays", manifest, pool_size=POOL)
    return ImageRows(open_dataset(folder), "pool")


@pytest.mark.parametrize(
    ("proxy", "backbone"), [("finetune", "efficientnet"), ("lora", "vit"), ("lora", "efficientnet")]
)
def test_trainings_on_images_cost_what_they_record(images, proxy, backbone):
    given = estimates(proxy, backbone=backbone)
    labels = images.dataset.labels("pool")
    indices = rng_for("some").permutation(POOL)[:LABELS]
    built = registry.build("proxies", entries.entry(CATALOGUE, "proxies", proxy), 1)
    training = TrainingSet(
        images,
        indices,
        labels[indices],
        10,
        Statistics(np.zeros(0), np.zeros(0)),
        backbone=entries.entry(CATALOGUE, "backbones", backbone),
    )
    record = built.fit(training, rng_for("fit"))
    assert first_round(*given).flops == pytest.approx(record["flops"], rel=0.01)


def test_passes_of_images_are_counted_by_split_view_and_round():
    chosen = estimates("mix", finetune=Finetuning(("plain",), ("margin",), (1, 2), (0,), "last"))
    found = {one.stage: one for one in estimate(*chosen)}
    embedded, views = found["extract_embeddings"], found["extract_views"]
    per_image = embedded.flops / (POOL + TEST)
    assert per_image == int(per_image) > 0
    # Weak views change nothing: two draws of the strong one remain.
    assert views.flops == 2 * POOL * per_image
    outline = registry.load("backbones", "timm-model").outline(
        **CATALOGUE["backbones"]["vit"]["options"]
    )
    assert embedded.disk == 2 * outline.num_features * (POOL + TEST)
    assert views.disk == 2 * 2 * outline.num_features * POOL
    tuned, rounds = found["finetune_model"], found["select_round"]
    assert (tuned.jobs, rounds.jobs, found["train_initial"].jobs) == (2, 8, 2)
    assert tuned.on_gpu
    # The weights of one of two are kept, in half precision.
    size = sum(value.numel() for value in outline.model.parameters()) + outline.num_features * 10
    assert tuned.disk == pytest.approx(2 * size, rel=0.01)
    assert found["collect_curves"].flops == 0
    assert not found["collect_curves"].on_gpu


def test_what_depends_on_the_data_is_unknown():
    found = {one.stage: one for one in estimate(*estimates("linear"))}
    for stage in ("train_initial", "select_round"):
        assert found[stage].flops is None
        assert found[stage].unknown == ("how long the solver of proxy 'linear' takes",)
        assert found[stage].disk > 0
    assert found["extract_embeddings"].unknown == ()
    none = {one.stage: one for one in estimate(*estimates("mix", {"digits": DatasetFacts()}))}
    assert none["extract_embeddings"].flops is None
    assert none["extract_embeddings"].unknown == ("the size of data set 'digits'",)
    assert none["select_round"].jobs == 8


def test_nothing_of_the_network_is_kept_or_has_values():
    outline = registry.load("backbones", "timm-model").outline(
        **CATALOGUE["backbones"]["efficientnet"]["options"]
    )
    assert {value.device.type for value in outline.model.parameters()} == {"meta"}
    assert outline.input_size == 16
    state = torch.get_rng_state()
    list(estimate_jobs(*estimates("lora")))
    assert torch.equal(state, torch.get_rng_state())
    assert math.isfinite(first_round(*estimates("finetune")).flops)
