"""No strategy reads a label that was not bought: what is hidden is guarded, poisoned, and no help.

Every strategy runs inside `rounds.next_round`, twice. The second time all hidden labels are others,
but for those that a sequential strategy bought the first time; and both times the labels raise when
one is read that was not bought. Whoever reads them, by whatever way, is caught or picks other rows.
"""

import importlib.metadata
import inspect
import sys
from dataclasses import replace

import numpy as np
import pytest

from labelbench_core import registry, strategies
from labelbench_core.annotators.annotations import Annotations
from labelbench_core.proxies import Statistics
from labelbench_core.selection import annotator, rounds
from labelbench_core.storage.files import write_json
from labelbench_core.strategies.testing import Blocks

ROWS, CLASSES, BATCH = 120, 3, 12
INITIAL = np.arange(0, ROWS, 8)
NAMES = registry.names("strategies")
KINDS = {name: registry.describe("strategies", name).info["kind"] for name in NAMES}
RANKED = [name for name in NAMES if KINDS[name] != "ceiling"]
MULTILABEL = [
    name for name in NAMES if registry.describe("strategies", name).info["multilabel"] == "only"
]
OPTIONS = {"refine": {"depth": 2, "batches": 9}}  # the same code, run less often
OPTIONS["replay"] = {"recorded": "lists.json", "strategy": "margin"}


class Peeked(AssertionError):
    """A label was read that was not bought."""


class Guarded(np.ndarray):
    """Labels of N rows that can be read where they were bought; all can while `bought` is None."""

    def __array_finalize__(self, source):
        self.bought = getattr(source, "bought", None)

    def __getitem__(self, indices):
        values = self.view(np.ndarray)
        if self.bought is not None:
            if not isinstance(indices, (np.ndarray, list, int, np.integer)):
                raise Peeked(f"labels were read by {indices!r}")
            asked = np.asarray(indices, np.int64).ravel()
            if not self.bought[asked].all():
                raise Peeked(f"labels of {asked[~self.bought[asked]]} were read, not bought")
        return values[indices]

    def _refuse(self, *_, **__):
        raise Peeked("all labels were read at once")

    __iter__ = tolist = astype = copy = __array_ufunc__ = __array_function__ = _refuse


class GuardedSeller(annotator.LabelSeller):
    """A seller whose labels open as they are bought."""

    def __init__(self, labels, bought):
        super().__init__(labels, bought)
        if isinstance(labels, Guarded):
            labels.bought = self._taken  # the seller marks what it sells before it reads the label


