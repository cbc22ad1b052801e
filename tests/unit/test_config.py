"""A wrong configuration is told whole, and before anything starts."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import fake_results
import pytest
import yaml

from labelbench_core import config as experiments
from labelbench_core import registry
from labelbench_core import workflow as parsing
from labelbench_core.catalogue import kind_errors, load_catalogue
from labelbench_core.completeness import what_is_missing
from labelbench_core.datasets.prepare import prepare_dataset
from labelbench_core.errors import InputError, shown_value
from labelbench_core.experiment import Experiment
from labelbench_core.yaml_files import read_yaml

PROJECT = Path(experiments.__file__).resolve().parents[1]
SCHEMA = PROJECT / "config" / "schema"
CATALOGUE_SCHEMA = SCHEMA / "catalogue.schema.json"


@pytest.fixture(scope="module")
def catalogue():
    return load_catalogue(PROJECT / "config" / "catalogue")


@pytest.fixture
def quickstart():
    return read_yaml(PROJECT / "config" / "config.yaml")


def load(config, catalogue):
    return experiments.load_experiment(config, catalogue, SCHEMA, "my.yaml")


def errors_of(config, catalogue):
    with pytest.raises(InputError) as caught:
        load(config, catalogue)
    return str(caught.value)


@pytest.mark.parametrize(
    "file", sorted(PROJECT.glob("config/*.yaml")) + sorted(PROJECT.glob("config/paper/*.yaml"))
)
def test_every_committed_experiment_is_valid(file, catalogue):
    experiment = load(read_yaml(file), catalogue)
    expected = "quickstart" if file.stem == "config" else file.stem.replace("_", "-")
    assert experiment.experiment == expected


def test_quickstart_is_what_the_readme_says(quickstart, catalogue):
    experiment = load(quickstart, catalogue)
    (crossing,) = experiment.crossings
    assert (len(crossing.seeds), crossing.rounds) == (10, 8)
    assert len(list(experiment.selections())) == 480 + 10  # and the full data, with every seed
    assert len(list(experiment.finetunings())) == 12


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"stratgies": ["margin"]}, "my.yaml: stratgies: unknown key (did you mean 'strategies'?)"),
        ({"rounds": 0}, "my.yaml: rounds: 0; allowed: a whole number from 1 to 100000"),
        ({"rounds": "8"}, "my.yaml: rounds: '8'"),
        ({"rounds": True}, "my.yaml: rounds: true; allowed: a whole number"),
        ({"rounds": None}, "my.yaml: rounds: null; allowed: a whole number"),
        (
            {"seeds": 0},
            "my.yaml: seeds: 0; allowed: a whole number from 1 to 100000 or a non-empty list",
        ),
        ({"datasets": []}, "my.yaml: datasets: []"),
        ({"experiment": "My Study"}, "experiment: 'My Study'; allowed: an id: lower-case letters"),
        ({"strategies": ["random", "magrin"]}, "strategies: 'magrin' is not in catalogue"),
        ({"strategies": ["random", "magrin"]}, "(did you mean 'margin'?)"),
        ({"strategies": ["margin"]}, "baseline: 'random' is not in the experiment's strategies"),
        ({"strategies": ["random"]}, "highlight: 'margin' is not in the experiment's strategies"),
        (
            {"highlight": "random", "strategies": ["random", "margin", "badge"]},
            "highlight: 'random' is the baseline, with which it would be compared; allowed: "
            "margin, badge",
        ),
        ({"baseline": "margin"}, "highlight: 'margin' is the baseline, with which it would be"),
        ({"backbones": ["vit"]}, "backbones: 'vit' is not in catalogue backbones.yaml"),
        ({"schedules": ["weekly"]}, "schedules: 'weekly' is not in catalogue"),
        (
            {"strategies": ["random", "margin", "look-ahead"]},
            "my.yaml: strategies: 'look-ahead' is a ceiling, which is never ranked; name it under",
        ),
        ({"schedules": ["full-data"]}, "schedules: 'full-data' is a ceiling, which is never"),
        (
            {"ceilings": ["margin"]},
            "ceilings: 'margin' is not in the catalogue as a ceiling; "
            "allowed: full-data, look-ahead, look-ahead-greedy",
        ),
        ({"ceilings": ["start-10-batch-60"]}, "ceilings: 'start-10-batch-60' is not in the cat"),
        ({"ceilings": ["ful-data"]}, "(did you mean 'full-data'?)"),
        (
            {"ceilings": ["look-ahead"], "highlight": "look-ahead"},
            "highlight: 'look-ahead' is not in the experiment's strategies; allowed: badge",
        ),
        (
            {"ceilings": ["full-data"], "baseline": "full-data"},
            "baseline: 'full-data' is not in the experiment's strategies; allowed: badge",
        ),
    ],
)
def test_each_error_names_file_key_value_and_what_is_allowed(quickstart, catalogue, change, told):
    assert told in errors_of({**quickstart, **change}, catalogue)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"rounds": [8]}, "finetune.rounds: 8 is outside; allowed: 0 to 7"),
        ({"seeds": [10]}, "finetune.seeds: 10 is outside"),
        ({"seeds": 90}, "finetune.seeds: 10, 11, 12, … (80 in all) are outside; allowed: 0"),
        ({"strategies": ["bald"]}, "finetune.strategies: 'bald' is not in the experiment's"),
        ({"strategies": ["look-ahead"]}, "'look-ahead' is not in the experiment's strategies and"),
        ({"trainers": ["sgd"]}, "finetune.trainers: 'sgd' is not in catalogue trainers.yaml"),
        ({"round": [1]}, "finetune.round: unknown key"),
    ],
)
def test_errors_of_the_finetuning_part(quickstart, catalogue, change, told):
    quickstart["finetune"] |= change
    assert told in errors_of(quickstart, catalogue)


def test_all_errors_are_told_at_once(quickstart, catalogue):
    quickstart |= {"datasets": ["digit"], "proxies": ["liner"], "highlight": "margins"}
    told = errors_of(quickstart, catalogue)
    assert len(told.splitlines()) == 3
    assert all(line.startswith("my.yaml: ") for line in told.splitlines())


def test_missing_keys_are_named(catalogue):
    told = errors_of({"experiment": "x"}, catalogue)
    assert "missing key" in told
    assert "strategies" in told


def test_ceilings_are_crossed_beside_the_strategies(quickstart, catalogue):
    quickstart["ceilings"] = ["full-data", "look-ahead"]
    quickstart["finetune"]["strategies"] = ["margin", "look-ahead", "full-data"]
    experiment = load(quickstart, catalogue)
    assert (experiment.full_data, experiment.ceilings) == (("full-data",), ("look-ahead",))
    rounds = list(experiment.selections())
    assert sum(ids["strategy"] == "look-ahead" for ids in rounds) == 10 * 8
    at_once = [ids for ids in rounds if ids["schedule"] == "full-data"]
    assert [(ids["strategy"], ids["round"]) for ids in at_once] == [("full-data", 0)] * 10
    tuned = list(experiment.finetunings())
    assert sum(ids["strategy"] == "look-ahead" for ids in tuned) == 2 * 3
    at_once = [ids for ids in tuned if ids["schedule"] == "full-data"]
    assert [(ids["strategy"], ids["round"]) for ids in at_once] == [("full-data", 0)] * 3
    assert Experiment.from_json(experiment.to_json()) == experiment
    # A pool of 1,297 rows holds all rounds; what the full data is does not depend on their number.
    experiments.check_sources(
        experiment, catalogue, PROJECT, {"digits": {"pool": 1297, "test": 500}}, "my.yaml"
    )


def test_further_crossings_are_the_experiment_but_for_their_keys(quickstart, catalogue):
    also = {"proxies": ["linear", "shallow"], "seeds": 2, "rounds": 3, "ceilings": []}
    quickstart["also"] = [{**also, "finetune": None}]
    experiment = load(quickstart, catalogue)
    first, second = experiment.crossings
    assert (second.datasets, second.strategies) == (first.datasets, first.strategies)
    assert (second.proxies, second.seeds, second.rounds) == (("linear", "shallow"), (0, 1), 3)
    assert second.finetune is None
    assert second.full_data == ()
    # Rounds that both crossings have are one job.
    count = len(list(first.selections()))
    assert len(list(experiment.selections())) == count + 6 * 2 * 3
    assert len(list(experiment.finetunings())) == len(list(first.finetunings()))
    assert [ids["proxy"] for ids in experiment.settings()] == ["linear", "shallow"]
    assert Experiment.from_json(experiment.to_json()) == experiment


@pytest.mark.parametrize(
    ("also", "told"),
    [
        ({"proxies": ["lineer"]}, "my.yaml: also.0.proxies: 'lineer' is not in catalogue"),
        ({"strategies": ["random"]}, "also.0.highlight: 'margin' is not in the"),
        ({"rounds": 2}, "also.0.finetune.rounds: 2, 7 are outside; allowed: 0 to 1"),
        ({"rounds": 0}, "my.yaml: also.0.rounds: 0"),
        ({"baseline": "margin"}, "my.yaml: also.0.baseline: unknown key"),
        ({}, "my.yaml: also.0: {}"),
    ],
)
def test_errors_of_further_crossings_say_which(quickstart, catalogue, also, told):
    assert told in errors_of({**quickstart, "also": [also]}, catalogue)


@pytest.mark.parametrize(("strategy", "told"), [("bald", "member_probabilities"), ("badge", None)])
def test_a_strategy_needs_a_proxy_that_provides_for_it(quickstart, catalogue, strategy, told):
    quickstart["strategies"] = ["random", "margin", strategy]
    for proxy in ("linear", "linear-ensemble"):
        quickstart["proxies"] = [proxy]
        if told and proxy == "linear":
            error = f"strategies: {strategy!r} needs {told}, which proxy 'linear' does not provide"
            assert error in errors_of(quickstart, catalogue)
        else:
            load(quickstart, catalogue)


def test_methods_for_one_class_a_row_are_refused_for_multilabel_data(
    quickstart, catalogue, monkeypatch
):
    describe = registry.describe

    def with_multilabel_digits(kind, name):
        component = describe(kind, name)
        if (kind, name) in (("datasets", "digits"), ("proxies", "linear")):
            return replace(component, info={**component.info, "multilabel": True})
        return component

    monkeypatch.setattr(registry, "describe", with_multilabel_digits)
    quickstart |= {"strategies": ["random", "margin", "alfa-mix"], "ceilings": ["look-ahead"]}
    told = errors_of(quickstart, catalogue).splitlines()
    assert len(told) == 3
    assert told[0].startswith("my.yaml: strategies: 'alfa-mix' does not apply to data set 'digits'")
    assert "margin" in told[0].partition("allowed: ")[2]
    assert "alfa-mix" not in told[0].partition("allowed: ")[2]
    assert told[1].startswith("my.yaml: ceilings: 'look-ahead' does not apply")
    assert told[2].startswith("my.yaml: finetune.trainers: 'brief' does not apply")
    assert told[2].endswith("allowed: none")


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
         "duplicates, implementation, near_duplicates, options, pool_size, prompts"),
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


def test_numbers_that_are_text_are_told_in_schemas_too(quickstart, catalogue):
    told = errors_of({**quickstart, "rounds": "1e1"}, catalogue)
    assert told.endswith("from 1 to 100000 (YAML reads this as text: write 10)")
    wrong = {"x": {"draws": 1, "weak": {"translate": "1e-1"}}}
    (told,) = kind_errors("augmentations", wrong, CATALOGUE_SCHEMA, "augmentations.yaml")
    assert told.endswith("below 1 (YAML reads this as text: write 1.0e-1)")


def test_a_start_that_is_more_than_the_pool_is_told_as_such(quickstart, catalogue, tmp_path):
    experiment = load(quickstart, catalogue)
    prepared = {"digits": {"pool": 9, "test": 500}}
    with pytest.raises(InputError) as caught:
        experiments.check_sources(experiment, catalogue, tmp_path, prepared, "my.yaml")
    assert str(caught.value) == (
        "my.yaml: schedules: 'start-10-batch-60' starts with 10 labels, but the pool of 'digits' "
        "has 9; allowed: an `initial` of at most 9"
    )


@pytest.mark.parametrize("options", [None, {}, {"folder": ""}, {"image_size": 32}])
def test_an_option_that_has_to_be_given_is_named(options):
    entry = {"implementation": "image-folder", **({} if options is None else {"options": options})}
    (told,) = kind_errors("datasets", {"x": entry}, CATALOGUE_SCHEMA, "datasets.yaml")
    assert told == "datasets.yaml: x.options.folder: missing; allowed: a text of one line"


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
        # What a data set from outside says of itself may be less than it has.
        (["far"], {"pool": 1297}, None),
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
    assert parsing.prepared_splits(experiment, catalogue) == {}
    assert what_is_missing(manifest, manifest.parent / "arrays") == f"{manifest} is damaged"


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (300, 1000, None),  # of 300, 8 rounds buy too many
        (300, None, None),
        (None, 12, "data set 'digits': pool_size: 12; it leaves no image of class"),
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
    prepared = parsing.prepared_splits(experiment, catalogue)
    assert bool(prepared) == (before == now)

    def check():
        parsing.prepare_main_process(experiment, catalogue, ["my.yaml"])

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
        r"data set 'digits': pool_size: 10; it leaves no image of class rare, which has 1 of the "
        r"pool's 61 \(1 classes lost\); allowed: (\d+) to 61"
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


def test_order_of_keys_does_not_matter(quickstart, catalogue):
    backwards = yaml.safe_load(yaml.safe_dump(dict(reversed(quickstart.items())), sort_keys=False))
    assert load(backwards, catalogue) == load(quickstart, catalogue)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"rounds": 3.0}, "rounds: 3.0; allowed: a whole number from 1 to"),
        ({"rounds": float("nan")}, "rounds: nan; allowed: a whole number"),
        (
            {"seeds": 1.0},
            "seeds: 1.0; allowed: a whole number from 1 to 100000 or a non-empty list",
        ),
        ({"seeds": [0, 1.0]}, "seeds: [0, 1.0]; allowed: a whole number"),
        ({"seeds": [0, 0]}, "seeds: [0, 0]; allowed: a whole number"),
        ({"seeds": 10**12}, "seeds: 1000000000000; allowed: a whole number"),
        ({"rounds": 10**30}, "rounds: 1000000000000000000000000000000; allowed"),
        ({"seeds": 90_000, "rounds": 90_000}, "48600090000 rounds (data sets x"),
        ({"experiment": "quickstart\n"}, r"experiment: 'quickstart\n'; allowed: an id"),
        ({"experiment": "q" * 300}, "qqq'; allowed: an id"),
        ({"strategies": ["random", "margin\n"]}, r"strategies.1: 'margin\n'; allowed: an id"),
        (
            {"strategies": "margin"},
            "strategies: 'margin'; allowed: a non-empty list of different members",
        ),
        ({"finetune": 5}, "finetune: 5; allowed: a mapping or null"),
        (
            {"also": [{"ceilings": 5}]},
            "also.0.ceilings: 5; allowed: a non-empty list of different members",
        ),
        ({"also": 5}, "also: 5; allowed: a non-empty list of members"),
        ({"metric": "speed"}, "metric: 'speed'; allowed: accuracy, balanced-accuracy"),
        ({"x" * 500: 1}, "xxx': unknown key"),
        ({"a\nb": 1}, r"'a\nb': unknown key"),
    ],
)
def test_values_of_a_wrong_kind_are_one_short_line(quickstart, catalogue, change, told):
    error = errors_of({**quickstart, **change}, catalogue)
    assert told in error
    assert len(error.splitlines()) == 1
    assert len(error) < 400
    assert error.isprintable()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"finetune": ["brief", "brief-flexmatch"]}, "finetune: 400400 rounds "),
        (
            {
                "ceilings": ["look-ahead", "full-data"],
                "strategies": ["random", "margin"],
                "highlight": "margin",
            },
            "rounds: ",
        ),
        ({"also": [{"proxies": ["shallow"]}, {"proxies": ["linear-ensemble"]}]}, "rounds: "),
    ],
)
def test_all_that_is_planned_counts(quickstart, catalogue, change, told):
    """In each case the rounds of the experiment's own strategies would be few enough."""
    few = {"rounds": 1000, "seeds": 400, "strategies": ["random"], "highlight": "random"}
    quickstart |= {**few, "finetune": None}
    load(quickstart, catalogue)
    if "finetune" in change:
        tuned = {"strategies": ["random"], "rounds": list(range(1000)), "seeds": 400}
        change = {"finetune": {**tuned, "trainers": change["finetune"]}}
    found = errors_of({**quickstart, **change}, catalogue)
    assert found.startswith(f"my.yaml: {told}")
    assert found.endswith("in all crossings; allowed: at most 1000000 together")
    assert len(found.splitlines()) == 1


