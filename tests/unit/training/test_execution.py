"""How a step is carried out changes nothing: checkpointed activations, compiling, parts, precision.

Small networks, a few steps; what each option does is looked at, not only what it leaves.
"""

import numpy as np
import pytest
import timm
import torch

from helpers.fixed_examples import DyingCheckpoint, Killed, fit
from labelbench_core.errors import InputError
from labelbench_core.seeds import rng_for
from labelbench_core.training.checkpoints import Checkpoint
from labelbench_core.training.run import TrainingRun


def points(count, *names):
    return rng_for("points", *names).standard_normal((count, 5), dtype=np.float32)


LABELS = points(12)[:, :3].argmax(axis=1)


def images(count):
    return rng_for("images").standard_normal((count, 3, 32, 32), dtype=np.float32)


def perceptron():
    layers = torch.nn.Linear(5, 16), torch.nn.Tanh(), torch.nn.Linear(16, 8), torch.nn.Tanh()
    return torch.nn.Sequential(*layers), 8


def transformer():
    return timm.create_model("test_vit", img_size=32, num_classes=0), 64


def weights(network):
    return network.state_dict()


def close(one, other, **tolerance):
    torch.testing.assert_close(weights(one), weights(other), **tolerance)


def moved(build, network):
    """Names of the parameters that training changed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        before = {f"backbone.{name}": value for name, value in build()[0].named_parameters()}
    return {
        name
        for name, value in network.named_parameters()
        if not torch.equal(value, before.get(name, torch.zeros_like(value)))
    }


def test_activations_computed_again_give_the_same_weights():
    calls = {}

    def counted(kind):
        def build():
            backbone, features = transformer()
            calls[kind] = []
            for block in backbone.blocks:
                block.register_forward_pre_hook(lambda *_: calls[kind].append(1))
            return backbone, features

        return build

    recipe = {"batch_size": 4, "steps": 3}
    plain, _ = fit(counted("kept"), images(12), LABELS, **recipe)
    again, _ = fit(counted("again"), images(12), LABELS, gradient_checkpointing=True, **recipe)
    assert len(calls["again"]) == 2 * len(calls["kept"]) == 2 * 3 * 6
    for name, value in weights(plain).items():
        assert torch.equal(weights(again)[name], value)
    assert moved(transformer, plain) == {name for name, _ in plain.named_parameters()}


def test_a_network_that_cannot_compute_activations_again_is_refused():
    with pytest.raises(InputError, match="gradient_checkpointing: true; this backbone does"):
        fit(perceptron, points(12), LABELS, gradient_checkpointing=True)


def test_a_compiled_network_trains_to_the_same_weights_under_plain_names(monkeypatch):
    """By the backend that runs the captured passes as they are: half a minute less than code."""
    graphs = []
    compiled = torch.compile

    def counted(network):
        def backend(graph, inputs):
            graphs.append(graph)
            return torch._dynamo.lookup_backend("aot_eager")(graph, inputs)

        return compiled(network, backend=backend)

    plain, _ = fit(perceptron, points(12), LABELS)
    monkeypatch.setattr(torch, "compile", counted)
    fast, record = fit(perceptron, points(12), LABELS, compile=True, ema_decay=0.0)
    assert graphs
    assert weights(fast).keys() == weights(plain).keys()
    close(fast, plain, rtol=1e-4, atol=1e-6)
    assert record.attempts[0]["outcome"] == "finished"


@pytest.mark.parametrize(
    ("trainer", "options"),
    [("supervised", {}), ("flexmatch", {"threshold": 0.7, "unlabeled_weight": 0.3})],
)
# 7 labelled and 12 or 14 unlabelled examples give parts of 2, 2, 2, 1 and 3, 3, 3, 3 or 4, 4, 3, 3.
@pytest.mark.parametrize(("batch", "rest"), [(8, 30), (7, 30), (7, 12)])
def test_a_batch_in_parts_gives_the_same_weights(trainer, options, batch, rest, monkeypatch):
    passes = []
    original = TrainingRun._add_gradients

    def counted(run, part, step):
        passes.append(len(part.labels))
        return original(run, part, step)

    monkeypatch.setattr(TrainingRun, "_add_gradients", counted)
    unlabeled = points(rest, "rest") if trainer == "flexmatch" else None
    found = []
    for accumulate in (1, 4):
        recipe = {"batch_size": batch, "unlabeled_ratio": 2, "steps": 10, "optimizer": "sgd"}
        recipe |= {"learning_rate": 0.2}
        network, record = fit(
            perceptron,
            points(12),
            LABELS,
            unlabeled,
            trainer,
            options=options,
            accumulate=accumulate,
            gradient_clip=0.0,
            **recipe,
        )
        found.append((network, record.history))
    assert len(passes) == 10 + 4 * 10
    (whole, history), (parts, history_of_parts) = found
    close(parts, whole, rtol=1e-4, atol=1e-6)
    assert moved(perceptron, whole) == {name for name, _ in whole.named_parameters()}
    for one, other in zip(history, history_of_parts, strict=True):
        for name, value in one.items():
            assert other[name] == (value if value is None else pytest.approx(value, rel=1e-4))
    if trainer == "flexmatch":
        assert any(0 < row["used"] < 1 for row in history)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_trains_float32_weights(precision, monkeypatch):
    """On the CPU, where autocast does both."""
    seen = set()

    def build():
        backbone, features = perceptron()
        backbone[0].register_forward_hook(lambda *call: seen.add(call[-1].dtype))
        return backbone, features

    exact, _ = fit(build, points(12), LABELS, steps=20)
    assert seen == {torch.float32}
    seen.clear()
    network, record = fit(build, points(12), LABELS, steps=20, precision=precision)
    assert seen == {getattr(torch, precision)}
    assert {value.dtype for value in network.parameters()} == {torch.float32}
    assert record.attempts[0]["outcome"] == "finished"
    assert record.history[-1]["loss"] < 0.9 * record.history[0]["loss"]
    # Eight or eleven bits of the products: near the exact weights, and not equal to them.
    close(network, exact, rtol=0.1, atol=0.05)
    assert not torch.equal(network.head.weight, exact.head.weight)


def test_float16_gradients_that_overflow_are_left_out_and_the_scale_is_kept(monkeypatch, tmp_path):
    """The scaler works on the CPU as on a GPU; large inputs make gradients of the first layer."""
    steps = []
    original = TrainingRun.train_step

    def watched(run, batch):
        before, scale = run.network.head.weight.detach().clone(), run.scaler.get_scale()
        original(run, batch)
        stayed = torch.equal(before, run.network.head.weight)
        steps.append((stayed, run.scaler.get_scale() < scale))

    monkeypatch.setattr(TrainingRun, "train_step", watched)
    given = (perceptron, 300 * points(12), LABELS)
    recipe = {"precision": "float16", "steps": 12, "batch_size": 4}
    whole, record = fit(*given, **recipe)
    assert {(True, True), (False, False)} == set(steps)
    assert record.attempts[0]["outcome"] == "finished"
    path = tmp_path / "checkpoint.partial"
    after_the_first = [stayed for stayed, _ in steps].index(True) + 1
    with pytest.raises(Killed):
        fit(*given, checkpoint=DyingCheckpoint(path, after_the_first), **recipe)
    continued, again = fit(*given, checkpoint=Checkpoint(path, "same"), **recipe)
    assert all(torch.equal(weights(whole)[name], v) for name, v in weights(continued).items())
    assert again == record
