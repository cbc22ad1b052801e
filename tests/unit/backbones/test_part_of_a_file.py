"""Checkpoints in which the network is a part: under any prefix or key, if that is only one."""

import json

import open_clip
import pytest
import timm
import torch
from safetensors.torch import save_file

from labelbench_core.backbones import open_clip_model, timm_model
from labelbench_core.backbones.shared import building
from labelbench_core.errors import InputError
from tests.helpers.own_models import GIVEN

pytestmark = pytest.mark.usefixtures("one_thread")
TIMM = "test_resnet.r160_in1k"


@pytest.fixture(scope="module")
def network():
    """One of timm's with seven classes, of values that no other has."""
    with building.seeded_initialisation(5):
        return timm.create_model("test_resnet", num_classes=7).eval()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    tower = {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16}
    text = {"context_length": 8, "vocab_size": 100, "width": 32, "heads": 2, "layers": 1}
    config = {"embed_dim": 24, "vision_cfg": tower, "text_cfg": text}
    (folder / "tiny-part.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder / "tiny-part.json")
    with building.seeded_initialisation(6):
        return open_clip.create_model("tiny-part").eval()


def named(prefix, state):
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


def both(module, options):
    """What is built, after the check before any job has taken the same options."""
    module.check_known(**options)
    return module.build(**options)


@pytest.mark.parametrize(
    "save",
    [
        lambda state: named("model.", state),
        lambda state: named("module.backbone.", state),
        lambda state: {"state_dict": named("encoder_q.", state), "epoch": 3},
        lambda state: {"net": state, "acc": 91.2, "epoch": 3},
        lambda state: {"net": named("module.", state)},
        lambda state: {"weights": {"student": state}, "names": ["a"]},
    ],
)
def test_a_prefix_or_a_key_of_any_name(network, tmp_path, caplog, save):
    path = tmp_path / "a.pth"
    torch.save(save(network.state_dict()), path)
    with caplog.at_level("INFO"):
        found = both(timm_model, {"model": TIMM, "checkpoint": str(path)})
    width = found.num_features
    assert found.dropped == (f"fc.weight (7, {width})", "fc.bias (7,)")
    assert "tensors that begin with" in caplog.text
    pixels = torch.rand(2, 3, 160, 160)
    with torch.inference_mode():
        own = network.forward_head(network.forward_features(pixels), pre_logits=True)
        torch.testing.assert_close(found.model(pixels), own)


def test_what_else_the_file_holds_is_named(network, tmp_path):
    trunk = {name: one for name, one in network.state_dict().items() if not name.startswith("fc")}
    others = {
        "fc.weight": torch.zeros(3, 8),
        "projector.0.weight": torch.zeros(8, 8),
        "projector.0.bias": torch.zeros(8),
        "projector.2.weight": torch.zeros(8, 8),
    }
    save_file({**named("backbone.", trunk), **others}, tmp_path / "a.safetensors")
    found = both(timm_model, {"model": TIMM, "checkpoint": str(tmp_path / "a.safetensors")})
    assert sorted(found.dropped) == ["fc.weight (3, 8)", "projector (3 tensors)"]


def test_a_size_other_than_the_files(tmp_path):
    """timm resizes position embeddings of a part, too."""
    state = timm.create_model("test_vit", num_classes=0).state_dict()
    torch.save(named("backbone.", state), tmp_path / "a.pth")
    options = {"model": "test_vit.r160_in1k", "checkpoint": str(tmp_path / "a.pth")}
    assert both(timm_model, {**options, "input_size": 64}).input_size == 64


def test_two_networks_are_not_told_apart(network, clip, tmp_path):
    for module, model, state in (
        (timm_model, TIMM, network.state_dict()),
        (open_clip_model, "tiny-part", clip.state_dict()),
    ):
        path = tmp_path / "two.pth"
        torch.save({**named("student.", state), **named("teacher.", state)}, path)
        for ask in (module.check_known, module.build):
            with pytest.raises(InputError, match=r"such a network 2 times: student., teacher.\)$"):
                ask(model=model, checkpoint=str(path), **GIVEN)


def test_a_part_of_other_shapes_is_refused(network, tmp_path):
    state = {**network.state_dict(), "layer4.0.conv1.weight": torch.zeros(3)}
    torch.save(named("model.", state), tmp_path / "a.pth")
    for ask in (timm_model.check_known, timm_model.build):
        with pytest.raises(InputError, match=r"\(of another shape: layer4.0.conv1.weight \(3,\), "):
            ask(model=TIMM, checkpoint=str(tmp_path / "a.pth"))


@pytest.mark.parametrize(
    "save",
    [
        lambda whole, tower: named("clip.", whole),
        lambda whole, tower: {"model": whole, "epoch": 3},
        lambda whole, tower: tower,
        lambda whole, tower: {"state_dict": named("image_encoder.model.visual.", tower)},
        lambda whole, tower: named("backbone.", tower),
    ],
)
@pytest.mark.parametrize("head", [{}, {"fc.weight": torch.zeros(3, 24)}])
def test_open_clips_models_and_image_towers(clip, tmp_path, save, head):
    content = save(clip.state_dict(), clip.visual.state_dict())
    content.get("state_dict", content).update(head)
    torch.save(content, tmp_path / "a.pt")
    options = {"model": "tiny-part", "checkpoint": str(tmp_path / "a.pt"), **GIVEN}
    found = both(open_clip_model, options)
    assert found.dropped == (("fc.weight (3, 24)",) if head else ())
    pixels = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(found.model(pixels), clip.encode_image(pixels))


def test_zero_shot_starts_need_the_text_tower_of_a_part(clip, tmp_path):
    torch.save(named("backbone.", clip.visual.state_dict()), tmp_path / "a.pt")
    options = {"model": "tiny-part", "checkpoint": str(tmp_path / "a.pt"), **GIVEN}
    with pytest.raises(InputError, match=r"not weights of tiny-part \(missing: \S+, "):
        open_clip_model.zero_shot_head(["cat"], None, **options)
