"""Data sets: what is read is what the source holds; what is wrong with it is said by name."""

import gzip
import hashlib
import json
import pickle
import struct
import urllib.error

import numpy as np
import pytest

from labelbench_core import registry
from labelbench_core.datasets import (
    RawDataset,
    RawSplit,
    cifar10,
    cifar100,
    digits,
    fashion_mnist,
    open_dataset,
)
from labelbench_core.datasets.official_files import cifar_batches
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.datasets.preparing.raw_checks import check_raw
from labelbench_core.datasets.variants.part_of_pool import check_pool_size
from labelbench_core.errors import InputError
from labelbench_core.storage import store
from workflow_scripts import prepare_dataset as job


def prepare(target, source, data_dir, **options):
    """Prepare a data set called "mine" in `target`."""
    return prepare_dataset(
        "mine", source, options, data_dir, target / "arrays", target / "manifest.json"
    )


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# ---- digits


def test_digits_are_scikit_learns_whole_and_split_in_proportion(tmp_path):
    from sklearn.datasets import load_digits

    source = load_digits()
    manifest = prepare(tmp_path, "digits", tmp_path)
    prepared = open_dataset(tmp_path)
    assert digits.check(tmp_path) == {s: e["num_rows"] for s, e in manifest["splits"].items()}
    images = [prepared.images(s).batch(np.arange(n)) for s, n in (("pool", 1297), ("test", 500))]
    together = np.concatenate(images)
    assert together.dtype == np.uint8
    assert together.shape == (1797, 8, 8, 3)
    grey = together[..., 0]
    assert (together == grey[..., None]).all()
    assert (grey.min(), grey.max()) == (0, 255)

    def rows(values, labels):
        return sorted(map(bytes, np.column_stack([values.reshape(1797, -1), labels]).astype("u1")))

    labels = np.concatenate([prepared.labels("pool"), prepared.labels("test")])
    scaled_back = np.rint(grey / 255 * 16)
    assert rows(scaled_back, labels) == rows(source.images, source.target)
    shares = np.bincount(prepared.labels("test")) / np.bincount(source.target)
    assert np.abs(shares - 500 / 1797).max() < 0.005
    assert prepared.class_names == [str(i) for i in range(10)]


def test_equal_content_has_equal_bytes(tmp_path):
    for name in ("one", "two"):
        prepare(tmp_path / name, "digits", tmp_path)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    prepare(tmp_path / "one", "digits", tmp_path)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_part_of_the_pool_is_random_and_within_every_larger_part(tmp_path):
    whole = digits.load(tmp_path).splits["pool"]
    rows = {}
    for size in (100, 300):
        folder = tmp_path / str(size)
        places = folder / "arrays", folder / "manifest.json"
        prepare_dataset("part", "digits", {}, tmp_path, *places, pool_size=size)
        part = open_dataset(folder)
        images = part.images("pool").batch(np.arange(size)).reshape(size, -1)
        known = {row.tobytes(): place for place, row in enumerate(whole.images.reshape(1297, -1))}
        rows[size] = [known[image.tobytes()] for image in images]
        assert part.labels("pool").tolist() == whole.labels[rows[size]].tolist()
        assert len(part.labels("test")) == 500
    assert set(rows[100]) < set(rows[300])
    assert rows[300] == sorted(rows[300])
    assert rows[100] != list(range(100))
    with pytest.raises(InputError, match="pool_size: 2000; allowed: at most 1297"):
        prepare_dataset("part", "digits", {}, tmp_path, *places, pool_size=2000)
    with pytest.raises(InputError, match=r"pool_size: 12; it leaves no image of class \d,"):
        prepare_dataset("part", "digits", {}, tmp_path, *places, pool_size=12)
    labels, names = digits.pool_labels(tmp_path)
    np.testing.assert_array_equal(labels, whole.labels)
    check_pool_size(labels, names, "digits", 100)


