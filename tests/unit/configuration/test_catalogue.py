"""What is wrong in a file of the catalogue is told by file and key."""

import shutil

import pytest

from helpers.experiments_read import CATALOGUE_SCHEMA
from helpers.project import PROJECT
from labelbench_core.configuration.catalogue import kind_errors, load_catalogue
from labelbench_core.errors import InputError


@pytest.mark.parametrize(
    ("training", "told"),
    [
        ({"learning_rate": "5e-4"}, "learning_rate: '5e-4'; allowed: a number above 0 (YAML reads "
         "this as text: write 5.0e-4)"),
        ({"learning_rate": "1.5e2"}, "a number above 0 (YAML reads this as text: write 1.5e+2)"),
        ({"steps": "1e1"}, "a whole number of at least 1 (YAML reads this as text: write 10)"),
        ({"learning_rate": "fast"}, "learning_rate: 'fast'; allowed: a number above 0"),
        ({"learning_rate": "-5e-4"}, "learning_rate: '-5e-4'; allowed: a number above 0"),
        ({"steps": 4}, "warmup_steps: 50 (its default); allowed: from 0 to steps, 4"),
        ({"steps": 4, "warmup_steps": 5}, "warmup_steps: 5; allowed: from 0 to steps, 4"),
        ({"strong_cutout": 0.1}, "0.1; supervised uses no unlabelled examples; allowed: leave it "
         "out"),
        ({"unlabeled_ratio": 3}, "unlabeled_ratio: 3; supervised uses no unlabelled examples; "
         "allowed: leave it out"),
        ({"batch_size": 2, "accumulate": 3}, "accumulate: 3; allowed: from 1 to batch_size, 2"),
    ],
)  # fmt: skip
def test_a_recipes_errors_say_how_to_mend_them(training, told):
    entry = {"implementation": "supervised", "training": training}
    (line,) = kind_errors("trainers", {"x": entry}, CATALOGUE_SCHEMA, "trainers.yaml")
    assert line.startswith("trainers.yaml: x.training.")
    assert line.endswith(told)


@pytest.mark.parametrize(
    ("kind", "entry", "told"),
    [
        ("datasets", {"implementation": "image-folder", "image_size": 32}, "image_size: belongs "
         "under options"),
        ("trainers", {"implementation": "supervised", "steps": 9}, "steps: belongs under training"),
        ("trainers", {"implementation": "supervised", "mixup": 1}, "mixup: belongs under options"),
        ("datasets", {"implementation": "digits", "abc": 3}, "abc: unknown key; allowed: "
         "duplicates, implementation, long_tail, merge_classes, metric, near_copies, "
         "near_duplicates, options, pool_size, prompts, weights_for"),
        ("trainers", {"implementation": "supervised", "trainin": {}}, "trainin: unknown key (did "
         "you mean 'training'?); allowed: implementation, options, training"),
        ("strategies", {"implementation": "margin", "a": 3}, "a: unknown key; allowed: "
         "implementation, options"),
        ("trainers", {"implementation": "supervised", "pool_size": 3}, "pool_size: only data sets "
         "have it; allowed: options, training"),
        ("strategies", {"implementation": [], "a": 3}, None),
    ],
)  # fmt: skip
def test_keys_are_those_of_the_kind(kind, entry, told):
    found = kind_errors(kind, {"x": entry}, CATALOGUE_SCHEMA, "my.yaml")
    assert found
    assert told is None or found == [f"my.yaml: x.{told}"]


@pytest.mark.parametrize("options", [None, {}, {"folder": ""}, {"image_size": 32}])
def test_an_option_that_has_to_be_given_is_named(options):
    entry = {"implementation": "image-folder", **({} if options is None else {"options": options})}
    (told,) = kind_errors("datasets", {"x": entry}, CATALOGUE_SCHEMA, "datasets.yaml")
    assert told == "datasets.yaml: x.options.folder: missing; allowed: a string of one line"


@pytest.fixture
def config_folder(tmp_path):
    shutil.copytree(PROJECT / "config", tmp_path / "config")
    return tmp_path / "config"


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("strategies", "m: {implementation: margin, duplicates: error}", "only data sets have it"),
        ("datasets", "d: {implementation: digits, duplicates: stop}", "duplicates: 'stop'"),
        ("datasets", "d: {implementation: digits, near_duplicates: 65}", "near_duplicates: 65"),
        ("strategies", "margin: {implementation: margni}", "did you mean 'margin'"),
        ("strategies", "margin: {method: margin}", "margin.method: unknown key"),
        ("strategies", "Margin: {implementation: margin}", "'Margin'; allowed as a key: an id"),
        (
            "strategies",
            "badge: {implementation: badge, options: {first_centre: uniform}}",
            "badge.options.first_centre: unknown option (did you mean 'first_center'?)",
        ),
        (
            "proxies",
            "linear: {implementation: linear, options: {tolerance: small}}",
            "linear.options.tolerance: 'small'; allowed: a number above 0",
        ),
        ("schedules", "weekly: {initial: 10}", "weekly: missing key: batch"),
        ("schedules", "weekly: {initial: 0, batch: 1}", "weekly.initial: 0"),
        (
            "schedules",
            "weekly: {initial: most, batch: 1}",
            "weekly.initial: 'most'; allowed: a whole number of at least 1 or all",
        ),
        (
            "schedules",
            "weekly: {initial: 10, batch: 0}",
            "weekly.batch: 0; allowed: a whole number of at least 1",
        ),
        ("schedules", "weekly: {initial: all, batch: 5}", "weekly.batch: 5; allowed: 0"),
        ("schedules", "a: {initial: 1, batch: 1}\na: {initial: 2, batch: 1}", "occurs twice"),
        ("proxies", "linear: {implementation: [", "not valid YAML"),
    ],
)
def test_errors_in_the_catalogue_name_the_file(config_folder, file, text, told):
    (config_folder / "catalogue" / f"{file}.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        load_catalogue(config_folder / "catalogue")
    assert told in str(caught.value)
    assert f"{file}.yaml" in str(caught.value)
