"""How often the interval of the saving on a user's own data holds it, by simulated campaigns.

    python -m benchmarks.saving_of_campaigns

Rows are Gaussian, of two classes whose means differ in every feature; models are least squares with
a ridge penalty. A strategy that saves a factor s is random selection that trains on s times
its labels. The truth of a campaign is that of its own models and of the control's expected accuracy
with B labels, half of the audit (200 models), on 20,000 further rows: B over the labels with which
the strategy's curve, straight between its rounds, first reaches that accuracy.

- `coverage`: the share of campaigns whose 95 % interval holds it; an open end holds it where the
  truth is beyond the first or last round.
- `told`: the share whose interval leaves out 1; `wrong`: the share that tells the wrong side of 1.
- `low`, `high`: medians of the ends; infinite: open.
- `needed`: the median of the audit labels that campaigns without a result say they need.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from docs.kept_results import line
from labelbench_core.analysis.savings.crossings import first_crossing
from labelbench_core.campaign.audit.saving import compare, control_scores, most_labels
from labelbench_core.seeds import rng_for

FEATURES, APART, PENALTY, FURTHER, MODELS = 30, 0.3, 10.0, 20_000, 200
AUDITS, SAVINGS, CAMPAIGNS = (50, 100, 200, 400, 1000), (0.7, 1.0, 1.5, 3.0), 200
ROUNDS = 8
COLUMNS = ("audit", "saving", "coverage", "told", "wrong", "low", "high", "needed")


@dataclass(frozen=True)
class Campaign:
    """What one campaign finds, and the truth: `least` to `most` where only bounds are true."""

    low: float
    high: float
    told: bool
    needed: float
    least: float
    most: float


def rows_of(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(count, FEATURES + 1) rows with a constant, and (count,) labels of -1 and 1."""
    labels = rng.integers(0, 2, count) * 2.0 - 1
    features = rng.standard_normal((count, FEATURES)) + APART * labels[:, None]
    return np.column_stack([features, np.ones(count)]), labels


def trained(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Weights of least squares."""
    penalty = PENALTY * np.eye(features.shape[1])
    return np.linalg.solve(features.T @ features + penalty, features.T @ labels)


def campaign(audit: int, saving: float, level: float, rng: np.random.Generator) -> Campaign:
    """Simulate a campaign; `level` is the control's expected accuracy with B labels."""
    features, labels = rows_of(audit, rng)
    further, true = rows_of(FURTHER, rng)
    most = audit // 2
    last = most_labels(audit)
    own = np.unique([*np.linspace(last / ROUNDS, last, ROUNDS).astype(int), most])
    bought, known = rows_of(int(np.ceil(saving * last)), rng)
    counts = np.maximum((saving * own).astype(int), 2)
    models = [trained(bought[:count], known[:count]) for count in counts]
    right = np.array([(features @ model) * labels > 0 for model in models], float)
    curve = np.array([((further @ model) * true > 0).mean() for model in models])

    def fit(rows: np.ndarray):
        model = trained(features[rows], labels[rows])
        return lambda other: (features[other] @ model) * labels[other] > 0

    found = compare(control_scores(fit, audit, own.tolist(), rng), own.tolist(), right)
    there = first_crossing(own.astype(float), curve[None], np.array([level]))[0]
    least = 0.0 if np.isinf(there) else most / there
    highest = np.inf if there <= own[0] else most / min(there, own[-1])
    return Campaign(found.low, found.high, found.told, found.audit_labels_needed, least, highest)


def expected_accuracy(count: int, rng: np.random.Generator) -> float:
    """The expected accuracy of a model trained on so many random rows."""
    further, true = rows_of(FURTHER, rng)
    models = np.array([trained(*rows_of(count, rng)) for _ in range(MODELS)])
    return float(((further @ models.T) * true[:, None] > 0).mean())


def scores(found: Sequence[Campaign]) -> list[str]:
    """Cells of the table from `coverage` on."""
    holds = [one.low <= one.most + 1e-9 and one.least - 1e-9 <= one.high for one in found]
    wrong = [one.low > max(one.most, 1) or one.high < min(one.least, 1) for one in found]
    needed = [one.needed for one in found if not one.told]
    ends = np.median([one.low for one in found]), np.median([one.high for one in found])
    shares = [np.mean(holds), np.mean([one.told for one in found]), np.mean(wrong)]
    told = f"{np.median(needed):.0f}" if needed else "–"
    return [*(f"{share:.3f}" for share in shares), *(f"{end:.2f}" for end in ends), told]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--campaigns", type=int, default=CAMPAIGNS, help="per setting")
    options = parser.parse_args(argv)
    print(line(COLUMNS))
    print(line(["---:"] * len(COLUMNS)))
    for audit in AUDITS:
        level = expected_accuracy(audit // 2, rng_for("saving-level", audit))
        for saving in SAVINGS:
            rng = rng_for("saving-of-campaigns", audit, str(saving))
            found = [campaign(audit, saving, level, rng) for _ in range(options.campaigns)]
            print(line([audit, f"{saving:g}", *scores(found)]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
