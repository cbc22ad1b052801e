"""config/README.md has every key of the schemas, whose defaults are those that the code takes."""

import dataclasses
import json

import pytest

from docs import make_config_table
from helpers.project import PROJECT
from labelbench_core.augmentation.settings import (
    Augmentation,
    StrongAugmentation,
    TextAugmentation,
)
from labelbench_core.configuration.catalogue import KINDS, load_catalogue
from labelbench_core.configuration.experiment import Finetuning
from labelbench_core.configuration.loading import load_experiment
from labelbench_core.storage.yaml_files import read_yaml

CONFIG = PROJECT / "config"
EXPERIMENT = json.loads((CONFIG / "schema" / "experiment.schema.json").read_text("utf-8"))
CAMPAIGN = json.loads((CONFIG / "schema" / "campaign.schema.json").read_text("utf-8"))
CATALOGUE = json.loads((CONFIG / "schema" / "catalogue.schema.json").read_text("utf-8"))
PAGE = (CONFIG / "README.md").read_text("utf-8")


def all_keys():
    yield from make_config_table.keys(EXPERIMENT, EXPERIMENT)
    yield from make_config_table.keys(CAMPAIGN, CAMPAIGN)
    yield from make_config_table.keys(CATALOGUE["$defs"]["component"], CATALOGUE)
    for kind in ("schedules", "augmentations"):
        yield from make_config_table.keys(
            CATALOGUE["$defs"][kind]["additionalProperties"], CATALOGUE
        )


def test_the_page_is_in_step_with_the_schemas():
    assert make_config_table.page(PAGE) == PAGE, "python -m docs.make_config_table"


def test_a_changed_schema_changes_the_page(monkeypatch):
    changed = json.loads(json.dumps(EXPERIMENT))
    changed["properties"]["rounds"]["description"] = "Something else."
    read = make_config_table._read
    monkeypatch.setattr(
        make_config_table, "_read", lambda name: changed if name == "experiment" else read(name)
    )
    assert "Something else." in make_config_table.page(PAGE)


def test_the_page_has_a_table_for_experiments_campaigns_and_every_kind():
    assert set(make_config_table.tables()) == {"experiment", "campaign", "training", *KINDS}
    for name in make_config_table.tables():
        assert f"<!-- table: {name} -->" in PAGE


@pytest.mark.parametrize(
    ("key", "schema", "required"), [pytest.param(*k, id=k[0]) for k in all_keys()]
)
def test_every_key_is_described_and_says_what_holds_without_it(key, schema, required):
    told = schema["description"]
    assert told.endswith(".")
    assert not (required and "default" in schema)
    has_words = make_config_table.LEFT_OUT.search(told) is not None
    assert required + ("default" in schema) + has_words == 1


def test_a_further_crossing_has_keys_of_the_experiment_only():
    inner = EXPERIMENT["properties"]["also"]["items"]["properties"]
    assert set(inner) <= set(EXPERIMENT["properties"])
    told = PAGE.partition("Entries of `also` have")[2].partition("\n\n")[0]
    assert all(f"`{key}`" in told for key in inner)


def test_defaults_of_an_experiment_are_those_of_the_code():
    catalogue = load_catalogue(CONFIG / "catalogue")
    values = read_yaml(CONFIG / "config.yaml")
    given = {
        key: value
        for key, value in values.items()
        if key not in ("baseline", "highlight", "metric")
    }
    read = load_experiment(given, catalogue, CONFIG / "schema", "config.yaml")
    for key in ("baseline", "highlight"):
        assert getattr(read, key) == EXPERIMENT["properties"][key]["default"]
    assert read.metric == "accuracy"
    assert "accuracy where they name none" in EXPERIMENT["properties"]["metric"]["description"]
    keep = EXPERIMENT["$defs"]["finetune"]["properties"]["keep"]
    assert keep["default"] == {f.name: f.default for f in dataclasses.fields(Finetuning)}["keep"]


def test_defaults_of_an_augmentation_are_those_of_the_code():
    entry = CATALOGUE["$defs"]["augmentations"]["additionalProperties"]["properties"]
    of_texts = {field.name: field.default for field in dataclasses.fields(TextAugmentation)}
    for name, settings in (("weak", Augmentation), ("strong", StrongAugmentation)):
        defaults = {field.name: field.default for field in dataclasses.fields(settings)}
        for key, one in entry[name]["properties"].items():
            assert one["default"] == (of_texts | defaults)[key]
