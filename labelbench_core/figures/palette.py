"""As many colours as a figure has strategies: no two alike, also where red and green look alike."""

import functools
import itertools

import numpy as np

# Okabe & Ito's colour-blind-safe palette without black (the baseline) and in an order in which
# neighbours differ in lightness too. Yellow is darkened: the original vanishes on white paper.
PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#b8a500")
HIGHLIGHT = "#d55e00"
INK, MUTED, GRID, PAPER = "#1b1f24", "#5b6470", "#d9dde2", "#ffffff"
"""Text and the baseline; secondary text; rules; background. The report maps them to its theme."""

STEPS = 12
"""Levels of red, of green and of blue among which further colours are looked for."""
LIGHTNESS = (0.42, 0.80)
"""Range in OKLab of further colours: seen on white and on the report's dark background."""
CHROMA = 0.19
"""Largest in OKLab of further colours: none is glaring."""
LINEAR_TO_LMS = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
LMS_TO_OKLAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
"""Björn Ottosson, "A perceptual color space for image processing", 2020."""
DEUTERANOPIA = (
    (0.367322, 0.860646, -0.227968),
    (0.280085, 0.672501, 0.047413),
    (-0.011820, 0.042940, 0.968881),
)
"""On linear RGB: Machado, Oliveira & Fernandes, "A physiologically-based model for simulation of
color vision deficiency", IEEE TVCG 15, 2009."""


@functools.cache
def colors(count: int) -> tuple[str, ...]:
    """The first `count` colours, as `#rrggbb`: more only add to them.

    After `PALETTE`, each is as far as can be from those before it, the highlight's, the text's and
    the background's: the distance in OKLab, as seen normally or with deuteranopia, whichever is
    less.
    """
    found: list[str] = list(PALETTE[:count])
    if len(found) == count:
        return tuple(found)
    levels = np.linspace(0, 255, STEPS).round().astype(int).tolist()
    names = [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in itertools.product(levels, repeat=3)]
    normal, seen = _positions(names)
    far = distances(names, [*found, HIGHLIGHT, INK, MUTED, GRID, PAPER]).min(axis=1)
    low, high = LIGHTNESS
    is_seen = (normal[:, 0] >= low) & (normal[:, 0] <= high)
    is_calm = np.hypot(normal[:, 1], normal[:, 2]) <= CHROMA
    far[~(is_seen & is_calm)] = -1.0
    while len(found) < count:
        best = int(np.argmax(far))
        found.append(names[best])
        near = [np.linalg.norm(one - one[best], axis=1) for one in (normal, seen)]
        far = np.minimum(far, np.minimum(*near))
    return tuple(found)


def distances(first: list[str], second: list[str]) -> np.ndarray:
    """(M, N) distances in OKLab, where a colour's lightness is 0 to 1; see `colors`."""
    pairs = zip(_positions(first), _positions(second), strict=True)
    return np.minimum(*(np.linalg.norm(one[:, None] - two[None], axis=2) for one, two in pairs))


def _positions(names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Positions (N, 3) in OKLab, as seen normally and with deuteranopia."""
    values = np.array([[int(name[i : i + 2], 16) / 255 for i in (1, 3, 5)] for name in names])
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    seen = (linear @ np.array(DEUTERANOPIA).T).clip(0, 1)
    to_lms, to_lab = np.array(LINEAR_TO_LMS).T, np.array(LMS_TO_OKLAB).T
    return np.cbrt(linear @ to_lms) @ to_lab, np.cbrt(seen @ to_lms) @ to_lab
