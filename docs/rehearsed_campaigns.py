"""Tables of rehearsed campaigns, from what `python -m benchmarks.campaigns --keep` has kept."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from docs.kept_results import line
from labelbench_core.errors import InputError, listed
from labelbench_core.storage import files

KEPT = Path(__file__).parent / "benchmarks" / "campaigns"
SIZES = (10, 50, 100, 200, 400)
ROUNDING = 1e-9
NOMINAL = 0.93
"""Coverage below which a cell is named."""


def rehearsed(of: str) -> str:
    """One of `TABLES` over all settings that are kept, in Markdown."""
    if of not in TABLES:
        raise InputError(f"<!-- rehearsed: {of} -->; allowed: {listed(sorted(TABLES))}")
    return "\n".join(TABLES[of]()) + "\n"


def settings() -> list[str]:
    """The settings that are kept, the smallest pool first."""
    found = [path.parent.name for path in KEPT.glob("*/made-from.json")]
    return sorted(found, key=lambda name: made_from(name)["rows"])


def made_from(setting: str) -> dict[str, Any]:
    """How a setting's tables were made."""
    return files.read_json(KEPT / setting / "made-from.json")


def _table(setting: str, name: str) -> pd.DataFrame:
    return pd.read_csv(KEPT / setting / f"{name}.csv")


def of_settings() -> Iterator[str]:
    """What was rehearsed, and by which commit."""
    yield line(["setting", "rows", "classes", "network", "batch", "batches", "campaigns", "commit"])
    yield line(["---", "---:", "---:", "---", "---:", "---:", "---:", "---"])
    for name in settings():
        made = made_from(name)
        asked = made["settings"]
        yield line(
            [
                name,
                f"{made['rows']:,}",
                made["classes"],
                asked["backbone"],
                asked["batch_size"],
                asked["rehearsal"]["batches"],
                made["campaigns"],
                f"`{made['commit'][:8]}`",
            ]
        )


def _intervals(kind: str, estimators: tuple[str, ...]) -> Iterator[str]:
    yield line(["setting", "estimator", *(f"audit {size}" for size in SIZES)])
    yield line(["---", "---", *["---:"] * len(SIZES)])
    for name in settings():
        found = _table(name, "intervals")
        for estimator in estimators:
            own = found[(found["audits"] == kind) & (found["estimator"] == estimator)]
            cells = [_cell(own[own["size"] == size]) for size in SIZES]
            yield line([name, estimator, *cells])


def _cell(rows: pd.DataFrame) -> str:
    """Coverage, and the median width in points."""
    if rows.empty:
        return "–"
    [row] = rows.to_dict("records")
    return f"{row['coverage']:.3f} ({100 * row['width']:.1f})"


def whole() -> Iterator[str]:
    """Intervals of accuracy in whole campaigns."""
    yield from _intervals("campaigns", ("plain", "prediction-powered", "audit alone"))


def redrawn() -> Iterator[str]:
    """The same on audits that were drawn again."""
    yield from _intervals("redrawn", ("plain", "prediction-powered"))


def classes() -> Iterator[str]:
    """Intervals of classes, in whole campaigns and drawn again."""
    yield line(["setting", "audits", *(f"audit {size}" for size in SIZES)])
    yield line(["---", "---", *["---:"] * len(SIZES)])
    for name in settings():
        found = _table(name, "intervals")
        for kind in ("campaigns", "redrawn"):
            own = found[(found["audits"] == kind) & (found["estimator"] == "classes")]
            yield line([name, kind, *(_cell(own[own["size"] == size]) for size in SIZES)])


def batches() -> Iterator[str]:
    """What campaigns said of themselves after each batch, and of the next model."""
    head = ["setting", "labels", "accuracy", "said: coverage", "width", "off"]
    yield line([*head, "next: n", "coverage", "width"])
    yield line(["---", *["---:"] * 8])
    for name in settings():
        found = _table(name, "batches")
        found["width"] = found["high"] - found["low"]
        found["off"] = found["estimate"] - found["answered"]
        ahead = found[found["next_holds"].notna()]
        widths = (ahead["next_high"] - ahead["next_low"]).median()
        yield line(
            [
                name,
                f"{found['num_labeled'].min()} to {found['num_labeled'].max()}",
                _range_of(found.groupby("num_labeled")["answered"].mean()),
                f"{_share(found['holds']):.3f}",
                f"{100 * found['width'].median():.1f}",
                f"{100 * found['off'].mean():+.1f}",
                len(ahead),
                f"{_share(ahead['next_holds']):.3f}",
                f"{100 * widths:.1f}",
            ]
        )