@pytest.fixture
def play(monkeypatch, tmp_path):
    """Function: one round of a strategy on some truth; its record."""
    rng = np.random.default_rng(0)
    lists = {"margin": {"0": list(range(ROWS))}}
    write_json(tmp_path / "lists.json", {"source": "blobs", "num_rows": ROWS, "lists": lists})
    monkeypatch.setenv("LABELBENCH_DATA", str(tmp_path))
    truth = rng.integers(0, CLASSES, ROWS)
    centers = rng.standard_normal((CLASSES, 8))
    features = (centers[truth] + rng.standard_normal((ROWS, 8))).astype(np.float32)
    statistics = Statistics(features.mean(axis=0), features.std(axis=0))
    members = rng.dirichlet(np.ones(CLASSES), (4, ROWS)).astype(np.float32)
    several = truth[:, None] == np.arange(CLASSES)
    several = (several | (np.random.default_rng(3).random(several.shape) < 0.3)).astype(np.int64)

    def data(labels, annotations=None):
        blocks = {split: Blocks(features, 50) for split in ("pool", "test")}
        true = {"pool": labels, "test": truth if labels.ndim == 1 else several}
        return rounds.RoundData(blocks, true, CLASSES, statistics, annotations=annotations)

    settings = {
        "dataset": "blobs",
        "backbone": "none",
        "seed": 0,
        "proxy": {"id": "linear", "implementation": "linear"},
        "schedule": {"id": "s", "initial": len(INITIAL), "batch": BATCH},
    }

    first = {
        kind: rounds.initial_round(data(labels), settings, INITIAL)
        for kind, labels in ((False, truth), (True, several))
    }

    def pool(**fields):
        """A pool with an ensemble's probabilities, which the linear proxy does not give."""
        if fields.get("member_probabilities") is None:
            fields["member_probabilities"] = members
        return strategies.pool.Pool(**fields)

    def after_selection(job, data, *arguments, **options):
        """Training and evaluation may read all labels."""
        data.truth["pool"].bought = None
        opened = {**data.truth, "pool": data.truth["pool"].view(np.ndarray)}
        return train_and_evaluate(job, replace(data, truth=opened), *arguments, **options)

    train_and_evaluate = rounds._train_and_evaluate
    monkeypatch.setattr(strategies, "Pool", pool)
    monkeypatch.setattr(rounds, "LabelSeller", GuardedSeller)
    monkeypatch.setattr(rounds, "_train_and_evaluate", after_selection)

    def one_round(strategy, kept=None, said=None):
        """The record of a round; hidden labels are others but for the indices `kept`.

        With `said`, an annotator's labels are sold, and no true one may be read before training.
        """
        multilabel = strategy in MULTILABEL
        true, values = (several, 2) if multilabel else (truth, CLASSES)
        labels = true.copy()
        if kept is not None:
            labels = (true + rng.integers(1, values, true.shape)) % values
            labels[INITIAL], labels[kept] = true[INITIAL], true[kept]
        options = OPTIONS.get(strategy, {})
        entry = {"id": strategy, "implementation": strategy, "options": options}
        guarded, annotations = labels.view(Guarded), None
        if said is not None:
            guarded.bought = np.zeros(ROWS, bool)
            annotations = Annotations("somebody", said)
        everything = data(guarded, annotations)
        return rounds.next_round(
            everything, {**settings, "strategy": entry}, first[multilabel]
        ).record

    return one_round


def check_honest(play, strategy):
    """`AssertionError` if hidden labels decide what a strategy picks."""
    record = play(strategy)
    sequential = registry.describe("strategies", strategy).info["kind"] == "sequential"
    assert record["sequential"] == sequential
    assert len(set(record["bought"])) == BATCH
    assert record["num_labeled"] == len(INITIAL) + BATCH
    for _ in range(2):
        kept = record["bought"] if sequential else []
        again = play(strategy, np.array(kept, np.int64))
        same = np.array_equal(again["bought"], record["bought"])
        assert same, "with other hidden labels it picks other rows"


@pytest.mark.parametrize("strategy", RANKED)
def test_hidden_labels_are_neither_read_nor_of_influence(play, strategy):
    check_honest(play, strategy)


# Annotators' labels are one class a row.
@pytest.mark.parametrize("strategy", [name for name in RANKED if name not in MULTILABEL])
def test_where_somebody_else_labels_no_true_label_is_read_or_of_influence(play, strategy):
    check_honest_towards_an_annotator(play, strategy)


def check_honest_towards_an_annotator(play, strategy):
    """`AssertionError` if a true label decides what a strategy picks, bought or not."""
    said = np.random.default_rng(1).integers(0, CLASSES, ROWS)
    record = play(strategy, said=said)
    again = play(strategy, np.zeros(0, np.int64), said=said)
    same = np.array_equal(again["bought"], record["bought"])
    assert same, "with another truth it picks other rows"
    assert record["annotator"] == "somebody"


@pytest.mark.parametrize("strategy", NAMES)
def test_only_ceilings_are_handed_the_truth(strategy):
    select = registry.load("strategies", strategy).select
    arguments = list(inspect.signature(select).parameters)
    handed = {"strategy": [], "sequential": ["ask"], "ceiling": ["truth", "fit"]}[KINDS[strategy]]
    assert arguments[: 3 + len(handed)] == ["pool", "budget", "rng", *handed]
    assert ("truth" in arguments) == (strategy not in RANKED)


