"""Trainings that did not end well are counted, and the report says so."""

import pytest

from helpers import fake_results
from helpers.analysis_jobs import SMALL, collect
from labelbench_core.analysis.collected.frames import (
    CURVE_COLUMNS,
    FINETUNED_COLUMNS,
    HIT_COLUMNS,
    SIGNAL_COLUMNS,
    read_csv,
)
from labelbench_core.analysis.results import compute_results
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.report.caveats import caveats
from labelbench_core.storage.files import canonical_json


def notes_and_failures(folder, values):
    assert collect(folder, values) == 0
    experiment = Experiment.from_json(canonical_json(values))
    rounds = read_csv(folder / "metrics.csv", CURVE_COLUMNS)
    finetuned = read_csv(folder / "finetuned.csv", FINETUNED_COLUMNS)
    signals = read_csv(folder / "signals.csv", SIGNAL_COLUMNS)
    hits = read_csv(folder / "hits.csv", HIT_COLUMNS)
    results = compute_results(experiment, rounds, finetuned, signals, hits)
    return caveats(experiment, {"settings": []}, results), results.convergence.to_dict("records")


def change(path, key, **values):
    fake_results.edit(path, lambda record: record[key].update(values))


@pytest.fixture
def written(tmp_path):
    values = fake_results.experiment(**SMALL)
    fake_results.write(tmp_path, values)
    return tmp_path, values, Experiment.from_json(canonical_json(values))


def test_where_all_is_well_nothing_is_said(written):
    folder, values, _ = written
    notes, failures = notes_and_failures(folder, values)
    assert failures == []
    assert not any("diverged" in note for note in notes)


def test_failed_trainings_are_counted_once_each(written):
    folder, values, experiment = written
    rounds = [ids for ids in experiment.selections() if ids["strategy"] == "margin"]
    trainings = len(rounds)
    for ids in [ids for ids in rounds if ids["round"] > 0][:2]:
        change(folder / fake_results.ROUND.format(**ids), "fit", converged=False)
    tuned = [ids for ids in experiment.finetunings() if ids["strategy"] == "random"]
    change(folder / fake_results.FINETUNED.format(**tuned[0]), "training", diverged=True)
    fake_results.link(folder, values)
    notes, failures = notes_and_failures(folder, values)
    keys = ("trainer", "strategy", "failed", "trainings")
    assert {row["at_edge"] for row in failures} == {0}
    assert [tuple(row[key] for key in keys) for row in failures] == [
        ("", "margin", 2, trainings),
        (tuned[0]["trainer"], "random", 1, len(tuned)),
    ]
    said = [note for note in notes if "diverged" in note]
    assert said[0].startswith(f"2 of {trainings} trainings on what margin bought did not converge")
    assert said[1].startswith(
        f"1 of {len(tuned)} trainings of {tuned[0]['trainer']} on what random"
    )


def test_penalties_at_the_edge_are_counted_and_said(written):
    folder, values, experiment = written
    rounds = [ids for ids in experiment.selections() if ids["strategy"] == "margin"]
    changed = [ids for ids in rounds if ids["round"] > 0]
    for number, ids in enumerate(changed):
        change(folder / fake_results.ROUND.format(**ids), "fit", penalty_at_edge=number < 2)
    assert len(changed) > 2
    fake_results.link(folder, values)
    notes, failures = notes_and_failures(folder, values)
    counts = {key: failures[0][key] for key in ("strategy", "failed", "at_edge", "trainings")}
    assert counts == {"strategy": "margin", "failed": 0, "at_edge": 2, "trainings": len(rounds)}
    assert len(failures) == 1
    said = [note for note in notes if "penalty" in note]
    assert len(said) == 1
    assert said[0].startswith(f"2 of {len(rounds)} trainings on what margin bought chose a penalty")
    assert not any("diverged" in note for note in notes)