def test_prepared_arrays_are_checked(tmp_path):
    prepare(tmp_path, "digits", tmp_path)
    prepared = open_dataset(tmp_path)
    prepared.verify()
    victim = store.block_path(tmp_path / "arrays" / "pool-labels", 0, 1)
    content = bytearray(victim.read_bytes())
    content[3] ^= 4
    victim.write_bytes(content)
    with pytest.raises(InputError, match="pool-labels"):
        prepared.verify()
    with pytest.raises(InputError, match="split: 'dev'; allowed: pool, test"):
        prepared.labels("dev")
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(InputError, match="kind is None, expected 'data set'"):
        open_dataset(tmp_path)


# ---- CIFAR, in a small folder of the official layout


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """Two-batch CIFAR-10 with 20 + 10 images: its folder, images (N, 32, 32, 3) and labels."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    images = rng.integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
    labels = np.tile(np.arange(10), 3)
    flat = images.transpose(0, 3, 1, 2).reshape(30, -1)
    names = ["data_batch_1", "data_batch_2", "test_batch"]
    for number, name in enumerate(names):
        part = slice(10 * number, 10 * number + 10)
        batch = {b"data": flat[part], b"labels": labels[part].tolist()}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    classes = {b"label_names": [f"class {i}".encode() for i in range(10)]}
    (folder / "batches.meta").write_bytes(pickle.dumps(classes, protocol=2))
    layout = cifar_batches.Layout(
        **{
            **vars(cifar10.LAYOUT),
            "pool": {"data_batch_1": 10, "data_batch_2": 10},
            "test": {"test_batch": 10},
            "md5": {p.name: hashlib.md5(p.read_bytes()).hexdigest() for p in folder.iterdir()},
        }
    )
    monkeypatch.setattr(cifar10, "LAYOUT", layout)
    return folder, images, labels


def test_cifar_is_read_in_official_order(cifar, tmp_path):
    _, images, labels = cifar
    manifest = prepare(tmp_path / "out", "cifar10", tmp_path, download=False)
    prepared = open_dataset(tmp_path / "out")
    np.testing.assert_array_equal(prepared.images("pool").batch(np.arange(20)), images[:20])
    np.testing.assert_array_equal(prepared.images("test").batch(np.array([9, 0])), images[[29, 20]])
    np.testing.assert_array_equal(prepared.labels("pool"), labels[:20])
    assert prepared.class_names[3] == "class 3"
    assert cifar10.check(tmp_path) == {"pool": 20, "test": 10}
    known, names = cifar10.pool_labels(tmp_path)
    np.testing.assert_array_equal(known, labels[:20])
    assert names == prepared.class_names
    assert str(tmp_path) not in json.dumps(manifest)


def test_cifar_in_labelbenchs_halves(cifar, tmp_path):
    _, images, labels = cifar
    raw = cifar10.load(tmp_path, splits="labelbench")
    order = 20 + np.random.RandomState(42).permutation(10)
    expected = {"pool": np.arange(20), "val": order[:5], "test": order[5:]}
    assert raw.splits.keys() == expected.keys()
    for split, rows in expected.items():
        np.testing.assert_array_equal(raw.splits[split].images, images[rows])
        np.testing.assert_array_equal(raw.splits[split].labels, labels[rows])
    assert cifar10.check(tmp_path, splits="labelbench") == {"pool": 20, "val": 5, "test": 5}
    assert "5 are validation (val) and 5 are test" in raw.splits_note
    known, _ = cifar10.pool_labels(tmp_path, splits="labelbench")
    np.testing.assert_array_equal(known, labels[:20])


def test_cifar_damage_is_named(cifar, tmp_path):
    folder, _, _ = cifar
    victim = folder / "data_batch_2"
    content = victim.read_bytes()
    victim.write_bytes(content[:-1] + b"!")
    with pytest.raises(InputError, match=r"data set mine: .*data_batch_2: MD5 is .* expected"):
        prepare(tmp_path / "out", "cifar10", tmp_path)
    victim.write_bytes(content[:20_000])
    for attempt in (cifar10.check, cifar10.load):
        with pytest.raises(InputError, match=r"data_batch_2: truncated \(20000 bytes.*delete"):
            attempt(tmp_path)
    victim.unlink()
    with pytest.raises(InputError, match="data_batch_2: file not found; unpack the official"):
        cifar10.check(tmp_path)
    assert not (tmp_path / "out" / "manifest.json").exists()
    with pytest.raises(InputError, match="data_batch_2: file not found"):
        cifar10.pool_labels(tmp_path)


@pytest.mark.parametrize("source", [cifar10, cifar100, fashion_mnist])
def test_nothing_there_and_no_internet(source, tmp_path, monkeypatch):
    import torchvision

    def offline(*_, **__):
        raise urllib.error.URLError("no route to host")

    for name in ("CIFAR10", "CIFAR100", "FashionMNIST"):
        monkeypatch.setattr(torchvision.datasets, name, offline)
    monkeypatch.setattr(fashion_mnist, "DEBIAN_FOLDER", tmp_path / "none")
    with pytest.raises(InputError, match="file not found"):
        source.check(tmp_path, download=False)
    assert set(source.check(tmp_path)) == {"pool", "test"}
    assert source.pool_labels(tmp_path) is None
    with pytest.raises(InputError, match=r"the download failed .*no route to host"):
        source.load(tmp_path)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_interrupted_download_leaves_no_half_folder(cifar, tmp_path, monkeypatch):
    import torchvision

    folder, images, _ = cifar
    whole = folder.rename(tmp_path / "elsewhere")

    def download(root, download):
        target = tmp_path / root / "cifar-10-batches-py"
        target.mkdir()
        for number, path in enumerate(sorted(whole.iterdir())):
            if number == 2 and not finish:
                raise ConnectionResetError("connection lost")
            (target / path.name).write_bytes(path.read_bytes())

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", download)
    finish = False
    with pytest.raises(InputError, match="connection lost"):
        cifar10.load(tmp_path)
    assert not folder.exists()
    finish = True
    np.testing.assert_array_equal(cifar10.load(tmp_path).splits["pool"].images, images[:20])


# ---- Fashion-MNIST, as small IDX files


@pytest.fixture
def fashion(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    images = rng.integers(0, 256, (30, 28, 28), dtype=np.uint8)
    labels = np.tile(np.arange(10, dtype=np.uint8), 3)
    for prefix, part in (("train", slice(20)), ("t10k", slice(20, 30))):
        for kind, values in (("images-idx3", images[part]), ("labels-idx1", labels[part])):
            header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
            with gzip.open(folder / f"{prefix}-{kind}-ubyte.gz", "wb") as handle:
                handle.write(header + values.tobytes())
    sums = {p.name: (hashlib.md5(p.read_bytes()).hexdigest(),) for p in folder.iterdir()}
    monkeypatch.setattr(fashion_mnist, "MD5", sums)
    monkeypatch.setattr(fashion_mnist, "LEAST_BYTES", dict.fromkeys(sums, 10))
    return folder, images, labels


def test_fashion_mnist_is_read(fashion, tmp_path):
    _, images, labels = fashion
    prepare(tmp_path / "out", "fashion-mnist", tmp_path)
    prepared = open_dataset(tmp_path / "out")
    found = prepared.images("pool").batch(np.arange(20))
    np.testing.assert_array_equal(found, np.repeat(images[:20, ..., None], 3, axis=-1))
    np.testing.assert_array_equal(prepared.labels("test"), labels[20:])
    assert prepared.class_names[9] == "Ankle boot"
    known, names = fashion_mnist.pool_labels(tmp_path)
    np.testing.assert_array_equal(known, labels[:20])
    assert names == prepared.class_names


def test_fashion_mnist_damage_is_named(fashion, tmp_path):
    path = fashion[0] / "train-images-idx3-ubyte.gz"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"!")
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte.gz: MD5 is"):
        fashion_mnist.load(tmp_path)
    path.write_bytes(content[:500])
    with pytest.raises(InputError, match="not a complete gzip file"):
        fashion_mnist.read_idx(path)
    path.write_bytes(gzip.compress(gzip.decompress(content)[:-1]))
    with pytest.raises(InputError, match="do not match shape"):
        fashion_mnist.read_idx(path)
    path.write_bytes(content[:5])
    with pytest.raises(InputError, match="truncated"):
        fashion_mnist.check(tmp_path)


def test_debians_fashion_mnist_where_installed():
    if not fashion_mnist.DEBIAN_FOLDER.exists():
        pytest.skip("Debian's package dataset-fashion-mnist is not installed")
    for name in ("t10k-labels-idx1-ubyte.gz", "train-labels-idx1-ubyte.gz"):
        labels = fashion_mnist.read_idx(fashion_mnist.DEBIAN_FOLDER / name)
        assert np.bincount(labels).tolist() == [len(labels) // 10] * 10


# ---- what every source must deliver


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"labels": np.array([0, 1, 2])}, "labels 0 to 2; allowed: 0 to 1"),
        ({"labels": np.array([0, 0, 0])}, "split pool has no image of class b"),
        ({"labels": np.array([0, 1], dtype=np.int32)}, "allowed: int64"),
        ({"images": np.zeros((3, 4, 4), np.uint8)}, r"allowed: uint8 \(3, H, W, 3\)"),
        ({"images": np.zeros((2, 4, 4, 3), np.uint8)}, r"allowed: uint8 \(3, H, W, 3\)"),
        ({"images": None}, "allowed: one image or one file"),
    ],
)
def test_bad_sources_are_refused(change, words):
    good = RawSplit(np.array([0, 1, 0]), np.zeros((3, 4, 4, 3), np.uint8))
    check_raw(RawDataset(["a", "b"], {"pool": good, "test": good}), allow_missing_classes=False)
    bad = RawSplit(**{"labels": good.labels, "images": good.images, **change})
    with pytest.raises(InputError, match=words):
        check_raw(RawDataset(["a", "b"], {"pool": bad, "test": good}), allow_missing_classes=False)
    check_raw(RawDataset(["a", "b"], {"pool": good}), allow_missing_classes=False)
    with pytest.raises(InputError, match="needs the split pool; has test"):
        check_raw(RawDataset(["a", "b"], {"test": good}), allow_missing_classes=False)


def test_every_source_is_registered_with_literal_options():
    names = registry.names("datasets")
    assert names == [
        *("camelyon17", "cifar10", "cifar100", "digits", "fashion-mnist", "fmow"),
        *("hugging-face-folder", "hugging-face-saved", "hugging-face-saved-images"),
        "image-folder",
        *("imagenet", "iwildcam", "kuzushiji49", "mosaics", "own-embeddings", "svhn", "table"),
        "text-table",
    ]
    for name in names:
        described = registry.describe("datasets", name)
        may_have = {"rows", "required", "in_files", "groups", "num_classes", "sizes", "sizes_by"}
        may_have |= {"weights", "multilabel", "multilabel_by", "unlabeled_by", "options_of"}
        assert set(described.info) - may_have == {
            "summary",
            "license",
            "paper",
        }
    assert registry.describe("datasets", "image-folder").options["image_size"] == 256
    known = ["efficientnet-lite", "exported-model", "onnx-model", "open-clip-model"]
    known += ["precomputed", "python-model", "sentence-transformer", "timm-model"]
    known += ["torchscript-model"]
    assert registry.names("backbones") == known


def test_job_script(tmp_path, monkeypatch):
    monkeypatch.setenv("LABELBENCH_DATA", str(tmp_path))
    arguments = ["--arrays", str(tmp_path / "arrays"), "--manifest", str(tmp_path / "m.json")]
    good = json.dumps({"dataset": {"id": "d", "implementation": "digits"}})
    assert job.main([*arguments, "--settings", good]) == 0
    assert json.loads((tmp_path / "m.json").read_text())["num_classes"] == 10
    assert not (tmp_path / "arrays.partial").exists()
    entry = {"id": "d", "implementation": "image-folder", "options": {"folder": "x"}}
    bad = json.dumps({"dataset": entry})
    log = tmp_path / "log.txt"
    assert job.main([*arguments, "--settings", bad, "--log", str(log)]) == 2
    assert "error: data set d: options.folder: " in log.read_text()
