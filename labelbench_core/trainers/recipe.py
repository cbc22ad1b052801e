"""How a training runs, whatever its method: steps, batches, optimiser, schedule, augmentation.

The `training` of a trainer's catalogue entry. Nothing here imports torch: it is checked before any
job starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from labelbench_core.augmentation import Augmentation, StrongAugmentation
from labelbench_core.errors import InputError, did_you_mean

HEADS = ("proxy", "zero-shot", "fresh")
BATCH_NORMS = ("folded", "frozen", "batch")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
OPTIMIZERS = ("adamw", "adam", "sgd")
SCHEDULES = ("cosine", "seven-sixteenths", "constant")


@dataclass(frozen=True)
class Recipe:
    """Everything about a training but its loss.

    Attributes
    ----------
    steps
        Updates in all; not derived from the number of labels, so that budgets compare.
    batch_size
        Labelled examples per step; a labelled set smaller than that is one batch.
    unlabeled_ratio
        Unlabelled examples per step, as a multiple of `batch_size` (FixMatch's μ); only for
        trainers that use them.
    optimizer
        "adamw" (decoupled decay), "adam" (decay in the gradient) or "sgd" (Nesterov momentum 0.9).
    learning_rate
        Peak, after a linear warm-up over `warmup_steps`.
    schedule
        After the warm-up: "cosine" down to zero, "seven-sixteenths" of a cosine's period, cos(7πk /
        16K) as in FixMatch, or "constant".
    head_factor
        The classifier's learning rate is this multiple of the network's.
    layer_decay
        Each block's learning rate is this multiple of the next one's; 1: all the same.
    weight_decay
        Biases, normalisation, position embeddings and class tokens are left out.
    gradient_clip
        Largest norm of all gradients together; 0: no clipping.
    accumulate
        Parts into which a step's batch is divided to save memory; gradients are added up.
    gradient_checkpointing
        Compute activations again in the backward pass instead of keeping them.
    compile
        Compile the network with `torch.compile`: faster steps after a start of minutes.
    ema_decay
        Evaluate an exponential moving average of the weights with this decay, which begins as their
        plain mean; 0: none.
    head
        The classifier's start: "proxy", the round's linear head (LP-FT), "zero-shot", from the
        class names by the text tower of a CLIP-like backbone, or "fresh", zeros.
    batch_norm
        "folded" into the convolutions (fastest), "frozen" statistics, or statistics of each "batch"
        (for large labelled sets; dropout, where the network has it, is on in this mode only).
    precision
        "float32", "bfloat16", "float16" or "auto": bfloat16 on a GPU that has it, else float32.
    translate, rotate, scale, flip
        Weak augmentation, see `Augmentation`.
    strong_operations, strong_cutout
        Strong augmentation, see `StrongAugmentation`; only for trainers that use it.
    validation
        What the best weights are chosen by: "none" (train to the end), "held-out" (that share of
        the labels bought is not trained on), or "extra" (that many labels of the data set's
        validation split, beside those bought: tables name them with every result).
    validation_size
        A share below 1 for "held-out", a number of labels for "extra".
    validation_every
        Steps between two looks at the validation set.
    evaluate
        Splits to evaluate; None: all.
    """

    steps: int = 1000
    batch_size: int = 64
    unlabeled_ratio: int = 7
    optimizer: str = "adamw"
    learning_rate: float = 1e-4
    schedule: str = "cosine"
    warmup_steps: int = 50
    head_factor: float = 1.0
    layer_decay: float = 1.0
    weight_decay: float = 0.01
    gradient_clip: float = 1.0
    accumulate: int = 1
    gradient_checkpointing: bool = False
    compile: bool = False
    ema_decay: float = 0.0
    head: str = "proxy"
    batch_norm: str = "folded"
    precision: str = "auto"
    translate: float = 0.0
    rotate: float = 0.0
    scale: float = 0.0
    flip: bool = False
    strong_operations: int = 2
    strong_cutout: float = 0.5
    validation: str = "none"
    validation_size: float = 0.0
    validation_every: int = 100
    evaluate: tuple[str, ...] | None = None

    @classmethod
    def from_options(cls, options: Mapping[str, Any] | None) -> Self:
        """The recipe of a catalogue entry's `training`; `InputError` names all that is wrong."""
        if wrong := cls.errors_in(options):
            raise InputError("; ".join(wrong))
        options = dict(options or {})
        if options.get("evaluate") is not None:
            options["evaluate"] = tuple(options["evaluate"])
        return cls(**options)

    @classmethod
    def errors_in(cls, options: Mapping[str, Any] | None) -> list[str]:
        """One line for everything that is wrong in a catalogue entry's `training`."""
        options = options or {}
        known = {field.name: field.default for field in fields(cls)}
        wrong = [
            f"training.{key}: unknown{did_you_mean(key, known)}; allowed: {', '.join(known)}"
            for key in options
            if key not in known
        ]
        wrong += [
            f"training.{key}: {value!r}; allowed: a value like its default, {known[key]!r}"
            for key, value in options.items()
            if key in known and not _is_like(value, known[key])
        ]
        return wrong or cls(**options).errors()

    def errors(self) -> list[str]:
        """One line for every value that is out of range."""
        allowed = {
            "steps": ("at least 1", self.steps >= 1),
            "batch_size": ("at least 1", self.batch_size >= 1),
            "unlabeled_ratio": ("at least 1", self.unlabeled_ratio >= 1),
            "optimizer": _one_of(OPTIMIZERS, self.optimizer),
            "learning_rate": ("more than 0", self.learning_rate > 0),
            "schedule": _one_of(SCHEDULES, self.schedule),
            "warmup_steps": ("from 0 to steps", 0 <= self.warmup_steps <= self.steps),
            "head_factor": ("more than 0", self.head_factor > 0),
            "layer_decay": ("more than 0, at most 1", 0 < self.layer_decay <= 1),
            "weight_decay": ("at least 0", self.weight_decay >= 0),
            "gradient_clip": ("at least 0 (0: no clipping)", self.gradient_clip >= 0),
            "accumulate": ("from 1 to batch_size", 1 <= self.accumulate <= self.batch_size),
            "ema_decay": ("from 0 (no average) to less than 1", 0 <= self.ema_decay < 1),
            "head": _one_of(HEADS, self.head),
            "batch_norm": _one_of(BATCH_NORMS, self.batch_norm),
            "precision": _one_of(PRECISIONS, self.precision),
            "translate": ("from 0 to less than 1", 0 <= self.translate < 1),
            "rotate": ("from 0 to 180 degrees", 0 <= self.rotate <= 180),
            "scale": ("from 0 to less than 1", 0 <= self.scale < 1),
            "strong_operations": ("at least 0", self.strong_operations >= 0),
            "strong_cutout": ("from 0 to 1", 0 <= self.strong_cutout <= 1),
            "validation_size": self._validation_size(),
            "validation_every": ("at least 1", self.validation_every >= 1),
        }
        return (
            [
                f"training.{name}: {getattr(self, name)!r}; allowed: {text}"
                for name, (text, is_good) in allowed.items()
                if not is_good
            ]
            + self._validation_errors()
            + self._checkpointing_errors()
        )

    def _validation_size(self) -> tuple[str, bool]:
        size = self.validation_size
        if self.validation == "held-out":
            return "more than 0, less than 1 (held-out)", 0 < size < 1
        if self.validation == "extra":
            return "a whole number of labels, at least 1 (extra)", size >= 1 and size == int(size)
        return "0 where validation is none", size == 0

    def _validation_errors(self) -> list[str]:
        text, is_good = _one_of(("none", "held-out", "extra"), self.validation)
        return [] if is_good else [f"training.validation: {self.validation!r}; allowed: {text}"]

    def _checkpointing_errors(self) -> list[str]:
        """Activations that are computed twice would count twice in a batch's statistics."""
        if not self.gradient_checkpointing or self.batch_norm != "batch":
            return []
        return [
            "training.gradient_checkpointing: True; allowed with batch_norm: batch: False (with "
            "folded or frozen statistics: True)"
        ]

    @property
    def weak(self) -> Augmentation:
        """How labelled images, and the weak view of unlabelled ones, are changed."""
        return Augmentation(self.translate, self.rotate, self.scale, self.flip)

    @property
    def strong(self) -> StrongAugmentation:
        """How the strong view of unlabelled images is made."""
        return StrongAugmentation(self.weak, self.strong_operations, self.strong_cutout)


def _one_of(allowed: tuple[str, ...], value: Any) -> tuple[str, bool]:
    return f"one of {', '.join(allowed)}", value in allowed


def _is_like(value: Any, default: Any) -> bool:
    """Whether a value is of its default's type; the one without a type is a list of names."""
    if default is None:
        return value is None or (
            isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)
        )
    if isinstance(default, float):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is type(default)
