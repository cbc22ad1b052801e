"""ImageNet from each of its layouts, small: index, labels, names, and what is missing by name."""

import io
import tarfile

import numpy as np
import pytest
from PIL import Image

from helpers.image_files import encoded
from helpers.prepared import prepare
from labelbench_core.datasets import imagenet
from labelbench_core.datasets.official_files import ilsvrc
from labelbench_core.datasets.official_files.original import torch_quarter
from labelbench_core.datasets.variants.variant import Variant
from labelbench_core.errors import InputError

# In the order of their WordNet ids; numbered otherwise in the development kit.
WNIDS = ["n01440764", "n02012849", "n03126707", "n03710637"]
WORDS = ["tench, Tinca tinca", "crane", "crane", "maillot, tank suit"]
NUMBERS = [3, 1, 4, 2]
TRAIN, VAL = 3, 8
VAL_CLASSES = [2, 0, 1, 3, 3, 0, 2, 1]
"""Of the validation images 1 to 8."""


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(imagenet, "NUM_CLASSES", 4)
    monkeypatch.setattr(imagenet, "SIZES", {"pool": 4 * TRAIN, "test": VAL})


def picture(number):
    return encoded(Image.new("RGB", (20, 16), (number, 2 * number, 99)), "JPEG")


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def write_train(base):
    for label, wnid in enumerate(WNIDS):
        for number in range(TRAIN):
            write(base / "train" / wnid / f"{wnid}_{number}.JPEG", picture(10 * label + number))


def write_val(base, *, flat):
    for number, label in enumerate(VAL_CLASSES, 1):
        folder = base / "val" if flat else base / "val" / WNIDS[label]
        write(folder / f"ILSVRC2012_val_{number:08d}.JPEG", picture(100 + number))


def meta():
    """`meta.mat`: the classes, and one inner node of the tree above them."""
    from scipy.io import savemat

    fields = [("ILSVRC2012_ID", "O"), ("WNID", "O"), ("words", "O"), ("num_children", "O")]
    rows = [(n, w, words, 0) for n, w, words in zip(NUMBERS, WNIDS, WORDS, strict=True)]
    synsets = np.array([*rows, (5, "n00001740", "entity", 4)], dtype=fields)
    buffer = io.BytesIO()
    savemat(buffer, {"synsets": synsets[:, None]})
    return buffer.getvalue()


def devkit():
    """Name → content of the development kit's files."""
    truth = "".join(f"{NUMBERS[label]}\n" for label in VAL_CLASSES)
    data = f"{ilsvrc.DEVKIT}/data"
    return {f"{data}/meta.mat": meta(), f"{data}/{ilsvrc.GROUND_TRUTH}": truth.encode()}


def official_folders(root):
    write_train(root)
    write_val(root, flat=False)
    lines = [f"{wnid} {words}\n" for wnid, words in zip(WNIDS, WORDS, strict=True)]
    write(root / "synset_words.txt", "".join(lines))


def flat_with_devkit(root):
    write_train(root)
    write_val(root, flat=True)
    for name, content in devkit().items():
        write(root / name, content)


def flat_with_archive(root):
    write_train(root)
    write_val(root, flat=True)
    with tarfile.open(root / f"{ilsvrc.DEVKIT}.tar.gz", "w:gz") as archive:
        for name, content in devkit().items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def caffes_numbers(root):
    write_train(root)
    write_val(root, flat=True)
    rows = enumerate(VAL_CLASSES, 1)
    write(root / "val.txt", "".join(f"ILSVRC2012_val_{n:08d}.JPEG {c}\n" for n, c in rows))
    write(root / f"{ilsvrc.DEVKIT}/data/meta.mat", meta())


def kaggle(root):
    base = root / "ILSVRC/Data/CLS-LOC"
    write_train(base)
    write_val(base, flat=True)
    rows = enumerate(VAL_CLASSES, 1)
    boxes = [f"ILSVRC2012_val_{n:08d},{WNIDS[c]} 85 1 499 272 {WNIDS[c]} 1 1 2 2 " for n, c in rows]
    write(root / "LOC_val_solution.csv", "\n".join(["ImageId,PredictionString", *boxes, ""]))
    lines = [f"{wnid} {words}\n" for wnid, words in zip(WNIDS, WORDS, strict=True)]
    write(root / "LOC_synset_mapping.txt", "".join(lines))


