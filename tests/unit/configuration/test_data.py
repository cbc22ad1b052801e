"""What an experiment needs of its data and backbones is told before anything starts."""

import copy
import re
from pathlib import Path

import pytest

from helpers import fake_results
from helpers.experiments_read import errors_of, load
from labelbench_core import registry
from labelbench_core.configuration import loading as experiments
from labelbench_core.configuration.inheritance import asked
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.errors import InputError
from workflow_scripts import _snakefile as parsing
from workflow_scripts._completeness import what_is_missing


def test_a_start_that_is_more_than_the_pool_is_told_as_such(quickstart, catalogue, tmp_path):
    experiment = load(quickstart, catalogue)
    prepared = {"digits": {"pool": 9, "test": 500}}
    with pytest.raises(InputError) as caught:
        experiments.check_sources(experiment, catalogue, tmp_path, prepared, "my.yaml")
    assert str(caught.value) == (
        "my.yaml: schedules: 'start-10-batch-60' starts with 10 labels, but the pool of 'digits' "
        "has 9; allowed: an `initial` of at most 9"
    )


def test_more_labels_than_the_pool_has(quickstart, catalogue, tmp_path):
    experiment = load({**quickstart, "rounds": 30}, catalogue)
    with pytest.raises(InputError) as caught:
        experiments.check_sources(
            experiment, catalogue, tmp_path, {"digits": {"pool": 1297, "test": 500}}, "my.yaml"
        )
    assert str(caught.value) == (
        "my.yaml: rounds: 30 rounds of schedule 'start-10-batch-60' buy 1750 labels, "
        "but the pool of 'digits' has 1297; allowed: at most 22"
    )
    fits = load({**quickstart, "rounds": 22}, catalogue)
    experiments.check_sources(
        fits, catalogue, tmp_path, {"digits": {"pool": 1297, "test": 500}}, "my.yaml"
    )


@pytest.mark.parametrize(
    ("evaluate", "sizes", "told"),
    [
        (["tst"], {}, "'digits' has no split 'tst' (did you mean 'test'?); allowed: pool, test"),
        (["val"], {"pool": 1297, "test": 500}, "no split 'val'; allowed: pool, test"),
        (["test", "pool"], {"pool": 1297, "test": 500}, None),
        (["far"], {"pool": 1297, "test": 500, "far": 9}, None),
        (["far"], {"pool": 1297}, "no split 'far'; allowed: pool"),
    ],
)
def test_splits_to_evaluate_are_among_those_of_the_data(
    quickstart, catalogue, tmp_path, evaluate, sizes, told
):
    (trainer,) = quickstart["finetune"]["trainers"]
    entry = catalogue["trainers"][trainer]
    changed = {**entry, "training": {**entry["training"], "evaluate": evaluate}}
    catalogue = {**catalogue, "trainers": {**catalogue["trainers"], trainer: changed}}
    experiment = load(quickstart, catalogue)
    prepared = {"digits": sizes} if sizes else {}
    if told is None:
        experiments.check_sources(experiment, catalogue, tmp_path, prepared, "my.yaml")
        return
    with pytest.raises(InputError) as caught:
        experiments.check_sources(experiment, catalogue, tmp_path, prepared, "my.yaml")
    assert told in str(caught.value)


@pytest.mark.parametrize("text", ["", "{}", "[]", "5", '{"splits": 5}', "[" * 100_000])
def test_a_damaged_manifest_is_made_again(quickstart, catalogue, tmp_path, monkeypatch, text):
    """It counts as not prepared, so that the source must be there."""
    monkeypatch.chdir(tmp_path)
    experiment = load(quickstart, catalogue)
    manifest = Path(parsing.PREPARED.format(dataset="digits"))
    (manifest.parent / "arrays").mkdir(parents=True)
    manifest.write_text(text)
    assert parsing.prepared_manifests(experiment, catalogue) == {}
    assert what_is_missing(manifest, manifest.parent / "arrays") == f"{manifest} is damaged"


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (300, 1000, None),  # of 300, 8 rounds buy too many
        (300, None, None),
        (None, 12, "datasets.yaml: data set 'digits': pool_size: 12; it leaves no image of class"),
        (None, 300, "8 rounds of schedule 'start-10-batch-60' buy 430 labels, but the pool of 'di"),
        (300, 300, "but the pool of 'digits' has 300"),
    ],
)
def test_sizes_of_data_prepared_with_other_settings_count_for_nothing(
    quickstart, catalogue, tmp_path, monkeypatch, before, now, told
):
    monkeypatch.chdir(tmp_path)
    manifest = Path(parsing.PREPARED.format(dataset="digits"))
    prepare_dataset("digits", "digits", {}, tmp_path, manifest.parent / "arrays", manifest, before)
    entry = {"implementation": "digits", **({} if now is None else {"pool_size": now})}
    catalogue = {**catalogue, "datasets": {**catalogue["datasets"], "digits": entry}}
    experiment = load(quickstart, catalogue)
    prepared = parsing.prepared_manifests(experiment, catalogue)
    assert bool(prepared) == (before == now)

    def check():
        parsing.prepare_main_process(experiment, catalogue, asked(quickstart, "my.yaml"))

    if told is None:
        check()
        return
    with pytest.raises(SystemExit) as caught:
        check()
    assert told in str(caught.value)


