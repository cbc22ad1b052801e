"""What the folders of ImageNet (ILSVRC 2012) say beside the images: labels and classes' names.

This is read from the development kit, unpacked or as its archive, or from the text files of
Kaggle's and Caffe's copies. Classes are told apart by their WordNet ids, such as n01440764.
"""

import csv
import importlib.util
import io
import re
import runpy
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from labelbench_core.datasets.file_formats.matlab import read_variable
from labelbench_core.errors import InputError, shown

DEVKIT = "ILSVRC2012_devkit_t12"
META, GROUND_TRUTH = "meta.mat", "ILSVRC2012_validation_ground_truth.txt"
LABEL_FILES = ("LOC_val_solution.csv", "val.txt")
WORD_FILES = ("LOC_synset_mapping.txt", "synset_words.txt")
FLAT = re.compile(r"ILSVRC2012_val_(\d{8})\.JPEG")
# Of the thousand names that OpenAI gave the classes, two stand for two classes each: one of each
# pair gets the word that WordNet has for it.
OPENAI_TWICE = {"n04008634": "projectile", "n04355933": "sunglass"}


def side_files(root: Path) -> list[str]:
    """Names, relative to `root`, of the files read here, as far as they are there."""
    names = [f"{DEVKIT}/data/{META}", f"{DEVKIT}/data/{GROUND_TRUTH}", f"{DEVKIT}.tar.gz"]
    return sorted(name for name in (*names, *LABEL_FILES, *WORD_FILES) if (root / name).is_file())


def validation_labels(root: Path, wnids: Sequence[str]) -> dict[str, str]:
    """File name → WordNet id of the validation images.

    They are read from the first of these that is there: the development kit,
    `LOC_val_solution.csv`, `val.txt` (a line for each image: its name, and its WordNet id or its
    class's number in the order of `wnids`).

    Raises
    ------
    InputError
        If there is none, or one cannot be read.
    """
    truth = _devkit(root, GROUND_TRUTH)
    if truth is not None:
        of_number = {number: wnid for number, wnid, _ in _synsets(root)}
        lines = truth.decode("ascii", "replace").split()
        for number, line in enumerate(lines, 1):
            if line not in of_number:
                raise InputError(
                    f"{root}: {GROUND_TRUTH}: line {number}: {shown(line)}; allowed: the "
                    f"ILSVRC2012_ID of a class in {META}, such as {next(iter(of_number), 'none')}"
                )
        return {
            f"ILSVRC2012_val_{row:08d}.JPEG": of_number[line] for row, line in enumerate(lines, 1)
        }
    for name in LABEL_FILES:
        path = root / name
        if path.is_file():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            read = _kaggle_labels if name.endswith(".csv") else _numbered_labels
            return dict(read(path, lines, wnids))
    raise InputError(
        f"{root}: the validation images lie in no class folders, and nothing says their labels; "
        f"allowed: {DEVKIT}.tar.gz (or unpacked, {DEVKIT}/data/{GROUND_TRUTH}), "
        f"{' or '.join(LABEL_FILES)} in that folder, or class folders in val/"
    )


