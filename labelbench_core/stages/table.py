"""The table of stages: which rules make which files, from which ids.

Rules' outputs, logs and benchmarks, the targets, the table of costs and the checks before a run are
derived from it. Imports nothing but the standard library.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from labelbench_core.stages import report_files

RECORD, ARRAYS, FOLDER, WEIGHTS = "record", "arrays", "folder", "weights"
"""Kinds of outputs: a small file that describes a result; arrays in one file; arrays in a folder;
the weights of a whole network."""

NUMBERED = ("seed", "round")
"""Ids that are numbers; in paths, their names come before them."""


@dataclass(frozen=True)
class Output:
    """One output of a rule.

    Attributes
    ----------
    paths
        Files, or one folder; ids in braces.
    kind
        RECORD, ARRAYS, FOLDER or WEIGHTS.
    in_slim_archive
        Whether a slim archive, which leaves out large files that can be made again, contains it.
    """

    paths: tuple[str, ...]
    kind: str = RECORD
    in_slim_archive: bool = True

    @property
    def path(self) -> str:
        """The only path."""
        (path,) = self.paths
        return path


@dataclass(frozen=True)
class Stage:
    """A rule, or several that make the same files with different resources.

    Attributes
    ----------
    name
        Name of the stage and of its first rule.
    ids
        Wildcards of its paths, in their order.
    outputs
        Name in the rule → what it is.
    target
        The target rule that requests all its outputs.
    other_rules
        Further rules of the stage; their wildcard constraints exclude each other.
    flops
        Name of the output, and keys within it, where a job records its floating-point operations.
    runs_backbone
        "always", "for images" (where the proxy is trained on images) or "never".
    """

    name: str
    ids: tuple[str, ...]
    outputs: Mapping[str, Output] = field(hash=False)
    target: str
    other_rules: tuple[str, ...] = ()
    flops: tuple[str, ...] = ()
    runs_backbone: str = "never"

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of all its rules."""
        return (self.name, *self.other_rules)

    @property
    def of_report(self) -> bool:
        """Whether its jobs are those of one experiment's report, which other experiments lack."""
        return self.ids[:1] == _REPORT

    @property
    def log(self) -> str:
        """Path of a job's log, ids in braces."""
        return f"results/logs/{self._place}.log"

    @property
    def benchmark(self) -> str:
        """Path of a job's benchmark file, ids in braces."""
        return f"results/benchmarks/{self._place}.tsv"

    @property
    def record(self) -> str | None:
        """Path of the file that records a job's floating-point operations, ids in braces."""
        return self.outputs[self.flops[0]].path if self.flops else None

    def path(self, output: str) -> str:
        """Path of an output that is one file or folder, ids in braces."""
        return self.outputs[output].path

    @property
    def _place(self) -> str:
        if self.of_report:
            _, *others = self.ids
            return "/".join(["reports/{experiment}", self.name, *(f"{{{one}}}" for one in others)])
        return f"{self.name}/{_folder(self.ids)}"


def _folder(ids: tuple[str, ...]) -> str:
    """Ids in braces as a path: {dataset}{annotator}/{strategy}/seed-{seed}.

    The annotator stands behind the data set that it labels, without a folder of its own.
    """
    parts = (f"{name}-{{{name}}}" if name in NUMBERED else f"{{{name}}}" for name in ids)
    return "/".join(parts).replace("/{annotator}", "{annotator}")


def _arrays_with_manifest(place: str, *, in_slim_archive: bool) -> dict[str, Output]:
    """A folder of arrays and the file that describes it."""
    return {
        "manifest": Output((f"{place}/manifest.json",)),
        "arrays": Output((f"{place}/arrays",), FOLDER, in_slim_archive=in_slim_archive),
    }


def _round(place: str) -> dict[str, Output]:
    """The outputs of a round."""
    return {"record": Output((f"{place}.json",)), "arrays": Output((f"{place}.npz",), ARRAYS)}


_EMBEDDED = ("dataset", "backbone")
_VIEWED = (*_EMBEDDED, "augmentation")
_LABELED = ("dataset", "annotator")
_POOL = (*_LABELED, "schedule", "seed")
_CHAIN = (*_LABELED, "backbone", "proxy", "schedule")
_TUNED = (*_LABELED, "backbone", "trainer", "proxy", "schedule", "strategy", "seed", "round")
_REPORT = ("experiment",)
_FINETUNED = f"results/finetuned/{_folder(_TUNED)}"

