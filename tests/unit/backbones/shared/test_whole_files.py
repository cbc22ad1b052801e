"""Damaged files of weights: torch's archives have checksums, by which torch itself does not go."""

import logging
import warnings

import open_clip
import pytest
import timm
import torch
from torch.serialization import set_crc32_options

from labelbench_core.backbones import exported_model, open_clip_model, timm_model, torchscript_model
from labelbench_core.backbones.shared.whole_files import check_whole
from labelbench_core.errors import InputError
from tests.helpers.own_models import GIVEN

pytestmark = pytest.mark.usefixtures("one_thread")
IMAGE = torch.zeros(2, 3, 32, 32)


def network():
    torch.manual_seed(0)
    layers = torch.nn.Conv2d(3, 64, 3, padding=1), torch.nn.Conv2d(64, 64, 3), torch.nn.Flatten()
    return torch.nn.Sequential(*layers, torch.nn.LazyLinear(5)).eval()


def damage(path):
    """Other values in the middle of the file: in its tensors, which are most of it."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(one ^ 0x15 for one in content[middle : middle + 64])
    path.write_bytes(content)


def timms(path):
    torch.save(timm.create_model("test_vit").state_dict(), path)
    return lambda: timm_model.build(model="test_vit", checkpoint=str(path), **GIVEN)


def open_clips(path):
    torch.save(open_clip.create_model("RN50").visual.state_dict(), path)
    return lambda: open_clip_model.build(model="RN50", checkpoint=str(path), **GIVEN)


def scripts(path):
    model = network()
    model(IMAGE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(model, IMAGE), path)
    return lambda: torchscript_model.build(file=str(path), input_size=32, **GIVEN)


def programs(path):
    model = network()
    model(IMAGE)
    torch.export.save(torch.export.export(model, (IMAGE,)), path)
    return lambda: exported_model.build(file=str(path), **GIVEN)


@pytest.mark.parametrize(
    ("save", "name"),
    [(timms, "a.pth"), (open_clips, "a.pt"), (scripts, "a.ts"), (programs, "a.pt2")],
)
def test_a_damaged_file_is_refused_by_every_door(save, name, tmp_path):
    path = tmp_path / name
    build = save(path)
    build()
    damage(path)
    with pytest.raises(InputError, match=rf"{name}: damaged: \S+ in it does not have the checksum"):
        build()


def test_files_without_checksums_are_read(tmp_path):
    set_crc32_options(False)
    try:
        build = timms(tmp_path / "a.pth")
    finally:
        set_crc32_options(True)
    build()


def test_what_is_no_archive_is_for_others_to_tell(tmp_path):
    (tmp_path / "a").write_bytes(b"PK\3\4 and no more")
    check_whole(tmp_path / "a", "file")


def test_no_warning_is_given_of_weights_that_come_from_a_file(tmp_path, caplog):
    """OpenCLIP warns that it initialises the model randomly."""
    build = open_clips(tmp_path / "a.pt")
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        build()
        open_clip_model.check_known(model="RN50", checkpoint=str(tmp_path / "a.pt"), **GIVEN)
    assert [one.message for one in caplog.records] == []
    logging.getLogger("after").warning("said")
    assert caplog.messages == ["said"]
