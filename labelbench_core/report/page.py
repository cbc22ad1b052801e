"""The report of an experiment: one self-contained page, the same bytes for the same results."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelbench_core.analysis.balance_texts import balance_tables
from labelbench_core.analysis.classes import class_tables, group_tables, worst_group_tables
from labelbench_core.analysis.collected.balance import BALANCE_COLUMNS
from labelbench_core.analysis.collected.costs import COST_COLUMNS
from labelbench_core.analysis.collected.frames import (
    SETTING,
    groups,
    ordered_splits,
    present,
    read_csv,
    setting_name,
)
from labelbench_core.analysis.collected.units import of, signed, with_half_width
from labelbench_core.analysis.headroom import headroom_tables
from labelbench_core.analysis.power import power_tables
from labelbench_core.analysis.published.published_texts import (
    order_tables,
    published_sentences,
    published_tables,
)
from labelbench_core.analysis.published.replays import REPLAY_COLUMNS, replay_tables
from labelbench_core.analysis.ranks.across import across_tables
from labelbench_core.analysis.ranks.carried_orders import carried_tables
from labelbench_core.analysis.results import Results
from labelbench_core.analysis.stopping.stopping_points import stopping_tables
from labelbench_core.analysis.tables import (
    TextTable,
    accuracy_tables,
    combined_tables,
    comparison_tables,
    finetuning_tables,
    p_text,
    savings_tables,
)
from labelbench_core.analysis.targets.levels import level_tables
from labelbench_core.analysis.targets.money import MONEY_COLUMNS, money_tables
from labelbench_core.analysis.targets.money_curves import MONEY_CURVE_COLUMNS
from labelbench_core.analysis.targets.proxy_savings import PROXY_SAVING_COLUMNS
from labelbench_core.configuration.comparing.comparable import have_even_budgets, have_even_seeds
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.configuration.references import validation_notes
from labelbench_core.datasets.source_files.looks import SourceLook
from labelbench_core.figures.label_efficiency import MOST_BANDS
from labelbench_core.report.caveats import caveats, statistics_notes
from labelbench_core.report.charts import chart_specs
from labelbench_core.report.cost_tables import cost_tables, known, proxy_saving_tables
from labelbench_core.report.drawings import inline_svg
from labelbench_core.report.headlines import headlines
from labelbench_core.report.origin import asked_for, training_tables
from labelbench_core.report.page_data import as_script, cost_data, page_data
from labelbench_core.report.templates import template
from labelbench_core.report.vega import vega_bundle
from labelbench_core.stages.report_files import PAGE_PARTS, TABLES
from labelbench_core.stages.report_files import figures as figures_of
from labelbench_core.storage.files import canonical_json

if TYPE_CHECKING:
    import pandas as pd

MOST_CARDS = 3
"""Settings whose headline numbers are shown large; with more, a table reads better."""


@dataclass(frozen=True)
class Provenance:
    """Where the results come from: configuration, code revision, versions, inputs' fingerprints.

    `leaks` and `left_out` are sentences about the data sets' images; `leaks`, which stand among the
    caveats, include those about images that cannot be read and about small tests. `variants` are
    those about splits and pools that are not the official ones: they stand under every figure.
    `annotated` is about annotators' labels of the pools. `made_by` are names and texts about the
    machine and the code that made the page: they stand apart, since they differ where the results
    do not.
    """

    configuration: Any
    revision: str
    versions: Mapping[str, str]
    inputs: Sequence[tuple[str, str, str]]
    leaks: Sequence[str] = ()
    left_out: Sequence[str] = ()
    annotated: Sequence[str] = ()
    variants: Sequence[str] = ()
    made_by: Sequence[tuple[str, str]] = ()


def read_results(folder: str | Path) -> Results:
    """The tables that `tabulate` wrote; `InputError` names the one that is missing or damaged."""
    return Results(**{name: read_csv(Path(folder) / f"{name}.csv", ()) for name in TABLES})


def render(
    experiment: Experiment,
    summary: Mapping[str, Any],
    results: Results,
    figures: str | Path,
    costs: pd.DataFrame,
    balance: pd.DataFrame,
    provenance: Provenance,
    looks: Mapping[str, SourceLook | None] | None = None,
    replays: pd.DataFrame | None = None,
    money: pd.DataFrame | None = None,
    money_curves: pd.DataFrame | None = None,
    proxy_savings: pd.DataFrame | None = None,
    hour: float = math.nan,
    currency: str = "",
    published: tuple[pd.DataFrame, pd.DataFrame] | None = None,
) -> str:
    """The page as text. Everything that depends on the machine stands between the comments
    ``<!-- costs -->`` and ``<!-- /costs -->``, so that a comparison of bytes can leave it out: what
    the stages cost, and when sources were last checked (`looks`, by data set). `balance` is the
    class balance that `list_bought` writes. `published` are the tables of
    `published_results.compare`, where the experiment has references; `replays` is that
    of `compare_replays`, `money` and `money_curves` (in `currency`) are those of `price_costs`,
    where there are any; `proxy_savings`
    is the second one of `collect_costs`. `hour` is the price of an hour, NaN where none is given.
    """
    # An experiment as JSON does not say whether it has prices.
    drawn = figures_of(dataclasses.replace(experiment, priced=money is not None))
    entries = headlines(summary)
    data = page_data(experiment, results, entries, balance, published[0] if published else None)
    return template(Path(__file__).parent, "report_template.html").render(
        experiment=experiment,
        sizes=_sizes(experiment),
        even_seeds=have_even_seeds(experiment),
        even_budgets=have_even_budgets(experiment),
        several_rounds=any(crossing.rounds > 1 for crossing in experiment.crossings),
        metric=of(experiment.metric),
        labels={**summary, "headlines": entries},
        few_settings=len(summary["settings"]) <= MOST_CARDS,
        all_bands=len(experiment.strategies) <= MOST_BANDS,
        metrics=[
            {"name": name, "metric": of(name), "tables": _curve_tables(results, name)}
            for name in experiment.further_metrics
        ],
        interactive=chart_specs(),
        **_scripts(data),
        cost_data=_verbatim(as_script(cost_data(costs, money_curves, currency))),
        figures={name: inline_svg(Path(figures) / f"{name}.svg", name) for name in drawn},
        tables=_tables(results, experiment)
        | _published(experiment, published)
        | {"balance": balance_tables(balance)}
        | {"replays": [] if replays is None else replay_tables(replays, experiment.metric)},
        published=published_sentences(experiment, *published) if published else [],
        validation_notes=validation_notes(experiment),
        notes=statistics_notes(experiment, results),
        caveats=[*provenance.annotated, *provenance.leaks, *caveats(experiment, summary, results)],
        cost_tables=cost_tables(costs),
        money_tables=[] if money is None else money_tables(money, currency),
        proxy_saving_tables=[]
        if proxy_savings is None
        else proxy_saving_tables(proxy_savings, hour, currency),
        costs_missing=int(costs["seconds"].isna().sum()) if len(costs) else 0,
        source_looks=[_look_text(name, look) for name, look in (looks or {}).items()],
        provenance=provenance,
        asked_for=asked_for(experiment, provenance.configuration),
        configuration=canonical_json(provenance.configuration, indent=2),
    )


def _scripts(data: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in the page's style and script elements, nothing of it escaped as HTML."""
    parts = {
        name: (Path(__file__).parent / name).read_text(encoding="utf-8") for name in PAGE_PARTS
    }
    return {
        "style": _verbatim("".join(parts[name] for name in parts if name.endswith(".css"))),
        "vega": _verbatim(vega_bundle()),
        "scripts": [_verbatim(parts[name]) for name in parts if name.endswith(".js")],
        "data": _verbatim(as_script(data)),
        "specifications": _verbatim(as_script(chart_specs())),
    }