_TABLE = (
    Stage(
        "prepare_dataset",
        ids=("dataset",),
        outputs=_arrays_with_manifest("results/datasets/{dataset}", in_slim_archive=True),
        target="embeddings",
    ),
    Stage(
        "extract_embeddings",
        ids=_EMBEDDED,
        outputs=_arrays_with_manifest(
            f"results/embeddings/{_folder(_EMBEDDED)}", in_slim_archive=False
        ),
        target="embeddings",
        other_rules=("extract_embeddings_of_texts",),
        flops=("manifest", "flops"),
        runs_backbone="always",
    ),
    Stage(
        "extract_views",
        ids=_VIEWED,
        outputs=_arrays_with_manifest(f"results/views/{_folder(_VIEWED)}", in_slim_archive=False),
        target="embeddings",
        other_rules=("extract_views_of_texts",),
        flops=("manifest", "flops"),
        runs_backbone="always",
    ),
    Stage(
        "build_zero_shot_head",
        ids=_EMBEDDED,
        outputs={"head": Output((f"results/zero_shot/{_folder(_EMBEDDED)}/head.npz",), ARRAYS)},
        target="embeddings",
        runs_backbone="always",
    ),
    Stage(
        "annotate",
        ids=_LABELED,
        outputs={
            "record": Output((f"results/annotations/{_folder(_LABELED)}/record.json",)),
            "arrays": Output((f"results/annotations/{_folder(_LABELED)}/labels.npz",), ARRAYS),
        },
        target="selections",
    ),
    Stage(
        "draw_initial_pool",
        ids=_POOL,
        outputs={"pool": Output((f"results/selections/{_folder(_POOL)}/initial.json",))},
        target="selections",
    ),
    Stage(
        "train_initial",
        ids=(*_CHAIN, "seed"),
        outputs=_round(f"results/selections/{_folder(_CHAIN)}/initial/seed-{{seed}}/round-0"),
        target="selections",
        other_rules=("train_initial_deep",),
        flops=("record", "fit", "flops"),
        runs_backbone="for images",
    ),
    Stage(
        "select_round",
        ids=(*_CHAIN, "strategy", "seed", "round"),
        outputs=_round(f"results/selections/{_folder((*_CHAIN, 'strategy', 'seed', 'round'))}"),
        target="selections",
        other_rules=("select_round_deep",),
        flops=("record", "fit", "flops"),
        runs_backbone="for images",
    ),
    Stage(
        "refresh_embeddings",
        ids=_TUNED,
        outputs=_arrays_with_manifest(
            f"results/refreshed/{_folder(_TUNED)}", in_slim_archive=False
        ),
        target="selections",
        flops=("manifest", "flops"),
        runs_backbone="always",
    ),
    Stage(
        "finetune_model",
        ids=_TUNED,
        outputs={
            "metrics": Output((f"{_FINETUNED}/metrics.json",)),
            "history": Output((f"{_FINETUNED}/history.csv",)),
            "weights": Output((f"{_FINETUNED}/model.safetensors",), WEIGHTS, in_slim_archive=False),
        },
        target="finetuned",
        other_rules=("finetune_model_passing",),
        flops=("metrics", "training", "flops"),
        runs_backbone="always",
    ),
    Stage(
        "collect_curves",
        ids=_REPORT,
        outputs={
            "metrics": Output((report_files.table(report_files.METRICS),)),
            "finetuned": Output((report_files.table(report_files.FINETUNED),)),
            "signals": Output((report_files.table(report_files.SIGNALS),)),
            "hits": Output((report_files.table(report_files.HITS),)),
        },
        target="report",
    ),
    Stage(
        "list_bought",
        ids=_REPORT,
        outputs={
            "table": Output((report_files.table(report_files.BOUGHT),)),
            "balance": Output((report_files.table(report_files.BALANCE),)),
            "sheets": Output((report_files.SHEETS,)),
        },
        target="report",
    ),
    Stage(
        "collect_costs",
        ids=_REPORT,
        outputs={
            "costs": Output((report_files.COSTS,)),
            "proxy_savings": Output((report_files.PROXY_SAVINGS,)),
        },
        target="report",
    ),
    Stage(
        "tabulate",
        ids=_REPORT,
        outputs={
            "summary": Output((report_files.SUMMARY,)),
            "tables": Output(tuple(report_files.table(name) for name in report_files.TABLES)),
            "texts": Output(
                tuple(
                    report_files.table(name, suffix)
                    for name in report_files.TEXT_TABLES
                    for suffix in report_files.TEXT_FORMATS
                )
            ),
        },
        target="report",
    ),
    Stage(
        "price_costs",
        ids=_REPORT,
        outputs={
            "money": Output((report_files.MONEY,)),
            "curves": Output((report_files.MONEY_CURVES,)),
            "texts": Output(
                tuple(
                    report_files.MONEY.removesuffix("csv") + suffix
                    for suffix in report_files.TEXT_FORMATS
                )
            ),
        },
        target="report",
    ),
    Stage(
        "compare_replays",
        ids=_REPORT,
        outputs={
            "table": Output((report_files.table(report_files.REPLAYS),)),
            "texts": Output(
                tuple(
                    report_files.table(report_files.REPLAYS, suffix)
                    for suffix in report_files.TEXT_FORMATS
                )
            ),
        },
        target="report",
    ),
    Stage(
        "compare_published",
        ids=_REPORT,
        outputs={
            "tables": Output(
                tuple(
                    report_files.table(name)
                    for name in (report_files.REFERENCE, report_files.ORDERS)
                )
            ),
            "texts": Output(
                tuple(
                    report_files.table(report_files.REFERENCE, suffix)
                    for suffix in report_files.TEXT_FORMATS
                )
            ),
        },
        target="report",
    ),
    *(
        Stage(
            rule,
            ids=(*_REPORT, "metric") if rule == report_files.PLOT_METRIC else _REPORT,
            outputs={name: Output(report_files.figure(name)) for name in names},
            target="figures",
        )
        for rule, names in report_files.FIGURES_OF.items()
    ),
    Stage(
        "render_report",
        ids=_REPORT,
        outputs={"page": Output((report_files.PAGE,))},
        target="report",
    ),
)

STAGES: Mapping[str, Stage] = MappingProxyType({stage.name: stage for stage in _TABLE})
"""Name → stage, in the order in which they run."""

COSTED = tuple(stage for stage in _TABLE if not stage.of_report)
"""Stages whose cost is part of an experiment's: all but those that make its report."""


def stage_of(rule: str) -> Stage | None:
    """The stage of a rule; None for a target."""
    return _STAGE_OF.get(rule)


_STAGE_OF = {rule: stage for stage in _TABLE for rule in stage.rules}
