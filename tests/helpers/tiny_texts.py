"""A text encoder of two small layers with random weights, as a folder."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertModel, BertTokenizerFast

WORDS = ("good", "bad", "film", "card", "my", "lost", "a", "fine", "was", "it")


def write_model(folder, modules=(), pooling="mean_tokens", max_seq_length=None, **config):
    """Write it; `modules` as sentence-transformers names them, none: a model of transformers."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=32)
    tokenizer.save_pretrained(folder)
    sizes = {"hidden_size": 16, "intermediate_size": 24, "max_position_embeddings": 32}
    sizes |= {"num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": len(vocabulary)}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = BertModel(BertConfig(**{**sizes, **config}), add_pooling_layer=False)
    model.save_pretrained(folder)
    if modules:
        kind = "sentence_transformers.models."
        paths = ["", *(f"{place}_{one}" for place, one in enumerate(modules) if place)]
        places = [
            {"idx": place, "name": str(place), "path": path, "type": kind + one}
            for place, (path, one) in enumerate(zip(paths, modules, strict=True))
        ]
        (folder / "modules.json").write_text(json.dumps(places))
        (folder / "1_Pooling").mkdir(exist_ok=True)
        stated = {"word_embedding_dimension": 16, f"pooling_mode_{pooling}": True}
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(stated))
    if max_seq_length:
        stated = json.dumps({"max_seq_length": max_seq_length})
        (folder / "sentence_bert_config.json").write_text(stated)
    return str(folder)


def write_dense(folder, sizes=(16, 6), safe=True, layer="2_Dense", **config):
    """The files of a Dense module of a model's folder; its weight (out, in) and bias (out,)."""
    place = Path(folder, layer)
    place.mkdir(exist_ok=True)
    config = {"in_features": sizes[0], "out_features": sizes[1], "bias": True, **config}
    config = {"activation_function": "torch.nn.modules.activation.Tanh", **config}
    (place / "config.json").write_text(json.dumps(config))
    drawn = torch.Generator().manual_seed(sizes[1])
    weight, bias = torch.randn(sizes[::-1], generator=drawn), torch.randn(sizes[1], generator=drawn)
    tensors = {"linear.weight": weight, "linear.bias": bias}
    if safe:
        save_file(tensors, place / "model.safetensors")
    else:
        torch.save(tensors, place / "pytorch_model.bin")
    return weight.numpy(), bias.numpy()
