"""Tables of what people said: their forms, and what is wrong with them in one line."""

import re

import numpy as np
import pytest
import yaml

from helpers.project import PROJECT
from labelbench_core import registry
from labelbench_core.annotators import PoolFacts, Truth, recorded
from labelbench_core.errors import InputError

NAMES = ["cat", "dog", "1"]
TRUE = np.array([0, 1, 2, 1])
SAID = np.array([0, 2, 2, 1])


def annotate(folder, table, column="said", names=NAMES, **options):
    entry = {
        "implementation": "recorded",
        "options": {"table": table, "column": column, **options},
    }
    return registry.build("annotators", entry, Truth("pets", TRUE.copy(), names, folder))


def text(folder, name, said, true=TRUE):
    separator = recorded.SEPARATORS[f".{name.split('.')[1]}"]
    lines = [f"{one}{separator}{other}" for one, other in zip(said, true, strict=True)]
    (folder / name).write_text("\n".join([f"said{separator}true", *lines]) + "\n")


@pytest.mark.parametrize("name", ["table.csv", "table.tsv"])
@pytest.mark.parametrize("as_names", [True, False])
def test_a_table_of_text_has_names_or_numbers(tmp_path, name, as_names):
    text(tmp_path, name, [NAMES[label] for label in SAID] if as_names else SAID)
    assert annotate(tmp_path, name, clean="true").tolist() == SAID.tolist()


def test_names_come_before_numbers(tmp_path):
    """A class that is called 1 is meant where all are names, the number 1 where they are not."""
    text(tmp_path, "names.csv", ["1", "1", "cat", "1"])
    assert annotate(tmp_path, "names.csv").tolist() == [2, 2, 0, 2]
    text(tmp_path, "numbers.csv", ["1", "1", "0", "1"])
    assert annotate(tmp_path, "numbers.csv").tolist() == [1, 1, 0, 1]


@pytest.mark.parametrize("values", [SAID, SAID.astype(np.uint8), np.array(NAMES)[SAID]])
def test_a_table_of_arrays_has_names_or_numbers(tmp_path, values):
    np.savez(tmp_path / "table.npz", said=values, other=np.zeros(3))
    found = annotate(tmp_path, "table.npz")
    assert found.tolist() == SAID.tolist()
    assert found.dtype == np.int64


def test_a_table_in_another_order_is_refused(tmp_path):
    text(tmp_path, "table.csv", SAID, TRUE[::-1])
    with pytest.raises(InputError) as caught:
        annotate(tmp_path, "table.csv", clean="true")
    told = f"{tmp_path}/table.csv: true: 'dog' in row 0 (from 0), where data set 'pets' has 'cat' "
    assert str(caught.value).startswith(told + "(4 of 4 differ)")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("t.csv", None, "options.table: {path}: no such file; allowed: a file below LABELBENCH"),
        ("t.txt", "said\n0\n", "options.table: {path}; allowed: a file that ends in .csv, .tsv, "),
        ("t.csv", "", "{path}: column 'said' is not there; allowed: none"),
        ("t.csv", "sad\n0\n", "{path}: column 'said' is not there (did you mean 'sad'?); all"),
        ("t.csv", "said\n0\n1\n1\n", "{path}: said: 3 labels; allowed: 4, one for each row of"),
        ("t.csv", "said\n0\n1\n1\n1\n1\n", "{path}: said: 5 labels; allowed: 4, one for each row"),
        ("t.csv", "said\n0\n1\n3\n1\n", "{path}: said: '3' in row 2 (from 0); allowed: cat, dog"),
        ("t.csv", "said\ncat\ncow\n1\n1\n", "{path}: said: 'cow' in row 1 (from 0); allowed: cat"),
        ("t.csv", "said,b\n0,1\n1\n", "{path}: row 1 (from 0) has 1 cells; allowed: 2, as in"),
        ("t.csv", "said,a,said\n0,0,1\n", "{path}: column 'said': 2 columns have this name; all"),
        ("t.tsv", "said\tsaid\n0\t1\n", "{path}: column 'said': 2 columns have this name; allo"),
        ("t.csv", b"said\n\xff\n", "{path}: not UTF-8; allowed: text in UTF-8"),
        ("t.csv", "said\n0\n".encode("utf-16"), "{path}: not UTF-8; allowed: text in UTF-8"),
        ("t.csv", 'said\n"0\n', "{path}: cannot be read as a table"),
        ("t.npz", b"no archive", "{path}: not a readable .npz file; allowed: an .npz of plain ar"),
        ("t.npz", b"", "{path}: not a readable .npz file; allowed: an .npz of plain arrays, with"),
        ("t.npz", {"a": SAID}, "{path}: column 'said' is not there; allowed: a"),
        ("t.npz", {"said": SAID * 1.0}, "{path}: said: float64 of shape (4,); allowed: whole"),
        ("t.npz", {"said": SAID[None]}, "{path}: said: int64 of shape (1, 4); allowed: whole"),
        ("t.npz", {"said": SAID - 1}, "{path}: said: -1 in row 0 (from 0); allowed: 0 to 2"),
        ("t.npz", {"said": SAID + 2}, "{path}: said: 4 in row 1 (from 0); allowed: 0 to 2"),
        ("t.npz", {"said": np.array([None] * 4)}, "{path}: not a readable .npz file; allowed: an"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_used_is_one_line_before_any_job(tmp_path, name, content, told):
    path = tmp_path / name
    if isinstance(content, dict):
        np.savez(path, **content)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.write_text(content)
    facts = PoolFacts(len(TRUE), NAMES, tmp_path)
    for refuse in (
        lambda: recorded.check(facts, table=name, column="said"),
        lambda: annotate(tmp_path, name),
    ):
        with pytest.raises(InputError) as caught:
            refuse()
        assert str(caught.value).startswith(told.format(path=path))
        assert "\n" not in str(caught.value)


def test_what_is_not_known_yet_is_not_checked(tmp_path):
    text(tmp_path, "table.csv", SAID + 5)
    recorded.check(PoolFacts(None, None, tmp_path), table="table.csv", column="said")
    with pytest.raises(InputError, match="no such file"):
        recorded.check(PoolFacts(None, None, tmp_path), table="other.csv", column="said")


def test_the_pages_export_of_cifar_10n_makes_the_catalogues_table(tmp_path, monkeypatch):
    """docs/annotators.md says how; here from a file of the official one's form."""
    import torch

    page = (PROJECT / "docs" / "annotators.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    entries = yaml.safe_load((PROJECT / "config" / "catalogue" / "annotators.yaml").read_text())
    human = {name: entry for name, entry in entries.items() if name.startswith("cifar-10n-")}
    assert len(human) == 5
    columns = {entry["options"]["column"] for entry in human.values()}
    folder = tmp_path / "cifar-10n"
    folder.mkdir()
    monkeypatch.chdir(folder)
    labels = {**dict.fromkeys(columns, SAID), "clean_label": TRUE}
    torch.save(labels, "CIFAR-10_human.pt")
    exec(block, {})
    for entry in human.values():
        assert annotate(tmp_path, **entry["options"]).tolist() == SAID.tolist()