def test_jobs_are_counted_without_going_through_them(quickstart, catalogue):
    quickstart["ceilings"] = ["full-data", "look-ahead"]
    quickstart["finetune"]["strategies"] = ["margin", "look-ahead", "full-data"]
    quickstart["finetune"]["seeds"] = [0, 2]
    for finetune in (quickstart["finetune"], None):
        (crossing,) = load({**quickstart, "finetune": finetune}, catalogue).crossings
        assert crossing.num_selections == len(list(crossing.selections()))
        assert crossing.num_finetunings == len(list(crossing.finetunings()))


def test_rounds_to_finetune_after_are_whole_numbers(quickstart, catalogue):
    for value in (2.0, 7777777777777777777777):
        quickstart["finetune"]["rounds"] = [value]
        told = f"finetune.rounds.0: {value}; allowed: a whole number from 0 to 99999"
        assert told in errors_of(quickstart, catalogue)


@pytest.mark.parametrize("content", [[], "text", 5, None])
def test_an_experiment_is_a_mapping(catalogue, content):
    assert f"my.yaml: the file: {shown_value(content)}; allowed: a mapping" in errors_of(
        content, catalogue
    )


def with_trainer(catalogue, **training):
    entry = {"implementation": "supervised", "training": {"head": "fresh", **training}}
    return {**catalogue, "trainers": {**catalogue["trainers"], "mine": entry}}


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


def test_what_a_strategys_candidates_need_is_needed(quickstart, catalogue):
    entry = {"implementation": "tailor", "options": {"candidates": ["margin", "bald"]}}
    catalogue["strategies"] = {**catalogue["strategies"], "mine": entry}
    quickstart["strategies"] = ["random", "margin", "mine"]
    told = errors_of(quickstart, catalogue)
    assert "strategies: 'mine' needs member_probabilities, which proxy 'linear'" in told
    quickstart["proxies"] = ["linear-ensemble"]
    load(quickstart, catalogue)


@pytest.mark.parametrize("text", ["rounds: 1\nrounds: 2\n", "rounds: 010\n", "1: 2\n"])
def test_files_of_an_experiment_are_read_strictly(quickstart, tmp_path, capsys, text):
    file = tmp_path / "my.yaml"
    file.write_text(text)
    with pytest.raises(SystemExit) as caught:  # what Snakemake made of it does not matter
        parsing.load(quickstart, PROJECT, [file])
    assert str(caught.value).startswith("error: ")
    assert "my.yaml: line " in str(caught.value)
