"""The experiment's schema and its dataclasses say the same: keys, types, choices and defaults."""

import dataclasses
import json
import types
import typing

import pytest

from helpers.experiments_read import SCHEMA, load
from labelbench_core.configuration.experiment import (
    KEEP,
    SETTING,
    Crossing,
    Experiment,
    Finetuning,
)
from labelbench_core.configuration.references import Panel

ROOT = json.loads((SCHEMA / "experiment.schema.json").read_text("utf-8"))
READ_BEFORE = {"extends", "recipe", "recipes", "catalogue"}  # which file's keys hold, and entries
OF_PLANNING = {"check_sources"}  # nothing that is measured or shown depends on it
CALLED = {
    "also": "crossings",
    "metrics": "further_metrics",
    "reference": "references",
    "prices": "priced",
}
# `ceilings` are parted into strategies and schedules.
PARTED = {"full_data": "ceilings"}
LOOKED_UP = {"reference", "validation_labels"}  # of a panel: by a name, and in the catalogue
JSON_TYPES = {str: "string", bool: "boolean", int: "integer", tuple: "array", list: "array"}


def resolved(schema):
    """A part of the schema without references."""
    if "$ref" not in schema:
        return schema
    part = ROOT
    for name in schema["$ref"].split("/")[1:]:
        part = part[name]
    return {**resolved(part), **{key: one for key, one in schema.items() if key != "$ref"}}


def keys(schema):
    return {name: resolved(one) for name, one in schema["properties"].items()}


def fields(kind):
    return {one.name: one for one in dataclasses.fields(kind)}


def plain_types(hint):
    """The Python types that a field may have, None apart."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return {one for part in typing.get_args(hint) for one in plain_types(part)}
    if typing.get_origin(hint) is typing.Annotated:
        return plain_types(typing.get_args(hint)[0])
    if typing.get_origin(hint) is typing.Literal:
        return {type(value) for value in typing.get_args(hint)}
    return {typing.get_origin(hint) or hint} - {type(None)}


def json_types(schema):
    """The JSON types that a key may have, null apart."""
    if "const" in schema:
        return {JSON_TYPES[type(schema["const"])]}
    if "enum" in schema:
        return {JSON_TYPES[type(value)] for value in schema["enum"]}
    parts = schema.get("oneOf") or schema.get("anyOf")
    if parts:
        return {one for part in parts for one in json_types(resolved(part))}
    given = schema["type"]
    return ({given} if isinstance(given, str) else {*given}) - {"null"}


EXPERIMENT, ALSO = keys(ROOT), keys(keys(ROOT)["also"]["items"])
PLACES = [
    *((Experiment, name, EXPERIMENT[name]) for name in fields(Experiment) if name in EXPERIMENT),
    *((Crossing, name, EXPERIMENT[name]) for name in fields(Crossing) if name in EXPERIMENT),
    *((Finetuning, name, one) for name, one in keys(EXPERIMENT["finetune"]).items()),
    *(
        (Panel, name, one)
        for name, one in keys(EXPERIMENT["panels"]["items"]).items()
        if name in fields(Panel) and name not in LOOKED_UP
    ),
]


def test_every_key_has_its_field():
    have = {*fields(Experiment), *fields(Crossing)}
    apart = READ_BEFORE | OF_PLANNING
    assert {CALLED.get(key, key) for key in EXPERIMENT} - have == apart


def test_every_field_has_its_key():
    called = {CALLED.get(key, key) for key in EXPERIMENT}
    assert {*fields(Experiment), *fields(Crossing)} - called == {*PARTED}
    assert {*PARTED.values()} <= {*EXPERIMENT}


def test_further_crossings_change_every_field_of_a_crossing():
    assert {*ALSO} == {*fields(Crossing)} - {*PARTED}
    for key, schema in ALSO.items():
        assert json_types(schema) == json_types(EXPERIMENT[key]), key


def test_finetuning_has_the_keys_of_its_schema():
    assert {*fields(Finetuning)} == {*keys(EXPERIMENT["finetune"])}


def test_panels_have_the_keys_of_their_schema():
    panel = {*keys(EXPERIMENT["panels"]["items"])}
    assert {*fields(Panel)} - LOOKED_UP - {"setting"} == panel - {*SETTING} - LOOKED_UP
    assert {*SETTING, "reference"} <= panel


@pytest.mark.parametrize(("kind", "name", "schema"), PLACES, ids=lambda one: str(one)[:40])
def test_a_field_holds_what_its_key_may_be(kind, name, schema):
    hint = typing.get_type_hints(kind, include_extras=True)[name]
    wanted = json_types(schema)
    for one in plain_types(hint):
        # Keys of a mapping are fields of a dataclass.
        told = "object" if dataclasses.is_dataclass(one) else JSON_TYPES[one]
        assert told in wanted


def test_optional_fields_are_optional_keys():
    for kind, schema in (
        (Experiment, ROOT),
        (Crossing, ROOT),
        (Finetuning, EXPERIMENT["finetune"]),
        (Panel, EXPERIMENT["panels"]["items"]),
    ):
        for name, field in fields(kind).items():
            if field.default is not dataclasses.MISSING:
                assert name not in schema["required"], (kind, name)


def test_choices_are_the_same():
    assert tuple(keys(EXPERIMENT["finetune"])["keep"]["enum"]) == KEEP
    smoothing = typing.get_type_hints(Panel)["smoothing"]
    wanted = keys(EXPERIMENT["panels"]["items"])["smoothing"]["enum"]
    assert list(typing.get_args(smoothing)) == wanted


def test_what_is_left_out_is_read_as_the_schema_says(quickstart, catalogue):
    """Defaults of the schema, and those of fields whose keys have none there."""
    asked = {key: quickstart[key] for key in ROOT["required"]}
    asked["finetune"] = {
        key: quickstart["finetune"][key] for key in EXPERIMENT["finetune"]["required"]
    }
    experiment = load({**asked, "panels": [{"title": "one"}]}, catalogue)
    (crossing,), (panel,) = experiment.crossings, experiment.panels
    for read, schema, kind in (
        (experiment, EXPERIMENT, Experiment),
        (crossing, EXPERIMENT, Crossing),
        (crossing.finetune, keys(EXPERIMENT["finetune"]), Finetuning),
        (panel, keys(EXPERIMENT["panels"]["items"]), Panel),
    ):
        seen = 0
        for name, field in fields(kind).items():
            told = schema.get(name, {}).get("default", dataclasses.MISSING)
            for default in (told, field.default):
                if default is dataclasses.MISSING or name in ("finetune", "panels"):
                    continue
                assert getattr(read, name) == default, (kind, name)
                seen += 1
        assert seen, kind
