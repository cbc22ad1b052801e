"""What is refused, before any job, on data sets whose rows belong to any number of classes."""

import pytest

from helpers.experiments_read import errors_of, load
from labelbench_core.configuration.compatibility.multilabel import is_multilabel


@pytest.fixture
def several(quickstart, catalogue):
    """An experiment on mosaics that is all right."""
    config = {**quickstart, "datasets": ["digits-mosaics"], "proxies": ["linear"]}
    config["strategies"], config["highlight"] = ["random", "margin"], "margin"
    for key in ("metric", "finetune", "ceilings", "also"):
        config.pop(key, None)
    return config, {kind: dict(found) for kind, found in catalogue.items()}


def test_its_metric_is_mean_average_precision(several):
    config, catalogue = several
    assert load(config, catalogue).metric == "mean-average-precision"
    assert load({**config, "metric": "macro-f1"}, catalogue).metric == "macro-f1"


@pytest.mark.parametrize(
    ("dataset", "metric", "rows"),
    [
        ("digits-mosaics", "accuracy", "may belong to any number of classes"),
        ("digits", "ranking-loss", "have one class each"),
    ],
)
def test_metrics_of_other_labels_are_refused(several, dataset, metric, rows):
    config, catalogue = several
    told = errors_of({**config, "datasets": [dataset], "metric": metric}, catalogue)
    assert told.startswith(f"my.yaml: metric: {metric!r}: rows of data set {dataset!r} {rows}; ")
    assert "macro-f1" in told.partition("allowed: ")[2]
    assert metric not in told.partition("allowed: ")[2].split(", ")


def test_data_sets_of_both_kinds_need_a_metric_of_both(several):
    config, catalogue = several
    both = {**config, "datasets": ["digits", "digits-mosaics"]}
    assert "metric: missing" in errors_of(both, catalogue)
    assert load({**both, "metric": "macro-f1"}, catalogue).metric == "macro-f1"


@pytest.mark.parametrize(
    ("key", "kind", "name", "entry", "told"),
    [
        (
            *("proxies", "proxies", "pulled"),
            {"implementation": "linear", "options": {"start": "zero-shot"}},
            "proxies: 'pulled': options.start: 'zero-shot' does not apply",
        ),
        (
            *("schedules", "schedules", "balanced"),
            {"initial": 20, "batch": 20, "draw": "class-balanced"},
            "schedules: 'balanced': draw: 'class-balanced' does not apply",
        ),
        (
            *("annotators", "annotators", "errs"),
            {"implementation": "uniform-noise", "options": {"rate": 0.1}},
            "annotators: 'errs' does not apply",
        ),
        (
            *("datasets", "datasets", "tail"),
            {"implementation": "mosaics", "long_tail": {"ratio": 5}},
            "datasets: 'tail': long_tail does not apply",
        ),
        (
            *("proxies", "proxies", "deep"),
            {"implementation": "shallow", "options": {"trainer": "brief"}},
            "proxies: 'deep' does not apply",
        ),
    ],
)
def test_what_needs_one_class_a_row_is_refused(several, key, kind, name, entry, told):
    config, catalogue = several
    catalogue[kind][name] = entry
    assert told in errors_of({**config, key: [name]}, catalogue)


@pytest.mark.parametrize(
    ("trainer", "told"),
    [
        ({"implementation": "supervised"}, None),
        (
            {"implementation": "supervised", "options": {"class_weights": "balanced"}},
            "options.trainer: 'chosen': options.class_weights: 'balanced' does not apply",
        ),
        ({"implementation": "flexmatch"}, "options.trainer: 'chosen' does not apply to data set"),
    ],
)
def test_trainers_of_proxies_are_for_it_or_refused_by_name(several, trainer, told):
    config, catalogue = several
    options = {"trainer": "chosen", "augmentation": "natural"}
    catalogue["trainers"]["chosen"] = trainer
    catalogue["proxies"]["trained"] = {"implementation": "trained-linear", "options": options}
    config["proxies"] = ["trained"]
    if told is None:
        assert load(config, catalogue).all_of("proxies") == ("trained",)
        return
    (line,) = errors_of(config, catalogue).splitlines()
    assert line.startswith(f"my.yaml: proxies: 'trained': {told}")


def fine_tuned(config, trainer):
    finetune = {"trainers": [trainer], "strategies": ["random"], "rounds": [1], "seeds": 1}
    return {**config, "finetune": finetune}


def test_trainers_for_it_are_accepted_and_others_refused_by_name(several):
    config, catalogue = several
    load(fine_tuned(config, "brief"), catalogue)
    told = errors_of(fine_tuned(config, "brief-flexmatch"), catalogue)
    assert "finetune.trainers: 'brief-flexmatch' does not apply to data set" in told
    allowed = told.partition("allowed: ")[2].split(", ")
    assert "brief" in allowed
    assert "brief-flexmatch" not in allowed


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"options": {"class_weights": "balanced"}}, "options.class_weights: 'balanced' does not"),
        ({"training": {"head": "zero-shot"}}, "training.head: 'zero-shot' does not apply"),
    ],
)
def test_options_of_trainers_for_one_class_a_row_are_refused(several, change, told):
    config, catalogue = several
    catalogue["trainers"]["mine"] = {"implementation": "supervised", **change}
    assert f"finetune.trainers: 'mine': {told}" in errors_of(fine_tuned(config, "mine"), catalogue)


@pytest.mark.parametrize("name", ["mmc", "cvirs", "lci", "adaptive-lci"])
def test_strategies_made_for_it_are_refused_for_one_class_a_row(several, name):
    config, catalogue = several
    config["strategies"] = ["random", "margin", name]
    assert load(config, catalogue).strategies == ("random", "margin", name)
    told = errors_of({**config, "datasets": ["digits"]}, catalogue)
    assert f"strategies: {name!r} is for multi-label data only, but rows of data set" in told
    allowed = told.partition("allowed: ")[2].split(", ")
    assert "margin" in allowed
    assert "galaxy" in allowed
    assert name not in allowed


def test_strategies_that_run_them_are_refused_too(several):
    config, catalogue = several
    catalogue["strategies"]["mixed"] = {
        "implementation": "tailor",
        "options": {"candidates": ["margin", "mmc"]},
    }
    config["strategies"] = ["random", "margin", "mixed"]
    assert load(config, catalogue).strategies[-1] == "mixed"
    told = errors_of({**config, "datasets": ["digits"]}, catalogue)
    assert "strategies: 'mixed' is for multi-label data only" in told


def test_an_option_may_make_a_data_set_multilabel(catalogue, monkeypatch):
    from labelbench_core import registry

    described = registry.describe("datasets", "table")
    several = described.__class__(
        **{**vars(described), "info": {**described.info, "multilabel_by": ["group_column"]}}
    )
    monkeypatch.setattr(registry, "describe", lambda *_: several)
    entry = {"implementation": "table", "options": {"table": "a.csv"}}
    assert not is_multilabel({"datasets": {"mine": entry}}, "mine")
    entry["options"]["group_column"] = "tags"
    assert is_multilabel({"datasets": {"mine": entry}}, "mine")
