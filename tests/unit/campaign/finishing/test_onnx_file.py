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
        "proxy": {"id": "linear", "implementation": "linear"},
        "reading": {"image_size": None, "ground": "white"},
        "preprocessing": None,
        "backbone_weights_sha256": registry.build("backbones", ENTRY).weights_sha256,
        "temperature": 1.7,
        "exponent": 1.0,
        "weights_sha256": files.sha256_file(folder / WEIGHTS),
        **changes,
    }
    write_record(folder / RECORD, KIND, content)
    return folder


def head(classes=3, seed=0, *, multilabel=False):
    """A head, with what a proxy's folder has besides."""
    rng = np.random.default_rng(seed)
    features = registry.build("backbones", ENTRY).num_features
    weights = rng.normal(0, 0.3, (features, classes)).astype(np.float32)
    found = {"proxy.weights": weights, "proxy.bias": rng.normal(size=classes).astype(np.float32)}
    found |= {"statistics.mean": np.zeros(features), "statistics.std": np.ones(features)}
    return {**found, **({"proxy.multilabel": np.ones((), bool)} if multilabel else {})}


@NEEDS
@pytest.mark.parametrize("multilabel", [False, True])
def test_the_file_s_probabilities_are_the_proxy_s_calibrated(tmp_path, multilabel):
    import torch

    arrays = head(multilabel=multilabel)
    folder = folder_with(tmp_path / "model", arrays, multilabel=multilabel)
    assert write_onnx(folder, tmp_path / "model.onnx") < 2e-3
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
def test_certain_predictions_of_many_classes_stay_certain(tmp_path):
    arrays = head(1000)
    arrays["proxy.bias"][0] += 60  # over the temperature: 20, which leaves the others nothing
    folder = folder_with(
        tmp_path / "model",
        arrays,
        classes=[f"class {number}" for number in range(1000)],
        temperature=3.0,
    )
    write_onnx(folder, tmp_path / "model.onnx")
    images = np.random.default_rng(1).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    session = importlib.import_module("onnxruntime").InferenceSession(str(tmp_path / "model.onnx"))
    [found] = session.run(["probabilities"], {"images": images})
    assert found.max(axis=1).min() > 0.9


@NEEDS
def test_a_proxy_without_a_linear_head_is_told(tmp_path):
    # An ensemble's single head is not what predicts.
    arrays = {**head(), "proxy.member_weights": np.ones(3, np.float32)}
    folder = folder_with(tmp_path / "model", arrays)
    with pytest.raises(InputError, match="the proxy 'linear' is no single linear head; allowed"):
        write_onnx(folder, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


def test_a_package_that_is_not_there_is_told_before_anything_is_read(tmp_path, monkeypatch):
    import labelbench_core.campaign.finishing.onnx_packages as module

    monkeypatch.setattr(module, "PACKAGES", ("no_such_package",))
    with pytest.raises(InputError, match=r"finish\.onnx: no_such_package: not installed; allowed"):
        write_onnx(tmp_path / "nothing", tmp_path / "model.onnx")