def test_weights_are_needed_by_what_runs(catalogue):
    def needed(rule, **ids):
        return parsing.backbones_to_run(catalogue, [(rule, {"backbone": "one", **ids})])

    for rule in ("extract_embeddings", "extract_views", "refresh_embeddings", "finetune_model"):
        assert needed(rule) == ["one"]
    assert needed("build_zero_shot_head") == ["one"]
    proxies = {"on-images": {"implementation": "finetune"}, "deep": {"implementation": "shallow"}}
    catalogue = {**catalogue, "proxies": {**catalogue["proxies"], **proxies}}
    assert needed("select_round_deep", proxy="on-images") == ["one"]
    assert needed("train_initial_deep", proxy="deep") == []
    assert needed("select_round", proxy="linear") == needed("tabulate") == []


def test_images_out_of_reach_are_told_before_a_job_that_reads_them(
    catalogue, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABELBENCH_DATA", str(tmp_path / "data"))
    manifest = tmp_path / "results/datasets/mine/manifest.json"
    manifest.parent.mkdir(parents=True)
    splits = {"pool": {"storage": "files", "num_rows": 3}}
    fake_results.note(manifest, "data set", dataset="mine", root="pets", splits=splits)

    def check(*jobs):
        ids = {"dataset": "mine", "backbone": "one", "proxy": "linear"}
        parsing.check_images(catalogue, [(rule, ids) for rule in jobs])

    with pytest.raises(SystemExit, match="data/pets; set LABELBENCH_DATA to the folder") as caught:
        check("tabulate", "extract_embeddings")
    assert str(caught.value).startswith("error: data set 'mine': the folder of its images")
    check("select_round", "tabulate")
    check("prepare_dataset", "extract_embeddings")
    (tmp_path / "data/pets").mkdir(parents=True)
    check("extract_embeddings")


def test_missing_data_is_told_before_any_job_unless_it_is_prepared_already(
    quickstart, catalogue, tmp_path
):
    catalogue = {**catalogue, "datasets": {**catalogue["datasets"]}}
    catalogue["datasets"]["digits"] = {
        "implementation": "image-folder",
        "options": {"folder": "nowhere"},
    }
    experiment = load(quickstart, catalogue)
    with pytest.raises(InputError, match="nowhere"):
        experiments.check_sources(experiment, catalogue, tmp_path, {}, "my.yaml")
    experiments.check_sources(
        experiment, catalogue, tmp_path, {"digits": {"pool": 1297, "test": 500}}, "my.yaml"
    )


def test_a_part_of_the_pool_that_loses_a_class_is_told_before_any_job(
    quickstart, catalogue, tmp_path
):
    for split in ("pool", "test"):
        for name, count in (("cat", 30), ("dog", 30), ("rare", 1)):
            folder = tmp_path / "pets" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                (folder / f"{number}.jpg").touch()
    catalogue = {**catalogue, "datasets": {**catalogue["datasets"]}}
    entry = {"implementation": "image-folder", "options": {"folder": "pets"}, "pool_size": 10}
    catalogue["datasets"]["digits"] = entry
    experiment = load(quickstart, catalogue)
    told = (
        r"^config/catalogue/datasets.yaml: data set 'digits': pool_size: 10; it leaves no image of "
        r"class rare, which has 1 of the "
        r"pool's 61 \(classes lost: 1\); allowed: (\d+) to 61"
    )
    with pytest.raises(InputError, match=told) as caught:
        experiments.check_sources(experiment, catalogue, tmp_path, {}, "my.yaml")
    least = int(re.search(told, str(caught.value))[1])
    for size, words in ((least, "my.yaml: rounds"), (least - 1, "leaves no image of class rare")):
        catalogue["datasets"]["digits"] = {**entry, "pool_size": size}
        with pytest.raises(InputError, match=words):
            experiments.check_sources(experiment, catalogue, tmp_path, {}, "my.yaml")
    # Which files will be left out is not known yet.
    skipping = {**entry, "options": {"folder": "pets", "corrupt": "skip"}}
    catalogue["datasets"]["digits"] = skipping
    with pytest.raises(InputError, match=r"my.yaml: rounds"):
        experiments.check_sources(experiment, catalogue, tmp_path, {}, "my.yaml")


def with_trainer(catalogue, **training):
    entry = {"implementation": "supervised", "training": {"head": "fresh", **training}}
    return {**catalogue, "trainers": {**catalogue["trainers"], "mine": entry}}


@pytest.mark.parametrize(
    ("panel", "evaluate", "told"),
    [
        ({"split": "val"}, None, "data set 'digits' has no split 'val'; allowed: pool, test"),
        ({"split": "tets"}, None, "no split 'tets' (did you mean 'test'?); allowed: pool, test"),
        ({"split": "pool"}, None, None),
        ({}, None, None),
        ({"split": "pool", "trainer": "brief"}, None, None),
        (
            {"split": "pool", "trainer": "brief"},
            ["test"],
            "trainer 'brief' (training.evaluate) leaves it out; allowed: test",
        ),
        ({"split": "pool"}, ["test"], None),
    ],
)
def test_panels_show_splits_that_are_evaluated(
    quickstart, catalogue, tmp_path, panel, evaluate, told
):
    if evaluate:
        brief = copy.deepcopy(catalogue["trainers"]["brief"])
        brief.setdefault("training", {})["evaluate"] = evaluate
        catalogue = {**catalogue, "trainers": {**catalogue["trainers"], "brief": brief}}
    panels = [{"title": "a"}, {"title": "b", **panel}]
    experiment = load({**quickstart, "panels": panels}, catalogue)

    def look(sizes):
        experiments.check_sources(experiment, catalogue, tmp_path, {"digits": sizes}, "my.yaml")

    if told is None:
        look({"pool": 1297, "test": 500})
        return
    with pytest.raises(InputError) as caught:
        look({"pool": 1297, "test": 500})
    start = f"my.yaml: panels.1.split: {panel['split']!r}: "
    assert str(caught.value).startswith(start)
    assert str(caught.value).endswith(told)


def test_what_needs_a_test_is_refused_where_there_is_none(quickstart, catalogue, tmp_path):
    """What names none does without; what names it is told before any job."""
    sizes = {"digits": {"pool": 1297}}
    experiment = load(quickstart, catalogue)
    assert experiments.check_sources(experiment, catalogue, tmp_path, sizes, "my.yaml") == {}
    catalogue = with_trainer(catalogue, evaluate=["test"])
    quickstart["finetune"]["trainers"] = ["mine"]
    experiment = load({**quickstart, "panels": [{"title": "a", "proxy": "linear"}]}, catalogue)
    with pytest.raises(InputError) as caught:
        experiments.check_sources(experiment, catalogue, tmp_path, sizes, "my.yaml")
    told = "data set 'digits' has no split 'test'; allowed: pool"
    assert str(caught.value).splitlines() == [
        f"my.yaml: panels.0.split: 'test': {told}",
        f"my.yaml: finetune.trainers: 'mine': training.evaluate: {told}",
    ]


def test_splits_that_a_source_does_not_say_are_not_missed(
    quickstart, catalogue, tmp_path, monkeypatch
):
    catalogue = with_trainer(catalogue, evaluate=["test"])
    quickstart["finetune"]["trainers"] = ["mine"]
    catalogue["datasets"]["digits"] = {"implementation": "digits", "pool_size": 900}
    monkeypatch.setattr(registry.load("datasets", "digits"), "check", lambda data_dir: None)
    experiment = load(quickstart, catalogue)
    assert experiments.check_sources(experiment, catalogue, tmp_path, {}, "my.yaml") == {}


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ({"pool": 1297, "test": 500}, "has no split 'val'; allowed: validation: none, held-out"),
        (
            {"pool": 1297, "test": 9, "val": 99},
            "has 99 rows in its split 'val'; allowed: at mo",
        ),
        ({"pool": 1297, "test": 500, "val": 100}, None),
        ({}, "has no split 'val'"),  # the source says so
    ],
)
def test_validation_labels_are_in_a_split_that_there_is(
    quickstart, catalogue, tmp_path, sizes, told
):
    catalogue = with_trainer(catalogue, validation="extra", validation_size=100)
    quickstart["finetune"]["trainers"] = ["mine"]
    experiment = load(quickstart, catalogue)
    arguments = (experiment, catalogue, tmp_path, {"digits": sizes} if sizes else {}, "my.yaml")
    if told is None:
        experiments.check_sources(*arguments)
        return
    with pytest.raises(InputError) as caught:
        experiments.check_sources(*arguments)
    assert str(caught.value).startswith(
        "my.yaml: finetune.trainers: 'mine': training.validation_size: 100 labels for validation: "
        "extra, but data set 'digits' has"
    )
    assert told in str(caught.value)


def test_holding_labels_out_takes_two(quickstart, catalogue):
    catalogue = with_trainer(catalogue, validation="held-out", validation_size=0.5)
    catalogue["schedules"] = {**catalogue["schedules"], "one": {"initial": 1, "batch": 1}}
    catalogue["proxies"] = {
        **catalogue["proxies"],
        "mine": {"implementation": "shallow", "options": {"trainer": "mine"}},
    }
    quickstart |= {"schedules": ["one"], "ceilings": ["full-data"]}
    quickstart["finetune"] |= {"trainers": ["mine"], "rounds": [0, 2]}
    told = errors_of(quickstart, catalogue)
    assert told == (
        "my.yaml: finetune.trainers: 'mine': training.validation is 'held-out', but schedule 'one' "
        "has 1 label after round 0; allowed: at least 2 labels, or validation: none"
    )
    quickstart["finetune"]["rounds"] = [1, 2]
    load(quickstart, catalogue)
    quickstart["proxies"] = ["mine"]
    told = errors_of(quickstart, catalogue)
    assert "proxies: 'mine' is trained by 'mine', whose training.validation is 'held-out'" in told
    assert "1 label after round 0" in told