LAYOUTS = [official_folders, flat_with_devkit, flat_with_archive, caffes_numbers, kaggle]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_data_set(layout, tmp_path, monkeypatch):
    monkeypatch.setenv("LABELBENCH_DATA", str(tmp_path))
    layout(tmp_path / "imagenet")
    assert imagenet.check(tmp_path) == {"pool": 12, "test": 8}
    prepared = prepare(tmp_path / "out", "imagenet", tmp_path, {"image_size": 16})
    assert prepared.labels("pool").tolist() == np.repeat(range(4), TRAIN).tolist()
    assert prepared.labels("test").tolist() == sorted(VAL_CLASSES)
    # The first word; all of the words where two classes share it; the id where they share these.
    assert prepared.class_names == ["tench", "crane (n02012849)", "crane (n03126707)", "maillot"]
    order = np.argsort(VAL_CLASSES, kind="stable") + 1
    images = prepared.images("test").batch(np.arange(VAL))
    expected = [np.asarray(Image.open(io.BytesIO(picture(100 + n))))[0, 0] for n in order]
    assert np.abs(images[:, 0, 0].astype(int) - np.array(expected)).max() <= 2
    labels, names = imagenet.pool_labels(tmp_path)
    np.testing.assert_array_equal(labels, prepared.labels("pool"))
    assert names == prepared.class_names
    source = imagenet.source_files(tmp_path)
    assert all((source.root / name).is_file() for name in source.files)
    assert prepared.manifest["source_files"]["count"] == len(source.files) > 20
    assert prepared.manifest["left_out"] == {}


def test_labelbenchs_splits_are_of_torchvisions_order(tmp_path):
    """By class and then by name: in this order its code divides the validation images."""
    flat_with_devkit(tmp_path / "imagenet")
    raw = imagenet.load(tmp_path, splits="labelbench")
    whole = imagenet.load(tmp_path).splits["test"]
    for split, rows in zip(("val", "test"), torch_quarter(VAL), strict=True):
        assert raw.splits[split].files == [whole.files[row] for row in rows]
        assert raw.splits[split].labels.tolist() == whole.labels[rows].tolist()
    assert imagenet.check(tmp_path, splits="labelbench") == {"pool": 12, "val": 2, "test": 6}
    assert imagenet.check.__doc__
    planned = Variant(long_tail={"ratio": 3}).planned_sizes(
        imagenet.check(tmp_path), imagenet.pool_labels(tmp_path), "imagenet"
    )
    assert planned == {"pool": 3 + 2 + 1 + 1, "test": 8}


def test_openais_names_come_from_their_package(monkeypatch):
    wnids = [f"n{number:08d}" for number in range(1000)]
    wnids[744], wnids[836] = ilsvrc.OPENAI_TWICE
    names = ilsvrc.openai_names(wnids)
    assert len(set(names)) == 1000
    assert [names[row] for row in (0, 657, 744, 836, 837)] == [
        *("tench", "missile", "projectile", "sunglass", "sunglasses")
    ]
    with pytest.raises(
        InputError, match="names: openai: 1000 names, but train/ has 4 classes; allow"
    ):
        ilsvrc.openai_names(WNIDS)
    monkeypatch.setattr(ilsvrc.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match="needs the package open_clip"):
        ilsvrc.openai_names(wnids)


def test_a_plan_needs_no_package_of_names(tmp_path, monkeypatch):
    """With conda, the process that plans does not have it: jobs do."""
    official_folders(tmp_path / "imagenet")
    monkeypatch.setattr(ilsvrc.importlib.util, "find_spec", lambda _: None)
    assert imagenet.check(tmp_path, names="openai") == {"pool": 12, "test": 8}