# What such checks are worth: strategies that cheat, each in its own way, are caught.
CHEATS = {
    # the seller is found in a function that called it
    "reads-the-seller": (
        "strategy",
        "were read, not bought",
        """
    frame = sys._getframe()
    while "seller" not in frame.f_locals:
        frame = frame.f_back
    labels = frame.f_locals["seller"]._labels
    return sorted(pool.unlabeled(), key=lambda i: labels[i])[:budget]
""",
    ),
    # likewise, past the guard
    "copies-the-labels": (
        "strategy",
        "picks other rows",
        """
    frame = sys._getframe()
    while "data" not in frame.f_locals:
        frame = frame.f_back
    labels = np.asarray(frame.f_locals["data"].truth["pool"])
    return sorted(pool.unlabeled(), key=lambda i: labels[i])[:budget]
""",
    ),
    "looks-behind-ask": (
        "sequential",
        "were read, not bought",
        """
    within = [cell.cell_contents for cell in ask.__closure__]
    labels = next(one for one in within if hasattr(one, "_seller"))._seller._labels
    chosen = [i for i in pool.unlabeled() if labels[i] == 0][:budget]
    ask(np.array(chosen))
    return chosen
""",
    ),
    "asks-for-more": (
        "sequential",
        "left in the budget",
        """
    labels = ask(pool.unlabeled()[:budget + 1])
    return pool.unlabeled()[:budget]
""",
    ),
    "asks-again": (
        "sequential",
        "bought twice",
        """
    for index in pool.unlabeled()[:budget - 1]:
        ask(index)
    ask(index)
    return pool.unlabeled()[:budget]
""",
    ),
    # what it asked for is not what it returns
    "asks-for-others": (
        "sequential",
        "did not return the rows it bought",
        """
    labels = ask(pool.unlabeled()[-budget:])
    return pool.unlabeled()[:budget]
""",
    ),
}
HONEST = {
    "first-rows": ("strategy", "\n    return pool.unlabeled()[:budget]\n"),
    "asks-in-order": (
        "sequential",
        """
    chosen = pool.unlabeled()[:budget]
    labels = ask(chosen)
    return chosen[np.argsort(labels, kind="stable")]
""",
    ),
}


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """The toy strategies, registered by an outside package."""
    package = tmp_path / "toy_strategies"
    package.mkdir()
    (package / "__init__.py").write_text("")
    points = []
    for name, (kind, *_, body) in {**CHEATS, **HONEST}.items():
        module = name.replace("-", "_")
        info = {"name": name, "needs": [], "kind": kind, "multilabel": False, "deterministic": True}
        arguments = "pool, budget, rng" + (", ask" if kind == "sequential" else "")
        (package / f"{module}.py").write_text(
            f'"""A toy."""\nimport sys\nimport numpy as np\nINFO = {info!r}\n'
            f"def select({arguments}):{body}"
        )
        points.append(
            importlib.metadata.EntryPoint(name, f"toy_strategies.{module}", "labelbench.strategies")
        )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(
        importlib.metadata,
        "entry_points",
        lambda group: points if group == "labelbench.strategies" else [],
    )
    registry._plugins.cache_clear()
    yield
    registry._plugins.cache_clear()
    registry.describe.cache_clear()
    for name in [name for name in sys.modules if name.startswith("toy_strategies")]:
        del sys.modules[name]


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize("strategy", CHEATS)
def test_cheats_are_caught(play, strategy):
    with pytest.raises((AssertionError, ValueError, RuntimeError), match=CHEATS[strategy][1]):
        check_honest(play, strategy)


@pytest.mark.usefixtures("plugins")
def test_who_finds_the_truth_behind_an_annotator_is_caught(play):
    with pytest.raises(AssertionError, match="with another truth it picks other rows"):
        check_honest_towards_an_annotator(play, "copies-the-labels")


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize("strategy", HONEST)
def test_the_honest_are_not(play, strategy):
    check_honest(play, strategy)
