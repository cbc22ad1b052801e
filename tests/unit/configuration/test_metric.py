"""The metric of an experiment: its own, else that of its data sets."""

import pytest

from helpers.experiments_read import CATALOGUE_SCHEMA, errors_of, load
from labelbench_core.configuration import entries
from labelbench_core.configuration.catalogue import kind_errors


@pytest.fixture
def named(quickstart, catalogue):
    """An experiment on the data set `few`, which names a metric, and on `some`, which does not."""
    config = dict(quickstart)
    catalogue = {**catalogue, "datasets": dict(catalogue["datasets"])}
    first = config["datasets"][0]
    catalogue["datasets"]["few"] = {**catalogue["datasets"][first], "metric": "macro-f1"}
    catalogue["datasets"]["some"] = dict(catalogue["datasets"][first])
    config["datasets"] = ["few"]
    config.pop("metric", None)
    return config, catalogue


def test_the_experiment_decides_then_the_data_set_then_accuracy(named):
    config, catalogue = named
    assert load(config, catalogue).metric == "macro-f1"
    assert load({**config, "metric": "nll"}, catalogue).metric == "nll"
    assert load({**config, "datasets": ["some"]}, catalogue).metric == "accuracy"


def test_data_sets_of_different_metrics_need_one_named(named):
    config, catalogue = named
    told = (
        "my.yaml: metric: missing, and the data sets have different ones "
        "(few macro-f1, some accuracy); allowed: macro-f1, accuracy"
    )
    assert errors_of({**config, "datasets": ["few", "some"]}, catalogue) == told
    assert errors_of({**config, "also": [{"datasets": ["some"]}]}, catalogue) == told
    both = {**config, "datasets": ["few", "some"], "metric": "balanced-accuracy"}
    assert load(both, catalogue).metric == "balanced-accuracy"


def test_a_metric_of_groups_needs_groups(named):
    config, catalogue = named
    config["metric"] = "worst-group-accuracy"
    told = "my.yaml: metric: 'worst-group-accuracy': data set 'few' has no groups; allowed: another"
    assert told in errors_of(config, catalogue)
    options = {"table": "a.csv", "path_column": "a", "label_column": "b", "split_column": "c"}
    catalogue["datasets"]["few"] = {"implementation": "table", "options": options}
    told = "allowed: another metric, or the data set's option group_column"
    assert errors_of(config, catalogue).endswith(told)
    options["group_column"] = "d"
    assert load(config, catalogue).metric == "worst-group-accuracy"
    catalogue["datasets"]["few"] = {"implementation": "iwildcam"}
    assert load(config, catalogue).metric == "worst-group-accuracy"


def test_of_several_metrics_the_first_is_the_headlines(named):
    config, catalogue = named
    found = load({**config, "metrics": ["nll", "accuracy", "macro-f1"]}, catalogue)
    assert (found.metric, found.further_metrics) == ("nll", ("accuracy", "macro-f1"))
    assert load({**config, "metrics": ["nll"]}, catalogue) == load(
        {**config, "metric": "nll"}, catalogue
    )


def test_wrong_metrics_are_one_line_each(named):
    config, catalogue = named
    config["metrics"] = ["accuracy", "worst-group-accuracy"]
    told = "my.yaml: metrics.1: 'worst-group-accuracy': data set 'few' has no groups; allowed: "
    assert errors_of(config, catalogue).startswith(told)
    config["metrics"] = ["accuracy", "subset-accuracy"]
    told = "my.yaml: metrics.1: 'subset-accuracy': rows of data set 'few' have one class each"
    assert errors_of(config, catalogue).startswith(told)
    config["metrics"] = ["accuracy", "f1"]
    told = "my.yaml: metrics.1: 'f1'; allowed: accuracy, balanced-accuracy, "
    assert errors_of(config, catalogue).startswith(told)
    for value in ([], ["nll", "nll"], "nll"):
        told = errors_of({**config, "metrics": value}, catalogue)
        assert told.startswith("my.yaml: metrics: ")
        assert told.endswith("allowed: a non-empty list of distinct metrics, each as in `metric`")
    told = (
        "my.yaml: metrics: given beside metric; allowed: metric for one metric, metrics for several"
    )
    assert errors_of({**config, "metric": "nll", "metrics": ["nll"]}, catalogue) == told


def test_no_job_sees_the_metric_of_a_data_set(named):
    _, catalogue = named
    assert "metric" not in entries.entry(catalogue, "datasets", "few")


def test_metrics_in_the_catalogue_are_checked():
    entry = {"implementation": "digits", "metric": "error"}
    (line,) = kind_errors("datasets", {"d": entry}, CATALOGUE_SCHEMA, "d.yaml")
    assert line.startswith("d.yaml: d.metric: 'error'; allowed: accuracy, balanced-accuracy, ")
    proxy = {"implementation": "linear", "metric": "nll"}
    (line,) = kind_errors("proxies", {"p": proxy}, CATALOGUE_SCHEMA, "p.yaml")
    assert line.startswith("p.yaml: p.metric: ")
