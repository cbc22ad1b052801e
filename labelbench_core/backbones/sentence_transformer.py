"""Text encoders in the format of sentence-transformers, or any encoder of transformers.

Reimers & Gurevych, "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks", EMNLP 2019.
Encoders are run by the package transformers, without code that a model brings; their weights are
read from safetensors only, those of a Dense module also from `pytorch_model.bin`, as tensors.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
from pathlib import Path
from typing import Any, Literal

from labelbench_core.backbones import TextBackbone
from labelbench_core.errors import InputError, listed, shown
from labelbench_core.registry.options import Count
from labelbench_core.storage.places import at_home

INFO = {
    "summary": "text encoders by name or from a folder, as sentence-transformers stores them",
    "license": "the model's",
    "paper": "https://arxiv.org/abs/1908.10084",
    "required": ["model"],
    "reads": "texts",
}
PACKAGE_NEEDED = "transformers"
INSTALL = "pip install 'transformers>=4.57' safetensors"
PACKAGE = "package:"
POOLINGS = ("mean", "cls", "max")
MODULES = ("Transformer", "Pooling", "Dense", "Normalize")
LONGEST = 512


def check(*, model: str = "", **_: Any) -> None:
    """`InputError` unless transformers is installed and a local model there; imports nothing."""
    if importlib.util.find_spec(PACKAGE_NEEDED) is None:
        raise InputError(f"Python package {PACKAGE_NEEDED} is not installed: {INSTALL}")
    place = model_folder(model)
    if isinstance(place, Path) and not os.path.isfile(place / "config.json"):
        told = f"options.model: {shown(model)}: {place} has no config.json"
        raise InputError(
            f"{told}; allowed: a folder of a model, its name on the hub (ORGANISATION/NAME), or "
            f"{PACKAGE}NAME/FOLDER in an installed Python package"
        )


def build(
    *,
    model: str = "",
    pooling: Literal["mean", "cls", "max"] | None = None,
    normalize: bool | None = None,
    max_length: Count | None = None,
    prompt: str | None = None,
) -> TextBackbone:
    """The encoder, its pooling and its tokenizer.

    Parameters
    ----------
    model
        Name on the Hugging Face hub (downloaded once, cached under `HF_HOME`), a local folder, or
        `package:NAME/FOLDER` in an installed Python package. Default: ours.
    pooling
        How the last hidden states of a text's tokens become one vector: their mean, the first
        token's, or the maximum of each feature. null: as the model's `1_Pooling/config.json` says;
        without one, the mean. Default: the weights'.
    normalize
        Whether vectors get unit length. null: as the model's `modules.json` says; without one,
        they do not. Default: the weights'.
    max_length
        Number of tokens, including those that the tokenizer adds, after which a text is truncated.
        null: as the model says, or 512 tokens where it says nothing. Default: the weights'.
    prompt
        Prefix of every text, such as "query: ". null: nothing. Default: ours.
    """
    import torch
    import transformers

    from labelbench_core.backbones.shared.building import hash_weights
    from labelbench_core.backbones.shared.dense import dense_layers

    check(model=model)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    place = str(model_folder(model))
    stated = _stated(place, pooling)
    unit = stated["normalize"] if normalize is None else normalize
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(place)
        network, loaded = transformers.AutoModel.from_pretrained(
            place, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, ImportError) as error:
        told = " ".join(str(error).split())
        raise InputError(f"options.model: {shown(model)}: cannot be loaded: {told}") from error
    lacking = sorted(key for key in loaded["missing_keys"] if not key.startswith("pooler."))
    if lacking:
        told = f"options.model: {shown(model)}: its file lacks {len(lacking)} tensors"
        raise InputError(f"{told}, such as {lacking[0]}; allowed: all weights of the encoder")
    if getattr(network, "pooler", None) is not None:
        network.pooler = None  # not used; without weights in the file it would be random
    network = network.float().eval()
    tokenizer.padding_side = "right"
    limits = (max_length, stated["max_length"], tokenizer.model_max_length, LONGEST)
    length = next(limit for limit in limits if limit is not None and limit < 10**6)
    most = getattr(network.config, "max_position_embeddings", None)
    if most is not None and length > most:
        raise InputError(
            f"options.max_length: {length}; allowed: at most {most}, the model's limit"
        )
    features, whole, dense = network.config.hidden_size, network, None
    if stated["dense"]:
        find = functools.partial(_find, place)
        dense, features = dense_layers(model, stated["dense"], features, find)
        whole = torch.nn.ModuleDict({"encoder": network, "dense": dense})
    layer = f"{stated['pooling']} of the last hidden states"
    layer += f", {len(stated['dense'])} dense" if stated["dense"] else ""
    return TextBackbone(
        model=network,
        tokenizer=tokenizer,
        num_features=features,
        pooling=stated["pooling"],
        normalize=unit,
        max_length=length,
        prompt=prompt or "",
        lower_case=stated["lower_case"],
        weights_sha256=hash_weights(whole),
        layer=layer + (", unit length" if unit else ""),
        dense=dense,
    )


def model_folder(model: str) -> Path | str:
    """The folder that a model's name means; the name itself where it is one of the hub's."""
    if model.startswith(PACKAGE):
        name, _, inside = model.removeprefix(PACKAGE).partition("/")
        spec = importlib.util.find_spec(name) if name.isidentifier() else None
        folders = list(spec.submodule_search_locations or ()) if spec else []
        if not folders:
            told = f"options.model: {shown(model)}: Python package {name} is not installed"
            raise InputError(f"{told}: pip install {name.replace('_', '-')}")
        return Path(folders[0], inside)
    is_path = model.startswith(("/", ".", "~")) or model.count("/") != 1
    folder = at_home(model)
    return folder if os.path.isdir(folder) or is_path else model


def _stated(place: str, pooling: str | None) -> dict[str, Any]:
    """What a model's own files say of normalisation, length, case and, unless chosen, pooling."""
    modules = _json(place, "modules.json") or []
    kinds = [str(one["type"]).rpartition(".")[2] for one in modules]
    unknown = [kind for kind in kinds if kind not in MODULES]
    if unknown:
        told = f"options.model: {shown(place)}: has the module {unknown[0]}"
        raise InputError(f"{told}; allowed: models of {listed(MODULES)}")
    if kinds != sorted(kinds, key=MODULES.index):
        told = f"options.model: {shown(place)}: its modules are {listed(kinds)}"
        raise InputError(f"{told}; allowed: in the order {listed(MODULES)}")
    if pooling is None and "Pooling" in kinds:
        folder = modules[kinds.index("Pooling")]["path"]
        told = _json(place, f"{folder}/config.json") or {}
        on = [key for key, value in told.items() if key.startswith("pooling_mode_") and value]
        name = told.get("pooling_mode") or ",".join(on).removeprefix("pooling_mode_")
        pooling = {"mean_tokens": "mean", "cls_token": "cls", "max_tokens": "max"}.get(name, name)
        if pooling not in POOLINGS:
            raise InputError(
                f"options.pooling: null; the model's is {shown(pooling)}; allowed: "
                f"{listed(POOLINGS)}"
            )
    sentence = _json(place, "sentence_bert_config.json") or {}
    return {
        "pooling": pooling or "mean",
        "dense": [one["path"] for one in modules if str(one["type"]).endswith(".Dense")],
        "normalize": "Normalize" in kinds,
        "max_length": sentence.get("max_seq_length"),
        "lower_case": bool(sentence.get("do_lower_case")),
    }


def _json(place: str, name: str) -> Any:
    """A JSON file of a model; None where it has none."""
    path = _find(place, name)
    return None if path is None else json.loads(path.read_text(encoding="utf-8"))


def _find(place: str, name: str) -> Path | None:
    """Where a file of a model lies, local or of the hub; None where it has none."""
    from transformers.utils.hub import cached_file

    path = Path(place, name)
    if path.is_file():
        return path
    if Path(place).is_dir():
        return None
    found = cached_file(
        place,
        name,
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
        _raise_exceptions_for_gated_repo=False,
    )
    return None if found is None else Path(found)
