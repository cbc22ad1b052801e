"""A wrong configuration is told whole, and before anything starts."""

from dataclasses import replace

import pytest
import yaml

from helpers.experiments_read import CATALOGUE_SCHEMA, errors_of, load
from helpers.paper_files import can_be_planned
from helpers.project import PROJECT
from labelbench_core import registry
from labelbench_core.configuration import loading as experiments
from labelbench_core.configuration.catalogue import kind_errors
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.configuration.inheritance import asked
from labelbench_core.errors import shown_value
from labelbench_core.storage.yaml_files import read_yaml
from workflow_scripts import _snakefile as parsing

OURS = sorted([*PROJECT.glob("config/*.yaml"), *PROJECT.glob("config/questions/*.yaml")])


@pytest.mark.parametrize("file", OURS + can_be_planned())
def test_every_committed_experiment_is_valid(file):
    content = read_yaml(file)
    wanted = asked(content, str(file), {file: content})
    # With the entries of its own that it brings along.
    experiment = load(wanted.values, parsing.catalogue_of(wanted, PROJECT))
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
            "highlight: 'random' is also the baseline that it would be compared with; allowed: "
            "margin, badge",
        ),
        ({"baseline": "margin"}, "highlight: 'margin' is also the baseline that it would be"),
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
    lines = told.splitlines()
    assert len(lines) == 7
    assert "my.yaml: missing key: rounds; allowed: a whole number from 1 to 100000" in lines
    start = "my.yaml: missing key: strategies; allowed: a non-empty list of distinct items, each an"
    assert sum(line.startswith(start) for line in lines) == 1


def test_ceilings_are_crossed_beside_the_strategies(quickstart, catalogue):
    assert load(quickstart | {"ceilings": []}, catalogue).full_data == ()
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


def test_a_further_crossing_need_not_have_the_baseline_nor_the_highlight(quickstart, catalogue):
    quickstart["also"] = [{"strategies": ["bait-swap"], "seeds": 2, "finetune": None}]
    experiment = load(quickstart, catalogue)
    assert experiment.crossings[1].strategies == ("bait-swap",)
    assert experiment.strategies[-1] == "bait-swap"
    assert Experiment.from_json(experiment.to_json()) == experiment
    # They are the experiment's: the first crossing need not have them either.
    quickstart["also"] += [{"strategies": quickstart["strategies"]}]
    quickstart |= {"strategies": ["bait-swap"], "finetune": None}
    assert load(quickstart, catalogue).baseline == "random"


def test_one_seed_or_one_setting_of_both_is_enough_for_the_highlight(quickstart, catalogue):
    last = quickstart["seeds"] - 1
    few = {"strategies": ["bait-swap"], "seeds": [last, 77], "rounds": 2}
    quickstart |= {"finetune": None, "highlight": "bait-swap", "also": [few]}
    assert load(quickstart, catalogue).highlight == "bait-swap"
    few["seeds"] = [77]
    assert "'bait-swap' shares no seed" in errors_of(quickstart, catalogue)
    both = {"strategies": ["random", "bait-swap"], "proxies": ["shallow"]}
    assert load({**quickstart, "also": [few, both]}, catalogue).highlight == "bait-swap"
    # Where nothing but the first labels is bought, there is no more to share.
    first = [{**few, "seeds": 2, "rounds": 1}]
    load({**quickstart, "rounds": 1, "also": first}, catalogue)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"also": [{"strategies": ["badge"], "seeds": 2}], "highlight": "magrin"},
            "my.yaml: highlight: 'magrin' is not in the experiment's strategies (did you mean",
        ),
        (
            {
                "strategies": ["random"],
                "also": [{"strategies": ["margin"], "proxies": ["shallow"]}],
            },
            "my.yaml: highlight: 'margin' is in no setting (dataset, annotator, backbone, proxy, "
            "schedule) together with the baseline 'random'; allowed: a strategy that shares a",
        ),
        (
            {"also": [{"strategies": ["bait-swap"], "seeds": [70, 71]}], "highlight": "bait-swap"},
            "my.yaml: highlight: 'bait-swap' shares no seed, or nothing but the initial labels, "
            "with the baseline 'random' in any setting; allowed: badge",
        ),
        (
            {"also": [{"strategies": ["bait-swap"], "rounds": 1}], "highlight": "bait-swap"},
            "my.yaml: highlight: 'bait-swap' shares no seed, or nothing but the initial labels, "
            "with the baseline 'random' in any setting; allowed: badge",
        ),
        (
            {"also": [{"rounds": 9, "seeds": 2}]},
            "my.yaml: also: rounds: 'random' has 8, 9 rounds with different seeds (digits / ",
        ),
    ],
)
def test_errors_of_crossings_that_cannot_be_compared(quickstart, catalogue, change, told):
    assert told in errors_of({**quickstart, "finetune": None, **change}, catalogue)


@pytest.mark.parametrize(
    ("also", "told"),
    [
        ({"proxies": ["lineer"]}, "my.yaml: also.0.proxies: 'lineer' is not in catalogue"),
        ({"strategies": ["badge"]}, "also.0.finetune.strategies: 'random' is not in the exper"),
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
    quickstart["finetune"]["trainers"] = ["brief-flexmatch"]
    told = errors_of(quickstart, catalogue).splitlines()
    assert len(told) == 3
    assert told[0].startswith("my.yaml: strategies: 'alfa-mix' does not apply to data set 'digits'")
    assert "margin" in told[0].partition("allowed: ")[2]
    assert "alfa-mix" not in told[0].partition("allowed: ")[2]
    assert told[1].startswith("my.yaml: ceilings: 'look-ahead' does not apply")
    assert told[2].startswith("my.yaml: finetune.trainers: 'brief-flexmatch' does not apply")
    assert "brief" in told[2].partition("allowed: ")[2].split(", ")


def test_numbers_that_are_text_are_told_in_schemas_too(quickstart, catalogue):
    told = errors_of({**quickstart, "rounds": "1e1"}, catalogue)
    assert told.endswith("from 1 to 100000 (YAML reads this as text: write 10)")
    wrong = {"x": {"draws": 1, "weak": {"translate": "1e-1"}}}
    (told,) = kind_errors("augmentations", wrong, CATALOGUE_SCHEMA, "augmentations.yaml")
    assert told.endswith("below 1 (YAML reads this as text: write 1.0e-1)")


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
            "strategies: 'margin'; allowed: a non-empty list of distinct items",
        ),
        ({"finetune": 5}, "finetune: 5; allowed: a mapping or null"),
        (
            {"also": [{"ceilings": 5}]},
            "also.0.ceilings: 5; allowed: a non-empty list of distinct items",
        ),
        ({"also": 5}, "also: 5; allowed: a non-empty list of items"),
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
        parsing.read_experiment(quickstart, PROJECT, [file])
    assert str(caught.value).startswith("error: ")
    assert "my.yaml: line " in str(caught.value)
