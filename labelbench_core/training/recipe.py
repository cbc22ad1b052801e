"""How a training runs, whatever its method: steps, batches, optimiser, schedule, augmentation.

The `training` of a trainer's catalogue entry. Nothing here imports torch: it is checked before any
job starts.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Literal, Self, get_type_hints

from labelbench_core.augmentation.settings import Augmentation, StrongAugmentation
from labelbench_core.errors import raise_all
from labelbench_core.registry import options as option_rules
from labelbench_core.registry.options import (
    Count,
    Interval,
    NonNegative,
    Positive,
    PositiveShare,
    Share,
    ShareBelow1,
)

LEAST_TO_HOLD_OUT = 2  # labels: one to train on, one to hold out


def num_held_out(labels: int, share: float) -> int:
    """How many of `labels` labels are held out for this share: at least one, never all."""
    return min(max(1, round(share * labels)), labels - 1)


@dataclass(frozen=True)
class Recipe:
    """Everything about a training but its loss.

    Attributes
    ----------
    steps
        Number of updates; not derived from the number of labels, so that budgets are comparable.
    epochs
        Instead of `steps`: passes over the labelled examples. Each has as many steps as the
        examples fill whole batches, at least one. Larger budgets then train longer, and small ones
        may never leave a long warm-up.
    batch_size
        Labelled examples per step; a labelled set smaller than that is one batch.
    unlabeled_ratio
        Unlabelled examples per step, as a multiple of `batch_size` (FixMatch's μ); only for
        trainers that use them.
    optimizer
        "adamw" (decoupled decay), "adam" (decay in the gradient) or "sgd" (Nesterov momentum 0.9).
    learning_rate
        Peak of the learning rate, at which a linear warm-up over `warmup_steps` ends.
    schedule
        After the warm-up: "cosine" down to zero, "seven-sixteenths" of a cosine's period, cos(7πk /
        16K) as in FixMatch, "constant", or "restarts": cosines down to zero one after the other
        (SGDR), each twice as long as the one before.
    restart_steps
        Steps of the first cosine of "restarts".
    warmup_steps
        Steps in which the learning rate rises linearly to its peak; 0: it starts there.
    head_factor
        The classifier's learning rate is this multiple of the network's.
    layer_decay
        Each block's learning rate is this multiple of the next one's; 1: all the same.
    weight_decay
        Strength of the decay of weights, which leaves out biases, normalisation, position
        embeddings and class tokens.
    decay_vectors
        Whether biases, normalisation, position embeddings and class tokens decay, too.
    gradient_clip
        Largest norm of all gradients together; 0: no clipping.
    accumulate
        Parts into which a step's batch is divided to save memory; gradients are added up.
    gradient_checkpointing
        Compute activations again in the backward pass instead of keeping them.
    compile
        Compile the network with `torch.compile`: faster steps after a start of minutes.
    ema_decay
        Decay of the exponential moving average of the weights, which begins as their plain mean;
        where it is kept, it is what is evaluated. 0: none.
    head
        The classifier's start: "proxy", the round's linear head (LP-FT), "zero-shot", from the
        class names by the text tower of a CLIP-like backbone, or "fresh", zeros.
    batch_norm
        "folded" into the convolutions (fastest), "frozen" statistics, or statistics of each "batch"
        (for large labelled sets; dropout, where the network has it, is on in this mode only).
    precision
        "float32", "bfloat16", "float16" or "auto": bfloat16 on a GPU that has it, else float32.
    translate
        Weak augmentation: largest shift along each axis, as a fraction of the image's side.
    rotate
        Weak augmentation: largest rotation either way, in degrees.
    scale
        Weak augmentation: largest relative change of size; 0.1 draws factors from 0.9 to 1.1.
    flip
        Weak augmentation: whether half of the images are mirrored left to right.
    strong_operations
        Strong augmentation: operations of RandAugment drawn for each image; only for trainers that
        use it.
    strong_cutout
        Strong augmentation: largest side of Cutout's grey square, as a fraction of the image's
        side; only for trainers that use it.
    validation
        How the best weights are chosen: "none" (train to the end), "held-out" (a share of the
        labels bought is not trained on), or "extra" (by labels of the data set's validation split,
        in addition to those bought: tables name them with every result).
    validation_size
        A share below 1 for "held-out", a number of labels for "extra".
    validation_every
        Steps between two evaluations on the validation set; "epoch": as many as an epoch has.
    patience
        Training stops after this number of evaluations in a row without a lower loss than all
        before; 0: it does not stop before its last step.
    count_validation
        Whether the labels of "extra" count towards a budget. Proxies refuse "extra" unless this is
        false, because a round's budget holds all labels spent; these labels then stand beside it,
        and tables say so.
    evaluate
        Splits to evaluate; null: all.
    """

    steps: Count = 1000
    epochs: Count | None = None
    batch_size: Count = 64
    unlabeled_ratio: Count = 7
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: Positive = 1e-4
    schedule: Literal["cosine", "restarts", "seven-sixteenths", "constant"] = "cosine"
    restart_steps: Count = 500
    warmup_steps: Annotated[int, Interval(ge=0)] = 50
    head_factor: Positive = 1.0
    layer_decay: PositiveShare = 1.0
    weight_decay: NonNegative = 0.01
    decay_vectors: bool = False
    gradient_clip: NonNegative = 1.0
    accumulate: Count = 1
    gradient_checkpointing: bool = False
    compile: bool = False
    ema_decay: ShareBelow1 = 0.0
    head: Literal["proxy", "zero-shot", "fresh"] = "proxy"
    batch_norm: Literal["folded", "frozen", "batch"] = "folded"
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    translate: ShareBelow1 = 0.0
    rotate: Annotated[float, Interval(ge=0, le=180)] = 0.0
    scale: ShareBelow1 = 0.0
    flip: bool = False
    strong_operations: Annotated[int, Interval(ge=0, le=100)] = 2
    strong_cutout: Share = 0.5
    validation: Literal["none", "held-out", "extra"] = "none"
    validation_size: NonNegative = 0.0
    validation_every: Count | Literal["epoch"] = 100
    patience: Annotated[int, Interval(ge=0)] = 0
    count_validation: bool = True
    evaluate: tuple[str, ...] | None = None

    @classmethod
    def from_options(cls, options: Mapping[str, Any] | None) -> Self:
        """The recipe of a catalogue entry's `training`; `InputError` names all that is wrong."""
        raise_all(cls.errors_in(options))
        options = dict(options or {})
        if options.get("evaluate") is not None:
            options["evaluate"] = tuple(options["evaluate"])
        return cls(**options)

    @classmethod
    def errors_in(cls, options: Mapping[str, Any] | None) -> list[str]:
        """One line for everything that is wrong in a catalogue entry's `training`."""
        options = options or {}
        defaults, allowed = _rules(cls)
        wrong = list(option_rules.errors(options, defaults, allowed, what="training"))
        return wrong or cls(**options)._errors_between(options)

    def _errors_between(self, given: Mapping[str, Any]) -> list[str]:
        """One line for every value that is incompatible with another one."""
        allowed = {
            "steps": ("leave it out with epochs", self.epochs is None or "steps" not in given),
            "warmup_steps": (
                f"from 0 to steps, {self.steps}",
                self.epochs is not None or self.warmup_steps <= self.steps,
            ),
            "restart_steps": (
                "leave it out but with schedule: restarts",
                self.schedule == "restarts" or "restart_steps" not in given,
            ),
            "accumulate": (
                f"from 1 to batch_size, {self.batch_size}",
                self.accumulate <= self.batch_size,
            ),
            "validation_size": self._validation_size(),
            "patience": (
                "0 where validation is none",
                not self.patience or self.validation != "none",
            ),
            "count_validation": (
                "true where validation is not extra",
                self.count_validation or self.validation == "extra",
            ),
        }
        return [
            f"training.{name}: {getattr(self, name)!r}"
            f"{'' if name in given else ' (its default)'}; allowed: {text}"
            for name, (text, is_good) in allowed.items()
            if not is_good
        ] + self._checkpointing_errors()

    def _validation_size(self) -> tuple[str, bool]:
        size = self.validation_size
        if self.validation == "held-out":
            return "more than 0, less than 1 (held-out)", 0 < size < 1
        if self.validation == "extra":
            return "a whole number of labels, at least 1 (extra)", size >= 1 and size == int(size)
        return "0 where validation is none", size == 0

    def _checkpointing_errors(self) -> list[str]:
        """Recomputed activations would count twice in a batch's statistics."""
        if not self.gradient_checkpointing or self.batch_norm != "batch":
            return []
        return [
            "training.gradient_checkpointing: true; allowed with batch_norm: batch: false (with "
            "folded or frozen statistics: true)"
        ]

    def for_labels(self, count: int) -> Self:
        """The same recipe, counted in steps, for `count` labelled examples that are trained on.

        An epoch has as many steps as the examples fill whole batches, or one if they fill none.
        """
        epoch = max(1, count // self.batch_size)
        changes: dict[str, Any] = {}
        if self.epochs is not None:
            changes |= {"steps": self.epochs * epoch, "epochs": None}
        if self.validation_every == "epoch":
            changes["validation_every"] = epoch
        return replace(self, **changes)

    @property
    def validation_steps(self) -> int:
        """`validation_every` of a recipe that `for_labels` made."""
        if isinstance(self.validation_every, str):
            raise TypeError("an epoch's steps depend on the labels: see for_labels")
        return self.validation_every

    @property
    def weak(self) -> Augmentation:
        """How labelled images, and the weak view of unlabelled ones, are changed."""
        return Augmentation(self.translate, self.rotate, self.scale, self.flip)

    @property
    def strong(self) -> StrongAugmentation:
        """How the strong view of unlabelled images is made."""
        return StrongAugmentation(self.weak, self.strong_operations, self.strong_cutout)


@functools.cache
def _rules(recipe: type[Recipe]) -> tuple[dict[str, Any], dict[str, option_rules.Allowed | None]]:
    """Defaults of a recipe's fields, and what each may be."""
    hints = get_type_hints(recipe, include_extras=True)
    defaults = {field.name: field.default for field in fields(recipe)}
    return defaults, {name: option_rules.of(hints[name]) for name in defaults}
