"""Label Studio itself imports what is written for it, and what it exports is read.

What it exported is kept in `exports/` and read by the ordinary tests. To export it again:

    LABEL_STUDIO=DIR/bin/label-studio EXPORTS=tests/unit/campaign/answers/exports \
      .venv/bin/python -m pytest -m thorough tests/unit/campaign/answers/test_label_studio_itself.py
"""

import json
import os
from pathlib import Path

import pytest

from helpers.answered_batches import batch, data_url
from helpers.exported_answers import IMAGES, TEXTS, check_images, check_texts
from helpers.label_studio_server import label_studio, results
from labelbench_core.campaign.answers.formats import label_studio as ours
from labelbench_core.campaign.answers.formats import write_exports

pytestmark = pytest.mark.thorough


def test_its_exports_are_read(tmp_path):
    exports = Path(os.environ.get("EXPORTS", tmp_path / "exports"))
    exports.mkdir(exist_ok=True)
    (tmp_path / "server").mkdir()
    with label_studio(tmp_path / "server") as (anna, ben):
        for name, made, annotate in (
            ("images", IMAGES, annotate_images),
            ("texts", TEXTS, annotate_texts),
        ):
            written = tmp_path / name
            write_exports(written, made, image_url=data_url)
            tasks = json.loads((written / "label-studio.json").read_text())
            config = (written / "label-studio.xml").read_text()
            project, numbers = anna.project(f"pets {name}", config, tasks)
            annotate(anna, ben, numbers)
            for kind in ("JSON", "JSON_MIN"):
                content = anna.export(project, kind)
                (exports / f"{name}-{kind.lower()}.json").write_bytes(content)
        check_local_files_are_served(anna, tmp_path / "server")
    check_images(exports)
    check_texts(exports)


def check_local_files_are_served(anna, root):
    (root / "my pool" / "a").mkdir(parents=True)
    (root / "my pool" / "a" / "1.png").write_bytes(b"an image")
    made = batch(("a/1.png",))
    (task,) = json.loads(ours.write(made, image_url=ours.local_files("my pool")))
    project, _ = anna.project("local", ours.labeling_config(made), [task])
    storage = {"project": project, "path": str(root / "my pool"), "use_blob_urls": True}
    anna.ask("POST", "/api/storages/localfiles/", storage)
    assert anna.call("GET", task["data"]["image"]) == b"an image"


def annotate_images(anna, ben, numbers):
    anna.annotate(numbers["a/1.png"], ["cat"], 3.5)
    anna.annotate(numbers["a/ü 2;3.png"], ["dog"], 2.25)
    ben.annotate(numbers["a/ü 2;3.png"], ["cat"], 4.0)
    anna.annotate(numbers["b/1.png"], [], 1.5, cancelled=True)
    ben.annotate(numbers["b/1.png"], ["(unsure)"], 20.0)
    ben.annotate(numbers["row-17"], ["(no-class)"], 6.0)
    changed = anna.annotate(numbers["é"], ["cat"], 1.0)
    anna.ask(
        "PATCH", f"/api/annotations/{changed}/", {"result": results(["dog"]), "lead_time": 5.0}
    )


def annotate_texts(anna, ben, numbers):
    anna.annotate(numbers["text-1"], ["cat", "grey wolf"], 3.5)
    ben.annotate(numbers["text-1"], ["cat"], 2.0)
    anna.annotate(numbers["text-2"], ["(none)"], 2.25)
    ben.annotate(numbers["text-3"], [], 1.0, cancelled=True)