def _kaggle_labels(
    path: Path, lines: Sequence[str], wnids: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Lines such as ``ILSVRC2012_val_00048981,n03995372 85 1 499 272``, below a head."""
    known = set(wnids)
    for number, row in enumerate(csv.reader(lines[1:]), 2):
        words = row[1].split() if len(row) == 2 else []
        if not words or words[0] not in known:
            raise InputError(
                f"{path}: line {number}: {shown(','.join(row))}; allowed: an image's name, and "
                "after a comma the WordNet id of a class of train/"
            )
        yield f"{row[0]}.JPEG", words[0]


def _numbered_labels(
    path: Path, lines: Sequence[str], wnids: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Lines such as ``ILSVRC2012_val_00000001.JPEG 65`` or ``… n01751748``."""
    known = {**{wnid: wnid for wnid in wnids}, **{str(row): one for row, one in enumerate(wnids)}}
    for number, line in enumerate(lines, 1):
        words = line.split()
        if len(words) != 2 or words[1] not in known:
            raise InputError(
                f"{path}: line {number}: {line[:60]!r}; allowed: an image's name and its class, a "
                f"WordNet id of train/ or a number from 0 to {len(wnids) - 1}"
            )
        yield words[0].rpartition("/")[2], known[words[1]]


def wordnet_names(root: Path, wnids: Sequence[str]) -> list[str]:
    """Each class's name: the first of its words in WordNet.

    Where another class has the same first word, all of its words; where another class has the same
    words, too, its id after them.

    Raises
    ------
    InputError
        If nothing says the words of a class.
    """
    words = _words(root)
    if missing := [wnid for wnid in wnids if wnid not in words]:
        raise InputError(
            f"{root}: nothing says what class {missing[0]} is called ({len(missing)} classes in "
            f"all); allowed: {DEVKIT}.tar.gz (or unpacked, {DEVKIT}/data/{META}) or "
            f"{' or '.join(WORD_FILES)} in that folder, or the option `names: openai`"
        )
    names = [words[wnid].split(", ")[0] for wnid in wnids]
    for longer in (lambda wnid: words[wnid], lambda wnid: f"{words[wnid]} ({wnid})"):
        counts = Counter(names)
        names = [
            longer(wnid) if counts[name] > 1 else name
            for wnid, name in zip(wnids, names, strict=True)
        ]
    return names


def openai_names(wnids: Sequence[str]) -> list[str]:
    """The names that OpenAI gave the thousand classes for CLIP, from the package open_clip.

    Raises
    ------
    InputError
        If the package is missing, or there are not as many classes as names.
    """
    spec = importlib.util.find_spec("open_clip")
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            "names: openai: needs the package open_clip, which is not installed; "
            "`pip install open_clip_torch`, or run Snakemake with --use-conda, or `names: wordnet`"
        )
    # The one file alone: the package would import PyTorch.
    path = Path(spec.submodule_search_locations[0], "zero_shot_metadata.py")
    names: list[str] = list(runpy.run_path(str(path))["IMAGENET_CLASSNAMES"])
    if len(names) != len(wnids):
        raise InputError(
            f"names: openai: {len(names)} names, but train/ has {len(wnids)} classes; allowed: "
            f"{len(names)} class folders, or `names: wordnet`"
        )
    return [OPENAI_TWICE.get(wnid, name) for wnid, name in zip(wnids, names, strict=True)]


def _words(root: Path) -> Mapping[str, str]:
    """WordNet id → words of a class, with commas between them; empty where nothing says them."""
    if _devkit(root, META) is not None:
        return {wnid: words for _, wnid, words in _synsets(root)}
    for name in WORD_FILES:
        if (root / name).is_file():
            lines = (root / name).read_text(encoding="utf-8", errors="replace").splitlines()
            return dict(line.split(" ", 1) for line in lines if " " in line)
    return {}


def _synsets(root: Path) -> list[tuple[str, str, str]]:
    """Number, WordNet id and words of each class of the development kit."""
    content = _devkit(root, META)
    if content is None:
        raise InputError(
            f"{root}: {GROUND_TRUTH} of {DEVKIT} is there without {META}; allowed: both"
        )
    try:
        synsets = read_variable(io.BytesIO(content), "synsets", squeeze=True)
        # Inner nodes of the tree have children, classes have none.
        leaves = [one for one in synsets if int(one["num_children"]) == 0]
        return [(str(one["ILSVRC2012_ID"]), one["WNID"], one["words"]) for one in leaves]
    except (InputError, ValueError, TypeError, IndexError) as error:
        raise InputError(f"{root}: {META} of {DEVKIT}: cannot be read ({error})") from error


def _devkit(root: Path, name: str) -> bytes | None:
    """A file of the development kit; None if there is none."""
    path = root / DEVKIT / "data" / name
    if path.is_file():
        return path.read_bytes()
    archive = root / f"{DEVKIT}.tar.gz"
    if not archive.is_file():
        return None
    try:
        with tarfile.open(archive) as opened:
            member = opened.extractfile(f"{DEVKIT}/data/{name}")
            if member is None:
                raise KeyError("no regular file")
            return member.read()
    except (tarfile.TarError, KeyError, OSError, EOFError, zlib.error) as error:
        raise InputError(f"{archive}: {name} in it cannot be read ({error})") from error
