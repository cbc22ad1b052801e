"""Annotators in an experiment and in the catalogue: what is crossed, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from helpers.project import PROJECT
from labelbench_core.annotators.annotating import annotate_pool
from labelbench_core.annotators.annotations import arrays_of
from labelbench_core.configuration import entries
from labelbench_core.configuration.catalogue import kind_errors
from labelbench_core.configuration.compatibility.annotations import annotated, look_at_annotators
from labelbench_core.configuration.experiment import Experiment, annotator_of
from labelbench_core.configuration.loading import load_experiment
from labelbench_core.datasets import open_dataset
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.errors import InputError
from labelbench_core.stages.plan import Needs, planned_outputs

CONFIG = PROJECT / "config"
SCHEMA = CONFIG / "schema" / "catalogue.schema.json"
SAID = {"implementation": "recorded", "options": {"table": "said.csv", "column": "label"}}


def load(config, catalogue, **changes):
    return load_experiment({**config, **changes}, catalogue, CONFIG / "schema", "my.yaml")


def paths(experiment):
    return {one.path for one in planned_outputs(experiment, Needs())}


def test_without_annotators_nothing_is_other_than_with_the_exact_one(quickstart, catalogue):
    plain, exact = (load(quickstart, catalogue, **more) for more in ({}, {"annotators": ["exact"]}))
    assert plain == exact
    assert "annotators" not in json.loads(plain.to_json())["crossings"][0]
    assert paths(plain) == paths(exact)
    assert not any("@" in path or "annotat" in path for path in paths(plain))


def test_another_annotator_adds_paths_of_its_own(quickstart, catalogue):
    plain = load(quickstart, catalogue)
    both = load(quickstart, catalogue, annotators=["exact", "uniform-10"])
    assert Experiment.from_json(both.to_json()) == both
    more = paths(both) - paths(plain)
    assert paths(plain) < paths(both)
    assert all("/digits@uniform-10/" in path for path in more)
    folders = {path.split("/")[1] for path in more}
    assert folders == {"annotations", "selections", "finetuned"}
    assert "results/annotations/digits@uniform-10/record.json" in more
    alone = load(quickstart, catalogue, annotators=["uniform-10"])
    assert both.crossings[0].num_selections == 2 * alone.crossings[0].num_selections
    assert len(list(both.selections())) == both.crossings[0].num_selections
    assert {annotator_of(ids) for ids in both.settings()} == {"exact", "uniform-10"}
    assert list(annotated(both)) == list(annotated(alone)) == [("digits", "uniform-10")]


def test_a_crossing_may_have_another_annotator(quickstart, catalogue):
    also = [{"annotators": ["uniform-10"], "finetune": None}]
    experiment = load(quickstart, catalogue, also=also)
    assert [one.annotators for one in experiment.crossings] == [("exact",), ("uniform-10",)]
    assert not any("finetuned/digits@" in path for path in paths(experiment))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["uniform-11"], "annotators: 'uniform-11' is not in catalogue annotators.yaml (did you"),
        ([], "annotators: []; allowed: a non-empty list of distinct items"),
        (["exact", "exact"], "annotators: ['exact', 'exact']; allowed: a non-empty list of dist"),
        ("exact", "annotators: 'exact'; allowed: a non-empty list"),
    ],
)
def test_annotators_that_there_are_not_are_refused(quickstart, catalogue, given, told):
    with pytest.raises(InputError) as caught:
        load(quickstart, catalogue, annotators=given)
    assert str(caught.value).startswith(f"my.yaml: {told}")


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"price": 0.05, "seconds": 3}, None),
        ({"price": 0}, None),
        ({"price": -1}, "mine.price: -1; allowed: a number of at least 0"),
        ({"seconds": "3"}, "mine.seconds: '3'; allowed: a number of at least 0"),
        ({"prices": 1}, "mine.prices: unknown key (did you mean 'price'?)"),
        ({"pool_size": 10}, "mine.pool_size: only data sets have it; allowed: options, price, sec"),
        ({"share": 0.2}, "mine.share: belongs under options"),
    ],
)
def test_keys_of_an_entry(entry, told):
    given = {"mine": {"implementation": "uniform-noise", **entry}}
    found = kind_errors("annotators", given, SCHEMA, "annotators.yaml")
    if told is None:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].startswith(f"annotators.yaml: {told}")


def test_only_annotators_have_a_price():
    given = {"mine": {"implementation": "supervised", "price": 1}}
    (line,) = kind_errors("trainers", given, SCHEMA, "trainers.yaml")
    assert line.startswith("trainers.yaml: mine.price: only annotators have it")


def test_the_name_of_the_exact_annotator_is_reserved():
    good = {"exact": {"implementation": "exact", "price": 1.5}}
    assert kind_errors("annotators", good, SCHEMA, "annotators.yaml") == []
    bad = {"exact": {"implementation": "uniform-noise"}}
    (line,) = kind_errors("annotators", bad, SCHEMA, "annotators.yaml")
    assert line.startswith("annotators.yaml: exact.implementation: 'uniform-noise'; ")


def test_jobs_are_not_told_a_price(catalogue):
    entry = {**SAID, "price": 1.0, "seconds": 2.0}
    changed = {**catalogue, "annotators": {"said": entry}}
    assert entries.entry(changed, "annotators", "said") == {"id": "said", **SAID}


@pytest.fixture
def said(quickstart, catalogue, tmp_path):
    """An experiment with recorded labels, its catalogue, and its data directory."""
    catalogue = {**catalogue, "annotators": {**catalogue["annotators"], "said": SAID}}
    return load(quickstart, catalogue, annotators=["said"]), catalogue, tmp_path


def write_table(folder, labels):
    text = "\n".join(["label", *map(str, labels)])
    (folder / "said.csv").write_text(text + "\n")


def look(said, prepared=None):
    experiment, catalogue, folder = said
    records = {pair: folder / "@".join(pair) / "record.json" for pair in annotated(experiment)}
    return look_at_annotators(experiment, catalogue, folder, records, prepared or {})


def test_a_table_is_checked_before_any_job(said):
    """As far as the data set is known: digits come in a package."""
    folder = said[2]
    told = (
        r"^config/catalogue/annotators.yaml: annotator 'said' on data set 'digits': .*no such file"
    )
    with pytest.raises(InputError, match=told):
        look(said)
    write_table(folder, [1] * 1296)
    with pytest.raises(InputError, match="label: 1296 labels; allowed: 1297, one for each row"):
        look(said)
    write_table(folder, [1] * 1296 + ["ten"])
    with pytest.raises(InputError, match=r"label: 'ten' in row 1296 \(from 0\); allowed: 0, 1,"):
        look(said)
    write_table(folder, [1] * 1297)
    assert look(said) == {}
    # Of a part of the pool, prepared or not.
    manifest = {"splits": {"pool": {"num_rows": 300}}, "class_names": list("0123456789")}
    with pytest.raises(InputError, match="label: 1297 labels; allowed: 300"):
        look(said, {"digits": manifest})


def test_a_table_that_changed_is_read_again(said, tmp_path):
    experiment, catalogue, folder = said
    place = tmp_path / "digits"
    prepare_dataset("digits", "digits", {}, folder, place / "arrays", place / "manifest.json")
    dataset = open_dataset(place)
    write_table(folder, dataset.labels("pool"))
    record = folder / "digits@said" / "record.json"
    entry = {"id": "said", **SAID}
    annotate_pool(dataset, entry, folder, record, arrays_of(record))
    assert look(said) == {}
    write_table(folder, np.zeros(1297, int))
    assert look(said) == {record: "the table of annotator 'said' has changed"}
    write_table(folder, np.full(1297, 11))
    with pytest.raises(InputError, match="allowed: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, or numbers"):
        look(said)
    # With other options, nothing of the old labels counts.
    other = {
        **catalogue["annotators"],
        "said": {**SAID, "options": {**SAID["options"], "column": "b"}},
    }
    with pytest.raises(InputError, match="column 'b' is not there"):
        look((experiment, {**catalogue, "annotators": other}, folder))
    # Who has the results needs no table.
    Path(folder / "said.csv").unlink()
    assert look(said) == {}
