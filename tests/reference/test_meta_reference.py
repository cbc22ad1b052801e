"""TCM, TAILOR and REFINE against their rules written out, and the sub-pools they work on."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from helpers.choosing import choose
from helpers.project import PROJECT
from labelbench_core.configuration.catalogue import load_catalogue
from labelbench_core.errors import InputError
from labelbench_core.storage import files
from labelbench_core.strategies import (
    MissingInput,
    Pool,
    dispatch,
    select,
    select_with_state,
    tailor,
)
from labelbench_core.strategies.kernels.sub_pool import SelectedRows, sub_pool
from labelbench_core.strategies.testing import CHECKS, Blocks, make_pool, run

MATRICES = ("embeddings", "probabilities")


def part_of(pool, rows):
    """A pool of some rows, written out."""
    return Pool(
        embeddings=pool.embeddings[rows],
        probabilities=pool.probabilities[rows],
        labeled=np.array([list(rows).index(i) for i in pool.labeled], np.int64),
        labels=pool.labels,
        num_classes=pool.num_classes,
        head=pool.head,
        round=pool.round,
        multilabel=pool.multilabel,
    )


def choose_among(name, pool, rows, budget, rng):
    """What a strategy chooses when the labelled rows and `rows` are the whole pool."""
    rows = np.array(sorted({*pool.labeled.tolist(), *np.asarray(rows).tolist()}))
    return rows[select(name, part_of(pool, rows), budget, rng)]


def multilabel_pool(labeled=12):
    pool = make_pool(80, labeled=labeled)
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, (labeled, 3))
    return replace(pool, labels=labels, probabilities=rng.random((80, 3)), multilabel=True)


# Sub-pools


def test_a_sub_pool_keeps_the_labelled_rows_and_maps_back():
    pool = replace(make_pool(50, labeled=6), state={"a": 1}, round=4)
    candidates = np.random.default_rng(0).permutation(pool.unlabeled())[:9]
    part, rows = sub_pool(pool, candidates)
    assert sorted(rows[part.unlabeled()]) == sorted(candidates)
    assert rows[part.labeled].tolist() == pool.labeled.tolist()
    assert (np.diff(rows) > 0).all()
    for key in MATRICES:
        assert np.array_equal(getattr(part, key), getattr(pool, key)[rows])
    for smaller, member in zip(part.member_probabilities, pool.member_probabilities, strict=True):
        assert np.array_equal(smaller, member[rows])
    assert (part.labels is pool.labels, part.round, part.state) == (True, 4, {})


def test_a_sub_pool_of_all_rows_copies_nothing():
    pool = make_pool(50)
    part, rows = sub_pool(pool, pool.unlabeled())
    assert part.embeddings is pool.embeddings
    assert np.array_equal(rows, np.arange(50))


@pytest.mark.parametrize("in_memory", [False, True])
@pytest.mark.parametrize("block_rows", [1, 7, 64])
def test_rows_on_disk_are_read_through_a_sub_pool_of_a_sub_pool(block_rows, in_memory):
    pool = make_pool(50, labeled=6)
    blocks = replace(pool, **{key: Blocks(getattr(pool, key), block_rows) for key in MATRICES})
    outer, outer_rows = sub_pool(blocks, pool.unlabeled()[::2])
    inner, inner_rows = sub_pool(outer, outer.unlabeled()[3:], in_memory=in_memory)
    assert isinstance(inner.embeddings, np.ndarray if in_memory else SelectedRows)
    rows = outer_rows[inner_rows]
    expected, _ = sub_pool(pool, rows[inner.unlabeled()])
    for name in ("coreset", "margin"):
        assert np.array_equal(choose(name, inner, 8), choose(name, expected, 8))
    if not in_memory:
        done = 0
        for first, block in inner.embeddings.blocks():
            assert first == done
            done += len(block)
            assert np.array_equal(block, pool.embeddings[rows[first:done]])
        assert done == len(rows)


def test_a_sub_pool_of_tensors_is_of_tensors():
    import torch

    pool = make_pool(50, labeled=6)
    tensors = {key: torch.from_numpy(getattr(pool, key)) for key in MATRICES}
    members = torch.from_numpy(pool.member_probabilities)
    part, rows = sub_pool(
        replace(pool, **tensors, member_probabilities=members), pool.unlabeled()[:9]
    )
    assert np.array_equal(part.embeddings.numpy(), pool.embeddings[rows])
    for smaller, member in zip(part.member_probabilities, pool.member_probabilities, strict=True):
        assert np.array_equal(smaller.numpy(), member[rows])


@pytest.mark.parametrize("strategy", ["tailor", "refine"])
@pytest.mark.parametrize(
    ("candidates", "message"),
    [
        (["margin", "galaxy"], "'galaxy'; allowed: .* a whole batch at once"),
        (["tailor"], "'tailor'; allowed: .* remember nothing"),
        (["margn"], "'margn'; allowed: .* margin,"),
        ("margin", "'margin'; allowed: a non-empty list"),
        ([], "allowed: a non-empty list"),
    ],
)
def test_candidates_that_cannot_be_run_are_refused(strategy, candidates, message):
    with pytest.raises(InputError, match=message):
        choose(strategy, make_pool(), 3, candidates=candidates)


def test_a_candidate_that_lacks_a_field_says_which():
    pool = replace(make_pool(), member_probabilities=None)
    with pytest.raises(MissingInput, match=r"'bald' needs `member_probabilities`"):
        choose("tailor", pool, 3, candidates=["bald"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            "candidates: [margin, galaxi]",
            r"mine.options.candidates: 'galaxi'; allowed: strategies that",
        ),
        ("candidates: [galaxy]", r"'galaxy'; allowed: strategies that"),
        ("candidates: margin", r"'margin'; allowed: a non-empty list"),
        ("candidates: [1]", r"\[1\]; allowed: a non-empty list"),
    ],
)
def test_the_catalogue_refuses_them_before_any_job(tmp_path, options, message):
    shutil.copytree(PROJECT / "config", tmp_path / "config")
    with open(tmp_path / "config/catalogue/strategies.yaml", "a", encoding="utf-8") as file:
        file.write(f"mine:\n  implementation: tailor\n  options: {{{options}}}\n")
    with pytest.raises(InputError, match=message):
        load_catalogue(tmp_path / "config/catalogue")


# TCM


@pytest.mark.parametrize(
    ("number", "rounds", "strategy"),
    [(1, 3, "typiclust"), (3, 3, "typiclust"), (4, 3, "margin"), (1, 0, "margin")],
)
def test_tcm_is_typiclust_first_and_margin_then(number, rounds, strategy):
    pool = replace(make_pool(150, labeled=20), round=number)
    expected = choose(strategy, pool, 30)
    assert np.array_equal(choose("tcm", pool, 30, typiclust_rounds=rounds), expected)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_tcm_keeps_the_contract_after_the_switch(check):
    check("tcm", typiclust_rounds=0)


def test_tcm_refuses_a_negative_number_of_rounds():
    with pytest.raises(InputError, match=r"'tcm': options\.typiclust_rounds: -1; allowed"):
        choose("tcm", make_pool(), 3, typiclust_rounds=-1)


# TAILOR


def plain_tailor(pool, budget, rng, names, batches, decay=0.9):
    """The rule, row by row; `batches`: per earlier round, the (name, label) of each row bought."""
    classes = range(pool.num_classes)
    has = [
        [bool(label[c]) if pool.multilabel else label == c for c in classes]
        for label in pool.labels
    ]
    a = {name: [1.0] * pool.num_classes for name in names}
    b = {name: [1.0] * pool.num_classes for name in names}
    for batch in batches:
        for name in names:
            a[name] = [decay * value for value in a[name]]
            b[name] = [decay * value for value in b[name]]
        for name, label in batch:
            for c in classes:
                positive = bool(label[c]) if pool.multilabel else label == c
                a[name][c] += positive
                b[name][c] += not positive
    worth = []
    for c in classes:
        size = sum(row[c] for row in has)
        worth.append((-1 if len(has) and size / len(has) > 0.5 else 1) / max(size, 1))
    winners = []
    for _ in range(budget):
        draws = {}
        if pool.multilabel:
            for name in names:
                draws[name] = [rng.beta(a[name][c], b[name][c]) for c in classes]
        else:
            for name in names:
                gammas = [rng.standard_gamma(1 + a[name][c]) for c in classes]
                draws[name] = [gamma / sum(gammas) for gamma in gammas]
        value = {
            name: sum(t * v for t, v in zip(draws[name], worth, strict=True)) for name in names
        }
        winners.append(max(names, key=value.get))
    left, chosen, proposers = set(pool.unlabeled().tolist()), [], []
    for name in dict.fromkeys(winners):
        share = choose_among(name, pool, list(left), winners.count(name), rng).tolist()
        left -= set(share)
        chosen += share
        proposers += [name] * len(share)
    return chosen, proposers


@pytest.mark.parametrize("multilabel", [False, True])
def test_tailor_over_several_rounds(multilabel):
    names = ["confidence", "random", "coreset"]
    pool = multilabel_pool() if multilabel else make_pool(80, labeled=12)
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, (80, 3)) if multilabel else rng.choice(3, 80, p=[0.8, 0.15, 0.05])
    batches = []
    for number in range(1, 5):
        arguments = (pool, 14, np.random.default_rng(number))
        expected, proposers = plain_tailor(
            *arguments[:2], np.random.default_rng(number), names, batches
        )
        chosen, state = select_with_state("tailor", *arguments, candidates=names)
        assert chosen.tolist() == expected
        batches.append([(n, truth[i]) for n, i in zip(proposers, expected, strict=True)])
        pool = replace(
            pool,
            labeled=np.append(pool.labeled, chosen),
            labels=np.concatenate([pool.labels, truth[chosen]]),
            round=number + 1,
            state=state,
        )
    assert len({name for batch in batches for name, _ in batch}) > 1


def test_the_posterior_by_hand():
    pool = make_pool(20, labeled=2)
    state = {
        "candidates": ["random", "margin"],
        "counts": [[[1, 1, 1], [1, 1, 1]]],
        "num_labeled": 2,
        "shares": [[1, 3], [0, 1]],
    }
    bought = pool.unlabeled()[:4]
    later = replace(
        pool,
        labeled=np.append(pool.labeled, bought),
        labels=np.append(pool.labels, [2, 2, 0, 1]),
        state=state,
    )
    counts = tailor.updated_counts(later, ["random", "margin"], 0.5)
    assert counts.tolist() == [[[0.5, 1.5, 0.5], [1.5, 0.5, 2.5]]]


def test_rewards_by_hand():
    pool = make_pool(20, labeled=6)
    labels = np.array([0, 0, 0, 0, 1, 1])
    assert tailor.rewards(replace(pool, labels=labels)).tolist() == [-1 / 4, 1 / 2, 1]
    half = np.array([0, 0, 0, 1, 1, 2])  # exactly half is not more than half
    assert tailor.rewards(replace(pool, labels=half)).tolist() == [1 / 3, 1 / 2, 1]
    assert tailor.rewards(make_pool(20, labeled=0)).tolist() == [1, 1, 1]
    several = np.array([[1, 0, 1], [1, 0, 1], [1, 1, 0]])
    multi = replace(make_pool(20, labeled=3), labels=several, multilabel=True)
    assert tailor.rewards(multi).tolist() == [-1 / 3, 1, -1 / 2]


def test_winners_follow_the_law_of_dirichlet_draws():
    counts = np.array([[[3.0, 1.0, 0.4], [1.0, 2.0, 0.9], [8.0, 0.1, 2.5]]])
    worth = np.array([-0.1, 0.5, 1.0])
    rng = np.random.default_rng(0)
    drawn = np.stack([rng.dirichlet(1 + a, 100_000) @ worth for a in counts[0]])
    expected = np.bincount(drawn.argmax(axis=0), minlength=3) / 100_000
    winners = tailor.thompson_winners(counts, worth, 100_000, np.random.default_rng(1))
    seen = np.bincount(winners, minlength=3) / 100_000
    assert np.abs(seen - expected).max() < 5 * np.sqrt(2 * 0.25 / 100_000)
    assert expected.min() > 0.05


def test_tailors_memory_survives_json():
    pool = make_pool(60, labeled=9)
    chosen, state = select_with_state("tailor", pool, 10, np.random.default_rng(0))
    later = replace(
        pool,
        labeled=np.append(pool.labeled, chosen),
        labels=np.append(pool.labels, chosen % 3),
    )
    written = json.loads(files.canonical_json(state))
    picks = [choose("tailor", replace(later, state=s), 10).tolist() for s in (state, written)]
    assert picks[0] == picks[1]


def test_a_memory_of_something_else_is_refused():
    pool = make_pool(60, labeled=9)
    _, state = select_with_state("tailor", pool, 10, np.random.default_rng(0))
    with pytest.raises(InputError, match="its state was recorded with 19 labelled rows"):
        choose("tailor", replace(pool, state=state), 10)
    with pytest.raises(InputError, match="found 9 rows and margin"):
        choose("tailor", replace(pool, state={**state, "shares": []}), 3, candidates=["margin"])


@pytest.mark.parametrize("decay", [0, 1.5])
def test_tailor_refuses_a_decay_out_of_range(decay):
    with pytest.raises(InputError, match="decay"):
        choose("tailor", make_pool(), 3, decay=decay)


# REFINE


def plain_refine(pool, budget, rng, names, final, depth, batches, alpha, first, largest):
    """The authors' loop; also the pools that it passes through."""
    current, size, pools = pool.unlabeled(), first, []
    for _ in range(depth):
        size = min(max(size, budget), len(current))
        union = set()
        for name in names:
            for _ in range(batches // len(names)):
                subset = rng.choice(current, size, replace=False)
                union |= set(choose_among(name, pool, subset, budget, rng).tolist())
        current = np.array(sorted(union))
        if len(current) > max(largest, budget):
            current = np.sort(rng.choice(current, max(largest, budget), replace=False))
        pools.append(current)
        size = int(alpha * len(current))
    return choose_among(final, pool, current, budget, rng), pools


@pytest.mark.parametrize(("budget", "largest"), [(10, 10_000), (10, 40), (50, 30)])
def test_refine(budget, largest):
    names = ["random", "margin", "badge", "typiclust"]
    pool = make_pool(300, labeled=20)
    rng = np.random.default_rng(2)
    expected, pools = plain_refine(pool, budget, rng, names, "coreset", 3, 13, 0.4, 45, largest)
    options = {"candidates": names, "final": "coreset", "depth": 3, "batches": 13}
    sizes = {"alpha": 0.4, "first_subset": 45, "largest_pool": largest}
    chosen = choose("refine", pool, budget, 2, **options, **sizes)
    assert chosen.tolist() == expected.tolist()
    assert budget <= len(pools[-1]) < 280


def test_refine_without_filtering_is_its_final_strategy():
    pool = make_pool(200, labeled=20)
    assert np.array_equal(choose("refine", pool, 20, depth=0), choose("uherding", pool, 20))


def test_what_is_certain_is_asked_once(monkeypatch):
    asked = []
    real = dispatch.select

    def counted(name, *arguments):
        asked.append(name)
        return real(name, *arguments)

    pool = make_pool(60)
    expected = set(choose("margin", pool, 12))
    monkeypatch.setattr(dispatch, "select", counted)
    chosen = run("refine", pool, 12, {"candidates": ["margin"], "batches": 7})
    assert set(chosen) == expected
    # Nothing is left to filter after the first depth.
    assert asked == ["margin", "uherding"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("depth", -1),
        ("batches", 8),
        ("alpha", 0.0),
        ("alpha", 1.5),
        ("first_subset", 0),
        ("largest_pool", 0),
    ],
)
def test_refine_refuses_options_out_of_range(option, value):
    with pytest.raises(InputError, match=f"'refine': options.{option}: {value}; allowed"):
        choose("refine", make_pool(), 3, **{option: value})
