"""What an archive says of itself to machines: RO-Crate, and Croissant with its RAI fields.

RO-Crate 1.1 lists all files with sizes and hashes, and who and what made them; Croissant 1.0
(MLCommons) describes every table column by column, and the responsible-AI vocabulary 1.0 how the
numbers came about and what they do not show. Both are JSON-LD. Their paths start in results/.
"""

import csv
import datetime
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from labelbench_core.analysis.collected.frames import TEXT_COLUMNS
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.errors import listed

ROOT = Path("results")
CRATE, CROISSANT = ROOT / "ro-crate-metadata.json", ROOT / "croissant.json"
MEDIA_TYPES = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".tex": "application/x-tex",
}
"""Media types by suffix; all else is application/octet-stream."""
PAPER = "https://arxiv.org/abs/2306.09910"
CROISSANT_NAMES = (
    "citeAs", "column", "examples", "extract", "field", "fileProperty", "fileObject",
    "fileSet", "format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField",
    "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate",
    "separator", "source", "subField", "transform", "equivalentProperty",
)  # fmt: skip
CROISSANT_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    **{name: f"cr:{name}" for name in CROISSANT_NAMES},
    "examples": {"@id": "cr:examples", "@type": "@json"},
}


@dataclass(frozen=True)
class Origin:
    """Who publishes results, where and under which terms, and which code made them.

    Empty texts: not said.
    """

    creators: Sequence[str]
    license: str
    version: str
    commit: str
    command: str
    url: str = ""


def ro_crate(
    experiment: Experiment, paths: Iterable[str], texts: Mapping[str, str], origin: Origin
) -> dict[str, Any]:
    """The content of ro-crate-metadata.json, for files that are there and for `texts`, path → text.

    `paths` and those of `texts` start with results/; files elsewhere (Snakemake's records) are no
    part of the crate. Folders list their files, but those whose names start with a dot.
    """
    parts = [_file(path) for path in sorted(paths)]
    parts += [
        _entity(path, len(text.encode()), hashlib.sha256(text.encode()).hexdigest())
        for path, text in sorted(texts.items())
    ]
    people = [  # ids are parts of URLs, in which names are encoded
        {"@id": f"#{quote(name)}", "@type": "Person", "name": name} for name in origin.creators
    ]
    software = {
        "@id": "#labelbench",
        "@type": "SoftwareApplication",
        "name": "LabelBench as a Snakemake workflow",
        "version": origin.version,
        "softwareVersion": origin.commit,
    }
    run = {
        "@id": "#run",
        "@type": "CreateAction",
        "name": origin.command,
        "instrument": {"@id": software["@id"]},
        "result": {"@id": "./"},
    }
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": _title(experiment),
        "description": _description(experiment),
        "datePublished": _today(),
        "hasPart": _references(parts),
        "mentions": {"@id": run["@id"]},
        "citation": {"@id": PAPER},
    }
    if origin.license:
        root["license"] = {"@id": origin.license}
    if people:
        # RO-Crate wants a single value as it is, not as a list of one.
        root["author"] = _references(people)[0] if len(people) == 1 else _references(people)
    descriptor = {
        "@id": CRATE.name,
        "@type": "CreativeWork",
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        "about": {"@id": "./"},
    }
    paper = {"@id": PAPER, "@type": "ScholarlyArticle", "name": "LabelBench (the paper)"}
    terms = [
        {"@id": origin.license, "@type": "CreativeWork", "name": origin.license}
        for _ in range(bool(origin.license))
    ]
    inside = [_file(path) for one in sorted(paths) for path in _files_of(one)]
    graph = [descriptor, root, *parts, *inside, *people, *terms, software, run, paper]
    return {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}


def croissant(experiment: Experiment, tables: Iterable[str], origin: Origin) -> dict[str, Any]:
    """The content of croissant.json; `tables` are CSV files with a header."""
    tables = sorted(tables)
    crossings = experiment.crossings
    datasets = listed(experiment.all_of("datasets"))
    seeds = sorted({seed for crossing in crossings for seed in crossing.seeds})
    described: dict[str, Any] = {
        "@context": CROISSANT_CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": [
            "http://mlcommons.org/croissant/1.0",
            "http://mlcommons.org/croissant/RAI/1.0",
        ],
        "name": _title(experiment),
        "description": _description(experiment),
        "datePublished": _today(),
        "version": "1.0.0",
        "citeAs": PAPER,
        "isLiveDataset": False,
        "rai:dataCollection": (
            f"Measured by `{origin.command}` at commit {origin.commit}: every strategy bought "
            f"labels in rounds from the pool of {datasets}, and a model trained on them was "
            f"evaluated after every round, with {len(seeds)} seeds."
        ),
        "rai:dataCollectionType": "Experiments",
        "rai:dataAnnotationProtocol": (
            f"Labels were bought from: {listed(experiment.all_of('annotators'))}. `exact` gives "
            "the labels of the data set; others are in the configuration of the report."
        ),
        "rai:dataPreprocessingProtocol": (
            "Embeddings were extracted once by pretrained backbones: "
            f"{listed(experiment.all_of('backbones'))}."
        ),
        "rai:dataUseCases": (
            "Comparing strategies of active learning and ways of training by the labels that they "
            "need. Not evidence about data sets, backbones, or numbers of labels beyond these."
        ),
        "rai:dataBiases": (
            "Those of the data sets, which are not described here; public ones are often cleaner "
            "and better balanced than pools in use. Backbones may have been pretrained on related "
            "images or texts."
        ),
        "rai:dataLimitations": (
            f"{len(seeds)} seeds; power.csv says which differences these can show. Intervals are "
            "over seeds, not over test images."
        ),
        "rai:personalSensitiveInformation": (
            "bought.csv names the files or quotes the texts of what was bought; whether they are "
            "about persons depends on the data set."
        ),
        "distribution": [_file_object(path) for path in tables],
        "recordSet": [_record_set(path, name) for path, name in _names(tables).items()],
    }
    if origin.url:
        described["url"] = origin.url
    if origin.license:
        described["license"] = origin.license
    if origin.creators:
        described["creator"] = [{"@type": "sc:Person", "name": one} for one in origin.creators]
    return described


