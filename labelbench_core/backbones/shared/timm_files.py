"""Local files of timm's models: with any classifier or none, also as part of a larger network."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelbench_core.backbones.shared import libraries
from labelbench_core.backbones.shared.checkpoints import (
    classifier_tensors,
    mismatches,
    not_weights,
    wants_values,
    with_shapes,
    without_values,
)
from labelbench_core.backbones.shared.patches import check_tiling
from labelbench_core.backbones.shared.prefixes import SeveralParts, part_of
from labelbench_core.backbones.shared.whole_files import check_whole

if TYPE_CHECKING:
    import torch

    Loaded = tuple[torch.nn.Module, tuple[str, ...]]
    """A network, and tensors of its file that are not part of the backbone."""


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Way:
    """How a file is loaded.

    Attributes
    ----------
    classes
        Those of the file's classifier, which the network then has as well. None: it gets no
        classifier, whatever the file has of one, and tensors as the file names them; otherwise
        files of other libraries and of older versions are converted by timm.
    is_part
        Whether the network is a part of what the file holds.
    """

    classes: int | None
    is_part: bool = False


def outline_of(name: str, input_size: int | None) -> Any:
    """The network without classifier and without values; `InputError` if it cannot see all pixels.

    It costs no memory and next to no time.
    """
    timm = libraries.timm()
    import torch

    with torch.device("meta"):
        network = timm.create_model(name, pretrained=False, num_classes=0)
    check_tiling(network, input_size)
    return network


def check_file(name: str, path: Path, input_size: int | None) -> None:
    """`InputError` if a file is not one of the weights of a model, judged by shapes alone."""
    _way_to_load(name, path, input_size)


def load_file(name: str, path: Path, input_size: int | None) -> Loaded:
    """The network with the weights in a file, loaded strictly, and what is dropped of the file.

    Raises
    ------
    InputError
        If a tensor that is needed is missing or has another shape, if one is not known, or if the
        file is damaged as far as that can be told.
    """
    check_whole(path, "checkpoint")
    way = _way_to_load(name, path, input_size)
    try:
        return _load(name, path, way, input_size)
    except Exception as error:
        raise not_weights(path, name, error) from error


def sized(name: str, input_size: int | None) -> dict[str, int]:
    """Arguments for timm that make a network for images of `input_size`."""
    return {"img_size": input_size} if input_size is not None and _has_fixed_size(name) else {}


def _way_to_load(name: str, path: Path, input_size: int | None) -> _Way:
    """The first way in which `_load` takes a file, told from its shapes alone.

    `InputError` if there is none.
    """
    timm = libraries.timm()
    import torch

    outline = outline_of(name, None)
    with without_values(path, name, [argparse.Namespace]) as shapes, torch.device("meta"):
        try:
            found = timm.models.load_state_dict(str(shapes))
        except (AttributeError, TypeError) as error:
            raise not_weights(path, name, "it holds no named tensors") from error
        try:
            part = part_of(found, outline.state_dict())
        except SeveralParts as error:
            raise not_weights(path, name, error) from error
        tensors = found if part is None else part.tensors
        heads = _classifiers(outline)
        weights = [tensors.get(f"{head}.weight") for head in heads]
        widths = [len(each) for each in weights if isinstance(each, torch.Tensor) and each.ndim]
        # Some of timm's conversions of older files take one without a classifier for an older one.
        default = outline.pretrained_cfg["num_classes"]
        reason: object = ""
        for classes in dict.fromkeys([*widths[:1], None, 0, default]):
            way = _Way(classes, is_part=part is not None)
            try:
                _load(name, shapes, way, input_size)
                return way
            # timm's conversions of other files can raise almost any error.
            except Exception as error:
                # Those that look at values are known to work only when there are some.
                if wants_values(error):
                    return way
                reason = error
    expected = outline.state_dict()
    left_out = classifier_tensors(tensors, expected, heads)
    kept = {key: tensor for key, tensor in tensors.items() if key not in left_out}
    raise not_weights(path, name, mismatches(expected, kept) or reason)


def _load(name: str, path: Path, way: _Way, input_size: int | None) -> Loaded:
    """As `load_file`, in one way."""
    timm = libraries.timm()

    options = sized(name, input_size)
    overlay: dict[str, Any] = {"source": "", "label_offset": 0}
    others: tuple[str, ...] = ()
    if way.classes is not None and not way.is_part:
        overlay["file"] = str(path)
    else:
        network = timm.create_model(name, pretrained=False, num_classes=0, **options)
        found: Mapping[str, Any] = timm.models.load_state_dict(str(path))
        if way.is_part and (part := part_of(found, network.state_dict())) is not None:
            log.info("used of the weights file: tensors that begin with %r", part.prefix)
            found, others = part.tensors, part.others
        if way.classes is None:
            left_out = classifier_tensors(found, network.state_dict(), _classifiers(network))
            network.load_state_dict({key: found[key] for key in found if key not in left_out})
            return network, (*with_shapes(left_out, found), *others)
        overlay["state_dict"] = dict(found)
    # As the numbers agree, timm loads strictly.
    network = timm.create_model(
        name,
        pretrained=True,
        num_classes=way.classes,
        pretrained_cfg_overlay={**overlay, "num_classes": way.classes},
        **options,
    )
    tensors = network.state_dict()
    heads = tuple(f"{head}." for head in _classifiers(network))
    return network, (
        *with_shapes((key for key in tensors if key.startswith(heads)), tensors),
        *others,
    )


def _classifiers(network: Any) -> tuple[str, ...]:
    """Names of the layers that are a model's classifier."""
    names = network.pretrained_cfg.get("classifier") or ()
    return (names,) if isinstance(names, str) else tuple(names)


def _has_fixed_size(model: str) -> bool:
    """Whether the network is built for one input size (vision transformers)."""
    timm = libraries.timm()
    config = timm.get_pretrained_cfg(model)
    return bool(config and config.fixed_input_size)
