"""The 26 settings with published curves: what each is, in the ids of this project's catalogue.

Hyper-parameters are those of the original's configurations (configs/trainer/ of its repository).
This module imports nothing but the errors, since it is read while a configuration is checked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from labelbench_core.errors import InputError, did_you_mean, listed

FINETUNE, LINEAR, SHALLOW = "finetune", "linear", "shallow"
"""What is trained: the whole backbone, or a linear or one-hidden-layer network on embeddings."""
FLEXMATCH, SUPERVISED = "flexmatch", "supervised"

SCORES = ("random", "confidence", "entropy", "margin", "coreset", "badge")
SEVEN = (*SCORES, "galaxy")
EIGHT = (*SEVEN, "bait")
WITH_DIRECT = (*SEVEN, "direct")
NOISY = ("random", "margin", "badge", "galaxy", "direct")

TWO_SEEDS = (1234, 9999999)
FOUR_SEEDS = (1234, 3334155, 6667077, 9999999)

VALIDATION_LABELS: Mapping[str, int] = MappingProxyType(
    {
        "cifar-10-labelbench": 5000,
        "cifar-100-labelbench": 5000,
        "imagenet-labelbench": 12500,
        "iwildcam-14": 7314,
        "fmow": 11483,
    }
)
"""Data set → labels that chose when to stop, beside those bought; no budget counts them."""


@dataclass(frozen=True)
class PublishedTraining:
    """How a published training ran.

    `epochs` are passes over the labelled set; training ended after `patience` of them without a
    better loss on the validation labels. `unlabeled_ratio` is None where nothing unlabelled is
    used. `schedule`: "restarts" (a cosine that restarts) or "cosine" (after a warm-up).
    """

    method: str
    optimizer: str
    learning_rate: float
    weight_decay: float
    epochs: int
    patience: int
    batch_size: int
    unlabeled_ratio: int | None = None
    schedule: str = "restarts"


@dataclass(frozen=True)
class PublishedSetting:
    """A published setting.

    Attributes
    ----------
    name
        How experiments name it.
    path
        How the original's folder of results names it, below `results/`.
    dataset, backbone, annotator
        Ids of the catalogue; the data set's id says which splits.
    trained
        What is trained and evaluated: FINETUNE, LINEAR or SHALLOW.
    training
        How it is trained.
    batch, rounds
        Labels at the start and in every round; number of label sizes.
    strategies
        Strategies with curves.
    seeds
        The original's seeds.
    metric
        The plotted metric, as this project calls it.
    proxy
        Training of the shallow proxy that selected; None where the evaluated model also selected.
    figures
        Where the paper shows it.
    """

    name: str
    path: str
    dataset: str
    backbone: str
    trained: str
    training: PublishedTraining
    batch: int
    rounds: int
    strategies: tuple[str, ...]
    seeds: tuple[int, ...] = FOUR_SEEDS
    metric: str = "accuracy"
    annotator: str = "exact"
    proxy: PublishedTraining | None = None
    figures: tuple[str, ...] = ()

    @property
    def validation_labels(self) -> int:
        """Labels beside those bought that chose when to stop; the original does not count them."""
        return VALIDATION_LABELS[self.dataset]

    @property
    def budgets(self) -> tuple[int, ...]:
        """Numbers of labels; badge bought up to one more a round."""
        return tuple(self.batch * number for number in range(1, self.rounds + 1))


def settings() -> tuple[PublishedSetting, ...]:
    """All 26 settings, in the order of the original's data sets."""
    return tuple(_SETTINGS.values())


def setting(name: str) -> PublishedSetting:
    """The published setting of that name; `InputError` if there is none."""
    if name not in _SETTINGS:
        raise InputError(unknown(name))
    return _SETTINGS[name]


def unknown(name: str) -> str:
    """What to say of a name that no published setting has."""
    hint = did_you_mean(name, _SETTINGS)
    return f"{name!r} is no published setting{hint}; allowed: {listed(_SETTINGS)}"


def names() -> tuple[str, ...]:
    """Names of all published settings."""
    return tuple(_SETTINGS)


