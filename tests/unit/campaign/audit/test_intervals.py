"""Intervals of the audit, against definitions written out and against SciPy."""

import itertools

import numpy as np
import pytest
from scipy.stats import binom, binomtest, hypergeom

from labelbench_core.campaign.audit import intervals
from labelbench_core.campaign.audit.intervals import (
    TAIL,
    bounded_interval,
    clopper_pearson,
    exact_interval,
    melded_interval,
)


@pytest.mark.parametrize(("total", "population"), [(1, 1), (1, 9), (10, 11), (10, 60), (30, 400)])
def test_exact_intervals_are_those_of_the_two_tests(total: int, population: int) -> None:
    pool = np.arange(population + 1)
    for right in range(total + 1):
        many = hypergeom.sf(right - 1, population, pool, total) > TAIL
        few = hypergeom.cdf(right, population, pool, total) > TAIL
        low, high = exact_interval(right, total, population)
        assert low == pytest.approx(pool[many].min() / population)
        assert high == pytest.approx(pool[few].max() / population)


@pytest.mark.parametrize(("total", "population"), [(10, 40), (20, 25), (7, 200)])
def test_exact_intervals_cover_every_pool(total: int, population: int) -> None:
    ends = np.array([exact_interval(right, total, population) for right in range(total + 1)])
    for right in range(population + 1):
        share = right / population
        holds = (ends[:, 0] <= share + 1e-12) & (share - 1e-12 <= ends[:, 1])
        chance = hypergeom.pmf(np.arange(total + 1), population, right, total)
        assert chance[holds].sum() >= 0.95


def test_a_large_pool_has_the_interval_of_clopper_and_pearson() -> None:
    for right, total in ((0, 10), (9, 10), (97, 100), (400, 400)):
        told = binomtest(right, total).proportion_ci(0.95, "exact")
        assert clopper_pearson(right, total) == pytest.approx((told.low, told.high), abs=1e-9)
        assert exact_interval(right, total, 10**5) == pytest.approx((told.low, told.high), abs=5e-4)


def test_what_is_all_known_has_no_width() -> None:
    assert exact_interval(7, 10, 10) == (0.7, 0.7)
    with pytest.raises(ValueError, match="cannot be right"):
        exact_interval(11, 10, 20)
    with pytest.raises(ValueError, match="cannot be right"):
        melded_interval([1, 3], [2, 3], [5, 2])


def ranks(order: int, total: int, population: int) -> dict[int, float]:
    """The definition: the order-th smallest of every draw."""
    draws = list(itertools.combinations(range(1, population + 1), total))
    places = [draw[order - 1] for draw in draws]
    return {place: places.count(place) / len(places) for place in set(places)}


@pytest.mark.parametrize("counts", [((1, 2), (2, 3), (6, 7)), ((2, 3), (2, 4), (8, 8))])
def test_melded_intervals_are_quantiles_of_sums_of_ranks(counts) -> None:
    rights, totals, populations = counts
    rows = sum(populations)
    summed: dict[int, float] = {0: 1.0}
    for part in zip(rights, totals, populations, strict=True):
        pairs = itertools.product(summed.items(), ranks(*part).items())
        fresh: dict[int, float] = {}
        for (one, chance), (other, share) in pairs:
            fresh[one + other] = fresh.get(one + other, 0) + chance * share
        summed = fresh
    values = sorted(summed)
    below = np.cumsum([summed[value] for value in values])
    low = values[int(np.argmax(below > TAIL))] / rows
    assert melded_interval(rights, totals, populations)[0] == pytest.approx(low, abs=3e-4)


def test_melding_one_stratum_changes_nothing_and_an_unseen_one_is_open() -> None:
    assert melded_interval([9], [10], [100]) == exact_interval(9, 10, 100)
    low, high = melded_interval([9, 0], [10, 0], [100, 100])
    alone = exact_interval(9, 10, 100)
    assert low == pytest.approx(alone[0] / 2, abs=3e-4)
    assert high == pytest.approx((alone[1] + 1) / 2, abs=3e-4)


@pytest.mark.parametrize("total", [4, 10])
def test_melded_intervals_cover_two_strata(total: int) -> None:
    """Binomial counts of two small strata: every combination counts with its probability."""
    sizes = [400, 100]
    counts = list(itertools.product(range(total + 1), repeat=2))
    ends = np.array([melded_interval(pair, [total, total], sizes) for pair in counts])
    for first, second in itertools.product((0.05, 0.5, 0.9, 0.99), repeat=2):
        share = 0.8 * first + 0.2 * second
        chances = np.array(
            [binom.pmf(a, total, first) * binom.pmf(b, total, second) for a, b in counts]
        )
        holds = (ends[:, 0] <= share) & (share <= ends[:, 1])
        assert chances[holds].sum() >= 0.95, (first, second)


def test_bounded_intervals_of_shares_are_exact_ones() -> None:
    for right, total in ((0, 10), (9, 10), (45, 50)):
        scores = np.repeat([1.0, 0.0], [right, total - right])
        told = clopper_pearson(right, total)
        assert bounded_interval([scores], [1.0]) == pytest.approx(told, abs=0.01)


def test_bounded_intervals_keep_their_bounds() -> None:
    low, high = bounded_interval([np.full(5, -0.5)], [1.0], (-0.5, 1.0))
    # 5 equal scores at the bound: the rest may be 1 with the weight left, Beta(1, 5).
    assert low == -0.5
    assert high == pytest.approx(-0.5 + 1.5 * (1 - TAIL ** (1 / 5)), abs=0.01)
    assert bounded_interval([np.zeros(0)], [1.0]) == pytest.approx((0, 1), abs=1e-9)
    halves = bounded_interval([np.full(50, 0.5), np.zeros(0)], [0.5, 0.5])
    assert halves[0] < 0.25 < 0.74 < halves[1]
    with pytest.raises(ValueError, match="beyond"):
        bounded_interval([np.array([1.2])], [1.0])
    with pytest.raises(ValueError, match="beyond"):
        bounded_interval([np.array([np.nan])], [1.0])


@pytest.mark.parametrize("kind", ["mostly 1", "uniform", "two values"])
@pytest.mark.parametrize("count", [10, 30])
def test_bounded_intervals_cover_scores_between_the_bounds(kind: str, count: int) -> None:
    rng = np.random.default_rng([count, len(kind)])
    pool = {
        "mostly 1": np.where(rng.random(4000) < 0.05, rng.random(4000), 1.0),
        "uniform": rng.random(4000),
        "two values": np.where(rng.random(4000) < 0.1, 0.2, 0.9),
    }[kind]
    ends = [bounded_interval([rng.choice(pool, count, replace=False)], [1.0]) for _ in range(60)]
    missed = sum(not low <= pool.mean() <= high for low, high in ends)
    assert missed <= binom.ppf(0.9999, 60, 0.05)


def test_weights_are_the_same_in_blocks(monkeypatch) -> None:
    scores = np.linspace(0, 1, 30)[None]
    whole = intervals.dirichlet_means(scores, 3, 500)
    monkeypatch.setattr(intervals, "_MOST_WEIGHTS", 31 * 70)
    parts = intervals.dirichlet_means(scores, 3, 500)
    assert parts[0] == pytest.approx(whole[0], abs=1e-12)
    assert (parts[1] == whole[1]).all()
    other = intervals.dirichlet_means(scores, 4, 500)
    assert abs(np.corrcoef(other[1], whole[1])[0, 1]) < 0.2
