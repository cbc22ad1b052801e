"""What the options of a data set's source ask to be drawn from its pool."""

from collections.abc import Mapping, Sequence
from typing import Any

from labelbench_core.datasets.splits.drawing import Draw
from labelbench_core.errors import InputError, shown
from labelbench_core.registry.options import Count, InnerShare, Seed, ShareBelow1

USUAL_TEST = 0.2
"""Share of images drawn for the test where nothing is said. Of texts and embeddings, none is drawn
then."""


def options(
    *,
    test_share: ShareBelow1 | None = None,
    val_share: InnerShare | None = None,
    test_size: Count | None = None,
    val_size: Count | None = None,
    split_seed: Seed = 0,
) -> dict[str, Any]:
    """Options of all sources from which splits can be drawn (`INFO["options_of"]`).

    Parameters
    ----------
    test_share
        Share of every class that is drawn from the pool for the test, where the source has none.
        null: 0.2 of images, unless `test_size` says how many; none of texts and embeddings. 0: no
        test. Default: ours.
    val_share
        Share of every class that is drawn for validation; null: none is drawn. Default: ours.
    test_size
        Number of rows that are drawn for the test, in place of a share. Default: ours.
    val_size
        Number of rows that are drawn for validation, in place of a share. Default: ours.
    split_seed
        Seed of the draw. Default: ours.

    Returns
    -------
    Arguments of `asked_draw`.
    """
    return {
        "test_share": test_share,
        "val_share": val_share,
        "test_size": test_size,
        "val_size": val_size,
        "split_seed": split_seed,
    }


def among(given: Mapping[str, Any]) -> dict[str, Any]:
    """`options`, filled from `given`, which may hold other options, too."""
    return options(**{name: given[name] for name in options() if name in given})


def asking(given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `given` that ask for a split to be drawn: the seed alone asks for none."""
    return {name: value for name, value in given.items() if name != "split_seed"}


def asked_draw(
    *,
    has: Sequence[str],
    where: str,
    test_share: float | None,
    val_share: float | None,
    test_size: int | None,
    val_size: int | None,
    split_seed: int,
    near_bits: int | None = None,
    by: str = "",
    may_lack: bool = False,
    usual: float | None = USUAL_TEST,
    row: str = "image",
) -> Draw | None:
    """The draw that options ask for; None where all splits are there, or none is asked for.

    Parameters
    ----------
    has
        Splits that the source has itself.
    where
        The source, for messages.
    test_share, val_share, test_size, val_size, split_seed
        As `options`; a `test_share` of 0 asks for no test.
    usual
        Share of the test where none is given; None: no test.

    Raises
    ------
    InputError
        For options that exclude each other, or ask for more than there is.
    """
    shares: dict[str, float] = {}
    sizes: dict[str, int] = {}
    for split, share, size in (("test", test_share, test_size), ("val", val_share, val_size)):
        key, value = (f"{split}_share", share) if size is None else (f"{split}_size", size)
        if share is not None and size is not None:
            told = f"options.{split}_size: {size}; `{split}_share` is given, too"
            raise InputError(f"{told}; allowed: one of the two")
        if value is not None and split in has:
            told = f"options.{key}: {value}; {where} already has the split {split}"
            raise InputError(f"{told}; allowed: one of the two")
        if size is not None:
            sizes[split] = size
        elif share:
            shares[split] = share
    if usual is not None and "test" not in has and test_share is None and test_size is None:
        shares["test"] = usual
    if sum(shares.values()) >= 1:
        told = " + ".join(f"{share:g}" for share in shares.values())
        raise InputError(f"options.test_share and val_share: {told}; allowed: a sum below 1")
    if not shares and not sizes:
        return None
    return Draw(shares, sizes, split_seed, near_bits, by, may_lack, row=row)


def refuse_unused(**options: object) -> None:
    """`InputError` for an option of a draw that is given where nothing is drawn."""
    for name, value in options.items():
        if value is not None:
            told = f"options.{name}: {shown(value)}; no split is drawn here"
            raise InputError(
                f"{told}; allowed: leave it out, or `test_share` or `val_share` where the source "
                "lacks that split"
            )