def _flexmatch(
    optimizer: str,
    learning_rate: float,
    weight_decay: float,
    epochs: int = 20,
    patience: int = 3,
    batch_size: int = 128,
    unlabeled_ratio: int = 5,
) -> PublishedTraining:
    return PublishedTraining(
        FLEXMATCH,
        optimizer,
        learning_rate,
        weight_decay,
        epochs,
        patience,
        batch_size,
        unlabeled_ratio,
    )


def _supervised(weight_decay: float, epochs: int, batch_size: int) -> PublishedTraining:
    """What the original calls passive; always end to end, with one learning rate."""
    options = (SUPERVISED, "adamw", 3e-5, weight_decay, epochs, 3, batch_size)
    return PublishedTraining(*options, schedule="cosine")


_TRAININGS = {
    "cifar10": {
        FINETUNE: _flexmatch("adamw", 1e-5, 3e-5, 20, 3, 64, 3),
        LINEAR: _flexmatch("adam", 3e-3, 1e-4),
        SHALLOW: _flexmatch("adam", 1e-3, 1e-3),
        SUPERVISED: _supervised(1e-4, 20, 400),
    },
    "cifar100": {
        FINETUNE: _flexmatch("adamw", 1e-5, 3e-5, 20, 3, 50, 3),
        LINEAR: _flexmatch("adam", 1e-3, 3e-4),
        SHALLOW: _flexmatch("adam", 1e-3, 3e-4),
    },
    "fmow": {
        FINETUNE: _flexmatch("adamw", 1e-5, 3e-5, 10, 3, 50, 4),
        LINEAR: _flexmatch("adam", 3e-3, 3e-5),
        SHALLOW: _flexmatch("adam", 1e-3, 1e-3),
        SUPERVISED: _supervised(5e-3, 10, 400),
    },
    "iwildcam": {
        FINETUNE: _flexmatch("adamw", 1e-5, 3e-5, 10, 3, 50, 4),
        LINEAR: _flexmatch("adam", 1e-2, 1e-5),
        SHALLOW: _flexmatch("adam", 1e-3, 1e-4),
        SUPERVISED: _supervised(1e-3, 10, 512),
    },
    "imagenet-clip": {
        FINETUNE: _flexmatch("adamw", 1e-5, 1e-4, 10, 2, 80, 5),
        LINEAR: _flexmatch("adam", 1e-3, 1e-4),
        SHALLOW: _flexmatch("adam", 1e-3, 1e-3, patience=2),
    },
    "imagenet-coca": {
        FINETUNE: _flexmatch("adamw", 1e-5, 1e-5, 10, 2, 60, 5),
        LINEAR: _flexmatch("adam", 3e-4, 1e-5),
        SHALLOW: _flexmatch("adam", 1e-3, 3e-4, patience=2),
    },
}
_DATASETS = {
    "cifar10": "cifar-10-labelbench",
    "cifar100": "cifar-100-labelbench",
    "fmow": "fmow",
    "iwildcam": "iwildcam-14",
    "imagenet": "imagenet-labelbench",
}


def _path(folder: str, batch: int, trained: str, backbone: str, trainer: str) -> str:
    """Where the original keeps the results of a setting."""
    embedded, model = (f"{backbone}_ViTB32", trained)
    if trained == FINETUNE:
        embedded, model = ("none", f"{backbone}_ViTB32")
    return f"{folder}/bs_{batch}/embed_{embedded}/model_{model}/trainer_{trainer}"