def _title(experiment: Experiment) -> str:
    return f"LabelBench results: {experiment.experiment}"


def _description(experiment: Experiment) -> str:
    parts = {
        "data sets": experiment.all_of("datasets"),
        "backbones": experiment.all_of("backbones"),
        "proxies": experiment.all_of("proxies"),
        "strategies": experiment.all_of("strategies"),
    }
    said = "; ".join(f"{name}: {listed(ids)}" for name, ids in parts.items())
    return (
        f"Label efficiency by {experiment.metric}. {said}. The tables' columns are explained in "
        "docs/reports.md of the workflow."
    )


def _today() -> str:
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def _relative(path: str) -> str:
    return Path(path).relative_to(ROOT).as_posix()


def _references(entities: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    return [{"@id": one["@id"]} for one in entities]


def _files_of(folder: str) -> list[str]:
    """The files below a folder that an archive has; none where it is a file."""
    return sorted(
        str(path)
        for path in Path(folder).rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _file(path: str) -> dict[str, Any]:
    one = Path(path)
    if one.is_dir():
        folder = {"@id": f"{_relative(path)}/", "@type": "Dataset", "name": one.name}
        inside = [{"@id": _relative(file)} for file in _files_of(path)]
        return {**folder, "hasPart": inside} if inside else folder
    with one.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return _entity(path, one.stat().st_size, digest)


def _entity(path: str, size: int, digest: str) -> dict[str, Any]:
    return {
        "@id": _relative(path),
        "@type": "File",
        "name": Path(path).name,
        "contentSize": str(size),
        "sha256": digest,
        "encodingFormat": _media_type(path),
    }


def _media_type(path: str) -> str:
    return MEDIA_TYPES.get(Path(path).suffix, "application/octet-stream")


def _file_object(path: str) -> dict[str, Any]:
    found = _file(path)
    return {
        "@type": "cr:FileObject",
        "@id": found["@id"],
        "name": found["@id"],
        "contentUrl": found["@id"],
        "contentSize": f"{found['contentSize']} B",
        "encodingFormat": found["encodingFormat"],
        "sha256": found["sha256"],
    }


def _names(tables: Iterable[str]) -> dict[str, str]:
    """Table → what its records are called: the file's name, or its path where there are several.

    Every fine-tuning has a `history.csv`, and ids have to be different.
    """
    stems = {path: Path(path).stem for path in tables}
    counts = Counter(stems.values())
    return {
        path: stem if counts[stem] == 1 else Path(_relative(path)).with_suffix("").as_posix()
        for path, stem in stems.items()
    }


def _record_set(path: str, name: str) -> dict[str, Any]:
    where = _relative(path)
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{name}/{column}",
            "name": column,
            "dataType": kind,
            "source": {"fileObject": {"@id": where}, "extract": {"column": column}},
        }
        for column, kind in _column_types(path).items()
    ]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "field": fields}


def _column_types(path: str) -> dict[str, str]:
    """Columns of a CSV file and what their cells are; empty ones fit any type."""
    with open(path, encoding="utf-8", newline="") as handle:
        lines = csv.reader(handle)
        header = next(lines)
        kinds = dict.fromkeys(header, "sc:Integer")
        kinds |= {name: "sc:Text" for name in header if name in TEXT_COLUMNS}
        for line in lines:
            for name, cell in zip(header, line, strict=True):
                if cell and kinds[name] != "sc:Text":
                    kinds[name] = max(kinds[name], _kind(cell), key=_WIDTH.index)
    return kinds


_WIDTH = ("sc:Integer", "sc:Float", "sc:Text")
"""Types of cells, each of which holds those before it."""


def _kind(cell: str) -> str:
    for kind, convert in (("sc:Integer", int), ("sc:Float", float)):
        try:
            convert(cell)
        except ValueError:
            continue
        return kind
    return "sc:Text"