def _range_of(means: pd.Series) -> str:
    return f"{100 * means.iloc[0]:.1f} to {100 * means.iloc[-1]:.1f} %"


def _share(values: pd.Series) -> float:
    return float((values.astype(str) == "True").mean())


def savings() -> Iterator[str]:
    """What campaigns said of their savings at the end, and what was true."""
    head = ["setting", "labels compared", "campaigns", "coverage", "told", "wrong"]
    yield line([*head, "low", "high", "true saving"])
    yield line(["---", *["---:"] * 8])
    compared = {name: _compared_savings(name) for name in settings()}
    for name, found in compared.items():
        if found.empty:
            yield line([name, *"–" * 8])
            continue
        true = _number(found["least"].median())
        span = f"{_number(found['least'].min())} to {_number(found['most'].max())}"
        ends = [_number(found[end].median()) for end in ("low", "high")]
        yield line([name, _labels(found["labels"]), *_told(found), *ends, f"{true} ({span})"])
    every = pd.concat(compared.values())
    yield line(["all", "", *_told(every), "", "", ""])


def _compared_savings(name: str) -> pd.DataFrame:
    """The campaigns that compare curves, with whether their intervals hold."""
    found = _table(name, "savings")
    found = found[found["labels"] > 0].copy()
    low, high, least, most = (found[key] for key in ("low", "high", "least", "most"))
    found["holds"] = (low <= most + ROUNDING) & (least - ROUNDING <= high)
    found["wrong"] = ((low > 1) & (most <= 1)) | ((high < 1) & (least >= 1))
    return found


def _told(found: pd.DataFrame) -> list[str]:
    """Number of campaigns, coverage, and the shares that tell anything and that are wrong."""
    shares = [found["holds"].mean(), _share(found["told"]), found["wrong"].mean()]
    return [str(len(found)), *(f"{share:.3f}" for share in shares)]


def _labels(values: pd.Series) -> str:
    found = sorted({int(one) for one in values})
    return ", ".join(map(str, found)) or "–"


def _number(value: float) -> str:
    if pd.isna(value):
        return "–"
    return "open" if np.isinf(value) else f"{value:.2f}"


def stopping() -> Iterator[str]:
    """What each rule would have cost: where it stops, what is lost, and what is not bought."""
    yield line(["rule", "setting", "stops", "labels", "lost", "not bought"])
    yield line(["---", "---", *["---:"] * 4])
    found = pd.concat([_table(name, "stopping").assign(setting=name) for name in settings()])
    for rule in dict.fromkeys(found["rule"]):
        for name in settings():
            own = found[(found["rule"] == rule) & (found["setting"] == name)]
            stopped = own[own["num_labeled"].notna()]
            if stopped.empty:
                continue
            lost = 100 * stopped["lost"]
            cells = [
                f"{len(stopped)} of {len(own)}",
                f"{stopped['num_labeled'].median():.0f}",
                f"{lost.mean():.1f} (at most {lost.max():.1f})",
                f"{stopped['saved'].mean():.0f}",
            ]
            yield line([rule, name, *cells])
    silent = found.groupby("rule")["num_labeled"].count()
    names = [rule for rule in dict.fromkeys(found["rule"]) if not silent[rule]]
    if names:
        yield ""
        yield f"In no campaign stopped: {listed(names)}."


def below() -> Iterator[str]:
    """Every coverage below 93 %."""
    lines = [
        f"- {name}, {what}: {holds.mean():.3f} of {len(holds):,}"
        for name in settings()
        for what, holds in _coverages(name)
        if holds.mean() < NOMINAL
    ]
    yield from lines or ["None."]


def _coverages(name: str) -> Iterator[tuple[str, pd.Series]]:
    """What is covered, and whether each interval holds."""
    for row in _table(name, "intervals").to_dict("records"):
        if row["estimator"] != "audit alone":
            what = f"{row['audits']}, {row['estimator']}, audit {row['size']}"
            held = round(row["coverage"] * row["n"])
            yield what, pd.Series([1.0] * held + [0.0] * (row["n"] - held))
    found = _table(name, "batches")
    yield "after each batch", found["holds"].astype(str) == "True"
    yield "the next model", found["next_holds"].dropna().astype(str) == "True"
    saved = _compared_savings(name)
    if len(saved):
        yield "the saving", saved["holds"]


TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "settings": of_settings,
    "whole": whole,
    "redrawn": redrawn,
    "classes": classes,
    "batches": batches,
    "savings": savings,
    "stopping": stopping,
    "below": below,
}
