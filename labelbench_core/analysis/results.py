"""All statistics of an experiment, and the files they are written to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from labelbench_core.analysis.classes import classes_table, groups_table
from labelbench_core.analysis.collected.ceilings import methods_only, with_kind
from labelbench_core.analysis.collected.convergence import count_failures
from labelbench_core.analysis.collected.curves import summarise_curves
from labelbench_core.analysis.collected.frames import ordered_splits, write_csv
from labelbench_core.analysis.comparisons.aubc import aubc_table
from labelbench_core.analysis.comparisons.best import best_strategies
from labelbench_core.analysis.comparisons.combined import compare_combinations
from labelbench_core.analysis.comparisons.finetuning import compare_to_proxy
from labelbench_core.analysis.comparisons.paired import compare_to_baseline
from labelbench_core.analysis.comparisons.pairwise import penalty_matrix
from labelbench_core.analysis.headroom import headroom_table, headroom_tables
from labelbench_core.analysis.power import power_table, power_tables
from labelbench_core.analysis.ranks.across import across_tables, ranks_over_datasets
from labelbench_core.analysis.ranks.carried_orders import carried_orders, carried_tables
from labelbench_core.analysis.ranks.ranking import mean_ranks
from labelbench_core.analysis.savings.label_savings import label_savings
from labelbench_core.analysis.savings.profiles import performance_profiles
from labelbench_core.analysis.stopping.stopping_points import stopping_table, stopping_tables
from labelbench_core.analysis.summary import summarise_experiment
from labelbench_core.analysis.tables import (
    TextTable,
    accuracy_tables,
    as_latex,
    as_markdown,
    combined_tables,
    finetuning_tables,
    savings_tables,
)
from labelbench_core.analysis.targets.levels import labels_at_levels, level_tables
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.errors import InputError
from labelbench_core.stages.report_files import TABLES, TEXT_FORMATS, TEXT_TABLES
from labelbench_core.storage.files import atomic_path
from labelbench_core.storage.records import write_record

if TYPE_CHECKING:
    import pandas as pd

FLOAT_FORMAT = "%.10g"


@dataclass(frozen=True)
class Results:
    """The tables of an experiment; see the module of each for its columns."""

    curves: pd.DataFrame
    comparisons: pd.DataFrame
    savings: pd.DataFrame
    aubc: pd.DataFrame
    best: pd.DataFrame
    ranking: pd.DataFrame
    pairwise: pd.DataFrame
    levels: pd.DataFrame
    power: pd.DataFrame
    headroom: pd.DataFrame
    stopping: pd.DataFrame
    classes: pd.DataFrame
    groups: pd.DataFrame
    across: pd.DataFrame
    profiles: pd.DataFrame
    combined: pd.DataFrame
    carried_orders: pd.DataFrame
    finetuning: pd.DataFrame
    convergence: pd.DataFrame


def compute_results(
    experiment: Experiment,
    rounds: pd.DataFrame,
    finetuned: pd.DataFrame,
    signals: pd.DataFrame,
    hits: pd.DataFrame,
    on_images: Collection[str] = (),
) -> Results:
    """Every statistic, from the tables of `collect_curves` and the proxies that train on images.

    Curves and comparisons cover all metrics, in their own units; savings those that the experiment
    names; all else only the first of these, the headline's. Ceilings have curves and bound the
    headroom, and their fine-tunings are corrected separately; everything else is about methods
    only.
    """
    methods = methods_only(rounds, experiment)
    by_metric = [methods[methods["metric"] == metric] for metric in experiment.metrics]
    for metric, part in zip(experiment.metrics, by_metric, strict=True):
        if part.empty:
            known = ", ".join(sorted(set(rounds["metric"])))
            raise InputError(f"--experiment: metric: {metric!r}; allowed: {known}")
    chosen = by_metric[0]
    return Results(
        curves=with_kind(summarise_curves(rounds), experiment),
        comparisons=compare_to_baseline(methods, experiment.baseline),
        savings=_stacked(label_savings(part, experiment.baseline) for part in by_metric),
        aubc=aubc_table(chosen, experiment.baseline),
        best=best_strategies(chosen),
        ranking=mean_ranks(chosen),
        pairwise=_pairwise(chosen, experiment.baseline),
        levels=labels_at_levels(chosen, experiment.baseline, experiment.levels),
        power=power_table(chosen, experiment.baseline),
        headroom=headroom_table(rounds[rounds["metric"] == experiment.metric], experiment),
        stopping=stopping_table(chosen, signals),
        classes=classes_table(methods_only(hits, experiment), experiment.baseline),
        groups=groups_table(methods_only(hits, experiment), experiment.baseline),
        across=ranks_over_datasets(chosen),
        profiles=performance_profiles(chosen, experiment.baseline),
        combined=compare_combinations(
            methods, methods_only(finetuned, experiment), experiment.baseline, on_images
        ),
        carried_orders=carried_orders(
            experiment, chosen, _of_metric(methods_only(finetuned, experiment), experiment.metric)
        ),
        finetuning=_finetuning(experiment, finetuned, rounds),
        convergence=count_failures(rounds, finetuned),
    )


def _of_metric(frame: pd.DataFrame, metric: str) -> pd.DataFrame:
    return frame[frame["metric"] == metric]


def _stacked(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Tables with the same columns beneath each other; the first of them if all are empty."""
    import pandas as pd

    first, *others = tables
    filled = [table for table in (first, *others) if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else first


def _finetuning(
    experiment: Experiment, finetuned: pd.DataFrame, rounds: pd.DataFrame
) -> pd.DataFrame:
    """`compare_to_proxy`; ceilings are a family of tests of their own."""
    import pandas as pd

    methods = methods_only(finetuned, experiment)
    others = finetuned.drop(methods.index)
    tables = [compare_to_proxy(part, rounds) for part in (methods, others) if len(part)]
    table = pd.concat(tables, ignore_index=True) if tables else compare_to_proxy(finetuned, rounds)
    return with_kind(table, experiment)


def _pairwise(rounds: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """The penalty matrices of all splits in one table; `strategy` names the row that wins."""
    import pandas as pd

    parts = []
    for split in ordered_splits(rounds["split"]):
        matrix = penalty_matrix(rounds[rounds["split"] == split], baseline)
        matrix = matrix.rename_axis("strategy").reset_index()
        matrix.insert(0, "split", split)
        parts.append(matrix)
    return pd.concat(parts, ignore_index=True)


def write_results(
    results: Results, experiment: Experiment, tables: str | Path, summary: str | Path
) -> None:
    """Write the tables into the folder `tables`, and `summary`."""
    folder = Path(tables)
    for name in TABLES:
        write_csv(getattr(results, name), folder / f"{name}.csv", FLOAT_FORMAT)
    texts = {
        "curves": [
            table
            for metric in experiment.metrics
            for table in accuracy_tables(results.curves, metric)
        ],
        "savings": savings_tables(results.savings),
        "levels": level_tables(results.levels),
        "power": power_tables(results.power),
        "headroom": headroom_tables(results.headroom),
        "stopping": stopping_tables(results.stopping),
        "across": across_tables(results.across),
        "combined": combined_tables(results.combined, experiment.metric),
        "carried_orders": carried_tables(results.carried_orders),
        "finetuning": finetuning_tables(results.finetuning, experiment.metric),
    }
    for name in TEXT_TABLES:
        write_texts(texts[name], folder / f"{name}.csv")
    write_record(
        summary,
        "summary",
        summarise_experiment(
            experiment,
            results.curves,
            results.savings,
            results.finetuning,
            results.best,
            results.comparisons,
        ),
    )


def write_texts(tables: Sequence[TextTable], path: Path) -> None:
    """Write text tables beside the CSV file `path`, in all `TEXT_FORMATS`."""
    written = {"md": as_markdown, "tex": as_latex}
    for suffix in TEXT_FORMATS:
        with atomic_path(path.with_suffix(f".{suffix}")) as aside:
            aside.write_text(written[suffix](tables), encoding="utf-8")