def _verbatim(text: str) -> Any:
    import markupsafe

    return markupsafe.Markup(text)


def _look_text(dataset: str, look: SourceLook | None) -> str:
    """When a data set's source was last checked."""
    if look is None:
        return f"{dataset}: not checked on this machine"
    return f"{dataset}: {_count(look.count, 'file')}, {look.when}"


def _sizes(experiment: Experiment) -> list[str]:
    """Number of budgets and of seeds of every crossing."""
    texts = (
        f"{_count(crossing.rounds, 'budget')}, {_count(len(crossing.seeds), 'seed')}"
        for crossing in experiment.crossings
    )
    return list(dict.fromkeys(texts))


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number:,} {name}s"


def read_costs(path: str | Path) -> pd.DataFrame:
    """The table of `collect_costs`."""
    return read_csv(path, COST_COLUMNS)


def read_balance(path: str | Path) -> pd.DataFrame:
    """The second table of `list_bought`."""
    return read_csv(path, BALANCE_COLUMNS)


def read_money(path: str | Path) -> pd.DataFrame:
    """The table of `price_costs`."""
    return read_csv(path, MONEY_COLUMNS)


def read_money_curves(path: str | Path) -> pd.DataFrame:
    """The second table of `price_costs`."""
    return read_csv(path, MONEY_CURVE_COLUMNS)


def read_proxy_savings(path: str | Path) -> pd.DataFrame:
    """The second table of `collect_costs`."""
    return read_csv(path, PROXY_SAVING_COLUMNS)


