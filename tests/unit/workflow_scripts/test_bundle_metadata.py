"""What an archive says of itself to machines: valid Croissant, and a crate that lists its files."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import published_runs
from workflow_scripts._bundle_metadata import (
    Origin,
    _column_types,
    croissant,
    ro_crate,
)

ORIGIN = Origin(
    creators=["A. Author", "B. Author"],
    license="https://creativecommons.org/licenses/by/4.0/",
    version="0.1.0",
    commit="abc",
    command="snakemake --configfile mine.yaml",
    url="https://example.org/results",
)
READ = """
import json, mlcroissant
dataset = mlcroissant.Dataset(jsonld="results/croissant.json")
issues = dataset.metadata.ctx.issues
rows = list(dataset.records(record_set="metrics"))
found = {
    "issues": [*issues.errors, *issues.warnings],
    "seeds": [int(row["metrics/seed"]) for row in rows],
    "strategies": [row["metrics/strategy"].decode() for row in rows],
    "losses": [
        row[f"finetuned/{one}/history/loss"]
        for one in "ab"
        for row in dataset.records(record_set=f"finetuned/{one}/history")
    ],
}
print(json.dumps(found))
"""
TABLES = "results/reports/beside/tables"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two tables and a report, in the current folder."""
    monkeypatch.chdir(tmp_path)
    Path(TABLES).mkdir(parents=True)
    Path(TABLES, "metrics.csv").write_text("strategy,seed,value,note\nmargin,0,0.5,\n7,1,1,x\n")
    Path(TABLES, "curves.csv").write_text("strategy,mean\nmargin,\n")
    Path("results/reports/beside/report.html").write_text("<p>")
    return _files()


def _files() -> list[str]:
    return [str(path) for path in Path("results").rglob("*") if path.is_file()]


@pytest.mark.thorough
def test_croissant_is_valid_and_reads_the_tables(files: list[str]) -> None:
    """By MLCommons' own package, in an environment of its own: it brings stubs of pandas."""
    for name, loss in (("a", 0.5), ("b", 0.25)):
        folder = Path("results/finetuned", name)
        folder.mkdir(parents=True)
        (folder / "history.csv").write_text(f"step,loss\n0,{loss}\n")
    tables = [path for path in _files() if path.endswith(".csv")]
    content = croissant(published_runs.experiment(), tables, ORIGIN)
    Path("results/croissant.json").write_text(json.dumps(content))
    Path("read.py").write_text(READ)
    uv = Path(sys.executable).with_name("uv")
    command = [uv, "run", "--no-project", "--with", "mlcroissant>=1.0.17,<2", "python", "read.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "issues": [],
        "seeds": [0, 1],
        "strategies": ["margin", "7"],
        "losses": [0.5, 0.25],
    }


def test_records_of_tables_of_one_name_have_ids_of_their_own(files: list[str]) -> None:
    for name in "ab":
        Path("results/finetuned", name).mkdir(parents=True)
        Path("results/finetuned", name, "history.csv").write_text("step,loss\n0,0.5\n")
    tables = [path for path in _files() if path.endswith(".csv")]
    sets = croissant(published_runs.experiment(), tables, ORIGIN)["recordSet"]
    assert [one["@id"] for one in sets] == [
        "finetuned/a/history",
        "finetuned/b/history",
        "curves",
        "metrics",
    ]
    fields = [field["@id"] for one in sets for field in one["field"]]
    assert len(fields) == len(set(fields))


def test_columns_have_the_narrowest_type_of_all_their_cells(files: list[str]) -> None:
    assert _column_types(f"{TABLES}/metrics.csv") == {
        "strategy": "sc:Text",
        "seed": "sc:Integer",
        "value": "sc:Float",
        "note": "sc:Text",
    }


def test_the_crate_lists_every_file_with_its_hash(files: list[str]) -> None:
    texts = {"results/CITATION.cff": "cff-version: 1.2.0\n"}
    crate = ro_crate(published_runs.experiment(), files, texts, ORIGIN)
    entities = {one["@id"]: one for one in crate["@graph"]}
    assert entities["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    root = entities["./"]
    listed = {one["@id"] for one in root["hasPart"]}
    assert listed == {
        "CITATION.cff",
        "reports/beside/report.html",
        "reports/beside/tables/curves.csv",
        "reports/beside/tables/metrics.csv",
    }
    for name in listed:
        text = texts.get(f"results/{name}") or Path("results", name).read_text()
        assert entities[name]["sha256"] == hashlib.sha256(text.encode()).hexdigest()
        assert entities[name]["contentSize"] == str(len(text.encode()))
    assert entities["#run"]["name"] == ORIGIN.command
    references = [one for key in ("author", "hasPart") for one in root[key]]
    references += [root[key] for key in ("license", "mentions", "citation")]
    assert all(one["@id"] in entities for one in references)


def test_the_crate_lists_the_files_of_folders_but_hidden_ones(files: list[str]) -> None:
    """An archive has no file whose name starts with a dot."""
    inner = Path("results/datasets/d/arrays/labels")
    inner.mkdir(parents=True)
    inner.joinpath("0").write_bytes(b"\x01")
    inner.joinpath(".checked.json").write_text("{}")
    folder = "results/datasets/d/arrays"
    graph = ro_crate(published_runs.experiment(), [folder], {}, ORIGIN)["@graph"]
    entities = {one["@id"]: one for one in graph}
    assert entities["./"]["hasPart"] == [{"@id": "datasets/d/arrays/"}]
    assert entities["datasets/d/arrays/"]["hasPart"] == [{"@id": "datasets/d/arrays/labels/0"}]
    digest = hashlib.sha256(b"\x01").hexdigest()
    assert entities["datasets/d/arrays/labels/0"]["sha256"] == digest
    assert not any("checked" in name for name in entities)


def test_one_author_is_no_list(files: list[str]) -> None:
    origin = Origin(["A. Author"], "", "0.1.0", "abc", "snakemake")
    graph = ro_crate(published_runs.experiment(), files, {}, origin)["@graph"]
    assert graph[1]["author"] == {"@id": "#A.%20Author"}
    assert {"@id": "#A.%20Author", "@type": "Person", "name": "A. Author"} in graph


def test_without_licence_and_creator_nothing_is_claimed(files: list[str]) -> None:
    origin = Origin([], "", "0.1.0", "abc", "snakemake")
    crate = ro_crate(published_runs.experiment(), files, {}, origin)
    root = next(one for one in crate["@graph"] if one["@id"] == "./")
    assert not {"license", "author"} & set(root)
    content = croissant(published_runs.experiment(), [], origin)
    assert not {"license", "creator", "url"} & set(content)
