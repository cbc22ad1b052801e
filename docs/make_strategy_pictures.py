"""Draw what every strategy picks on one and the same toy pool, into docs/images/strategies/.

    python -m docs.make_strategy_pictures [--only badge bait]

Three blobs that overlap, of different sizes, and a few outliers; a dozen labels, and the batch of
ten that comes next. The plane lies at distance `HEIGHT` from the origin, since several strategies
look at directions alone. Where LabelBench's form is an option, a second panel shows it. Strategies
for multi-label pools only get the same points; each has all classes whose blobs it is near.
"""

import argparse
import io
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from PIL import Image

from labelbench_core import registry
from labelbench_core.compute.logistic import solve
from labelbench_core.figures.palette import INK, MUTED, PALETTE
from labelbench_core.figures.style import DATELESS, drawing, panels
from labelbench_core.storage.files import atomic_path
from labelbench_core.strategies import Head, Pool, select

FOLDER = Path(__file__).parent / "images" / "strategies"
LABELBENCH = {
    "badge": {"first_center": "largest_norm"},
    "bait": {"method": "swap"},
    "direct": {"share_bound": "most"},
    "galaxy": {"class_order": "random_class"},
}
HEIGHT, BATCH, CLASSES, MEMBERS = 3.0, 10, 3, 5
EXTENT = (-4.2, 4.2, -3.6, 3.6)
COLORS = 128  # of a picture, so that it is small
NEAR = 2.2  # standard deviations of a blob, where its class reaches


def main(argv: list[str] | None = None) -> None:
    """Draw all pictures, or some."""
    names = [
        name
        for name in registry.names("strategies")
        if not registry.describe("strategies", name).info.get("required")
    ]
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME")
    FOLDER.mkdir(parents=True, exist_ok=True)
    pools = {several: toy_pool(multilabel=several) for several in (False, True)}
    for name in parser.parse_args(argv).only:
        only = registry.describe("strategies", name).info["multilabel"] == "only"
        draw(name, *pools[only])


def toy_pool(*, multilabel: bool = False) -> tuple[Pool, np.ndarray]:
    """The pool, and the labels of all its rows."""
    rng = np.random.default_rng(7)
    sizes, spreads = (170, 80, 40), (0.95, 0.6, 0.45)
    centers = np.array([[-1.3, -0.3], [1.3, 0.9], [1.2, -1.5]])
    truth = np.concatenate([np.repeat(np.arange(CLASSES), sizes), rng.integers(0, CLASSES, 8)])
    plane = rng.standard_normal((len(truth), 2)) * np.repeat([*spreads, 0], [*sizes, 8])[:, None]
    plane += centers[truth]
    angles = rng.uniform(0, 2 * np.pi, 8)
    plane[-8:] = rng.uniform(3.0, 3.4, (8, 1)) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    labeled = np.concatenate([rng.choice(np.flatnonzero(truth == k), 4, False) for k in (0, 1, 2)])
    embeddings = np.column_stack([plane, np.full(len(plane), HEIGHT)]).astype(np.float32)
    if multilabel:
        away = np.linalg.norm(plane[:, None] - centers, axis=2) / np.array(spreads)
        truth = (away < NEAR).astype(np.int64)
    head = trained(embeddings, truth, labeled)
    members = [
        trained(embeddings, truth, rng.choice(labeled, len(labeled))) for _ in range(MEMBERS)
    ]

    def held_out(share: float) -> tuple[np.ndarray, np.ndarray]:
        kept = len(labeled) - max(1, int(share * len(labeled)))
        other = trained(embeddings, truth, labeled[:kept])
        return other.predict_proba(embeddings[labeled[kept:]]), truth[labeled[kept:]]

    pool = Pool(
        embeddings=embeddings,
        probabilities=head.predict_proba(embeddings),
        multilabel=multilabel,
        labeled=labeled,
        labels=truth[labeled],
        num_classes=CLASSES,
        head=head,
        member_probabilities=np.stack([member.predict_proba(embeddings) for member in members]),
        held_out=held_out,
    )
    return pool, truth


