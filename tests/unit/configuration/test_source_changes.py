"""Sources: what changed is told, what did not costs nothing, what is out of reach stands."""

import errno
import hashlib
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from labelbench_core import provenance, registry
from labelbench_core.configuration import sources
from labelbench_core.configuration.source_changes import describe_changes
from labelbench_core.datasets import (
    RawDataset,
    RawSplit,
    Source,
    _official,
    checking,
    digests,
    looks,
)
from labelbench_core.datasets.prepare import prepare_dataset
from labelbench_core.errors import InputError
from labelbench_core.stages.table import STAGES
from labelbench_core.storage import files
from labelbench_core.storage.records import write_record
from workflow_scripts import check_sources

OPTIONS = {"folder": "mine", "image_size": 16}
ENTRY = {"implementation": "image-folder", "options": OPTIONS}


@pytest.fixture(autouse=True)
def settled(monkeypatch):
    """Files need not be seconds old."""
    monkeypatch.setattr(digests, "SETTLED_SECONDS", 0.0)


@pytest.fixture
def mine(tmp_path):
    """A prepared folder of images: two splits, two classes, three images each."""
    rng = np.random.default_rng(0)
    for split in ("pool", "test"):
        for label in ("cat", "dog"):
            for number in range(3):
                path = tmp_path / "data" / "mine" / split / label / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
    prepare(tmp_path)
    return tmp_path / "data" / "mine"


def prepare(base, source="image-folder", options=OPTIONS, **arguments):
    target = base / "datasets" / "mine"
    paths = target / "arrays", target / "manifest.json"
    return prepare_dataset(
        "mine", source, options, base / "data", *paths, state=base / "state", **arguments
    )


def changed(base, entry=ENTRY, **options):
    """What the main process finds changed, by a new look."""
    manifests = {"mine": base / "datasets" / "mine" / "manifest.json"}
    found = sources.changed_sources(
        {"mine": entry}, manifests, base / "data", state=base / "state", **options
    )
    return found.get("mine")


def new_image(path):
    Image.fromarray(np.full((8, 8, 3), 7, np.uint8)).save(path)


def add(mine):
    new_image(mine / "pool" / "cat" / "new.png")


def remove(mine):
    (mine / "pool" / "cat" / "1.png").unlink()


def edit(mine):
    new_image(mine / "pool" / "cat" / "1.png")


def edit_unseen(mine):
    """Another content of the same size, with the old time."""
    path = mine / "pool" / "cat" / "1.png"
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def rename(mine):
    (mine / "pool" / "cat" / "1.png").rename(mine / "pool" / "cat" / "one.png")


def move(mine):
    (mine / "pool" / "cat" / "1.png").rename(mine / "pool" / "dog" / "was-a-cat.png")


def swap(mine):
    first, second = mine / "pool" / "cat" / "1.png", mine / "pool" / "dog" / "1.png"
    first.rename(mine / "x")
    second.rename(first)
    (mine / "x").rename(second)


def several(mine):
    add(mine)
    move(mine)
    for name in ("0", "2"):
        new_image(mine / "test" / "dog" / f"{name}.png")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (add, "1 file added (pool/cat/new.png)"),
        (remove, "1 file removed (pool/cat/1.png)"),
        (edit, "1 file edited (pool/cat/1.png)"),
        (edit_unseen, "1 file edited (pool/cat/1.png)"),
        (rename, "1 file renamed (pool/cat/one.png)"),
        (move, "1 file moved from pool/cat to pool/dog (pool/dog/was-a-cat.png)"),
        (swap, "2 files edited (pool/cat/1.png, …)"),
        (
            several,
            "1 file added (pool/cat/new.png), 2 files edited (test/dog/0.png, …), "
            "1 file moved from pool/cat to pool/dog (pool/dog/was-a-cat.png)",
        ),
    ],
)
def test_every_change_is_told_until_it_is_prepared(mine, tmp_path, change, told):
    assert changed(tmp_path) is None
    change(mine)
    assert changed(tmp_path) == told
    assert changed(tmp_path) == told  # a look does not forget what it saw
    prepare(tmp_path)
    assert changed(tmp_path) is None


def touch(mine):
    for path in mine.rglob("*"):
        os.utime(path)


def copy(mine):
    shutil.move(mine, mine.with_name("old"))
    shutil.copytree(mine.with_name("old"), mine)


