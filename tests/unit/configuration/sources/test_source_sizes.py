"""Sizes of data sets that nothing is there of, as published, and what is still an error."""

import sys

import pytest

from helpers.experiments_read import load
from helpers.project import PROJECT
from labelbench_core import registry
from labelbench_core.configuration import loading
from labelbench_core.configuration.catalogue import load_catalogue
from labelbench_core.configuration.sources.source_sizes import (
    known_num_classes,
    published_sizes,
    source_sizes,
)
from labelbench_core.datasets.official_files.original import original_sizes, torch_quarter
from labelbench_core.errors import InputError
from labelbench_core.registry import info
from workflow_scripts import _estimates
from workflow_scripts import _snakefile as parsing

WILD = {"pool": 129_809, "val": 7_314, "test": 8_154, "ood-val": 14_961, "ood-test": 42_791}
FMOW = {"pool": 76_863, "val": 11_483, "test": 11_327, "ood-val": 19_915, "ood-test": 22_108}
PUBLISHED = {
    "imagenet": ({"pool": 1_281_167, "test": 50_000}, 1000),
    "imagenet-labelbench": ({"pool": 1_281_167, "val": 12_500, "test": 37_500}, 1000),
    "iwildcam": (WILD, 182),
    "iwildcam-14": (WILD, 14),
    "fmow": (FMOW, 62),
    "kuzushiji-49": ({"pool": 232_365, "test": 38_547}, 49),
}
"""Rows and classes by their authors' papers: ILSVRC, WILDS (its table of splits), Kuzushiji."""


@pytest.fixture(scope="module")
def whole():
    return load_catalogue(PROJECT / "config" / "catalogue")


@pytest.mark.parametrize("dataset", PUBLISHED)
def test_what_is_not_there_has_its_published_sizes(whole, tmp_path, dataset):
    entry = whole["datasets"][dataset]
    found = source_sizes(entry, tmp_path)
    assert (found.splits, known_num_classes(entry, tmp_path)) == PUBLISHED[dataset]
    assert str(tmp_path) in found.missing


def test_every_published_data_set_can_be_planned_without_data(whole, tmp_path):
    """Those that are downloaded say their sizes themselves."""
    for dataset in ("cifar-10", "cifar-10-labelbench", "cifar-100-labelbench", "svhn"):
        entry = whole["datasets"][dataset]
        assert {"pool", "test"} <= {*source_sizes(entry, tmp_path).splits}
        assert source_sizes(entry, tmp_path).missing == ""
        assert known_num_classes(entry, tmp_path) in (10, 100)


def test_the_original_splits_are_those_that_are_drawn():
    stated = published_sizes("imagenet", {"splits": "labelbench"})
    assert stated == original_sizes(published_sizes("imagenet", {}), torch_quarter)


def test_a_part_of_what_is_not_there_is_known_too(tmp_path):
    part = {"implementation": "fmow", "pool_size": 5_000}
    assert source_sizes(part, tmp_path).splits == {**FMOW, "pool": 5_000}
    with pytest.raises(InputError, match="pool_size: 80000; allowed: at most 76863"):
        source_sizes({**part, "pool_size": 80_000}, tmp_path)
    merged = {"implementation": "fmow", "merge_classes": 10}
    assert known_num_classes(merged, tmp_path) == 10
    tailed = source_sizes({"implementation": "fmow", "long_tail": {"ratio": 9}}, tmp_path)
    assert "pool" not in tailed.splits  # it depends on the labels


def test_what_is_there_and_broken_or_stated_nowhere_is_an_error(whole, tmp_path):
    (tmp_path / "imagenet" / "train").mkdir(parents=True)
    with pytest.raises(InputError, match="imagenet/val: no such folder"):
        source_sizes(whole["datasets"]["imagenet"], tmp_path)
    (tmp_path / "fmow_v1.1").mkdir()
    (tmp_path / "fmow_v1.1" / "rgb_metadata.csv").write_text("")
    with pytest.raises(InputError, match=r"country_code_mapping\.csv: not found"):
        source_sizes(whole["datasets"]["fmow"], tmp_path)
    with pytest.raises(InputError, match="101_ObjectCategories"):
        source_sizes(whole["datasets"]["caltech-101"], tmp_path)