def trained(embeddings: np.ndarray, truth: np.ndarray, rows: np.ndarray) -> Head:
    """A linear classifier of places in the plane."""
    plane = embeddings[rows, :2]
    solution = solve(plane, truth[rows], CLASSES, 0.1 * len(rows), 1e-4, 500, 1)
    weights = np.vstack([solution.weights, np.zeros((1, CLASSES))])
    bias = solution.bias.astype(np.float32)
    return Head(weights.astype(np.float32), bias, truth.ndim > 1)


def picks(name: str, pool: Pool, truth: np.ndarray, options: dict[str, Any]) -> np.ndarray:
    """(BATCH,) what the strategy selects, in its order."""

    def accuracy(rows: np.ndarray) -> float:
        head = trained(pool.embeddings, truth, np.concatenate([pool.labeled, rows]))
        return float((head.predict_proba(pool.embeddings).argmax(axis=1) == truth).mean())

    handed = {"ask": lambda rows: truth[rows], "truth": truth, "fit": accuracy}
    return select(name, pool, BATCH, np.random.default_rng(0), **handed, **options)


def draw(name: str, pool: Pool, truth: np.ndarray) -> None:
    """The picture of one strategy."""
    variants = {name: {}}
    if name in LABELBENCH:
        (option, value), *_ = LABELBENCH[name].items()
        variants[f"{option} = {value}"] = LABELBENCH[name]
    with drawing():
        figure, axes = panels(1, len(variants), 3.1, 2.75)
        for axis, (title, options) in zip(axes[0], variants.items(), strict=True):
            draw_panel(axis, title, pool, truth, picks(name, pool, truth, options))
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110, metadata=DATELESS["png"])
    picture = Image.open(buffer).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    with atomic_path(FOLDER / f"{name}.png") as aside:
        picture.save(aside, format="PNG", optimize=True)


def draw_panel(axis: Axes, title: str, pool: Pool, truth: np.ndarray, chosen: np.ndarray) -> None:
    """The proxy's regions, the pool, what is labelled, and the batch."""
    from matplotlib import colormaps

    classes = np.array([to_rgb(color) for color in PALETTE[:CLASSES]])
    x, y = np.meshgrid(np.linspace(*EXTENT[:2], 220), np.linspace(*EXTENT[2:], 190))
    grid = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, HEIGHT)]).astype(np.float32)
    p = pool.head.predict_proba(grid)
    regions = colors_of(p >= 0.5 if pool.multilabel else p.argmax(axis=1), classes)
    shaded = 1 - 0.2 * (1 - regions.reshape(*x.shape, 3))
    axis.imshow(shaded, extent=EXTENT, origin="lower", aspect="auto")
    plane = pool.embeddings[:, :2]
    axis.scatter(*plane.T, s=7, color=MUTED, alpha=0.55, linewidths=0)
    known = plane[pool.labeled]
    shown = colors_of(pool.labels, classes)
    axis.scatter(*known.T, s=26, marker="s", c=shown, edgecolors=INK, linewidths=0.8)
    shades = colormaps["plasma"](np.linspace(0.95, 0.05, len(chosen)))
    for place, (row, shade) in enumerate(zip(chosen, shades, strict=True), start=1):
        axis.scatter(*plane[row], s=85, color=[shade], edgecolors=INK, linewidths=0.8, zorder=3)
        ink = INK if place < 6 else "white"
        axis.annotate(
            str(place), plane[row], ha="center", va="center", fontsize=6.5, color=ink, zorder=4
        )
    axis.set(xlim=EXTENT[:2], ylim=EXTENT[2:], xticks=[], yticks=[])
    axis.set_title(title, fontsize=10)
    axis.spines[:].set_visible(False)


def colors_of(labels: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """(n, 3) colours of classes (n,) or, mixed, of labels (n, C); white without any."""
    if labels.ndim == 1:
        return colors[labels]
    has = labels.astype(bool)
    mixed = has @ colors / np.maximum(has.sum(axis=1), 1)[:, None]
    return np.where(has.any(axis=1)[:, None], mixed, 1.0)


if __name__ == "__main__":
    main()
