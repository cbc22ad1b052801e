"""A campaign's model as an ONNX file: the same probabilities, for any number of images."""

import importlib

import numpy as np
import pytest

from helpers.small_finetuning import BACKBONE
from labelbench_core import registry
from labelbench_core.campaign.finishing.calibration import with_temperature
from labelbench_core.campaign.finishing.model_folder import KIND, NETWORK, PROXY, RECORD, WEIGHTS
from labelbench_core.campaign.finishing.onnx_file import write_onnx
from labelbench_core.errors import InputError
from labelbench_core.storage import files
from labelbench_core.storage.records import write_record

ENTRY = {"id": "tiny", "implementation": "timm-model", "options": BACKBONE}
NEEDS = pytest.mark.extra("onnx", "onnxruntime", "onnxscript")


def folder_with(folder, arrays, **changes):
    """A model's folder with these weights."""
    from safetensors.numpy import save_file

    folder.mkdir()
    save_file(arrays, folder / WEIGHTS)
    content = {
        "campaign": "birds",
        "model": PROXY,
        "classes": ["robin", "wren", "tit"],
        "multilabel": False,
        "rows": "images",
        "backbone": ENTRY,
        "proxy": {"id": "linear"},
        "reading": {"image_size": None, "ground": "white"},
        "temperature": 1.7,
        "weights_sha256": files.sha256_file(folder / WEIGHTS),
        **changes,
    }
    write_record(folder / RECORD, KIND, content)
    return folder


def head(classes=3, seed=0):
    rng = np.random.default_rng(seed)
    features = registry.build("backbones", ENTRY).num_features
    weights = rng.normal(0, 0.3, (features, classes)).astype(np.float32)
    return {"proxy.weights": weights, "proxy.bias": rng.normal(size=classes).astype(np.float32)}


@NEEDS
@pytest.mark.parametrize("multilabel", [False, True])
def test_the_file_s_probabilities_are_the_proxy_s_calibrated(tmp_path, multilabel):
    import torch

    arrays = head()
    folder = folder_with(tmp_path / "model", arrays, multilabel=multilabel)
    assert write_onnx(folder, tmp_path / "model.onnx") < 1e-4
    backbone = registry.build("backbones", ENTRY)
    images = np.random.default_rng(1).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    with torch.inference_mode():
        features = backbone.model(backbone.preprocess(torch.from_numpy(images))).numpy()
    logits = features @ arrays["proxy.weights"] + arrays["proxy.bias"]
    if multilabel:
        told = 1 / (1 + np.exp(-logits))
    else:
        told = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = with_temperature(told, 1.7, multilabel=multilabel)
    session = importlib.import_module("onnxruntime").InferenceSession(str(tmp_path / "model.onnx"))
    for part in (images, images[:1]):
        [found] = session.run(["probabilities"], {"images": part})
        assert found == pytest.approx(expected[: len(part)], abs=1e-4)


@NEEDS
def test_of_a_fine_tuned_network(tmp_path):
    import torch

    from labelbench_core.training.network import Network, portable_state

    backbone = registry.build("backbones", ENTRY)
    network = Network(backbone.model, backbone.num_features, 3)
    torch.nn.init.normal_(network.head.weight)
    arrays = {name: value.numpy() for name, value in portable_state(network, []).items()}
    folder = folder_with(tmp_path / "model", arrays, model=NETWORK)
    assert write_onnx(folder, tmp_path / "model.onnx") < 1e-4


@NEEDS
def test_a_proxy_without_a_linear_head_is_told(tmp_path):
    folder = folder_with(tmp_path / "model", {"proxy.hidden": np.ones(3, np.float32)})
    with pytest.raises(InputError, match="the proxy 'linear' has no linear head; allowed: false"):
        write_onnx(folder, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


def test_a_package_that_is_not_there_is_told_before_anything_is_read(tmp_path, monkeypatch):
    import labelbench_core.campaign.finishing.onnx_file as module

    monkeypatch.setattr(module, "PACKAGES", ("no_such_package",))
    with pytest.raises(InputError, match=r"finish\.onnx: no_such_package: not installed; allowed"):
        write_onnx(tmp_path / "nothing", tmp_path / "model.onnx")
