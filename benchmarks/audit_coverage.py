"""How often the audit's 95 % intervals hold the accuracy of the pool, by redrawn audits.

    python -m benchmarks.audit_coverage

From predictions for a whole pool whose labels are known, 2,000 audits of each size are drawn, and
each estimator's interval is compared with the pool's accuracy. Pools:

- synthetic, 5,000 rows: accuracy .5 to .99; confidence that is calibrated, too high, unrelated to
  being right, or the wrong way round;
- `strata`: 4,000 rows that are right more often than 1,000 later ones; `late stratum`: 200 later
  ones; audits are drawn in proportion, at least one row of each;
- digits (scikit-learn): logistic regression on 20, 100 and 500 labels, over pixels, and the rest
  of the rows as the pool; `class`: accuracy on one class (`by_class`), where told;
- `F1`, `decisions`: synthetic rows with several labels, the mean of each row's F1 and the share of
  right decisions.

For comparison, what was not chosen: `Wilson` (without regard to strata), and `CLT`, the interval of
the papers on prediction-powered inference and inverse probabilities. Inverse probabilities draw
each row by itself: half of them alike, half by how unsure the model is.

Each cell has coverage, and the median width.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from docs.kept_results import line
from labelbench_core.analysis.stopping.stopping_points import share_interval
from labelbench_core.campaign.audit.estimators import by_class, example_f1, mean_score, plain
from labelbench_core.campaign.audit.inverse_probability import inverse_probability
from labelbench_core.campaign.audit.prediction_powered import power_tuning, prediction_powered
from labelbench_core.seeds import rng_for

SIZES = (10, 50, 100, 200, 400)
AUDITS, ROWS = 2000, 5000
ACCURACIES = (0.5, 0.7, 0.9, 0.97, 0.99)
NORMAL = 1.959963984540054
Interval = tuple[float, float]


@dataclass(frozen=True)
class AuditedPool:
    """A pool whose labels are known.

    `scores` (N,): whether each row is right, or its score; `confidence` (N,); `stratum` (N,) int;
    `labels` (N,) int, where accuracy on class 0 is asked for.
    """

    name: str
    scores: np.ndarray
    confidence: np.ndarray
    stratum: np.ndarray
    labels: np.ndarray | None = None

    @property
    def sizes(self) -> list[int]:
        """(H,) rows of each stratum."""
        return np.bincount(self.stratum).tolist()


def synthetic(rows: int = ROWS) -> Iterator[AuditedPool]:
    """Pools of one stratum, by accuracy and kind of confidence."""
    kinds: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
        "calibrated": lambda chance, _: chance,
        "too high": lambda chance, _: chance**0.3,
        "unrelated": lambda chance, rng: rng.random(len(chance)),
        "wrong way": lambda chance, _: 1 - chance,
    }
    for accuracy in ACCURACIES:
        rng = rng_for("audited-pool", str(accuracy))
        chance = rng.beta(3 * accuracy, 3 * (1 - accuracy), rows)
        right = rng.random(rows) < chance
        for kind, confidence in kinds.items():
            name = f"{accuracy:g}, {kind}"
            yield AuditedPool(name, right, confidence(chance, rng), np.zeros(rows, np.int64))


def strata() -> Iterator[AuditedPool]:
    """Pools of two strata that differ in accuracy."""
    for name, sizes, accuracies in (
        ("strata .9, .6", (4000, 1000), (0.9, 0.6)),
        ("strata .99, .9", (4000, 1000), (0.99, 0.9)),
        ("late stratum .95, .5", (4800, 200), (0.95, 0.5)),
    ):
        rng = rng_for("audited-strata", name)
        parts = [rng.beta(3 * a, 3 * (1 - a), n) for a, n in zip(accuracies, sizes, strict=True)]
        chance = np.concatenate(parts)
        stratum = np.repeat([0, 1], sizes)
        yield AuditedPool(name, rng.random(len(chance)) < chance, chance, stratum)


def digits() -> Iterator[AuditedPool]:
    """Predictions of logistic regression for scikit-learn's digits."""
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression

    features, labels = load_digits(return_X_y=True)
    for count in (20, 100, 500):
        rng = rng_for("audited-digits", count)
        order = rng.permutation(len(labels))
        known, rest = order[:count], order[count:]
        model = LogisticRegression(max_iter=2000).fit(features[known] / 16, labels[known])
        found = model.predict_proba(features[rest] / 16)
        right = model.classes_[found.argmax(axis=1)] == labels[rest]
        stratum = np.zeros(len(rest), np.int64)
        name = f"digits, {count} labels ({right.mean():.3f})"
        yield AuditedPool(name, right, found.max(axis=1), stratum, labels[rest])


def several_labels(rows: int = ROWS) -> Iterator[AuditedPool]:
    """Scores of rows with several of 8 labels, by how often a decision is wrong."""
    for wrong in (0.2, 0.05, 0.005):
        rng = rng_for("audited-labels", str(wrong))
        labels = rng.random((rows, 8)) < 0.25
        predicted = labels ^ (rng.random((rows, 8)) < wrong)
        stratum, confidence = np.zeros(rows, np.int64), np.full(rows, 0.5)
        scores = {"F1": example_f1(predicted, labels), "decisions": (predicted == labels).mean(1)}
        for name, score in scores.items():
            mean = f"{name}, {wrong:g} wrong ({score.mean():.3f})"
            yield AuditedPool(mean, score, confidence, stratum)


