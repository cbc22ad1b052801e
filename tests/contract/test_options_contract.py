"""Every option of every component says what it may be; what it may not be starts nothing."""

import dataclasses
import math
import re
import sys

import pytest

from helpers.project import PROJECT
from labelbench_core import registry
from labelbench_core.configuration.catalogue import kind_errors
from labelbench_core.errors import InputError
from labelbench_core.registry import options
from labelbench_core.training.recipe import Recipe

SCHEMA = PROJECT / "config" / "schema" / "catalogue.schema.json"
OPTIONS = [
    (kind, name, option)
    for kind in registry.MAIN_FUNCTION
    for name in registry.names(kind)
    for option in registry.describe(kind, name).options
]
# What no option is: none of them is also a text that could name something.
VALID = ("something", "bicubic", "shortest", [0.5, 0.5, 0.5], {"pool": "something"}, 64)
NEVER = (
    math.nan,
    math.inf,
    -math.inf,
    5e-324,  # 0 to jobs, which flush denormals
    -1e-310,
    {},
    {"a": 1},
    [],
    [[]],
    [None],
    "a\n",
    "\x00",
    "x" * 5000,
    10**400,
)
OFTEN_WRONG = (
    -1,
    0,
    1.5,
    3.0,
    True,
    None,
    "",
    "nonesuch",
    "NO ID",
    ["nonesuch"],
    ["margin"],
    1e300,
)


SMALL = (0, 1, 2, 0.0, sys.float_info.min, 1e-3, 0.00390625, 0.5, 1.0, 100.0)
LARGE = (1000, 1_000_000, 2**63 - 1, 0.99609375, 1 - 2**-53, 1e6, 1e12, 1.7e308)
HOW_OFTEN = ("batches", "depth")  # cost nothing but time


def kept(kind, name, option):
    component = registry.describe(kind, name)
    return component.options[option], component.allowed[option]


def valid(kind, name, option):
    """Some value that an option that must be given may have, where one of `VALID` is one."""
    _, allowed = kept(kind, name, option)
    return next((value for value in VALID if allowed.holds(value)), VALID[0])


@pytest.mark.parametrize(("kind", "name", "option"), OPTIONS)
def test_an_option_says_what_it_may_be_and_its_default_is(kind, name, option):
    default, allowed = kept(kind, name, option)
    assert allowed is not None, "its annotation says nothing that is known"
    assert allowed.words not in ("a whole number", "a number"), "a number without bounds"
    required = registry.describe(kind, name).info.get("required", [])
    given = {other: valid(kind, name, other) for other in required if other != option}
    # The default of an option that must be given may be a value that is not allowed.
    assert option in required or allowed.holds(default)
    if allowed.holds(default):
        given[option] = default
    told = [f"options.{option}: missing; allowed: {allowed.words}"] if option in required else []
    found = registry.option_errors(kind, name, given)
    assert [line for line in found if line.startswith(f"options.{option}:")] == told


@pytest.mark.parametrize(("kind", "name", "option"), OPTIONS)
def test_a_wrong_value_is_one_line_in_the_catalogue_and_where_it_is_built(kind, name, option):
    _, allowed = kept(kind, name, option)
    for value in NEVER + OFTEN_WRONG:
        if value in NEVER:
            assert not allowed.holds(value), value
        entry = {"implementation": name, "options": {option: value}}
        if kind == "trainers":  # what mean-teacher needs
            entry["training"] = {"ema_decay": 0.99}
        told = kind_errors(kind, {"mine": entry}, SCHEMA, "my.yaml")
        refused = registry.option_errors(kind, name, {option: value})
        # What comes first in a training depends on its length, which is no option.
        if option not in registry.describe(kind, name).info.get("steps_at_least", {}).values():
            assert told == [f"my.yaml: mine.{line}" for line in refused]
        if allowed.holds(value):
            continue
        (line,) = told
        assert re.fullmatch(rf"my\.yaml: mine\.options\.{option}: .+; allowed: .+", line)
        assert line.isprintable()
        assert len(line) < 1000


@pytest.mark.parametrize("field", dataclasses.fields(Recipe), ids=lambda field: field.name)
def test_a_wrong_value_of_a_recipe_is_one_line(field):
    for value in (*NEVER, "nonesuch", [1], -1):
        told = Recipe.errors_in({field.name: value})
        assert len(told) == 1, (value, told)
        assert told[0].startswith(f"training.{field.name}: ")
        assert "; allowed: " in told[0]


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("kind", ["proxies", "strategies"])
def test_numbers_at_their_bounds_build(kind):
    """What is allowed can be used: every component of a kind that is cheap to make."""
    if kind == "strategies":
        from labelbench_core.strategies import testing

    for name in registry.names(kind):
        component = registry.describe(kind, name)
        if component.info.get("needs_torch"):
            continue
        pool = testing.pool_for(name, 40) if kind == "strategies" else None
        for option, value in edge_values(component):
            if registry.option_errors(kind, name, {option: value}):
                continue  # does not go with the default of another option
            if kind == "proxies":
                registry.build(kind, {"implementation": name, "options": {option: value}})
            else:
                chosen = testing.run(name, pool, 3, small(component, option, value))
                assert len(chosen) == 3


