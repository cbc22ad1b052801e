"""A file of weights that is something else is told as what it is, before any job."""

import os
import pickle
import zipfile

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from labelbench_core.backbones import exported_model, open_clip_model, timm_model, torchscript_model
from labelbench_core.backbones.shared.file_kinds import SAFETENSORS, TORCH_SAVE, kind_of
from labelbench_core.errors import InputError
from tests.helpers.own_models import GIVEN

pytestmark = pytest.mark.usefixtures("one_thread")
FEW = {"weight": torch.zeros(2, 3)}
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"


def write(path, kind):
    """A file of a kind at `path`, whatever that is called."""
    if kind == "script":
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path)
    elif kind == "exported":
        program = torch.export.export(torch.nn.Linear(2, 2), (torch.zeros(1, 2),))
        torch.export.save(program, path.with_suffix(".pt2"))
        os.replace(path.with_suffix(".pt2"), path)
    elif kind in ("torch", "before zip", "cut"):
        torch.save(FEW, path, _use_new_zipfile_serialization=kind != "before zip")
        if kind == "cut":
            path.write_bytes(path.read_bytes()[:-60])
    elif kind == "safetensors":
        save_file(FEW, path)
    elif kind == "pickle":
        path.write_bytes(pickle.dumps({"weight": np.zeros(3)}))
    else:
        path.write_text({"pointer": LFS, "page": "<!DOCTYPE html><p>404</p>"}[kind])


KINDS = {
    "script": "a TorchScript file, which the implementation torchscript-model reads",
    "exported": "a file of torch.export, which the implementation exported-model reads",
    "torch": TORCH_SAVE,
    "before zip": TORCH_SAVE,
    "cut": "a file whose end is missing: copy or save it again",
    "safetensors": SAFETENSORS,
    "pickle": "a pickle, but not one of torch.save",
    "pointer": "a pointer of Git LFS, in place of the file: `git lfs pull` fetches it",
    "page": "a web page, in place of the file",
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_every_door_tells_what_a_file_is(kind, tmp_path):
    for module, name in (
        (timm_model, "a.pth"),
        (timm_model, "a.safetensors"),
        (open_clip_model, "a.pt"),
        (torchscript_model, "a.ts"),
        (exported_model, "a.pt2"),
    ):
        path = tmp_path / name
        write(path, kind)
        assert kind_of(path) == KINDS[kind]
        is_tensors = {".pth": "torch before zip", ".pt": "torch before zip"}.get(path.suffix, "")
        is_read = {".ts": "script", ".pt2": "exported", ".safetensors": "safetensors"}
        if kind in is_tensors or kind == is_read.get(path.suffix):
            continue
        if module in (timm_model, open_clip_model):
            options = {"model": {timm_model: "test_vit", open_clip_model: "RN50"}[module]}
            options["checkpoint"] = str(path)
        else:
            options = {"file": str(path), "input_size": 8}
        with pytest.raises(InputError) as error:
            module.check_known(**options, **GIVEN)
        assert str(error.value).endswith(f"({KINDS[kind]})")
        assert str(path) in str(error.value)


def test_tensors_of_torch_that_cannot_be_read(tmp_path):
    path = tmp_path / "a.pth"
    torch.save(timm.create_model("test_vit").state_dict(), path)
    content = path.read_bytes()
    place = content.index(b"data.pkl") + 200
    path.write_bytes(content[:place] + bytes(400) + content[place + 400 :])
    with pytest.raises(InputError, match=r"\(a file of torch.save that cannot be read: copy or "):
        timm_model.check_known(model="test_vit", checkpoint=str(path), **GIVEN)


def test_files_that_cannot_be_told(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "b").write_bytes(bytes(100))
    assert [kind_of(tmp_path / name) for name in ("a", "b", "not there")] == ["", "", ""]


def test_a_file_of_the_right_kind_that_cannot_be_loaded_has_torchs_reason(tmp_path):
    write(tmp_path / "whole.ts", "script")
    path = tmp_path / "other.ts"
    with zipfile.ZipFile(tmp_path / "whole.ts") as whole, zipfile.ZipFile(path, "w") as other:
        for name in whole.namelist():
            other.writestr(name, whole.read(name).replace(b"torch.linear", b"ops.none.linear"))
    assert kind_of(path) == KINDS["script"]
    told = r"other.ts: a TorchScript file that cannot be loaded here \(.*none::linear"
    with pytest.raises(InputError, match=told):
        torchscript_model.check_known(file=str(path), input_size=8, **GIVEN)
