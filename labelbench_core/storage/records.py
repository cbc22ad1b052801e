"""Records: JSON results that say what they are, and can be checked to be as they were written.

A record holds, beside its content, its `kind` and `content_sha256`: the SHA-256 of the file's bytes
with the 64 digits of this one number written as zeros. A damaged, edited or half-written record can
therefore be recognised from its text alone, and a record of another kind by its kind; readers give
the values that it must have. Other records refer to it by the SHA-256 of its file.
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelbench_core.errors import damaged, shown
from labelbench_core.storage import files

KIND, DIGEST = "kind", "content_sha256"
_NO_DIGEST = b"0" * 64
# Keys are sorted and indented by one space: only the key of the record itself matches.
_SEALED = re.compile(rb'^ "content_sha256": "([0-9a-f]{64})"', re.MULTILINE)


class Each:
    """Shape of an object with any keys, whose values all have the shape `values`."""

    def __init__(self, values: Any) -> None:
        self.values = values


Shape = type | Each | list[Any] | Mapping[str, Any]
"""See `check_shape`."""
ARRAY = {"shape": [int], "dtype": str, "blocks": [str]}
METRICS = Each(Each(float))
SETTING = {"dataset": str, "backbone": str, "proxy": str, "schedule": str}
ROUND = {**SETTING, "strategy": str, "seed": int, "round": int}
# Kind → the rule that makes it, and the shape of what its readers rely on.
KINDS: dict[str, tuple[str, Mapping[str, Any]]] = {
    "data set": (
        "prepare_dataset",
        {
            "dataset": str,
            "num_classes": int,
            "class_names": [str],
            "splits": Each({"num_rows": int, "storage": str}),
            "arrays": Each(ARRAY),
            "fingerprint": str,
        },
    ),
    "drawn splits": (
        "prepare_dataset",
        {"draw": object, "files": Each([str]), "groups": Each([str])},
    ),
    "embeddings": (
        "extract_embeddings, extract_views or refresh_embeddings",
        {
            "dataset": str,
            "dataset_fingerprint": str,
            "backbone": str,
            "weights_sha256": str,
            "splits": Each({"num_rows": int, "views": Each(ARRAY)}),
            "fingerprint": str,
        },
    ),
    "annotations": (
        "annotate",
        {
            "dataset": str,
            "dataset_fingerprint": str,
            "annotator": str,
            "num_rows": int,
            "arrays_sha256": str,
        },
    ),
    "initial pool": (
        "draw_initial_pool",
        {"dataset": str, "schedule": str, "seed": int, "labeled": [int]},
    ),
    "audit order": (
        "",
        {
            "campaign": str,
            "stratum": int,
            "items": [str],
            "reserved": int,
            "previous": Each(str),
        },
    ),
    "round": (
        "train_initial or select_round",
        {
            **ROUND,
            "num_labeled": int,
            "bought": [int],
            "state": Each(object),
            "metrics": METRICS,
            "fit": Each(object),
            "source": str,
            "arrays_sha256": str,
            "previous": Each(str),
        },
    ),
    "fine-tuning": (
        "finetune_model",
        {
            **ROUND,
            "trainer": str,
            "num_labeled": int,
            "metrics": METRICS,
            "training": {"validation": {"kind": str, "size": int}},
            "weights_sha256": str,
            "previous": Each(str),
        },
    ),
    "arrivals": (
        "",
        {"campaign": str, "arrival": int, "items": [str], "digests": [str], "previous": Each(str)},
    ),
    "batch": (
        "",
        {
            "campaign": str,
            "batch": int,
            "classes": [str],
            "multilabel": bool,
            "items": [{"item": str, "number": int, "suggestion": object}],
            "previous": Each(str),
        },
    ),
    "trained": (
        "",
        {
            "campaign": str,
            "batch": int,
            "num_labeled": int,
            "classes": [str],
            "arrays_sha256": str,
            "fit": Each(object),
        },
    ),
    "campaign labels": (
        "collect_labels",
        {
            "campaign": str,
            "classes": [str],
            "multilabel": bool,
            "batches": int,
            "source": str,
            "num_labeled": int,
            "items": [{"row": int, "item": str, "state": str, "audit": bool}],
            "arrays_sha256": str,
        },
    ),
    "campaign fine-tuning": (
        "finetune_campaign",
        {
            "campaign": str,
            "trainer": str,
            "labels_sha256": str,
            "weights_sha256": str,
            "pool_sha256": str,
        },
    ),
    "campaign model": (
        "finish_campaign",
        {
            "campaign": str,
            "model": str,
            "classes": [str],
            "multilabel": bool,
            "rows": str,
            "backbone": {"id": str, "implementation": str},
            "reading": {"image_size": object, "ground": str},
            "temperature": float,
            "exponent": float,
            "backbone_weights_sha256": str,
            "weights_sha256": str,
        },
    ),
    "finished campaign": (
        "finish_campaign",
        {
            "campaign": str,
            "rows": int,
            "by_people": int,
            "by_model": int,
            "wrong": object,
            "to_check": int,
        },
    ),
    "summary": (
        "tabulate",
        {"experiment": str, "highlight": str, "baseline": str, "metric": str, "settings": [object]},
    ),
}


def write_record(path: str | Path, kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Write a record, atomically, and return its content, with `kind` and `content_sha256`.

    Raises
    ------
    ValueError
        If a number is not finite: JSON cannot represent it.
    """
    record = {**content, KIND: kind, DIGEST: _NO_DIGEST.decode()}
    text = (files.canonical_json(record, indent=1) + "\n").encode()
    record[DIGEST] = files.sha256_bytes(text)
    sealed = f' "{DIGEST}": "{record[DIGEST]}"'.encode()
    with files.atomic_path(path) as aside:
        aside.write_bytes(_SEALED.sub(sealed, text, count=1))
    return record