def test_the_two_pairs_that_share_a_name_are_these():
    """Where timm has the ids in order: 744 is n04008634, a projectile, and 836 n04355933."""
    import timm.data as timm

    wnids = timm.ImageNetInfo().label_names()
    assert [wnids[744], wnids[836]] == list(ilsvrc.OPENAI_TWICE)


def remove(name):
    def change(root):
        (root / name).unlink()

    return change


def replace_text(name, before, after):
    def change(root):
        text = (root / name).read_text()
        assert before in text
        (root / name).write_text(text.replace(before, after, 1))

    return change


def rename(name, other):
    def change(root):
        (root / name).rename(root / other)

    return change


@pytest.mark.parametrize(
    ("layout", "change", "told"),
    [
        (official_folders, rename("train", "images"), "imagenet/train: no such folder; download"),
        (official_folders, rename("val", "x"), "imagenet/val: no such folder; download Imag"),
        (
            official_folders,
            rename("train/n01440764", "train/other"),
            "train: 3 class folders",
        ),
        (
            official_folders,
            rename("val/n01440764", "val/n99999999"),
            "its classes are not those of train/; n01440764, for one",
        ),
        (official_folders, remove("synset_words.txt"), "nothing says what class n01440764 is cal"),
        (
            flat_with_devkit,
            remove(f"{ilsvrc.DEVKIT}/data/{ilsvrc.GROUND_TRUTH}"),
            "nothing says their labels; allowed: ILSVRC2012_devkit_t12.tar.gz (or unpacked",
        ),
        (
            flat_with_devkit,
            remove(f"{ilsvrc.DEVKIT}/data/meta.mat"),
            "ground_truth.txt of ILSVRC2012_devkit_t12 is there without meta.mat; allowed: both",
        ),
        (
            flat_with_devkit,
            replace_text(f"{ilsvrc.DEVKIT}/data/{ilsvrc.GROUND_TRUTH}", "\n", "\n9999\n"),
            "ground_truth.txt: line 2: '9999'; allowed: the ILSVRC2012_ID of a class in meta.mat",
        ),
        (caffes_numbers, replace_text("val.txt", " 2", " 4"), "val.txt: line 1: 'ILSVRC2012_val_0"),
        (kaggle, replace_text("LOC_val_solution.csv", ",n0", ",x0"), "line 2: 'ILSVRC2012"),
    ],
)
def test_what_is_missing_is_told_before_any_job(layout, change, told, tmp_path):
    layout(tmp_path / "imagenet")
    change(tmp_path / "imagenet")
    with pytest.raises(InputError) as caught:
        imagenet.check(tmp_path)
    assert told in str(caught.value)
    with pytest.raises(InputError) as caught:
        imagenet.load(tmp_path)
    assert told in str(caught.value)


def test_incomplete_copies_are_refused_and_other_files_left_out(tmp_path):
    root = tmp_path / "imagenet"
    caffes_numbers(root)
    write(root / "train" / WNIDS[0] / "notes.txt", "x")
    raw = imagenet.load(tmp_path)
    assert [entry["count"] for entry in raw.left_out.values()] == [1]
    write(root / "val" / "ILSVRC2012_val_00000009.JPEG", picture(3))
    with pytest.raises(InputError, match=r"00000009.JPEG: nothing says which class of train/"):
        imagenet.load(tmp_path)
    (root / "val" / "ILSVRC2012_val_00000009.JPEG").unlink()
    (root / "train" / WNIDS[1] / f"{WNIDS[1]}_0.JPEG").unlink()
    with pytest.raises(InputError, match="11 images in train/, officially 12; unpack"):
        imagenet.load(tmp_path)
    write(root / f"{ilsvrc.DEVKIT}/data/meta.mat", b"x" * 300)
    with pytest.raises(InputError, match=r"meta.mat of .*: cannot be read"):
        imagenet.check(tmp_path)
    (root / f"{ilsvrc.DEVKIT}/data/meta.mat").unlink()
    write(root / f"{ilsvrc.DEVKIT}.tar.gz", b"x" * 300)
    with pytest.raises(InputError, match=r"tar.gz: .* in it cannot be read"):
        imagenet.check(tmp_path)