def read_replays(path: str | Path) -> pd.DataFrame:
    """The table of `compare_replays`."""
    return read_csv(path, REPLAY_COLUMNS)


def _tables(results: Results, experiment: Experiment) -> dict[str, list[TextTable]]:
    metric = experiment.metric
    return {
        **_curve_tables(results, metric),
        "combined": combined_tables(results.combined, metric),
        "carried_orders": carried_tables(results.carried_orders),
        "finetuning": finetuning_tables(results.finetuning, metric),
        "overall": _overall_tables(results),
        "pairwise": _pairwise_tables(results.pairwise),
        "trainings": training_tables(results.convergence),
        "levels": level_tables(results.levels),
        "power": power_tables(results.power),
        "headroom": headroom_tables(results.headroom),
        "stopping": stopping_tables(results.stopping),
        "classes": class_tables(results.classes, experiment),
        "groups": group_tables(results.groups, experiment),
        "worst_groups": worst_group_tables(results.curves),
        "across": across_tables(results.across),
    }


def _curve_tables(results: Results, metric: str) -> dict[str, list[TextTable]]:
    """The tables that every metric of an experiment has."""
    savings = results.savings[results.savings["metric"] == metric]
    return {
        "accuracy": accuracy_tables(results.curves, metric),
        "differences": comparison_tables(results.comparisons, metric),
        "savings": savings_tables(savings),
    }


def _published(
    experiment: Experiment, published: tuple[pd.DataFrame, pd.DataFrame] | None
) -> dict[str, list[TextTable]]:
    """Tables of the comparison with published curves; none where there is nothing to compare."""
    if published is None:
        return {"published": [], "orders": []}
    table, orders = published
    return {"published": published_tables(experiment, table), "orders": order_tables(orders)}


def _overall_tables(results: Results) -> list[TextTable]:
    """Area under the curve and mean rank of every strategy, per setting and split.

    Where areas are over different budgets, each has its range beside it.
    """
    keys = [*present(results.ranking, SETTING), "split"]
    ranks = {
        (*(row[key] for key in keys), row["strategy"]): f"{row['mean_rank']:.2f}"
        for _, row in results.ranking.iterrows()
    }
    place = {name: index for index, name in enumerate(ordered_splits(results.aubc["split"]))}
    tables = []
    for names, rows in sorted(
        groups(results.aubc, keys), key=lambda group: place[group[0]["split"]]
    ):
        ranges = _ranges(results.curves, names, rows["strategy"])
        differ = len(set(ranges.values())) > 1
        cells = tuple(
            (
                row["strategy"],
                *([_range_text(row["strategy"], ranges)] if differ else []),
                with_half_width(row["aubc"], row["half_width"], row["metric"]),
                "–"
                if math.isnan(row["difference"])
                else signed(row["difference"], row["difference_half_width"], row["metric"]),
                p_text(row["p_holm"]),
                ranks.get((*names.values(), row["strategy"]), "–"),
            )
            for _, row in rows.iterrows()
        )
        metric = of(rows["metric"].iloc[0])
        area, difference = f"area in {metric.unit}", f"difference in {metric.unit_of_differences}"
        over = ("area over labels",) if differ else ()
        columns = ("strategy", *over, area, difference, "p (Holm)", "mean rank")
        title = f"{names['split']}, {setting_name(names)}"
        tables.append(TextTable(title, columns, cells))
    return tables


def _ranges(
    curves: pd.DataFrame, names: Mapping[str, Any], strategies: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """Strategy → its first and last numbers of labels, in one setting and split."""
    for key, value in names.items():
        curves = curves[curves[key] == value]
    labels = curves[curves["strategy"].isin(strategies)].groupby("strategy")["num_labeled"]
    return {name: (int(part.min()), int(part.max())) for name, part in labels}


def _range_text(strategy: str, ranges: Mapping[str, tuple[int, int]]) -> str:
    """The labels that an area is over, and whether other areas are over more."""
    first, last = ranges[strategy]
    is_short = last < max(end for _, end in ranges.values())
    return f"{first:,} to {last:,}{' (fewer)' if is_short else ''}"


def _pairwise_tables(pairwise: pd.DataFrame) -> list[TextTable]:
    tables = []
    for names, rows in groups(pairwise, ["split"]):
        columns = [name for name in rows if name not in ("split", "strategy")]
        cells = tuple(
            (row["strategy"], *(known("{:.2f}".format, row[name]) for name in columns))
            for _, row in rows.iterrows()
        )
        tables.append(TextTable(names["split"], ("row beats column", *columns), cells))
    return tables