def test_budgets_are_checked_with_the_published_sizes(quickstart, catalogue, whole, tmp_path):
    datasets = {**catalogue["datasets"], "fmow": whole["datasets"]["fmow"]}
    schedules = {**catalogue["schedules"], "huge": {"initial": 76_000, "batch": 500}}
    catalogue = {**catalogue, "datasets": datasets, "schedules": schedules}
    wanted = {**quickstart, "datasets": ["fmow"], "schedules": ["huge"], "rounds": 2}
    del wanted["finetune"]

    def look(**changes):
        experiment = load({**wanted, **changes}, catalogue)
        return loading.check_sources(experiment, catalogue, tmp_path, {}, "my.yaml")

    (told,) = look().values()
    assert told.startswith(f"data set 'fmow': {tmp_path}/fmow_v1.1/rgb_metadata.csv: not found")
    with pytest.raises(InputError, match="the pool of 'fmow' has 76863; allowed: at most 2"):
        look(rounds=3)


def test_a_run_stops_where_a_missing_data_set_is_prepared(capsys):
    missing = {"fmow": "data set 'fmow': gone", "iwildcam": "data set 'iwildcam': gone"}
    jobs = [("prepare_dataset", {"dataset": "fmow"}), ("annotate", {"dataset": "iwildcam"})]
    with pytest.raises(SystemExit) as stopped:
        parsing.check_missing(missing, jobs)
    assert stopped.value.code == "error: data set 'fmow': gone"
    parsing.check_missing(missing, jobs[1:])
    parsing.tell_missing(missing, jobs)
    told = "planned with published sizes, but a run would stop: data set 'fmow': gone\n"
    assert capsys.readouterr().err == told


def test_a_plan_tells_which_backbones_lack_a_package(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(parsing, "BACKBONES_STATE", tmp_path / "backbones.json")
    backbones = {
        "texts": {
            "implementation": "sentence-transformer",
            "options": {"model": "package:not_there/model"},
        },
        "script": {"implementation": "torchscript-model", "options": {"file": "not-there.ts"}},
    }
    catalogue = {"backbones": backbones}
    jobs = [("extract_embeddings_of_texts", {"backbone": "texts"})]
    parsing.tell_lacking(catalogue, [("prepare_dataset", {"dataset": "fmow"})])
    assert capsys.readouterr().err == ""
    # A plan has refused the other's file before.
    parsing.tell_lacking(catalogue, [*jobs, ("extract_embeddings", {"backbone": "script"})])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("planned, but a run would stop: ")
    told = "Python package not_there is not installed: "
    assert line.endswith(f"{told}.venv/bin/pip install not-there")


def test_an_estimate_says_which_sizes_are_as_published(
    quickstart, catalogue, whole, tmp_path, monkeypatch
):
    monkeypatch.setenv("LABELBENCH_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    datasets = {**catalogue["datasets"], "iwildcam-14": whole["datasets"]["iwildcam-14"]}
    catalogue = {**catalogue, "datasets": datasets}
    experiment = load(
        {**quickstart, "datasets": ["iwildcam-14", "digits"], "metric": "accuracy"}, catalogue
    )
    facts, (line,) = _estimates.dataset_facts(experiment, catalogue)
    assert (facts["iwildcam-14"].splits, facts["iwildcam-14"].num_classes) == (WILD, 14)
    where = tmp_path / "iwildcam_v2.0" / "metadata.csv"
    assert line == f"Data set 'iwildcam-14': sizes are as published: {where}: not found."


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({"sizes": {"pool": 0}}, "sizes: {'pool': 0}; allowed: a mapping of splits to numbers of"),
        ({"sizes_by": {"whole": {"a": {"val": 1}}}}, "sizes_by: 'whole' is not an option; allowed"),
        ({"num_classes": "many"}, "num_classes: 'many' is not an option; allowed: part"),
        ({"num_classes": "part"}, "num_classes: part, whose default is 'a'; allowed: options with"),
    ],
)
def test_what_a_module_says_of_its_sizes_is_checked(stated, told):
    (line,) = info.errors("datasets", {"summary": "-", **stated}, {"part": "a"})
    assert line.startswith(told)


def test_stated_sizes_are_read_without_importing_the_module():
    assert registry.describe("datasets", "iwildcam").info["sizes"] == WILD


def test_pools_whose_labels_are_in_a_package_are_planned_without_it(tmp_path, monkeypatch):
    """With conda, the process that plans has no packages of jobs."""
    entry = {"implementation": "digits", "pool_size": 300}
    expected = source_sizes(entry, tmp_path)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert source_sizes(entry, tmp_path) == expected
    # How long its tail is depends on them.
    entry = {"implementation": "digits", "long_tail": {"ratio": 10}}
    assert source_sizes(entry, tmp_path).splits == {"test": 500}


def test_a_source_that_cannot_be_read_without_a_package_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    (tmp_path / "pool.zarr").mkdir()
    options = {"splits": {"pool": "pool.zarr"}}
    with pytest.raises(InputError, match=r"^the package zarr, which .* environment\.yml$"):
        source_sizes({"implementation": "own-embeddings", "options": options}, tmp_path)
