"""Every proxy that exists keeps the contract, and the checks find those that do not."""

import numpy as np
import pytest

from labelbench_core import registry
from labelbench_core.proxies import testing
from labelbench_core.proxies.testing import CHECKS
from labelbench_core.registry import own

FEW = {"steps": 3, "batch_size": 4, "warmup_steps": 0, "head": "fresh"}
TRAINER = {"id": "few", "implementation": "supervised", "training": FEW}
OPTIONS = {
    "shallow": {"hidden": 4, "trainer": TRAINER},
    "shallow-ensemble": {"hidden": 4, "trainer": TRAINER, "members": 2},
    "trained-linear": {"trainer": TRAINER},
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", registry.names("proxies"))
def test_contract(name, check):
    check(name, **OPTIONS.get(name, {}))


GOOD = '''
"""The nearest mean of a class."""

import numpy as np

INFO = {"name": "means", "needs_torch": False, "provides": ["probabilities"]}


class Means:
    def fit(self, training, rng, previous=None):
        self.means = np.zeros((training.num_classes, training.pool.shape[1]))
        for label in range(training.num_classes):
            mine = training.features()[training.labels == label]
            if len(mine):
                self.means[label] = mine.mean(axis=0)
        return {"size": len(training.labels)}

    def predict_proba(self, features):
        wide = features.astype(np.float64)
        distances = ((wide[:, None] - self.means) ** 2).sum(axis=2)
        p = np.exp(-(distances - distances.min(axis=1, keepdims=True)))
        return (p / p.sum(axis=1, keepdims=True)).astype(np.float32)

    def embed(self, features):
        return features

    def pool_rows(self, pool):
        return pool

    def arrays(self):
        return {"means": self.means}

    def restore(self, arrays, statistics):
        self.means = arrays["means"]
        return self


def build(threads=1):
    """Nearest means."""
    return Means()
'''
WIDE = "wide = features.astype(np.float64)"
BROKEN = {
    "check_description": ('["probabilities"]', '["probabilities", "odds"]'),
    "check_probabilities": (".astype(np.float32)", ""),
    "check_record": ("len(training.labels)}", "training.labels}"),
    "check_restored": ('self.means = arrays["means"]', 'self.means = arrays["means"] + 1'),
    "check_same_seed": ("np.zeros((", "np.random.standard_normal(("),
    "check_parts": (
        "wide = features.astype(np.float64)",
        "wide = features - features.mean(axis=0)",
    ),
    "check_provided": ('["probabilities"]', '["probabilities", "head"]'),
    "check_weights": ('["probabilities"]', '["probabilities"], "weighted": True'),
    "check_inputs_untouched": ('return {"size"', 'training.indices.sort(); return {"size"'),
}


def test_a_proxy_of_ones_own_keeps_it(tmp_path):
    (tmp_path / "means.py").write_text(GOOD)
    name = own.add("./means.py", tmp_path)
    for check in CHECKS:
        check(name)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_each_check_finds_what_it_is_for(check, tmp_path):
    good, broken = BROKEN[check.__name__]
    assert good in GOOD
    file = f"{check.__name__}.py"  # of one name there can be one file
    (tmp_path / file).write_text(GOOD.replace(good, broken))
    name = own.add(f"./{file}", tmp_path)
    with pytest.raises(AssertionError):
        check(name)


def test_a_training_set_of_several_labels_a_row():
    training = testing.make_training(multilabel=True)
    assert training.multilabel
    assert set(np.unique(training.labels)) == {0, 1}
