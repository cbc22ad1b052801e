"""The contract of a proxy as checks that can be run on any proxy on embeddings, also your own.

    from labelbench_core.proxies.testing import CHECKS

    @pytest.mark.parametrize("check", CHECKS)
    def test_contract(check):
        check("my-proxy")

Each check takes the proxy's name and its options (an option that names an entry of the catalogue,
such as `trainer`, takes the entry), and raises `AssertionError` saying what broke. Of proxies that
train on images (`INFO["needs_images"]`) only the description is checked.
"""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import mtrand  # the global generator of NumPy, only to see that it stays unused

from labelbench_core import registry
from labelbench_core.compute.values import normalized
from labelbench_core.errors import InputError
from labelbench_core.proxies import Ensemble, LinearHead, Proxy, Statistics, TrainingSet
from labelbench_core.storage.rows import ArrayRows

CLOSE = 1e-4
"""Most that a probability may differ where rows are taken in other blocks, which sums otherwise."""


def make_training(
    rows: int = 60,
    *,
    dims: int = 6,
    classes: int = 3,
    labeled: int = 12,
    dtype: str = "float32",
    features: np.ndarray | None = None,
    multilabel: bool = False,
    seed: int = 0,
) -> TrainingSet:
    """A training set of clusters, with views that are moved a little."""
    rng = np.random.default_rng(seed)
    rows = rows if features is None else len(features)
    truth = rng.integers(0, classes, rows)
    if features is None:
        centers = 2 * rng.standard_normal((classes, dims))
        features = centers[truth] + rng.standard_normal((rows, dims))
    features = features.astype(dtype)
    if multilabel:
        truth = (truth[:, None] == np.arange(classes)) | (rng.random((rows, classes)) < 0.3)
    moved = features + (0.1 * rng.standard_normal(features.shape)).astype(dtype)
    bought = rng.permutation(rows)[:labeled]
    wide = features.astype(np.float64)
    return TrainingSet(
        pool=ArrayRows(features),
        indices=bought,
        labels=truth[bought].astype(np.int64),
        num_classes=classes,
        statistics=Statistics(wide.mean(axis=0), wide.std(axis=0)),
        views={"weak": [ArrayRows(features)], "strong": [ArrayRows(moved)]},
    )


def awkward_training(*, multilabel: bool) -> dict[str, TrainingSet]:
    """Valid training sets on which careless code fails."""
    rng = np.random.default_rng(1)
    found = {
        "ordinary": make_training(),
        "half precision": make_training(dtype="float16"),
        "one label": make_training(labeled=1),
        "fewer labels than classes": make_training(classes=5, labeled=3),
        "two classes": make_training(classes=2),
        "all labelled": make_training(labeled=60),
        "constant features": make_training(features=np.full((40, 4), 3.5)),
        "large offset": make_training(features=1000 + rng.standard_normal((40, 4))),
        "one feature": make_training(dims=1),
    }
    if multilabel:
        found["several labels a row"] = make_training(multilabel=True)
    return found


def trained(
    name: str, training: TrainingSet, options: dict[str, Any], seed: int = 5
) -> tuple[Proxy, dict[str, Any]]:
    """A proxy fitted on `training`, and what its `fit` returned."""
    proxy: Proxy = registry.build("proxies", {"implementation": name, "options": options}, 1)
    return proxy, proxy.fit(training, np.random.default_rng(seed))


def check_description(name: str, **options: Any) -> None:
    """`INFO` says what the proxy provides, and the module what it is."""
    try:
        component = registry.describe("proxies", name)
    except InputError as error:
        raise AssertionError(str(error)) from error
    _require(bool(component.summary), "the module has no docstring")


def check_probabilities(name: str, **options: Any) -> None:
    """Probabilities (n, C) float32 and finite features of every row, on awkward sets too."""
    if _is_of_images(name):
        return
    several = bool(registry.describe("proxies", name).info.get("multilabel"))
    for title, training in awkward_training(multilabel=several).items():
        proxy, _ = trained(name, training, options)
        features = _rows(proxy, training)
        p = proxy.predict_proba(features)
        expected = (len(training.pool), training.num_classes)
        _require(p.shape == expected, f"{title}: probabilities of shape {p.shape}, not {expected}")
        _require(p.dtype == np.float32, f"{title}: probabilities are {p.dtype}, not float32")
        _require(bool(((p >= 0) & (p <= 1)).all()), f"{title}: not all lie between 0 and 1")
        if not training.multilabel:
            off = float(np.abs(p.sum(axis=1) - 1).max())
            _require(off < CLOSE, f"{title}: a row's sum differs from 1 by {off:.2g}")
        embedded = proxy.embed(features)
        _require(len(embedded) == len(p), f"{title}: {len(embedded)} rows of `embed`")
        _require(bool(np.isfinite(embedded).all()), f"{title}: `embed` is not finite")