def drawn(pool: AuditedPool, size: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of an audit: of each stratum in proportion, at least one."""
    total = sum(pool.sizes)
    parts = []
    for one, own in enumerate(pool.sizes):
        count = max(1, round(size * own / total))
        parts.append(rng.choice(np.flatnonzero(pool.stratum == one), count, replace=False))
    return np.concatenate(parts)


def central_limit(
    right: np.ndarray, confidence: np.ndarray, everywhere: float, weights: np.ndarray
) -> Interval:
    """The papers' interval, normal, with the same estimate."""
    tuning = power_tuning(right.astype(float), confidence, weights)
    rest, shares = right - tuning * confidence, weights / weights.sum()
    mean = float(shares @ rest)
    half = NORMAL * math.sqrt(shares**2 @ (rest - mean) ** 2)
    return mean + tuning * everywhere - half, mean + tuning * everywhere + half


def intervals(
    pool: AuditedPool, size: int, rng: np.random.Generator, *, is_share: bool
) -> dict[str, Interval]:
    """The intervals of one audit, by estimator."""
    rows = drawn(pool, size, rng)
    score, stratum, confidence = pool.scores[rows], pool.stratum[rows], pool.confidence[rows]
    if not is_share:
        told = mean_score(score, stratum, pool.sizes)
        spread = NORMAL * score.std(ddof=1) / math.sqrt(size)
        return {
            "plain": (told.low, told.high),
            "CLT": (score.mean() - spread, score.mean() + spread),
        }
    found = {"plain": plain(score, stratum, pool.sizes)}
    everywhere = [pool.confidence[pool.stratum == one] for one in range(len(pool.sizes))]
    found["powered"] = prediction_powered(score, confidence, stratum, everywhere)
    ends = {name: (one.low, one.high) for name, one in found.items()}
    ends["Wilson"] = share_interval(int(score.sum()), len(score))
    whole = float(pool.confidence.mean())
    ends["powered CLT"] = central_limit(score, confidence, whole, np.ones(len(score)))
    if pool.labels is not None:
        told = by_class(score, pool.labels[rows], stratum, pool.sizes, 1)[0]
        if told is not None:
            ends["class"] = (told.low, told.high)
    if len(pool.sizes) > 1:
        return ends
    unsure = np.sqrt(pool.confidence * (1 - pool.confidence)) + 1e-3
    probability = np.minimum(size * (0.5 * unsure / unsure.mean() + 0.5) / len(unsure), 1.0)
    rows = np.flatnonzero(rng.random(len(unsure)) < probability)
    if len(rows):
        told = inverse_probability(pool.scores[rows], rows, pool.confidence, probability)
        ends["inverse"] = (told.low, told.high)
        by_hand = (pool.scores[rows], pool.confidence[rows], whole, 1 / probability[rows])
        ends["inverse CLT"] = central_limit(*by_hand)
    return ends


def truth(pool: AuditedPool, name: str) -> float:
    """The true mean, which an interval has to hold."""
    chosen = pool.scores[pool.labels == 0] if name == "class" else pool.scores
    return float(np.mean(chosen))


def simulate(
    pool: AuditedPool, size: int, audits: int, *, is_share: bool = True
) -> dict[str, tuple[float, float]]:
    """Coverage and median width of each estimator."""
    rng = rng_for("audit-coverage", pool.name, size)
    ends: dict[str, list[Interval]] = {}
    for _ in range(audits):
        for name, one in intervals(pool, size, rng, is_share=is_share).items():
            ends.setdefault(name, []).append(one)
    scores = {}
    for name, found in ends.items():
        low, high = np.array(found).T
        holds = (low <= truth(pool, name) + 1e-12) & (truth(pool, name) - 1e-12 <= high)
        scores[name] = (float(holds.mean()), float(np.median(high - low)))
    return scores


SHARES = ("plain", "powered", "inverse", "class", "Wilson", "powered CLT", "inverse CLT")
SCORES = ("plain", "CLT")


def print_table(
    pools: Iterator[AuditedPool], names: Sequence[str], audits: int, *, is_share: bool = True
) -> None:
    """A line for each pool and size of audit."""
    print(line(["pool", "audit", *names]))
    print(line(["---", *["---:"] * (1 + len(names))]))
    lowest: dict[str, float] = {}
    for pool in pools:
        for size in SIZES:
            found = simulate(pool, size, audits, is_share=is_share)
            cells = []
            for name in names:
                coverage, width = found.get(name, (math.nan, math.nan))
                lowest[name] = np.nanmin([lowest.get(name, math.nan), coverage, 1.0])
                cells.append("–" if math.isnan(coverage) else f"{coverage:.3f} {width:.3f}")
            print(line([pool.name, size, *cells]), flush=True)
    if lowest:
        print(line(["lowest", "all", *(f"{lowest[name]:.3f}" for name in names)]))
    print()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--audits", type=int, default=AUDITS, help="per pool and size")
    parser.add_argument("--only", default="", help="pools whose names begin with this")
    options = parser.parse_args(argv)
    for pools in (synthetic(), strata(), digits()):
        chosen = (pool for pool in pools if pool.name.startswith(options.only))
        print_table(chosen, SHARES, options.audits)
    chosen = (pool for pool in several_labels() if pool.name.startswith(options.only))
    print_table(chosen, SCORES, options.audits, is_share=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
