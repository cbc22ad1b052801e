"""Whether what belongs to an experiment is there, and what is made again."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from helpers.project import PROJECT
from labelbench_core.storage import files, store
from workflow_scripts._completeness import what_is_missing
from workflow_scripts._forcing import Forced
from workflow_scripts._snakefile import shell_prefix


def written(folder: Path) -> Path:
    """A data set and embeddings in one: arrays of one and of several blocks, the last not full."""
    shapes = {"labels": ((5,), "int64", 8), "images": ((20, 4, 4, 3), "uint8", 8)}
    shapes["clean"] = ((33, 7), "float16", 16)
    described = {}
    for name, (shape, dtype, block_rows) in shapes.items():
        path = folder / "arrays" / name
        store.create_array(path, shape, dtype, block_rows)
        rows = np.ones(shape, dtype)
        described[name] = {
            "blocks": [
                store.write_block(path, number, rows[first : first + block_rows])
                for number, first in enumerate(range(0, len(rows), block_rows))
            ]
        }
    files.write_json(folder / "arrays" / "pool-files.json", [])
    files.write_json(folder / "arrays" / "source-files.json", [])
    view = {"array": "clean", **described.pop("clean")}
    pool = {"storage": "files", "num_rows": 5, "views": {"clean": view}}
    manifest = {"arrays": described, "splits": {"pool": pool, "test": {}}}
    # More files than rows: those of a part of the pool that was not taken are listed, too.
    files.write_json(folder / "manifest.json", {**manifest, "source_files": {"count": 7}})
    return folder


def look(folder: Path) -> str | None:
    return what_is_missing(folder / "manifest.json", folder / "arrays")


def test_every_missing_or_cut_file_of_a_folder_is_found(tmp_path: Path) -> None:
    folder = written(tmp_path)
    assert look(folder) is None
    found = [path for path in (folder / "arrays").rglob("*") if path.is_file()]
    assert len(found) == 3 + (1 + 3 + 3) + 2
    for path in found:
        content = path.read_bytes()
        path.unlink()
        assert look(folder) == f"{path} is missing"
        if not path.name.endswith("-files.json"):
            path.write_bytes(content[:-1])
            assert str(path) in str(look(folder))
        path.write_bytes(content)
    assert look(folder) is None
    (folder / "manifest.json").write_text("[]")
    assert look(folder) == f"{folder / 'manifest.json'} is damaged"


@pytest.mark.parametrize(
    ("name", "keys", "value", "told"),
    [
        ("zarr.json", ("codecs", 0, "configuration", "chunk_shape"), [0, 2], "is damaged"),
        ("zarr.json", ("chunk_grid", "configuration", "chunk_shape"), [0, 2], "is damaged"),
        ("zarr.json", ("shape",), [10**15, 2], "bytes of"),
        ("zarr.json", ("shape",), [1e400, 2], "is damaged"),
        ("zarr.json", ("data_type",), "float", "is damaged"),
        ("manifest.json", ("arrays",), 5, "is damaged"),
        ("manifest.json", ("splits",), {"a": {"views": {"x": {"array": 5, "blocks": [1]}}}}, "5"),
    ],
)
def test_descriptions_of_other_values_are_told_of(
    tmp_path: Path, name: str, keys: tuple, value: object, told: str
) -> None:
    folder = written(tmp_path)
    path = sorted(folder.rglob(name))[0]
    content = json.loads(path.read_text())
    *above, last = keys
    place = content
    for key in above:
        place = place[key]
    place[last] = value
    path.write_text(json.dumps(content))
    assert told in str(look(folder))


def test_what_is_missing_altogether_is_left_to_snakemake(tmp_path: Path) -> None:
    assert look(tmp_path) is None
    (tmp_path / "manifest.json").write_text("{}")
    assert look(tmp_path) is None


class Plan:
    """What `Forced` sees of Snakemake's plan."""

    def __init__(self) -> None:
        self.forcefiles: set[str] = set()


def test_only_planned_outputs_are_forced_and_told_once() -> None:
    told: list[str] = []
    forced, plan = Forced(told.append), Plan()
    forced.force(["a", "b"], "the first reason")
    forced.force(["a"], "another")
    for output in ("a", "a", "c"):
        forced.apply(plan, output)
    assert plan.forcefiles == {"a"}
    assert told == ["made again: a: the first reason"]


@pytest.mark.parametrize("uses_conda", [False, True])
@pytest.mark.parametrize("name", ["ann's", 'a "b"', "a{b}", "{", "$HOME `x`; c", "plain"])
def test_shells_find_the_library_in_folders_of_any_name(name: str, uses_conda: bool) -> None:
    prefix = shell_prefix(f"/somewhere/{name}", uses_conda=uses_conda).format()
    ask = ["bash", "-c", prefix + 'printf %s "$PYTHONPATH"; command -v python > /dev/null']
    done = subprocess.run(ask, capture_output=True, text=True, check=True)
    assert done.stdout == f"/somewhere/{name}"
    assert json.dumps(done.stderr) == '""'


def test_jobs_find_what_the_planning_process_finds_through_pythonpath(tmp_path) -> None:
    (tmp_path / "my_encoders.py").write_text("")
    ask = "python -c 'import my_encoders, labelbench_core'"
    given = {**os.environ, "PYTHONPATH": str(tmp_path)}
    for kept, status in ((True, 0), (False, 1)):
        prefix = shell_prefix(PROJECT, uses_conda=False, keep_python_path=kept).format()
        done = subprocess.run(["bash", "-c", prefix + ask], env=given, capture_output=True)
        assert done.returncode == status, done.stderr
