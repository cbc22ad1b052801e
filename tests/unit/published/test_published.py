"""The published settings, curves and selections, and making them from the original's files."""

import csv
import gzip
import itertools
import pickle
from pathlib import Path

import numpy as np
import pytest

from helpers.project import PROJECT
from labelbench_core.errors import InputError
from labelbench_core.published import __main__ as listing
from labelbench_core.published import curves, selections
from labelbench_core.published.settings import names, setting, settings
from workflow_scripts import make_published

FOLDER = curves.FILE.parent


def rows():
    with gzip.open(curves.FILE, "rt", encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_the_table_of_settings_is_that_of_the_curves():
    found = {}
    for row in rows():
        strategies, rounds = found.setdefault(row["setting"], (set(), set()))
        strategies.add(row["strategy"])
        rounds.add(int(row["round"]))
    stated = {one.path: (set(one.strategies), set(range(1, one.rounds + 1))) for one in settings()}
    assert stated == found
    assert len(names()) == len(set(names())) == 26


def test_every_curve_has_a_row_for_each_seed_and_the_means_that_are_stated():
    means = {
        (row["setting"], row["strategy"], row["metric"], int(row["round"])): float(row["mean"])
        for row in rows()
    }
    checked = 0
    for one in settings():
        for strategy, (split, metric) in itertools.product(one.strategies, curves.THEIRS):
            curve = curves.curve(one.name, strategy, split, metric)
            if curve is None:
                continue
            assert curve.values.shape == (len(one.seeds), one.rounds)
            key = (one.path, strategy, curves.THEIRS[split, metric])
            told = [means[*key, number + 1] for number in range(one.rounds)]
            np.testing.assert_allclose(np.nanmean(curve.values, axis=0), told, atol=2e-6)
            extra = curve.num_labeled - one.budgets
            assert (extra >= 0).all()
            assert strategy == "badge" or not extra.any()
            checked += 1
        assert curves.curve(one.name, "random", "test", one.metric) is not None
    assert checked > 500


def test_running_maxima_are_those_of_the_paper():
    for strategy, last in {"random": 97.75, "margin": 98.02, "coreset": 97.87}.items():
        curve = curves.curve("cifar10-1000-finetune", strategy, "test", "accuracy")
        assert 100 * curve.running_maximum[:, -1].mean() == pytest.approx(last, abs=0.005)
    raw = curves.curve("cifar10-1000-finetune", "random", "test", "accuracy").values
    assert 100 * raw[:, -1].mean() == pytest.approx(97.60, abs=0.006)


def test_a_running_maximum_is_of_each_seed_and_ends_where_the_run_did():
    nan = np.nan
    values = np.array([[1.0, 3, 2, 4], [2, 1, nan, nan]])
    found = curves.running_maximum(values)
    np.testing.assert_array_equal(found, [[1, 3, 3, 4], [2, 2, nan, nan]])


def test_runs_that_ended_before_have_no_value_then():
    curve = curves.curve("fmow-3000-linear", "confidence", "test", "accuracy")
    assert np.isnan(curve.values[2:, 6:]).all()
    assert np.isfinite(curve.values[:2]).all()
    assert np.isfinite(curve.values[:, :6]).all()


def test_what_was_not_published_is_none_or_one_clear_error():
    assert curves.curve("cifar10-1000-linear", "badge", "test", "macro-f1") is None
    assert curves.curve("cifar10-1000-linear", "badge", "test", "nll") is None
    with pytest.raises(InputError, match="did you mean 'cifar10-1000-linear'"):
        setting("cifar10-100-linear")
    with pytest.raises(InputError, match=r"direct.*allowed: random"):
        curves.curve("cifar10-1000-linear", "direct", "test", "accuracy")


def test_all_settings_are_listed(capsys):
    assert listing.main([]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(names())
    assert first.split()[:3] == ["name", "data", "set"]
    assert "fmow, uniform-10" in lines[24]


def test_selections_are_distinct_rows_and_share_the_first_batch():
    count = 0
    for one in selections.with_selections():
        for strategy, seed in itertools.product(one.strategies, one.seeds):
            if (one.name, strategy, seed) == ("cifar10-1000-finetune-supervised", "entropy", 1234):
                continue
            chosen = selections.selections(one.name, strategy, seed)
            first = selections.selections(one.name, "random", seed)[: one.batch]
            budgets = curves.curve(one.name, strategy, "test", "accuracy").num_labeled
            assert len(chosen) == len(set(chosen.tolist())) == budgets[-1]
            assert chosen.min() >= 0
            assert chosen.max() < selections.POOL_SIZE
            np.testing.assert_array_equal(chosen[: one.batch], first)
            count += 1
    assert count == 211


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            ("cifar100-1000-linear", "random", 1234),
            "^cifar100-1000-linear: its selections were not",
        ),
        (
            ("cifar10-1000-linear", "direct", 1234),
            "^cifar10-1000-linear: strategy: 'direct'; allowed: ",
        ),
        (("cifar10-1000-linear", "random", 0), "^cifar10-1000-linear: seed: 0; allowed: 1234"),
        (
            ("cifar10-1000-finetune-supervised", "entropy", 1234),
            "seed: 1234: the published list of 'entropy' lacks rows; allowed: 3334155",
        ),
    ],
)
def test_selections_that_are_not_there(asked, told):
    with pytest.raises(InputError, match=told):
        selections.selections(*asked)


