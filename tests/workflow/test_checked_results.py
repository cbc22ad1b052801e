"""All that is wrong with results is named at once, by a command that makes nothing."""

import json
import os
import shutil
from dataclasses import replace

import numpy as np

from labelbench_core.storage.round_files import read_round, write_round

CHAIN = "results/selections/digits/tiny/linear/small/margin/seed-0"
TUNED = "results/finetuned/digits/tiny/tiny/linear/small/margin/seed-0/round-2"
TABLE = "results/reports/smoke/tables/savings.csv"
EMBEDDED = "results/embeddings/digits/tiny/arrays/pool-clean"


def checked(workflow, status=0):
    """File → what is said of it."""
    text = workflow.tell("check_results", status=status)
    *lines, summary = text.splitlines()
    assert summary.endswith(f"wrong: {len(lines)}"), text
    return dict(line.split(": ", 1) for line in lines)


def flip(path):
    """Change the last byte but keep the time and size."""
    before = os.stat(path)
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_all_that_is_wrong_is_named_at_once(finished):
    assert checked(finished) == {}
    root = finished.folder
    block = max((root / EMBEDDED).rglob("*"), key=lambda path: path.stat().st_size)
    for path in (block, root / TUNED / "model.safetensors", root / TABLE):
        flip(path)
    (root / TUNED / "history.csv").unlink()
    # Another seed's round, whole in itself: only its ids tell.
    other = root / CHAIN.replace("seed-0", "seed-1")
    for suffix in ("json", "npz"):
        shutil.copy(other / f"round-1.{suffix}", root / CHAIN / f"round-1.{suffix}")
    wrong = checked(finished, status=1)
    assert set(wrong) == {
        str(block.relative_to(root)),
        f"{TUNED}/model.safetensors",
        f"{TUNED}/history.csv",
        TABLE,
        f"{CHAIN}/round-1.json",
        f"{CHAIN}/round-1.npz",
    }
    assert "seed is 1, expected 0" in wrong[f"{CHAIN}/round-1.json"]
    assert wrong[f"{TUNED}/history.csv"] == "missing"
    assert wrong[TABLE].startswith("differs from the record of the run")


def test_without_notes_records_and_arrays_tell_for_themselves(finished):
    """As in a clone that has the results alone."""
    shutil.rmtree(finished.folder / ".snakemake")
    root = finished.folder
    arrays = root / CHAIN / "round-1.npz"
    with np.load(arrays) as found:
        kept = dict(found)
    np.savez(arrays, **{**kept, "weights": kept["weights"] + 1})
    record = root / TUNED / "metrics.json"
    content = json.loads(record.read_text())
    record.write_text(json.dumps({**content, "num_labeled": 7}, indent=1))
    wrong = checked(finished, status=1)
    assert set(wrong) == {f"{CHAIN}/round-1.npz", f"{TUNED}/metrics.json"}
    assert "SHA-256" in wrong[f"{CHAIN}/round-1.npz"]


def changed(place, number):
    """A round written again with another accuracy, whole in itself."""
    files = place / f"round-{number}.json", place / f"round-{number}.npz"
    done = read_round(*files, {})
    done.record["metrics"]["test"]["accuracy"] = 0.5
    for key in ("kind", "content_sha256", "arrays_sha256"):
        done.record.pop(key)
    write_round(*files, done)


def test_what_does_not_follow_from_the_round_before_is_named(finished):
    """Rounds made again, while the next one and a fine-tuning are still of the old."""
    shutil.rmtree(finished.folder / ".snakemake")
    changed(finished.folder / CHAIN, 1)
    wrong = checked(finished, status=1)
    assert set(wrong) == {f"{CHAIN}/round-2.json"}
    assert "made from another round or initial pool than the one" in wrong[f"{CHAIN}/round-2.json"]
    changed(finished.folder / CHAIN, 2)
    wrong = checked(finished, status=1)
    assert set(wrong) == {f"{CHAIN}/round-2.json", f"{TUNED}/metrics.json"}
    assert (
        "made from another round than the one that is there now" in wrong[f"{TUNED}/metrics.json"]
    )


def test_a_round_of_another_annotator_is_named(finished):
    """Its record says who labelled it, which the exact annotator's does not."""
    shutil.rmtree(finished.folder / ".snakemake")
    files = finished.folder / CHAIN / "round-2.json", finished.folder / CHAIN / "round-2.npz"
    done = read_round(*files, {})
    for key in ("kind", "content_sha256", "arrays_sha256"):
        done.record.pop(key)
    write_round(*files, replace(done, record={**done.record, "annotator": "crowd"}))
    wrong = checked(finished, status=1)
    assert "annotator is 'crowd', expected None" in wrong[f"{CHAIN}/round-2.json"]
