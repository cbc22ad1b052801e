"""A training that diverges twice: the round is written, says so, and predicts something."""

import json

import numpy as np
import pytest
import torch

from labelbench_core.proxies import Statistics, TrainingSet, shallow, trained_linear
from labelbench_core.seeds import rng_for
from labelbench_core.storage import files
from labelbench_core.storage.rows import ArrayRows
from labelbench_core.training.network import Network

ENDLESS = {
    "id": "endless",
    "implementation": "supervised",
    "training": {"steps": 20, "learning_rate": 1e37, "warmup_steps": 0, "head": "fresh"},
}


@pytest.mark.parametrize("component", [shallow, trained_linear])
def test_a_proxy_that_diverges_twice_is_recorded_and_predicts(component):
    rng = rng_for("diverged")
    rows = rng.standard_normal((40, 6)).astype(np.float32)
    statistics = Statistics(np.zeros(6), np.ones(6))
    training = TrainingSet(ArrayRows(rows), np.arange(30), np.arange(30) % 3, 3, statistics)
    proxy = component.build(1, trainer=ENDLESS)
    fit = proxy.fit(training, rng, None)
    assert not fit["converged"]
    assert [attempt["outcome"] == "finished" for attempt in fit["attempts"]] == [False, False]
    assert json.loads(files.canonical_json(fit)) == fit
    np.testing.assert_allclose(proxy.predict_proba(rows), 1 / 3, rtol=1e-6)


def test_the_classifier_computes_in_float32_under_autocast():
    network = Network(torch.nn.Linear(8, 8), 8, 3)
    torch.nn.init.normal_(network.head.weight)
    inputs = torch.randn(5, 8)
    with torch.autocast("cpu", torch.bfloat16):
        features = network.backbone(inputs)
        logits = network(inputs)
    assert features.dtype == torch.bfloat16
    assert logits.dtype == torch.float32
    expected = features.float() @ network.head.weight.T + network.head.bias
    torch.testing.assert_close(logits, expected)