def test_files_are_small_packaged_and_have_their_notice():
    files = [FOLDER / name for name in ("curves.csv.gz", "selections.npz")]
    assert sum(file.stat().st_size for file in files) < 4_000_000
    notice = (FOLDER / "NOTICE").read_text(encoding="utf-8")
    assert "MIT License" in notice
    assert "Copyright (c) 2022 Jifan Zhang" in notice
    text = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    for name in ("published/NOTICE", "published/*.gz", "published/*.npz"):
        assert f'"{name}"' in text


def write_run(folder: Path, setting, strategy: str, seed: int, number: int, scalars=float) -> None:
    """A run in the layout of the original's files, with values that tell it from all others."""
    extra = 1 if strategy == "badge" else 0
    counts = [setting.batch * (r + 1) + extra * r for r in range(setting.rounds)]
    metrics = {
        name: [scalars(number / 1000 + place / 100) for place in range(setting.rounds)]
        for name in make_published.METRICS
        if not (strategy == "badge" and "F1" in name and seed != setting.seeds[0])
    }
    metrics |= {"Num Labeled": counts, "Label index": [None] * setting.rounds}
    bought = list(range(counts[-1]))
    name = f"{strategy}_sampling_{seed}.pkl"
    content = [metrics, bought]
    if setting.proxy:
        name, content = f"{strategy}_{seed}.pkl", metrics
    path = folder / setting.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content))


@pytest.fixture
def original(tmp_path, monkeypatch):
    """Three settings' results, as the original keeps them."""
    few = [setting(name) for name in ("cifar10-200-linear", "cifar10-200-shallow-finetune")]
    few.append(setting("imagenet-50000-clip-linear"))
    monkeypatch.setattr(make_published, "settings", lambda: few)
    monkeypatch.setattr(selections, "with_selections", lambda: few[:1])
    number = 0
    for one in few:
        for strategy, seed in itertools.product(one.strategies, one.seeds):
            number += 1
            write_run(tmp_path / "results", one, strategy, seed, number, np.float64)
    return tmp_path / "results"


def test_files_are_made_from_the_original_layout(original, tmp_path, capsys):
    damaged = original / setting("cifar10-200-linear").path / "entropy_sampling_1234.pkl"
    content = pickle.loads(damaged.read_bytes())
    damaged.write_bytes(pickle.dumps([content[0], content[1][342:]]))
    short = original / setting("cifar10-200-linear").path / "random_sampling_9999999.pkl"
    metrics, bought = pickle.loads(short.read_bytes())
    short.write_bytes(pickle.dumps([{key: v[:6] for key, v in metrics.items()}, bought[:1200]]))

    assert make_published.main([str(original), str(tmp_path / "a")]) == 0
    assert "entropy, seed 1234: 3658 rows" in capsys.readouterr().out
    with gzip.open(tmp_path / "a" / "curves.csv.gz", "rt") as handle:
        found = list(csv.DictReader(handle))
    one = setting("cifar10-200-linear")
    mine = [row for row in found if row["setting"] == one.path and row["strategy"] == "random"]
    row = next(r for r in mine if r["metric"] == "Test Accuracy" and r["round"] == "7")
    assert row["per_seed"] == "0.061000;0.062000;0.063000;"
    assert (row["num_labeled"], row["n_seeds"], row["mean"]) == ("1400", "3", "0.062000")
    assert float(row["stderr"]) == pytest.approx(0.001 / 3**0.5, abs=1e-6)
    badge = [row for row in found if row["strategy"] == "badge"]
    assert {row["metric"] for row in badge if "F1" in row["metric"]} == set()
    assert {row["num_labeled"] for row in badge if row["round"] == "3"} == {"602", "150002"}
    with np.load(tmp_path / "a" / "selections.npz") as lists:
        assert len(lists.files) == 7 * 4 - 1
        assert lists["bs_200/linear/flexmatch/badge/1234"].dtype == np.uint16
        assert len(lists["bs_200/linear/flexmatch/badge/1234"]) == 4019
        assert "bs_200/linear/flexmatch/entropy/1234" not in lists.files

    assert make_published.main([str(original), str(tmp_path / "b")]) == 0
    for name in ("curves.csv.gz", "selections.npz"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


class Harmful:
    def __reduce__(self):
        return (print, ("run",))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (pickle.dumps([Harmful(), []]), "names builtins.print"),
        (pickle.dumps([{}, Path("x")]), "names pathlib"),
        (b"no pickle", "allowed: a pickle of plain values"),
        (b"", "allowed: a pickle of plain values"),
    ],
    ids=["function", "path", "other bytes", "empty"],
)
def test_pickles_that_name_anything_else_are_refused(original, tmp_path, capsys, content, told):
    file = original / setting("cifar10-200-linear").path / "badge_sampling_1234.pkl"
    file.write_bytes(content)
    assert make_published.main([str(original), str(tmp_path / "a")]) == 2
    captured = capsys.readouterr()
    assert "run" not in captured.out.split()
    assert told in captured.err
    assert str(file) in captured.err


def test_arrays_and_scalars_are_read(tmp_path):
    content = {"a": np.arange(3), "b": [np.float64(0.5)], "c": (1, None, True, "x")}
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(content))
    found = make_published.read_pickle(tmp_path / "x.pkl")
    np.testing.assert_array_equal(found.pop("a"), content.pop("a"))
    assert found == content


def test_a_clone_without_a_run_is_named(tmp_path, capsys):
    assert make_published.main([str(tmp_path), str(tmp_path / "a")]) == 2
    assert "no run of badge" in capsys.readouterr().err
