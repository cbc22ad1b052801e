"""Text tables: one wide table per setting and split, as Markdown and as LaTeX."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labelbench_core.analysis.collected.ceilings import FULL_DATA, full_data_of, shown_names
from labelbench_core.analysis.collected.frames import (
    SETTING,
    groups,
    ordered_splits,
    setting_name,
)
from labelbench_core.analysis.collected.units import of, signed, with_half_width
from labelbench_core.analysis.comparisons.combined import BOTH, PROBLEM, SELECTION, TRAINING
from labelbench_core.analysis.comparisons.paired import SIGNIFICANCE
from labelbench_core.analysis.savings.label_savings import DEFINITIONS, interval_text, saving_text

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class TextTable:
    """A table ready for display: `cells` are text, the first `num_names` columns name the row."""

    title: str
    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    num_names: int = 1


COMPARED = {
    SELECTION: ("selecting adds to the same training", ["training", "strategy"]),
    TRAINING: ("training adds with the same strategy", ["training", "than", "strategy"]),
    BOTH: ("both add", ["training", "strategy", "reference"]),
}


def accuracy_tables(curves: pd.DataFrame, metric: str) -> list[TextTable]:
    """Mean ± half-width: a row per strategy, a column per number of labels.

    Ceilings follow the methods and are named as such.
    """
    import pandas as pd

    tables = []
    curves = curves[curves["metric"] == metric]
    for names, rows in groups(curves[curves["kind"] != FULL_DATA], SETTING):
        shown = pd.concat([rows, full_data_of(curves, names)])
        shown = shown.assign(strategy=shown_names(shown))
        for split in ordered_splits(rows["split"]):
            part = shown[shown["split"] == split]
            title = f"{split} {metric} in {of(metric).unit}, {setting_name(names)}"
            values = ("mean", "half_width")
            tables.append(_by_budget(title, part, values, ["strategy"], metric))
    return tables


def finetuning_tables(table: pd.DataFrame, metric: str) -> list[TextTable]:
    """Fine-tuned and proxy values (same seeds) and their paired difference."""
    tables = []
    table = table.assign(strategy=shown_names(table))
    for names, rows in groups(table[table["metric"] == metric], [*SETTING, "trainer"]):
        for split in ordered_splits(rows["split"]):
            part = rows[rows["split"] == split]
            cells = tuple(
                (
                    row["strategy"],
                    f"{row['num_labeled']:,}",
                    _validation(row),
                    with_half_width(row["finetuned"], row["finetuned_half_width"], metric),
                    with_half_width(row["proxy_value"], row["proxy_half_width"], metric),
                    signed(row["difference"], row["half_width"], metric),
                    p_text(row["p_holm"]),
                    str(row["n_seeds"]),
                )
                for _, row in part.iterrows()
            )
            where = f"{setting_name(names)}, {names['trainer']}"
            title = f"{split} {metric} in {of(metric).unit}, {where}"
            columns = (
                "strategy",
                "labels",
                "for validation",
                "fine-tuned",
                "proxy",
                "difference",
                "p (Holm)",
                "seeds",
            )
            tables.append(TextTable(title, columns, cells))
    return tables


def _validation(row: pd.Series) -> str:
    """Labels for validation: part of those bought, or in addition to them."""
    if row["extra_labels"]:
        return f"{row['extra_labels']:,} more"
    return f"{row['held_out_labels']:,} of these" if row["held_out_labels"] else "–"


def combined_tables(combined: pd.DataFrame, metric: str) -> list[TextTable]:
    """Every training with every strategy: values, and what each of the two adds.

    One table of values for each problem, one for each kind of comparison.
    """
    tables = []
    for names, rows in groups(combined[combined["metric"] == metric], [*PROBLEM, "trained"]):
        where = setting_name(names, [*PROBLEM, "trained"])
        for split in ordered_splits(rows["split"]):
            part = rows[rows["split"] == split]
            place = {name: number for number, name in enumerate(dict.fromkeys(part["training"]))}
            keys = ["training", "strategy"]
            values = part.drop_duplicates([*keys, "num_labeled"])
            title = f"{split} {metric} in {of(metric).unit}, {where}"
            tables.append(_by_budget(title, values, ("mean", "mean_half_width"), keys, metric))
            for compared, (adds, shown) in COMPARED.items():
                tests = part[part["compared"] == compared]
                if len(tests):
                    tests = tests.sort_values(
                        ["training", "reference_training"],
                        key=lambda names: names.map(place),
                        kind="stable",
                    )
                    than = tests["reference_training"]
                    reference = than + " + " + tests["reference_strategy"]
                    title = f"what {adds}, {_in_units(split, metric)}, {where}"
                    tests = tests.assign(than=than, reference=reference)
                    tables.append(_differences(title, tests, shown, metric))
    return tables


def savings_tables(savings: pd.DataFrame) -> list[TextTable]:
    """Label savings by both definitions with their intervals: a row per strategy and split.

    A table per setting; where there are several metrics, per metric, which its title then names.
    """
    metrics = list(dict.fromkeys(savings["metric"]))
    tables = []
    for metric in metrics:
        by = f" by {metric}" if len(metrics) > 1 else ""
        tables += _savings_tables(savings[savings["metric"] == metric], by)
    return tables


def _savings_tables(savings: pd.DataFrame, by: str) -> list[TextTable]:
    tables = []
    for names, rows in groups(savings, SETTING):
        cells = []
        for split in ordered_splits(rows["split"]):
            part = rows[rows["split"] == split]
            found = {(row["strategy"], row["definition"]): row for row in part.to_dict("records")}
            for strategy in dict.fromkeys(part["strategy"]):
                line = [strategy, split]
                for definition in DEFINITIONS:
                    row = found[strategy, definition]
                    line.append(saving_text(row["saving"], row["bound"]))
                    line.append(
                        interval_text(row["low"], row["low_bound"], row["high"], row["high_bound"])
                    )
                cells.append(tuple(line))
        baseline = rows["baseline"].iloc[0]
        columns = (
            "strategy",
            "split",
            f"saving at {baseline}'s last level",
            "95 % interval",
            "saving at own last level",
            "95 % interval",
        )
        tables.append(
            TextTable(
                f"label savings over {baseline}{by}, {setting_name(names)}",
                columns,
                tuple(cells),
                2,
            )
        )
    return tables


def comparison_tables(comparisons: pd.DataFrame, metric: str) -> list[TextTable]:
    """Paired differences to the baseline, starred where p (Holm) < 0.05."""
    tables = []
    for names, rows in groups(comparisons[comparisons["metric"] == metric], SETTING):
        for split in ordered_splits(rows["split"]):
            part = rows[rows["split"] == split]
            where = f"{_in_units(split, metric)}, {setting_name(names)}"
            title = f"difference to the baseline {where}"
            tables.append(_differences(title, part, ["strategy"], metric))
    return tables


def _in_units(split: str, metric: str) -> str:
    """The unit of differences, and which way is better where that is not up."""
    better = " (below 0 is better)" if of(metric).lower_is_better else ""
    return f"in {of(metric).unit_of_differences} of {split} {metric}{better}"


DIFFERENCE_COLUMNS = ("num_labeled", "difference", "half_width", "p_holm")


def _differences(title: str, rows: pd.DataFrame, names: Sequence[str], metric: str) -> TextTable:
    labels = sorted(set(rows["num_labeled"]))
    cells = []
    for name, part in groups(rows, names):
        found = {
            count: signed(difference, half, metric) + ("*" if p_value < SIGNIFICANCE else "")
            for count, difference, half, p_value in zip(
                *(part[column].tolist() for column in DIFFERENCE_COLUMNS), strict=True
            )
        }
        cells.append((*name.values(), *(found.get(count, "–") for count in labels)))
    columns = (*names, *(f"{count:,}" for count in labels))
    return TextTable(title, columns, tuple(cells), len(names))


def _by_budget(
    title: str, rows: pd.DataFrame, values: tuple[str, str], names: Sequence[str], metric: str
) -> TextTable:
    labels = sorted(set(rows["num_labeled"]))
    cells = []
    for name, part in groups(rows, names):
        found = {
            count: with_half_width(mean, half, metric)
            for count, mean, half in zip(
                *(part[column].tolist() for column in ("num_labeled", *values)), strict=True
            )
        }
        cells.append((*name.values(), *(found.get(count, "–") for count in labels)))
    columns = (*names, *(f"{count:,}" for count in labels))
    return TextTable(title, columns, tuple(cells), len(names))


def p_text(value: float) -> str:
    """A p-value with two significant digits; a dash where there is none."""
    if math.isnan(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.2g}"


def as_markdown(tables: Sequence[TextTable]) -> str:
    """All tables as Markdown, each under its title; numbers aligned to the right."""
    parts = []
    for table in tables:
        num_numbers = len(table.columns) - table.num_names
        rule = ["---"] * table.num_names + ["---:"] * num_numbers
        lines = [[_markdown(cell) for cell in line] for line in (table.columns, rule, *table.cells)]
        body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        parts.append(f"**{_markdown(table.title)}**\n\n{body}\n")
    return "\n".join(parts) if parts else "No results.\n"


def _markdown(text: str) -> str:
    """Text in a cell, which a bare `|` would end."""
    return text.replace("|", r"\|")


LATEX_SIGNS = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "∞": r"$\infty$",
    "<": r"$<$",
    ">": r"$>$",
    "–": "--",
}


def as_latex(tables: Sequence[TextTable]) -> str:
    """All tables as LaTeX (needs the package booktabs)."""
    parts = []
    for table in tables:
        alignment = "l" * table.num_names + "r" * (len(table.columns) - table.num_names)
        lines = [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_latex(table.title)}}}",
            rf"\begin{{tabular}}{{{alignment}}}",
            r"\toprule",
            " & ".join(map(_latex, table.columns)) + r" \\",
            r"\midrule",
            *(" & ".join(map(_latex, row)) + r" \\" for row in table.cells),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts) if parts else "% No results.\n"


def _latex(text: str) -> str:
    return "".join(LATEX_SIGNS.get(sign, sign) for sign in text)