def move_and_link(mine):
    shutil.move(mine, mine.with_name("elsewhere"))
    mine.symlink_to(mine.with_name("elsewhere"))


def change_and_back(mine):
    move(mine)
    (mine / "pool" / "dog" / "was-a-cat.png").rename(mine / "pool" / "cat" / "1.png")


def add_what_is_no_image(mine):
    (mine / "pool" / "cat" / "notes.txt").write_text("not an image")


@pytest.mark.parametrize("change", [touch, copy, move_and_link, change_and_back])
def test_what_leaves_contents_alone_is_no_change_and_is_read_once(
    mine, tmp_path, monkeypatch, change
):
    changed(tmp_path)
    change(mine)
    assert changed(tmp_path) is None
    with monkeypatch.context() as patch:
        patch.setattr(digests.Digests, "_read", None)  # called, it would fail
        assert changed(tmp_path) is None
        patch.setattr(digests.Digests, "_load", None)  # and so would reading what is remembered
        assert changed(tmp_path) is None


def test_what_is_no_image_is_no_change(mine, tmp_path):
    add_what_is_no_image(mine)
    assert changed(tmp_path) is None


def test_preparing_hashes_what_the_look_need_not_hash_again(mine, tmp_path, monkeypatch):
    monkeypatch.setattr(digests.Digests, "_read", None)
    assert changed(tmp_path) is None
    look = looks.read_look(tmp_path / "state", "mine")
    assert (look.count, look.root) == (12, os.path.realpath(mine))
    assert look.when.endswith(" UTC")


def unmounted(mine):
    shutil.rmtree(mine.parent)


def gone(mine):
    shutil.rmtree(mine)


def empty(mine):
    """As a folder in which something is mounted at other times."""
    shutil.rmtree(mine)
    mine.mkdir()


@pytest.mark.parametrize("change", [unmounted, gone, empty])
@pytest.mark.parametrize("when", ["small", "always"])
def test_a_source_out_of_reach_is_no_change(mine, tmp_path, change, when):
    change(mine)
    assert changed(tmp_path, when=when) is None


