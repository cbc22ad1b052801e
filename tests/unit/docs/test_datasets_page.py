"""The table that docs/datasets.md makes for PACS is one that the catalogue's `pacs` reads."""

import csv
import re
from collections import Counter

import yaml

from helpers.project import PROJECT

PAGE = PROJECT / "docs/datasets.md"


def test_the_table_of_pacs_has_a_row_for_each_image(tmp_path, monkeypatch):
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    counts = {"photo": 302, "art_painting": 2, "cartoon": 2, "sketch": 2}
    for medium, count in counts.items():
        for number in range(count):
            image = tmp_path / medium / ("dog" if number % 2 else "guitar") / f"{number}.png"
            image.parent.mkdir(parents=True, exist_ok=True)
            image.touch()
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "docs/datasets.md", "exec"), {})
    with open("pacs.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    found = Counter((row["medium"], row["split"]) for row in rows)
    assert found == {
        ("photo", "pool"): 2,
        ("photo", "test"): 300,
        **{(medium, "shifted"): 2 for medium in ("art_painting", "cartoon", "sketch")},
    }
    assert {row["class"] for row in rows} == {"dog", "guitar"}
    assert all((tmp_path / row["path"]).exists() for row in rows)
    catalogue = yaml.safe_load((PROJECT / "config/catalogue/datasets.yaml").read_text("utf-8"))
    columns = [
        value for key, value in catalogue["pacs"]["options"].items() if key.endswith("_column")
    ]
    assert set(columns) == set(rows[0])