def small(component, option, value):
    """The option, beside others that make a strategy quick."""
    quick = {"batches": 10, "depth": 1, "parts": 1, "proposals": 2, "passes": 2}
    return {**{k: v for k, v in quick.items() if k in component.options}, option: value}


def edge_values(component):
    """Values at or near the bounds of what is allowed."""
    for option, allowed in component.allowed.items():
        for value in SMALL + (() if option in HOW_OFTEN else LARGE):
            if allowed.holds(value) and not (
                isinstance(value, int) and "number" not in allowed.words
            ):
                yield option, value


@pytest.mark.parametrize(
    ("kind", "name", "given"),
    [
        ("strategies", "dropquery", {"rate": 0.001}),  # nothing would be dropped
        ("strategies", "dropquery", {"rate": 0.999}),  # everything
        ("strategies", "dropquery", {"passes": 1001}),
        ("strategies", "cluster-margin", {"clusters": 2**31}),
        ("strategies", "bait", {"oversample": 1e308}),
        ("strategies", "falcun", {"gamma": 1000}),  # nothing but zeros: random
        ("strategies", "maxherding", {"bandwidth": 1e300}),
        ("strategies", "power-margin", {"power": 1.7e308}),
        ("proxies", "linear", {"penalty": 1.7e308}),
        ("proxies", "lora", {"alpha": 1e300}),
        ("trainers", "uda", {"temperature": sys.float_info.min}),
        ("trainers", "softmatch", {"n_sigma": 1e300}),
        ("trainers", "supervised", {"mixup": 1.7e308}),
    ],
)
def test_what_cannot_be_computed_is_refused(kind, name, given):
    (line,) = registry.option_errors(kind, name, given)
    assert line.startswith(f"options.{next(iter(given))}: ")


def test_components_that_cannot_be_run_are_named():
    def told(name, **given):
        return registry.option_errors("strategies", name, given)

    (line,) = told("refine", candidates=["margin", "galaxy"])
    assert line.startswith("options.candidates: 'galaxy'; allowed: strategies that select a whole")
    assert "tailor" not in line  # which remembers earlier rounds
    assert told("refine", final="tailor")
    assert told("tailor", candidates=["look-ahead"])
    assert told("look-ahead", candidates=["nonesuch"])
    assert told("look-ahead", candidates=["margin", "random"]) == []
    (line,) = told("refine", candidates=["margin", "random"], batches=1)
    assert line == "options.batches: 1; allowed: at least 2 (the number of candidates)"
    (line,) = told("refine", batches=3)
    assert line == "options.batches: 3; allowed: at least 9 (the number of candidates)"


@pytest.mark.parametrize(
    ("given", "steps", "told"),
    [
        ({"warmup_start": 100}, 1000, None),
        ({"warmup_start": 100, "warmup_end": 0.5}, 1000, None),
        ({"warmup_start": 0.4}, 50, None),
        (
            {"warmup_start": 100},
            200,
            "warmup_start: 100 (step 100 of 200); allowed: at most warmup_end, 0.4 (step 80)",
        ),
        (
            {"warmup_start": 0.9, "warmup_end": 2},
            1000,
            "warmup_end: 2 (step 2 of 1000); allowed: at least warmup_start, 0.9 (step 900)",
        ),
    ],
)
def test_steps_and_shares_of_them_are_compared_as_steps(given, steps, told):
    entry = {"implementation": "pseudo-label", "options": given, "training": {"steps": steps}}
    assert registry.option_errors("trainers", "pseudo-label", given) == []
    found = kind_errors("trainers", {"mine": entry}, SCHEMA, "my.yaml")
    assert found == ([] if told is None else [f"my.yaml: mine.options.{told}"])


def test_building_refuses_what_the_catalogue_refuses():
    for kind, name, given in (
        ("trainers", "fixmatch", {"threshold": 7}),
        ("proxies", "linear", {"penalty": "abc"}),
        ("proxies", "linear", {"tolerance": math.nan}),
        ("backbones", "efficientnet-lite", {"input_size": -1}),
    ):
        with pytest.raises(InputError, match=rf"{kind}: {name}: options\.{next(iter(given))}: "):
            registry.build(kind, {"implementation": name, "options": given})


def test_names_stand_for_known_types():
    for name, kind in vars(options).items():
        if name[0].isupper() and hasattr(kind, "__metadata__"):
            assert name in options._NAMES, name
