"""Dataclasses from JSON: one error names the place, the value and what is allowed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import pytest

from labelbench_core.configuration.experiment import Crossing, Experiment, Finetuning
from labelbench_core.configuration.json_values import UNWRITTEN, read, read_json, written
from labelbench_core.configuration.references import Panel, PublishedReference
from labelbench_core.errors import InputError
from labelbench_core.registry.options import Interval
from labelbench_core.stages.plan import ByClassNames, Needs, Refresh


@dataclass(frozen=True)
class Leaf:
    name: str
    size: Annotated[int, Interval(ge=1)] = 1
    shape: Literal["round", "long"] = "round"


@dataclass(frozen=True)
class Tree:
    leaves: tuple[Leaf, ...]
    best: Leaf | None = None
    by_name: Mapping[str, Leaf] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    limits: tuple[float, float] | None = None
    secret: bool = field(default=False, metadata=UNWRITTEN)


TREE = Tree(
    leaves=(Leaf("a"), Leaf("b", 2, "long")),
    best=Leaf("b"),
    by_name={"c": Leaf("c", 3)},
    seeds=(0, 3),
    limits=(1, 2.5),
)


def test_what_is_written_is_read_as_it_was():
    text = json.dumps(written(TREE))
    assert read_json(Tree, text, "here") == TREE
    assert "secret" not in text
    least = read(Tree, {"leaves": [{"name": "a"}]}, "here")
    assert least == Tree((Leaf("a"),))
    assert read(Tree, written(least), "here") == least


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"leafs": []}, "leafs: unknown key (did you mean 'leaves'?); allowed: leaves, best,"),
        ({"secret": True}, "secret: unknown key; allowed: leaves, best, by_name, seeds, limits"),
        ({"leaves": []}, "leaves: []; allowed: a non-empty list"),
        ({"leaves": {}}, "leaves: {}; allowed: a non-empty list"),
        ({"leaves": [{}]}, "leaves.0.name: missing key; allowed: name, size, shape"),
        ({"leaves": [{"name": "a"}, 3]}, "leaves.1: 3; allowed: an object with name, size, shape"),
        ({"best": {"name": "a", "size": 0}}, "best.size: 0; allowed: a whole number of at least 1"),
        ({"best": {"name": "a", "size": True}}, "best.size: true; allowed: a whole number of at"),
        ({"best": {"name": "a", "size": 1.0}}, "best.size: 1.0; allowed: a whole number of at"),
        ({"best": {"name": "a", "shape": "flat"}}, "best.shape: 'flat'; allowed: round, long"),
        ({"best": []}, "best: []; allowed: an object with name"),
        ({"by_name": {"c": {"name": None}}}, "by_name.c.name: null; allowed: a string"),
        ({"by_name": [1]}, "by_name: [1]; allowed: a non-empty object"),
        ({"seeds": [1, 1]}, "seeds: [1, 1]; allowed: a non-empty list of distinct items, each a w"),
        ({"seeds": {}}, "seeds: {}; allowed: a non-empty list of distinct items"),
        ({"seeds": 3}, "seeds: 3; allowed: a non-empty list"),
        ({"limits": [1]}, "limits: [1]; allowed: a list of 2, each a number or null"),
        ({"limits": [1, float("nan")]}, "limits: [1, nan]; allowed: a list of 2"),
    ],
)
def test_each_error_names_the_place_the_value_and_what_is_allowed(change, told):
    with pytest.raises(InputError) as caught:
        read(Tree, {**written(TREE), **change}, "here")
    assert str(caught.value).startswith(f"here: {told}")


def test_what_is_no_object_or_no_json_is_told():
    with pytest.raises(InputError, match=r"^here: \[\]; allowed: an object with leaves, best"):
        read_json(Tree, "[]", "here")
    with pytest.raises(InputError, match=r"^here: not valid JSON \("):
        read_json(Tree, "{", "here")


REFERENCE = PublishedReference(
    "cifar10", {"dataset": "digits"}, "full", ("seeds",), {"margin": "Margin"}
)
WHOLE = Experiment(
    experiment="small",
    crossings=(
        Crossing(
            datasets=("digits",),
            backbones=("tiny",),
            proxies=("linear",),
            schedules=("start",),
            strategies=("random", "margin"),
            seeds=(0, 1),
            rounds=3,
            finetune=Finetuning(("full",), ("margin",), (0, 2), (1,), keep="none"),
            ceilings=("look-ahead",),
            full_data=("all",),
            annotators=("exact", "noisy"),
        ),
    ),
    baseline="random",
    highlight="margin",
    references=(REFERENCE,),
    panels=(Panel("a", {"dataset": "digits"}, "test", "nll", y=(1, 2.5), reference=REFERENCE),),
    priced=True,
)
ONE_CROSSING = Crossing(("d",), ("b",), ("p",), ("s",), ("random",), (0,), 1)
PLAIN = Experiment("plain", (ONE_CROSSING,), "random", "random")
# Jobs get these texts as an argument: another text runs everything again.
TEXTS = {
    PLAIN.experiment: '{"baseline":"random","crossings":[{"backbones":["b"],"ceilings":[],'
    '"datasets":["d"],"finetune":null,"full_data":[],"proxies":["p"],"rounds":1,"schedules":["s"],'
    '"seeds":[0],"strategies":["random"]}],"experiment":"plain","highlight":"random",'
    '"metric":"accuracy"}',
    WHOLE.experiment: '{"baseline":"random","crossings":[{"annotators":["exact","noisy"],'
    '"backbones":["tiny"],"ceilings":["look-ahead"],"datasets":["digits"],"finetune":{'
    '"rounds":[0,2],"seeds":[1],"strategies":["margin"],"trainers":["full"]},"full_data":["all"],'
    '"proxies":["linear"],"rounds":3,"schedules":["start"],"seeds":[0,1],"strategies":["random",'
    '"margin"]}],"experiment":"small","highlight":"margin","metric":"accuracy","panels":[{'
    '"metric":"nll","reference":{"differs":["seeds"],"name":"cifar10","setting":{'
    '"dataset":"digits"},"strategies":{"margin":"Margin"},"trainer":"full","validation_labels":0},'
    '"setting":{"dataset":"digits"},"smoothing":"none","split":"test","title":"a","trainer":"",'
    '"validation_labels":0,"y":[1,2.5]}],"references":[{"differs":["seeds"],"name":"cifar10",'
    '"setting":{"dataset":"digits"},"strategies":{"margin":"Margin"},"trainer":"full",'
    '"validation_labels":0}]}',
}


@pytest.mark.parametrize("experiment", [PLAIN, WHOLE], ids=lambda one: one.experiment)
def test_the_text_that_jobs_get_stays_as_it_is(experiment):
    assert experiment.to_json() == TEXTS[experiment.experiment]
    # Neither prices nor what stays on disk are part of it.
    assert Experiment.from_json(experiment.to_json()).to_json() == experiment.to_json()


def test_needs_are_read_whole_and_refused_by_key():
    values = {
        "augmentation": {},
        "refresh": {"blend": {"every": 2, "trainer": "mine"}},
        "class_names": {"proxies": [], "trainers": ["full"]},
        "images": [],
        "replays": {"list": ["margin"]},
    }
    needs = Needs.from_json(json.dumps(values))
    assert needs.refresh == {"blend": Refresh(2, "mine")}
    assert needs.class_names == ByClassNames((), ("full",))
    assert needs.replays == {"list": ("margin",)}
    assert (needs.augmentation, needs.images) == ({}, ())
    values["refresh"]["blend"]["every"] = 0
    with pytest.raises(InputError, match=r"^--needs: refresh.blend.every: 0; allowed: a whole"):
        Needs.from_json(json.dumps(values))
