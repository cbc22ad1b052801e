"""What libraries are asked of backbones before any job, and what need not be asked of them."""

import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import open_clip
import pytest

from labelbench_core.backbones import checking, open_clip_model
from labelbench_core.backbones.shared import libraries
from labelbench_core.errors import InputError


def test_openclips_lists_answer_as_openclip_does_for_all_its_weights():
    for model, tag in open_clip.list_pretrained():
        options = {"model": model, "pretrained": tag}
        sure = open_clip_model.surely_known(**options)
        with nullcontext() if sure else pytest.raises(InputError, match="another activation"):
            open_clip_model.check_known(**options)
    assert open_clip_model.surely_known()
    for options in (
        {"model": "ViT-B-23"},
        {"pretrained": "nobodys"},
        {"pretrained": None},
        {"model": "ViT-B-32", "pretrained": "openai"},  # trained with another activation
        {"input_size": 224},
        {"checkpoint": "weights.pt"},
        {"mean": [2, 2, 2]},
    ):
        assert not open_clip_model.surely_known(**options), options


def test_openclips_lists_are_read_without_torch():
    code = "import sys; from labelbench_core.backbones import open_clip_model as it; "
    code += "print(it.surely_known(), 'torch' in sys.modules, 'open_clip' in sys.modules); "
    code += "import safetensors.torch"  # as it was before
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True", "False", "False"]


def test_openclip_is_asked_where_its_lists_cannot_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(libraries, "open_clip_folder", lambda: tmp_path)
    assert not open_clip_model.surely_known()


def test_answers_hold_in_another_folder(tmp_path, monkeypatch):
    entry = {"implementation": "timm-model", "options": {"model": "test_vit"}}
    library = str(tmp_path / "timm.py")
    Path(library).touch()
    before = checking._key(entry, library)
    source = Path(checking.__file__).parent
    copied = shutil.copytree(source, tmp_path / "copy", copy_function=shutil.copy)
    monkeypatch.setattr(checking, "__file__", str(copied / "checking.py"))
    checking._code.cache_clear()
    assert checking._key(entry, library) == before
    for edited in ("timm_model.py", "shared/preprocessing.py"):
        content = (copied / edited).read_bytes()
        (copied / edited).write_text("changed")
        checking._code.cache_clear()
        assert checking._key(entry, library) != before
        (copied / edited).write_bytes(content)
    monkeypatch.undo()
    checking._code.cache_clear()


def test_a_library_is_not_asked_twice_of_what_it_found_right(tmp_path, monkeypatch):
    asked = []

    def known(waiting):
        asked.append(sorted(waiting))
        return {name: "wrong" for name in waiting if name == "bad"}

    monkeypatch.setattr(checking, "_problems_known", known)
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"weights")
    entries = {
        "good": {"implementation": "timm-model", "options": {"model": "test_vit"}},
        "bad": {"implementation": "timm-model", "options": {"model": "test_vat"}},
        "file": {"implementation": "timm-model", "options": {"checkpoint": str(weights)}},
    }
    remembered = tmp_path / "state" / "backbones.json"
    for _ in range(2):
        assert checking.problems_of(entries, remembered) == {"bad": "wrong"}
    weights.write_bytes(b"other weights")
    checking.problems_of(entries, remembered)
    remembered.write_text("damaged")
    checking.problems_of(entries, remembered)
    everything = ["bad", "file", "good"]
    assert asked == [everything, ["bad"], ["bad", "file"], everything]