def _one(
    source: str,
    batch: int,
    rounds: int,
    trained: str,
    strategies: tuple[str, ...],
    figures: tuple[str, ...] = (),
    backbone: str = "clip",
    method: str = FLEXMATCH,
    noisy: bool = False,
) -> PublishedSetting:
    imagenet = source == "imagenet"
    parts = [source, str(batch), *([backbone] if imagenet else []), "noisy" if noisy else trained]
    if method == SUPERVISED and not noisy:
        parts.append(SUPERVISED)
    folder = f"{source}_random" if noisy else source
    trainer = "passive" if method == SUPERVISED else method
    trainings = _TRAININGS[f"{source}-{backbone}" if imagenet else source]
    return PublishedSetting(
        name="-".join(parts),
        path=_path(folder, batch, trained, backbone, trainer),
        dataset=_DATASETS[source],
        backbone=f"{backbone}-vit-b32",
        trained=trained,
        training=trainings[SUPERVISED if method == SUPERVISED else trained],
        batch=batch,
        rounds=rounds,
        strategies=strategies,
        seeds=TWO_SEEDS if imagenet else FOUR_SEEDS,
        metric="macro-f1" if source == "iwildcam" else "accuracy",
        annotator="uniform-10" if noisy else "exact",
        figures=figures,
    )


def _by_proxy(
    batch: int, rounds: int, strategies: tuple[str, ...], figure: str
) -> PublishedSetting:
    """CIFAR-10 selected by the shallow proxy, then trained end to end on what it bought."""
    folder = f"cifar10_eval/bs_{batch}/proxy_shallow/model_clip_ViTB32"
    return PublishedSetting(
        name=f"cifar10-{batch}-shallow-finetune",
        path=f"{folder}/trainer_flexmatch_eval_trainer_flexmatch",
        dataset=_DATASETS["cifar10"],
        backbone="clip-vit-b32",
        trained=FINETUNE,
        training=_TRAININGS["cifar10"][FINETUNE],
        batch=batch,
        rounds=rounds,
        strategies=strategies,
        proxy=_TRAININGS["cifar10"][SHALLOW],
        figures=(figure,),
    )


_SETTINGS: Mapping[str, PublishedSetting] = MappingProxyType(
    {
        one.name: one
        for one in (
            _one("cifar10", 1000, 10, FINETUNE, EIGHT, ("1(a)", "6(c)")),
            _one("cifar10", 1000, 10, FINETUNE, EIGHT, ("5(c)",), method=SUPERVISED),
            _one("cifar10", 1000, 10, LINEAR, EIGHT),
            _one("cifar10", 1000, 10, SHALLOW, EIGHT),
            _one("cifar10", 200, 20, FINETUNE, SEVEN),
            _one("cifar10", 200, 20, LINEAR, SEVEN),
            _one("cifar10", 200, 20, SHALLOW, SEVEN),
            _by_proxy(1000, 10, EIGHT, "5(a)"),
            _by_proxy(200, 20, SEVEN, "5(b)"),
            _one("cifar100", 1000, 10, FINETUNE, SEVEN),
            _one("cifar100", 1000, 10, LINEAR, SEVEN),
            _one("cifar100", 1000, 10, SHALLOW, SEVEN),
            _one("fmow", 3000, 10, FINETUNE, WITH_DIRECT),
            _one("fmow", 3000, 10, LINEAR, ("random", "confidence")),
            _one("fmow", 3000, 10, SHALLOW, SEVEN),
            _one("iwildcam", 3000, 7, FINETUNE, WITH_DIRECT),
            _one("iwildcam", 3000, 7, LINEAR, SEVEN),
            _one("iwildcam", 3000, 7, SHALLOW, SEVEN),
            _one("imagenet", 50000, 8, FINETUNE, SCORES, ("1(b, c)",)),
            _one("imagenet", 50000, 8, LINEAR, SCORES, ("1(b, c)",)),
            _one("imagenet", 50000, 8, SHALLOW, SCORES, ("1(b, c)",)),
            _one("imagenet", 50000, 8, FINETUNE, SCORES, ("1(b, c)",), backbone="coca"),
            _one("imagenet", 50000, 8, LINEAR, SCORES, ("1(b, c)",), backbone="coca"),
            _one("imagenet", 50000, 8, SHALLOW, SCORES, ("1(b, c)",), backbone="coca"),
            _one("fmow", 3000, 10, FINETUNE, NOISY, method=SUPERVISED, noisy=True),
            _one("iwildcam", 3000, 10, FINETUNE, NOISY, method=SUPERVISED, noisy=True),
        )
    }
)
