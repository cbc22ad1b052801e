"""Learning rates by layer: the classifier 1, each layer before it `layer_decay` times the next."""

import itertools
import json

import pytest

from labelbench_core import registry
from labelbench_core.backbones.folding import fold_batch_norm
from labelbench_core.training.network import Network
from labelbench_core.training.recipe import Recipe
from labelbench_core.training.schedule import build_optimizer

DECAY = 0.5
TEXT = {"context_length": 8, "vocab_size": 16, "width": 32, "heads": 2, "layers": 1}
TOWERS = {
    "layers-own": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16},
    "layers-timm": {
        "timm_model_name": "test_vit",
        "timm_model_pretrained": False,
        "timm_pool": "",
        "timm_proj": "linear",
        "image_size": 32,
    },
}


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    import open_clip

    folder = tmp_path_factory.mktemp("models")
    for name, tower in TOWERS.items():
        config = {"embed_dim": 24, "vision_cfg": tower, "text_cfg": TEXT}
        (folder / f"{name}.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder)

    def backbone(name):
        if name in TOWERS:
            component, options = "open-clip-model", {"pretrained": None}
        else:
            component, options = "timm-model", {"pretrained": False, "input_size": 32}
        return registry.load("backbones", component).build(model=name, **options).model

    return backbone


def factors(model, **options):
    """Parameter's name → its multiple of the learning rate, from the optimiser's groups."""
    network = Network(model, 8, 3)
    recipe = Recipe.from_options({"layer_decay": DECAY, **options})
    groups = build_optimizer(network, recipe).param_groups
    found = {id(p): group["factor"] for group in groups for p in group["params"]}
    parameters = dict(network.named_parameters())
    assert sum(len(group["params"]) for group in groups) == len(found) == len(parameters)
    return {name: found[id(parameter)] for name, parameter in parameters.items()}


# The start of a parameter's name → how many layers it lies before the classifier.
VIT = {
    **dict.fromkeys(["backbone.cls_token", "backbone.pos_embed", "backbone.patch_embed"], 7),
    **{f"backbone.blocks.{block}.": 6 - block for block in range(6)},
    "backbone.norm.": 1,  # timm counts it to the last block
    "head.": 0,
}
CONVNEXT = {
    "backbone.stem.": 10,
    "backbone.stages.0.blocks.0.": 9,
    "backbone.stages.1.downsample.": 8,
    "backbone.stages.1.blocks.0.": 8,
    "backbone.stages.1.blocks.1.": 7,
    "backbone.stages.2.downsample.": 6,
    **{f"backbone.stages.2.blocks.{block}.": 6 - block for block in range(4)},
    "backbone.stages.3.downsample.": 2,
    "backbone.stages.3.blocks.0.": 2,
    "backbone.stages.3.blocks.1.": 1,
    "backbone.head.norm.": 0,  # timm counts it to the classifier
    "head.": 0,
}
EFFICIENTNET = {
    **dict.fromkeys(["backbone.conv_stem.", "backbone.bn1."], 6),
    **{f"backbone.blocks.{block}.0.": 5 - block for block in range(5)},
    **dict.fromkeys(["backbone.conv_head.", "backbone.bn2."], 1),
    "head.": 0,
}
CLIP = {
    **dict.fromkeys(
        [
            *("backbone.class_embedding", "backbone.positional_embedding", "backbone.conv1."),
            "backbone.ln_pre.",
        ],
        3,
    ),
    "backbone.transformer.resblocks.0.": 2,
    "backbone.transformer.resblocks.1.": 1,
    **dict.fromkeys(["backbone.ln_post.", "backbone.proj", "head."], 0),
}
CLIP_BY_TIMM = {
    **{name.replace("backbone.", "backbone.trunk."): depth for name, depth in VIT.items()},
    "backbone.head.proj.": 0,
}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("test_vit", VIT),
        ("test_convnext", CONVNEXT),
        ("test_efficientnet", EFFICIENTNET),
        ("layers-own", CLIP),
        ("layers-timm", CLIP_BY_TIMM),
    ],
)
@pytest.mark.parametrize("fold", [False, True])
def test_every_parameter_has_the_rate_of_its_layer(build, model, expected, fold):
    backbone = build(model)
    if fold:
        backbone, folds = fold_batch_norm(backbone, 32)
        assert bool(folds) == (model == "test_efficientnet")
    found = factors(backbone)
    depths = {}
    for name in found:
        starts = [start for start in expected if name.startswith(start)]
        assert len(starts) == 1, name
        depths[name] = expected[starts[0]]
    assert found == {name: DECAY**depth for name, depth in depths.items()}
    # The classifier first, then as far as the input, without a gap.
    assert depths["head.weight"] == depths["head.bias"] == 0
    assert all(b - a == 1 for a, b in itertools.pairwise(sorted(set(depths.values()))))


def test_vectors_are_decayed_where_the_recipe_says_so(build):
    network = Network(build("test_vit"), 64, 3)
    for decay_vectors, kept in ((False, True), (True, False)):
        recipe = Recipe(weight_decay=0.3, decay_vectors=decay_vectors)
        groups = build_optimizer(network, recipe).param_groups
        decayed = {id(one) for group in groups if group["weight_decay"] for one in group["params"]}
        free = [name for name, one in network.named_parameters() if id(one) not in decayed]
        assert ("head.bias" in free) is kept
        assert ("backbone.cls_token" in free) is kept
        assert bool(free) is kept


def test_the_classifiers_own_factor_and_no_decay(build):
    backbone = build("test_vit")
    found = factors(backbone, head_factor=10.0)
    assert {found["head.weight"], found["head.bias"]} == {10.0}
    assert found["backbone.blocks.5.mlp.fc2.weight"] == DECAY
    flat = factors(backbone, layer_decay=1.0, head_factor=10.0)
    assert {factor for name, factor in flat.items() if name.startswith("backbone.")} == {1.0}