def test_a_source_that_may_not_be_listed_is_no_change(mine, tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied", str(mine))

    from labelbench_core.datasets import image_folder

    monkeypatch.setattr(image_folder, "source_files", refuse)
    assert changed(tmp_path) is None
    manifest = tmp_path / "datasets" / "mine" / "manifest.json"
    finding = sources.look_at("mine", manifest, tmp_path / "data", state=tmp_path / "state")
    assert finding.state == sources.OUT_OF_REACH
    assert "Permission denied" in finding.what


def refuse(monkeypatch, *names, error=errno.EACCES):
    """Have files not be read, or in a folder (ending in /) not be asked for, by this user."""
    real_open, real_stat = os.open, os.stat

    def is_refused(path):
        return str(path).endswith(tuple(name for name in names if not name.endswith("/")))

    def is_closed(path):
        return any(name.endswith("/") and name in str(path) for name in names)

    def opening(path, *arguments, **options):
        if is_refused(path) or is_closed(path):
            raise OSError(error, os.strerror(error), path)
        return real_open(path, *arguments, **options)

    def asking(path, *arguments, **options):
        if is_closed(path):
            raise OSError(error, os.strerror(error), path)
        return real_stat(path, *arguments, **options)

    monkeypatch.setattr(os, "open", opening)
    monkeypatch.setattr(os, "stat", asking)


@pytest.mark.parametrize("error", [errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE])
@pytest.mark.parametrize("names", [["pool/cat/1.png"], ["pool/cat/"], ["pool/", "test/"]])
def test_files_that_may_not_be_read_are_out_of_reach(mine, tmp_path, monkeypatch, error, names):
    touch(mine)  # what is remembered of them does not help
    add(mine)
    refuse(monkeypatch, *names, error=error)
    assert changed(tmp_path) is None
    manifest = tmp_path / "datasets" / "mine" / "manifest.json"
    finding = sources.look_at("mine", manifest, tmp_path / "data", state=tmp_path / "state")
    assert finding.state == sources.OUT_OF_REACH
    assert finding.what.endswith(f".png: {os.strerror(error)}")


def test_a_class_that_may_not_be_listed_is_out_of_reach(mine, tmp_path, monkeypatch):
    real = os.scandir

    def listing(path):
        if str(path).endswith("pool/cat"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", listing)
    assert changed(tmp_path) is None
    with pytest.raises(InputError, match=r"pool/cat: cannot be listed \(Permission denied\)"):
        prepare(tmp_path)


def test_preparing_from_where_nothing_may_be_read_is_one_line(mine, tmp_path, monkeypatch):
    refuse(monkeypatch, "data/mine", "data/")
    with pytest.raises(
        InputError, match=r"mine: .*data/mine: cannot be read \(Permission denied\)$"
    ):
        prepare(tmp_path)


def test_what_could_not_be_read_from_the_start_is_no_part_of_the_source(
    mine, tmp_path, monkeypatch
):
    """Where broken files are left out, one that cannot be read is left out, too."""
    options = {**OPTIONS, "corrupt": "skip"}
    entry = {**ENTRY, "options": options}
    new_image(mine / "pool" / "cat" / "3.png")
    with monkeypatch.context() as patch:
        refuse(patch, "pool/cat/3.png")
        manifest = prepare(tmp_path, options=options)
        assert manifest["source_files"]["count"] == 12
        assert "cannot be read (Permission denied)" in str(manifest["left_out"])
        for _ in range(2):
            assert changed(tmp_path, entry) is None
        edit(mine)  # another file
        assert changed(tmp_path, entry) == "1 file edited (pool/cat/1.png)"
        refuse(patch, "pool/cat/3.png", "pool/dog/1.png")
        touch(mine)
        assert changed(tmp_path, entry) is None  # out of reach by now
    assert "1 file added" in changed(tmp_path, entry)


def test_official_files_that_may_not_be_read_are_out_of_reach(tmp_path, monkeypatch):
    use(monkeypatch, Official)
    folder = tmp_path / "data" / "official"
    folder.mkdir(parents=True)
    for name in MD5:
        (folder / name).write_text(name)
    prepare(tmp_path, "official", {})
    refuse(monkeypatch, "official/labels")
    assert changed(tmp_path, {"implementation": "official"}) is None


def test_what_cannot_be_prepared_again_is_one_line(mine, tmp_path):
    shutil.rmtree(mine / "pool" / "dog")
    with pytest.raises(InputError, match="data set 'mine': its source cannot be prepared") as told:
        changed(tmp_path)
    assert "split pool has no image of class dog" in str(told.value)
    assert "check_sources: never" in str(told.value)
    assert "\n" not in str(told.value)
    assert changed(tmp_path, when="never") is None
    assert (tmp_path / "datasets" / "mine" / "manifest.json").exists()


def test_new_images_that_cannot_be_used_are_told_before_any_job(mine, tmp_path):
    """Snakemake deletes what was prepared before the job could tell."""
    (mine / "pool" / "cat" / "bad.png").write_text("no image")
    (mine / "test" / "dog" / "1.png").write_bytes(b"")
    told = (
        r"^data set 'mine': its source cannot be prepared again as it is now: 2 of 2 new or edited "
        r"images cannot be used \(pool/cat/bad.png: no image that Pillow can read, "
        r"test/dog/1.png: empty file\); .*`corrupt: skip`.*; mend that, or .*never`$"
    )
    for _ in range(2):
        with pytest.raises(InputError, match=told):
            changed(tmp_path)
    (mine / "test" / "dog" / "1.png").unlink()
    add(mine)
    with pytest.raises(InputError, match="1 of 2 new or edited"):
        changed(tmp_path)
    (mine / "pool" / "cat" / "bad.png").unlink()
    assert changed(tmp_path) == "1 file added (pool/cat/new.png), 1 file removed (test/dog/1.png)"
    # Where they are left out anyway, nothing stands against preparing.
    prepare(tmp_path, options={**OPTIONS, "corrupt": "skip"})
    (mine / "pool" / "cat" / "bad.png").write_text("no image")
    entry = {**ENTRY, "options": {**OPTIONS, "corrupt": "skip"}}
    assert changed(tmp_path, entry) == "1 file added (pool/cat/bad.png)"


def test_only_new_images_of_the_part_that_is_used_are_decoded_and_once(mine, tmp_path, monkeypatch):
    decoded = []
    real = checking.decode

    def counting(content, *arguments, **options):
        decoded.append(content)
        return real(content, *arguments, **options)

    monkeypatch.setattr(checking, "decode", counting)
    several(mine)  # one added, one moved, two edited; three have the same content
    for _ in range(2):
        assert "1 file added" in changed(tmp_path)
    assert 1 <= len(decoded) <= 3
    prepare(tmp_path)
    assert len(decoded) <= 3
    prepare(tmp_path, pool_size=2)
    listing = files.read_json(tmp_path / "datasets" / "mine" / "arrays" / "source-files.json")
    (mine / listing[0][0]).write_text("no image, and not used")
    assert "1 file edited" in changed(tmp_path, {**ENTRY, "pool_size": 2})


def test_a_partly_missing_source_is_a_change(mine, tmp_path):
    for split in ("pool", "test"):
        (mine / split / "dog" / "1.png").unlink()
    assert changed(tmp_path) == "2 files removed (pool/dog/1.png, …)"


def test_large_sources_are_looked_at_when_asked(mine, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sources, "MOST_FILES", 11)
    monkeypatch.setenv("LABELBENCH_DATA", str(tmp_path / "data"))
    command = ["--results", str(tmp_path), "--state", str(tmp_path / "state")]
    add(mine)
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", None)  # called, it would fail
        assert changed(tmp_path) is None
    assert changed(tmp_path, when="always") == "1 file added (pool/cat/new.png)"
    # Asked for by command, it holds for the next call that plans, until it is prepared.
    (tmp_path / "state" / "mine.json").unlink()
    assert changed(tmp_path) is None
    assert check_sources.main(command) == 0
    assert "mine: changed: 1 file added (pool/cat/new.png); the next" in capsys.readouterr().out
    assert changed(tmp_path) == "1 file added (pool/cat/new.png)"
    prepare(tmp_path)
    assert changed(tmp_path) is None
    assert check_sources.main(command) == 0
    assert capsys.readouterr().out == "mine: 13 files, none changed since it was prepared\n"
    # Changed, and back before it was prepared: the note does not stay.
    move(mine)
    check_sources.main(command)
    (mine / "pool" / "dog" / "was-a-cat.png").rename(mine / "pool" / "cat" / "1.png")
    assert changed(tmp_path) is None
    add_more = mine / "pool" / "cat" / "more.png"
    new_image(add_more)
    assert changed(tmp_path) is None


def test_at_the_limit_a_source_is_small(mine, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MOST_FILES", 12)
    add(mine)
    assert changed(tmp_path) == "1 file added (pool/cat/new.png)"


def test_reading_many_files_is_announced(mine, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MANY_FILES", 12)
    told = []
    changed(tmp_path, tell=told.append)
    assert told == []
    touch(mine)
    changed(tmp_path, tell=told.append)
    assert told == ["data set 'mine': 12 files of its source are new here; reading them"]


def test_what_is_made_anyway_is_not_looked_at(mine, tmp_path):
    add(mine)
    other = {**ENTRY, "options": {**OPTIONS, "image_size": 32}}
    assert changed(tmp_path, other) is None
    assert changed(tmp_path, {**ENTRY, "pool_size": 5}) is None
    for content in ("{}", "[]", "3", "", "{"):
        (tmp_path / "datasets" / "mine" / "manifest.json").write_text(content)
        assert changed(tmp_path) is None
    (tmp_path / "datasets" / "mine" / "manifest.json").unlink()
    assert changed(tmp_path) is None


@pytest.mark.parametrize(
    "damage",
    [
        {"source_files": {"count": 3}},
        {"source_files": "abc"},
        {"source_files": [1]},
        {"source_files": {"count": "3", "sha256": 5}},
        {"options": [1]},
        {"options": {"folder": 5}},
        {"source": None},
        {"splits": None},
        {"dataset": "yours"},
    ],
)
@pytest.mark.parametrize("sealed", [False, True])
def test_a_manifest_that_is_not_as_it_was_written_is_made_anyway(
    mine, tmp_path, monkeypatch, capsys, damage, sealed
):
    add(mine)
    path = tmp_path / "datasets" / "mine" / "manifest.json"
    content = {**files.read_json(path), **damage}
    content = {key: value for key, value in content.items() if value is not None}
    write_record(path, "data set", content) if sealed else path.write_text(json.dumps(content))
    if damage != {"options": {"folder": 5}}:  # which no catalogue has
        assert changed(tmp_path, {**ENTRY, "options": content["options"]}) is None
    monkeypatch.setenv("LABELBENCH_DATA", str(tmp_path / "data"))
    command = ["--results", str(tmp_path), "--state", str(tmp_path / "state")]
    assert check_sources.main(command) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert told.count("\n") == 1


def test_where_nothing_is_prepared_the_command_says_so(tmp_path, capsys):
    assert check_sources.main(["--results", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"no data set is prepared in {tmp_path}\n"


@pytest.mark.parametrize("listing", ['[["pool/cat/0.png", 5]]', '[[1, "x"]]', "[3]", "3", "{}"])
def test_damaged_listings_cost_only_the_details(mine, tmp_path, listing):
    add(mine)
    arrays = tmp_path / "datasets" / "mine" / "arrays"
    for split in ("pool", "test"):
        (arrays / f"{split}-files.json").write_text(listing)
    assert changed(tmp_path) == "its 13 files are not those that it was prepared from"


@pytest.mark.parametrize("look", ["{}", "[]", '{"root": 1, "count": "x", "sha256": 3, "when": 0}'])
def test_a_damaged_note_of_a_look_is_none(tmp_path, look):
    (tmp_path / "mine.json").write_text(look)
    assert looks.read_look(tmp_path, "mine") is None


def test_files_outside_the_part_of_the_pool_belong_to_the_source(mine, tmp_path):
    prepare(tmp_path, pool_size=2)
    entry = {**ENTRY, "pool_size": 2}
    arrays = tmp_path / "datasets" / "mine" / "arrays"
    others = [name for name, _ in files.read_json(arrays / "source-files.json")]
    assert len(others) == 4
    assert changed(tmp_path, entry) is None
    new_image(mine / others[0])
    assert changed(tmp_path, entry) == f"1 file edited ({others[0]})"


def test_lost_listings_cost_only_the_details(mine, tmp_path):
    add(mine)
    (tmp_path / "datasets" / "mine" / "arrays" / "pool-files.json").write_text("[]")
    assert changed(tmp_path) == "its 13 files are not those that it was prepared from"


def test_results_do_not_depend_on_what_this_machine_knows(mine, tmp_path):
    target = tmp_path / "datasets" / "mine"
    before = {p.name: p.read_bytes() for p in target.rglob("*") if p.is_file()}
    shutil.rmtree(tmp_path / "state")
    prepare(tmp_path)
    assert {p.name: p.read_bytes() for p in target.rglob("*") if p.is_file()} == before
    text = (target / "manifest.json").read_text()
    assert str(tmp_path) not in text
    assert looks.now()[:10] not in text


# ---- labels in a file, images in arrays


def use(monkeypatch, component):
    """Have every data set be one of `component`."""
    monkeypatch.setattr(registry, "load", lambda kind, name: component)
    monkeypatch.setattr(registry, "option_errors", lambda *_, **__: [])
    monkeypatch.setattr(registry, "build", lambda kind, entry, *given: component.load(*given))


class LabelsFile:
    """A component whose images come from nowhere, and whose labels come from a file."""

    @staticmethod
    def load(data_dir):
        labels = np.loadtxt(data_dir / "labels.csv", dtype=np.int64)
        split = RawSplit(labels, np.zeros((len(labels), 4, 4, 3), np.uint8))
        return RawDataset(["a", "b"], {"pool": split, "test": split})

    @staticmethod
    def source_files(data_dir):
        path = data_dir / "labels.csv"
        return Source(data_dir, ["labels.csv"]) if path.exists() else None


def test_an_edited_file_of_labels_is_a_change(tmp_path, monkeypatch):
    use(monkeypatch, LabelsFile)
    labels = tmp_path / "data" / "labels.csv"
    labels.parent.mkdir()
    labels.write_text("0\n1\n0\n")
    prepare(tmp_path, "labelled", {})
    entry = {"implementation": "labelled"}
    assert changed(tmp_path, entry) is None
    labels.write_text("0\n1\n1\n")
    assert changed(tmp_path, entry) == "1 file edited (labels.csv)"
    labels.unlink()
    assert changed(tmp_path, entry) is None


# ---- official files


MD5 = {
    "images": (hashlib.md5(b"images").hexdigest(), hashlib.md5(b"other").hexdigest()),
    "labels": (hashlib.md5(b"labels").hexdigest(),),
}


class Official:
    """A component with two official files, one of them in two allowed forms."""

    @staticmethod
    def load(data_dir):
        split = RawSplit(np.arange(2), np.zeros((2, 4, 4, 3), np.uint8))
        return RawDataset(["a", "b"], {"pool": split, "test": split})

    @staticmethod
    def source_files(data_dir):
        return _official.source_files(data_dir / "official", MD5)


def test_official_files_are_fixed(tmp_path, monkeypatch):
    use(monkeypatch, Official)
    folder = tmp_path / "data" / "official"
    folder.mkdir(parents=True)
    for name in MD5:
        (folder / name).write_text(name)
    assert prepare(tmp_path, "official", {})["source_files"] is None
    entry = {"implementation": "official"}
    assert changed(tmp_path, entry) is None
    (folder / "images").write_text("other")  # the same data, compressed again
    assert changed(tmp_path, entry) is None
    with monkeypatch.context() as patch:
        patch.setattr(digests.Digests, "_read", None)  # called, it would fail
        assert changed(tmp_path, entry) is None
    (folder / "labels").write_text("Labels")
    told = r"data set 'mine': .*official/labels: changed since it was prepared: its MD5 is .*;"
    with pytest.raises(InputError, match=told) as error:
        changed(tmp_path, entry)
    assert "\n" not in str(error.value)
    assert changed(tmp_path, entry, when="never") is None
    (folder / "labels").unlink()
    assert changed(tmp_path, entry) is None
    shutil.rmtree(folder)
    assert changed(tmp_path, entry) is None


@pytest.mark.parametrize("name", registry.names("datasets"))
def test_every_data_set_says_what_it_is_made_from(name, tmp_path):
    component = registry.load("datasets", name)
    if name == "digits":  # comes with a package
        assert not hasattr(component, "source_files")
    else:
        found = component.source_files(tmp_path)
        assert found is None or found.md5  # Fashion-MNIST may be installed here


# ---- the line, the command, who looks


def test_files_of_the_same_content_are_paired_one_to_one():
    before = {"a/1": "x", "a/2": "x", "b/1": "x"}
    after = {"a/3": "x", "b/1": "x", "c/1": "x"}
    told = describe_changes(before, after)
    assert told == "1 file renamed (a/3), 1 file moved from a to c (c/1)"
    assert describe_changes({"a/1": "x"}, {"a/1": "x", "b/1": "x"}) == "1 file added (b/1)"
    many = {f"a/{n}": str(n) for n in range(5)}
    moved = {f"{'bcd'[n % 3]}/{n}": str(n) for n in range(5)}
    assert describe_changes(many, moved) == "5 files moved (b/0, …)"
    odd = os.fsdecode(b"a/\xff.png")
    assert describe_changes({}, {odd: "x"}) == "1 file added (a/\\xff.png)"
    told = describe_changes({"a\nb/c": "x"}, {"a/c\nd": "x"})
    assert told == "1 file moved from a\\nb to a (a/c\\nd)"


def test_the_command_says_all_and_names_what_is_not_there(mine, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LABELBENCH_DATA", str(tmp_path / "data"))
    command = ["--results", str(tmp_path), "--state", str(tmp_path / "state")]
    assert check_sources.main([*command, "mine"]) == 0
    assert check_sources.main([*command, "yours"]) == 2
    captured = capsys.readouterr()
    assert captured.out == "mine: 12 files, none changed since it was prepared\n"
    assert "error: data set 'yours' is not prepared in" in captured.err
    shutil.rmtree(mine / "pool" / "dog")
    assert check_sources.main(command) == 2
    assert "error: data set 'mine': its source cannot be prepared" in capsys.readouterr().err
    gone(mine)
    assert check_sources.main(command) == 0
    assert capsys.readouterr().out == (
        "mine: out of reach (nothing is there): what was prepared stands\n"
    )


def test_no_job_looks(request):
    scripts = request.config.rootpath / "workflow_scripts"
    jobs = {path.stem for path in scripts.glob("[a-z]*.py")} & set(STAGES)
    assert "prepare_dataset" in jobs
    for job in jobs:
        closure = provenance.import_closure({f"workflow_scripts.{job}"})
        assert "labelbench_core.configuration.sources" not in closure, job