def read_record(
    path: str | Path, kind: str, expected: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A record of the kind `kind`, with the values `expected`.

    Raises
    ------
    InputError
        If it is missing, is not as it was written, is of another kind, or belongs to another
        result. The message names the file, the key, what was found and what was expected.
    """
    return read_with_digest(path, kind, expected)[0]


def read_with_digest(
    path: str | Path, kind: str, expected: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], str]:
    """As `read_record`; also the SHA-256 of the file."""
    made_by, shape = KINDS[kind]
    content = files.read_bytes(path, made_by)
    record: files.Json = files.parse_json(content, path)
    if not isinstance(record, dict):
        raise damaged(path, f"must hold a JSON object, holds {shown(record)}")
    if record.get(KIND) != kind:
        raise damaged(path, f"{KIND} is {shown(record.get(KIND))}, expected {kind!r}")
    found = _SEALED.search(content)
    if found is None:
        raise damaged(path, f"{DIGEST} is {shown(record.get(DIGEST))}, expected 64 digits")
    blank = content[: found.start(1)] + _NO_DIGEST + content[found.end(1) :]
    if files.sha256_bytes(blank).encode() != found[1]:
        raise damaged(path, f"content does not match its SHA-256 ({DIGEST})")
    check_shape(path, record, shape)
    check_values(path, record, expected or {})
    return record, files.sha256_bytes(content)


def check_values(path: str | Path, record: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """`InputError` unless `record`, from `path`, has the values `expected`."""
    for key, value in expected.items():
        if record.get(key) != value:
            raise damaged(
                path,
                f"{key} is {shown(record.get(key))}, expected {shown(value)}: it belongs to "
                f"another result",
            )


def check_shape(path: str | Path, value: Any, shape: Shape, where: str = "") -> None:
    """`InputError` unless `value`, at the key `where` in `path`, has the shape `shape`.

    A shape is a type (`float` means a finite number, `object` anything), a list with the shape of
    all items, a dictionary with the shapes of the keys that must be there, or `Each`.
    """
    if isinstance(shape, Mapping):
        _require(path, value, isinstance(value, dict), "an object", where)
        for key, inner in shape.items():
            place = f"{where}.{key}" if where else key
            if key not in value:
                raise damaged(path, f"{place} is missing")
            check_shape(path, value[key], inner, place)
    elif isinstance(shape, Each):
        _require(path, value, isinstance(value, dict), "an object", where)
        for key, item in value.items():
            check_shape(path, item, shape.values, f"{where}.{key}")
    elif isinstance(shape, list):
        _require(path, value, isinstance(value, list), "a list", where)
        if shape[0] in (int, str) and set(map(type, value)) <= {shape[0]}:
            return  # thousands of them are looked at together
        for place, item in enumerate(value):
            check_shape(path, item, shape[0], f"{where}[{place}]")
    elif shape is float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        _require(path, value, number and math.isfinite(value), "a number", where)
    elif shape is int:
        whole = isinstance(value, int) and not isinstance(value, bool)
        _require(path, value, whole, "a whole number", where)
    else:
        _require(path, value, isinstance(value, shape), "text", where)


def _require(path: str | Path, value: Any, holds: bool, wanted: str, where: str) -> None:
    """`InputError` unless `holds`."""
    if not holds:
        raise damaged(path, f"{where or 'content'} is {shown(value)}, not {wanted}")
