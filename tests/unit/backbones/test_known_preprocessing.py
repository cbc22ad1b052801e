"""How images are prepared for weights: by their tag, by a file beside them, or as is said."""

import json
import os
from pathlib import Path

import open_clip
import pytest
import timm
import torch

from labelbench_core import registry
from labelbench_core.backbones import checking, open_clip_model, timm_model
from labelbench_core.errors import InputError

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def local_clip(tmp_path_factory):
    """Weights of a small OpenCLIP model, in a folder of their own."""
    folder = tmp_path_factory.mktemp("clip")
    tower = {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16}
    text = {"context_length": 8, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
    config = {"embed_dim": 24, "vision_cfg": tower, "text_cfg": text}
    (folder / "tiny-local.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder / "tiny-local.json")
    weights = folder / "weights.pt"
    torch.save(open_clip.create_model("tiny-local").state_dict(), weights)
    tags = {
        "theirs": {
            "mean": (0.5,) * 3,
            "std": (0.5,) * 3,
            "interpolation": "bilinear",
            "resize_mode": "squash",
        }
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(open_clip.pretrained._PRETRAINED, "tiny-local", tags)
        yield {"model": "tiny-local", "checkpoint": str(weights)}


FOUR = {
    "mean": [0.1, 0.2, 0.3],
    "std": [0.5, 0.5, 0.6],
    "interpolation": "bilinear",
    "resize_mode": "longest",
}


def prepared(backbone):
    return {
        "mean": list(backbone.mean),
        "std": list(backbone.std),
        "interpolation": backbone.interpolation,
        "resize_mode": backbone.framing.resize_mode,
    }


def test_a_tag_beside_a_local_checkpoint_names_the_preprocessing(local_clip):
    named = open_clip_model.build(**local_clip, pretrained="theirs")
    expected = {"mean": [0.5] * 3, "std": [0.5] * 3}
    expected |= {"interpolation": "bilinear", "resize_mode": "squash"}
    assert prepared(named) == expected
    changed = open_clip_model.build(**local_clip, pretrained="theirs", resize_mode="longest")
    assert prepared(changed) == {**expected, "resize_mode": "longest"}
    assert changed.weights_sha256 == named.weights_sha256
    with pytest.raises(InputError, match="has no weights 'nobodys'; allowed: theirs"):
        open_clip_model.check_known(**local_clip, pretrained="nobodys")


@pytest.mark.parametrize("pretrained", ["auto", None])
def test_what_a_local_checkpoint_does_not_say_is_asked_for(local_clip, pretrained, tmp_path):
    unnamed = {**local_clip, "pretrained": pretrained}
    for ask in (open_clip_model.check_known, open_clip_model.build, open_clip_model.framing):
        with pytest.raises(InputError) as caught:
            ask(**unnamed)
        text = str(caught.value)
        assert local_clip["checkpoint"] in text
        assert "\n" not in text
        for word in ("pretrained (theirs)", "open_clip_config.json", "mean, std", "squash"):
            assert word in text
        with pytest.raises(InputError, match="or give std, resize_mode, for example"):
            ask(**unnamed, mean=[0.5] * 3, interpolation="bicubic")
    open_clip_model.check_known(**unnamed, **FOUR)
    assert prepared(open_clip_model.build(**unnamed, **FOUR)) == FOUR


def test_a_configuration_beside_a_local_checkpoint_is_read(local_clip, tmp_path):
    content = Path(local_clip["checkpoint"]).read_bytes()
    (tmp_path / "weights.pt").write_bytes(content)
    moved = {**local_clip, "checkpoint": str(tmp_path / "weights.pt")}
    beside = tmp_path / "open_clip_config.json"
    saved = {**FOUR, "size": 32, "mode": "RGB", "fill_color": 7}
    beside.write_text(json.dumps({"model_cfg": {}, "preprocess_cfg": saved}))
    found = open_clip_model.build(**moved)
    assert prepared(found) == FOUR
    assert found.framing.fill == (7, 7, 7)
    # A tag that is named counts more than a file that lies there.
    assert open_clip_model.build(**moved, pretrained="theirs").mean == (0.5, 0.5, 0.5)
    beside.write_text(json.dumps({"preprocess_cfg": {"mean": [0.5] * 3}}))
    with pytest.raises(InputError, match="or give std, interpolation, resize_mode"):
        open_clip_model.check_known(**moved)
    beside.write_text(json.dumps({"preprocess_cfg": {**saved, "interpolation": "nearest"}}))
    with pytest.raises(InputError, match=r"is not valid: interpolation: 'nearest'; allowed"):
        open_clip_model.check_known(**moved)
    for damaged, words in (("{", "not valid JSON"), ('{"preprocess_cfg": [1]}', "a JSON object")):
        beside.write_text(damaged)
        with pytest.raises(InputError, match=words):
            open_clip_model.check_known(**moved)
    for harmless in ("[]", "{}"):
        beside.write_text(harmless)
        with pytest.raises(InputError, match="is not known"):
            open_clip_model.check_known(**moved)


def test_the_known_case(tmp_path):
    """PE-Core-T-16-384 by the tag meta: neither OpenAI's mean nor bicubic nor the middle."""
    weights = tmp_path / "pe.safetensors"
    weights.write_bytes(b"only its name is looked at")
    found = open_clip_model._preprocessing("PE-Core-T-16-384", "meta", str(weights), {})
    assert found.mean == found.std == (0.5, 0.5, 0.5)
    assert (found.interpolation, found.framing.resize_mode) == ("bilinear", "squash")
    assert open_clip_model.framing(model="PE-Core-T-16-384", pretrained="meta") == found.framing


@pytest.fixture
def local_timm(tmp_path):
    weights = tmp_path / "weights.pth"
    torch.save(timm.create_model("test_vit").state_dict(), weights)
    return {"model": "test_vit", "checkpoint": str(weights)}


def test_timms_tag_config_and_options(local_timm, tmp_path):
    # As its table has it: other than the default of timm's configurations.
    table = timm.get_pretrained_cfg("test_vit.r160_in1k")
    by_tag = timm_model.build(**local_timm, pretrained="r160_in1k")
    by_name = timm_model.build(**{**local_timm, "model": "test_vit.r160_in1k"})
    assert prepared(by_tag) == prepared(by_name)
    assert by_tag.mean == tuple(table.mean)
    for ask in (timm_model.check_known, timm_model.build, timm_model.framing):
        with pytest.raises(InputError, match=r"pretrained \(r160_in1k\); or put its config.json"):
            ask(**local_timm)
    assert prepared(timm_model.build(**local_timm, **FOUR)) == FOUR
    saved = {**FOUR, "crop_mode": "border"}
    del saved["resize_mode"]
    (tmp_path / "config.json").write_text(json.dumps({"pretrained_cfg": saved}))
    beside = timm_model.build(**local_timm)
    assert prepared(beside) == FOUR
    assert beside.framing.fill == (26, 51, 76)
    with pytest.raises(InputError, match=r"has no weights 'other'; allowed: r160_in1k"):
        timm_model.check_known(**local_timm, pretrained="other")
    with pytest.raises(InputError, match="already names the weights"):
        timm_model.check_known(model="test_vit.r160_in1k", pretrained="r160_in1k")
    with pytest.raises(InputError, match=r"test_vit has no weights 'none'"):
        timm_model.check_known(model="test_vit.none")


@pytest.mark.parametrize("component", ["timm-model", "open-clip-model"])
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("mean", 0.5),
        ("mean", [0.5, 0.5]),
        ("mean", [123.7, 116.3, 103.5]),
        ("mean", "abc"),
        ("mean", [0.5, 0.5, float("nan")]),
        ("std", [0.2, 0.2, 0]),
        ("std", [True, True, True]),
        ("interpolation", "nearest"),
        ("resize_mode", "crop"),
    ],
)
def test_values_that_cannot_be_are_refused(component, option, value):
    for name in ("check", "build"):
        with pytest.raises(InputError, match=rf"^{option}: .*allowed: "):
            getattr(registry.load("backbones", component), name)(**{option: value})


@pytest.mark.parametrize("component", ["timm-model", "open-clip-model"])
def test_what_can_be_is_let_through_before_any_job(component):
    """Channels may be alike; those that cannot be are refused by the signature, too."""
    grey = {**FOUR, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
    for good in (FOUR, grey, {"pretrained": "some", "mean": None, "interpolation": None}):
        assert registry.option_errors("backbones", component, good) == []
    for option, value in (("mean", [0.5, 0.5]), ("std", [0.2, 0.2, 0]), ("mean", [0.5, 0.5, 2])):
        (line,) = registry.option_errors("backbones", component, {option: value})
        assert line.startswith(f"options.{option}: {value}; allowed: a list of 3, each a number")


def test_unknown_models_are_refused_with_close_names():
    with pytest.raises(InputError, match=r"'ViT-B-33'; .*; closest: ViT-B-32"):
        open_clip_model.check_known(model="ViT-B-33")
    with pytest.raises(InputError, match=r"'resnt18'; .*; closest: resnet18"):
        timm_model.check_known(model="resnt18")


def test_old_names_mean_todays_weights():
    found = timm_model.preprocessing(model="vit_tiny_patch16_224_in21k")
    assert found == timm_model.preprocessing(model="vit_tiny_patch16_224.augreg_in21k")
    removed = [name for name, now in timm.models.get_deprecated_models().items() if now is None]
    for name in removed[:1]:
        with pytest.raises(InputError, match=r"allowed: a name of timm.list_models\(\)"):
            timm_model.check_known(model=name)


def test_what_needs_a_large_library_is_asked_in_one_other_process(tmp_path, monkeypatch):
    """Refusals and failures are told in one line each; what is said already is not asked again."""
    (tmp_path / "small_library.py").write_text(
        "import os\n"
        "from labelbench_core.errors import InputError\n"
        "LIBRARY = 'small_library'\n"
        "def check(*, model='good'):\n"
        "    if model == 'early': raise InputError('refused at once')\n"
        "def check_known(*, model='good'):\n"
        "    print('libraries print')\n"
        "    open(os.environ['CALLS'], 'a').write(f'{os.getpid()} {model}\\n')\n"
        "    if model == 'broken': raise RuntimeError('cannot be imported')\n"
        "    if model == 'ends': raise SystemExit(0)\n"
        "    if model == 'killed': os.kill(os.getpid(), 9)\n"
        "    if model != 'good': raise InputError(f'model: {model}; allowed: good')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.syspath_prepend(tmp_path)
    import small_library

    monkeypatch.setattr(registry, "load", lambda *_: small_library)

    def problems(**models):
        return checking.problems_of(
            {name: {"implementation": "any", "options": {"model": m}} for name, m in models.items()}
        )

    assert problems(a="good", b="bad", c="early", d="good") == {
        "b": "model: bad; allowed: good",
        "c": "refused at once",
    }
    process, models = zip(
        *(line.split() for line in (tmp_path / "calls").read_text().splitlines()), strict=True
    )
    assert models == ("good", "bad", "good")
    assert len(set(process)) == 1
    assert process[0] != str(os.getpid())
    # What one raises is not blamed on the others, and there is room for long answers.
    found = problems(a="good", b="broken", c="ends", d="bad" * 100_000)
    assert found.pop("d").startswith("model: badbad")
    assert found == {
        "b": "its options cannot be checked here: RuntimeError: cannot be imported",
        "c": "its options cannot be checked here: SystemExit: 0",
    }
    found = problems(a="good", b="killed")
    assert set(found) == {"a", "b"}
    assert all("cannot be checked here: exit status -9" in line for line in found.values())
    assert problems(c="early") == {"c": "refused at once"}
    monkeypatch.setattr(small_library, "LIBRARY", "no_such_library")
    assert problems(b="bad") == {}


def test_what_the_libraries_know_is_checked_for_real():
    """In the process that Snakemake starts before any job."""
    found = checking.problems_of(
        {
            "good": {"implementation": "efficientnet-lite"},
            "misspelt": {"implementation": "timm-model", "options": {"model": "resnt18"}},
            "hub": {"implementation": "timm-model", "options": {"model": "hf-hub:some/one"}},
            "fine": {"implementation": "timm-model", "options": {"model": "resnet18"}},
        }
    )
    assert list(found) == ["misspelt"]
    assert "closest: resnet18" in found["misspelt"]


@pytest.mark.parametrize(
    ("module", "name", "key", "damage"),
    [
        (timm_model, "config.json", "pretrained_cfg", {"mean": 0.5}),
        (timm_model, "config.json", "pretrained_cfg", {"mean": ["a", "b", "c"]}),
        (timm_model, "config.json", "pretrained_cfg", {"mean": [10**400, 0, 0]}),
        (timm_model, "config.json", "pretrained_cfg", {"std": "abc"}),
        (timm_model, "config.json", "pretrained_cfg", {"interpolation": ["bicubic"]}),
        (timm_model, "config.json", "pretrained_cfg", {"crop_mode": ["center"]}),
        (open_clip_model, "open_clip_config.json", "preprocess_cfg", {"fill_color": "grey"}),
        (open_clip_model, "open_clip_config.json", "preprocess_cfg", {"fill_color": [1, 2, 3]}),
        (open_clip_model, "open_clip_config.json", "preprocess_cfg", {"fill_color": 300}),
        (open_clip_model, "open_clip_config.json", "preprocess_cfg", {"fill_color": 1.5}),
        (open_clip_model, "open_clip_config.json", "preprocess_cfg", {"mean": {"r": 1}}),
        (open_clip_model, "open_clip_config.json", "preprocess_cfg", {"resize_mode": [1]}),
    ],
)
def test_malformed_values_beside_a_checkpoint_are_one_line(tmp_path, module, name, key, damage):
    whole = {
        "mean": [0.5] * 3,
        "std": [0.5] * 3,
        "interpolation": "bicubic",
        "crop_mode": "center",
        "resize_mode": "shortest",
    }
    (tmp_path / name).write_text(json.dumps({key: {**whole, **damage}}))
    model = {timm_model: "resnet18", open_clip_model: "RN50"}[module]
    options = {"model": model, "checkpoint": str(tmp_path / "weights.pth")}
    with pytest.raises(InputError, match=rf"checkpoint: .*weights\.pth with {name}: ") as told:
        module.check_known(**options)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 600
    (tmp_path / name).write_text(json.dumps({key: whole}))
    module.preprocessing(**options)


def test_weights_for_another_activation_are_refused():
    """The counterpart that the message names exists and is accepted, for all published weights."""
    refused = []
    for model, tag in open_clip.list_pretrained():
        config = open_clip.get_pretrained_cfg(model, tag)
        if config.get("quick_gelu") and not model.endswith("-quickgelu"):
            refused.append((model, tag))
            with pytest.raises(InputError, match=rf"allowed for them: {model}-quickgelu$"):
                open_clip_model._preprocessing(model, tag, None, {})
            model = f"{model}-quickgelu"
        found = open_clip_model._preprocessing(model, tag, None, {})
        assert found.framing.resize_mode == config["resize_mode"]
    assert ("ViT-B-32", "openai") in refused


def test_networks_with_an_oblong_input_are_refused():
    from labelbench_core.backbones.shared.preprocessing import square

    assert square(224, "m") == square((3, 224, 224), "m") == square([224, 224], "m") == 224
    with pytest.raises(InputError, match="m: its input has 224 x 160 pixels"):
        square((3, 224, 160), "m")


def test_shapes_of_a_text_tower_of_transformers_are_not_known():
    """Costs are estimated without downloads, and say what cannot be estimated."""
    with pytest.raises(InputError, match=r"^model: 'roberta-ViT-B-32': its text tower is on"):
        open_clip_model.outline(model="roberta-ViT-B-32")