def check_record(name: str, **options: Any) -> None:
    """What `fit` returns is JSON, and the next round can start from it and from the arrays."""
    if _is_of_images(name):
        return
    training = make_training()
    proxy, record = trained(name, training, options)
    try:
        record = json.loads(json.dumps(record, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise AssertionError(f"what `fit` returns is not JSON: {error}") from error
    more = make_training(labeled=20)
    after = TrainingSet(**{**vars(more), "previous": proxy.arrays()})
    following: Proxy = registry.build("proxies", {"implementation": name, "options": options}, 1)
    following.fit(after, np.random.default_rng(6), record)


def check_restored(name: str, **options: Any) -> None:
    """A proxy restored from its arrays predicts and embeds what it did, bit for bit."""
    if _is_of_images(name):
        return
    training = make_training()
    proxy, _ = trained(name, training, options)
    arrays = proxy.arrays()
    kinds = {str(getattr(value, "dtype", type(value))) for value in arrays.values()}
    plain = all(isinstance(one, np.ndarray) and one.dtype != object for one in arrays.values())
    _require(plain, f"`arrays` are not plain arrays: {sorted(kinds)}")
    _require("labeled" not in arrays, "`arrays` has the name `labeled`, which rounds use")
    built: Proxy = registry.build("proxies", {"implementation": name, "options": options}, 1)
    again = built.restore({key: value.copy() for key, value in arrays.items()}, training.statistics)
    features = _rows(proxy, training)
    for method in ("predict_proba", "embed"):
        same = np.array_equal(getattr(again, method)(features), getattr(proxy, method)(features))
        _require(same, f"`{method}` of the restored proxy differs")


def check_same_seed(name: str, **options: Any) -> None:
    """Equal arguments, equal arrays; NumPy's global random state is neither read nor changed."""
    if _is_of_images(name):
        return
    training = make_training()
    before = _global_state()
    first, _ = trained(name, training, options)
    _require(_global_state() == before, "NumPy's global random state was changed")
    mtrand.random_sample()  # code that reads it now reads a different one
    again, _ = trained(name, training, options)
    arrays, others = first.arrays(), again.arrays()
    same = arrays.keys() == others.keys() and all(
        np.array_equal(arrays[key], others[key], equal_nan=True) for key in arrays
    )
    _require(same, "the same seed gave a different proxy")


def check_parts(name: str, **options: Any) -> None:
    """What is predicted for a row does not depend on the rows beside it."""
    if _is_of_images(name):
        return
    training = make_training(129)
    proxy, _ = trained(name, training, options)
    features = _rows(proxy, training)
    whole = proxy.predict_proba(features)
    for size in (1, 7, 128):
        pieces = [proxy.predict_proba(features[i : i + size]) for i in range(0, 129, size)]
        off = float(np.abs(np.concatenate(pieces) - whole).max())
        _require(off < CLOSE, f"in parts of {size} rows, probabilities differ by {off:.2g}")


def check_provided(name: str, **options: Any) -> None:
    """The proxy has what its `INFO` provides: a head that predicts what it does, members.

    An ensemble's head need not predict what its members do together.
    """
    if _is_of_images(name):
        return
    provides = registry.describe("proxies", name).info.get("provides", ())
    training = make_training()
    proxy, _ = trained(name, training, options)
    features = _rows(proxy, training)
    p = proxy.predict_proba(features)
    if "head" in provides:
        if not isinstance(proxy, LinearHead):
            raise AssertionError("`INFO` provides a head, but there is no `head`")
        weights, bias = proxy.head()
        logits = proxy.embed(features).astype(np.float64) @ weights + bias
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        off = float(np.abs(exponents / exponents.sum(axis=1, keepdims=True) - p).max())
        alone = "member_probabilities" not in provides
        _require(
            off < CLOSE or not alone, f"the head on `embed` predicts something else, by {off:.2g}"
        )
    if "member_probabilities" in provides:
        if not isinstance(proxy, Ensemble):
            raise AssertionError("`INFO` provides members, but there is no `predict_members`")
        members = proxy.predict_members(features)
        right = members.ndim == 3 and (members.shape[0], members.shape[2]) == p.shape
        _require(right, f"members of shape {members.shape}, not (n, m, C)")
        some = proxy.predict_members(features, slice(0, 1))
        _require(np.allclose(some, members[:, :1], atol=CLOSE), "`members` selects the wrong ones")


def check_inputs_untouched(name: str, **options: Any) -> None:
    """No input is changed."""
    if _is_of_images(name):
        return
    training = make_training()
    before = _bytes_of(training)
    proxy, _ = trained(name, training, options)
    proxy.predict_proba(_rows(proxy, training))
    _require(_bytes_of(training) == before, "an input was changed")


def check_weights(name: str, **options: Any) -> None:
    """If `INFO` says that rows are weighed, their weights change what is predicted."""
    info = registry.describe("proxies", name).info
    if _is_of_images(name) or not info.get("weighted"):
        return
    # Features that say nothing of the labels: only their weighted numbers can be learnt.
    training = make_training(features=np.random.default_rng(2).standard_normal((60, 4)))
    weights = normalized(np.where(training.labels == training.labels[0], 50.0, 1.0))
    found = []
    for given in (None, weights):
        proxy, _ = trained(name, TrainingSet(**{**vars(training), "weights": given}), options)
        found.append(proxy.predict_proba(_rows(proxy, training)))
    most = float(np.abs(found[1] - found[0]).max())
    _require(most > CLOSE, f"weights of the labelled rows change probabilities by {most:.2g}")


CHECKS: tuple[Callable[..., None], ...] = (
    check_description,
    check_probabilities,
    check_record,
    check_restored,
    check_same_seed,
    check_parts,
    check_provided,
    check_inputs_untouched,
    check_weights,
)
"""All checks; each is called with a proxy's name and its options."""


def _is_of_images(name: str) -> bool:
    return bool(registry.describe("proxies", name).info.get("needs_images"))


def _rows(proxy: Proxy, training: TrainingSet) -> np.ndarray:
    """All of the pool as `predict_proba` takes it."""
    rows = proxy.pool_rows(training.pool)
    return rows.take(np.arange(len(rows)))


def _global_state() -> bytes:
    return repr(mtrand.get_state()).encode()


def _bytes_of(training: TrainingSet) -> list[bytes]:
    every = np.arange(len(training.pool))
    views = [rows.take(every) for kind in training.views.values() for rows in kind]
    arrays = [training.pool.take(every), training.indices, training.labels, *views]
    return [np.asarray(array).tobytes() for array in arrays]


def _require(holds: bool, broken: str) -> None:
    if not holds:
        raise AssertionError(broken)
