"""What the folder of a report holds: its tables, figures and pages.

Rules declare these files, the analysis writes them, the report reads them. Imports nothing but the
standard library.
"""

from typing import Any

FOLDER = "results/reports/{experiment}"

METRICS = "metrics"
"""Name of the table of all rounds as measured; `FINETUNED` is that of all fine-tunings."""
FINETUNED = "finetuned"
SIGNALS = "signals"
"""Name of the table of what every round records for rules that decide when to stop."""
HITS = "hits"
"""Name of the table of hits by class and group; empty where an experiment does not ask for it."""
TABLES = (
    "curves",
    "comparisons",
    "savings",
    "aubc",
    "best",
    "ranking",
    "pairwise",
    "levels",
    "power",
    "headroom",
    "stopping",
    "classes",
    "groups",
    "across",
    "profiles",
    "combined",
    "carried_orders",
    "finetuning",
    "convergence",
)
"""Names of the tables that are computed from those above, each a CSV file."""
TEXT_TABLES = (
    "curves",
    "savings",
    "levels",
    "power",
    "headroom",
    "stopping",
    "across",
    "combined",
    "carried_orders",
    "finetuning",
)
"""Names of the tables that are also written in `TEXT_FORMATS`."""
TEXT_FORMATS = ("md", "tex")
REFERENCE, ORDERS = "reference", "orders"
"""Names of the tables that compare with published curves; the first is also in `TEXT_FORMATS`."""

PLOT_METRIC = "plot_metric"
"""Name of the rule that runs once for each further metric of an experiment."""
FIGURES_OF = {
    "plot_label_efficiency": (
        "label_efficiency",
        "difference",
        "pairwise",
        "classes",
        "class_balance",
    ),
    "plot_groups": ("groups",),
    "plot_label_savings": ("label_savings", "labels_needed", "profiles", "stopping"),
    "plot_headroom": ("headroom",),
    "plot_ranks": ("critical_difference",),
    "plot_panels": ("panels",),
    "plot_finetuning": ("finetuning",),
    "plot_costs": ("costs",),
    "plot_money": ("money",),
    PLOT_METRIC: ("label_efficiency-{metric}", "difference-{metric}", "label_savings-{metric}"),
}
"""Rule → the figures that it draws, in the report's order; `{metric}` is each further metric."""
FIGURE_FORMATS = ("png", "pdf", "svg")
ONLY_WITH = {
    "plot_groups": "by_group",
    "plot_finetuning": "trainers",
    "plot_headroom": "ceilings",
    "plot_ranks": "several_datasets",
    "plot_panels": "panels",
    "compare_published": "references",
    "price_costs": "priced",
    "plot_money": "priced",
    PLOT_METRIC: "further_metrics",
}
"""Rules that run only where an experiment has some of these (attribute of `Experiment`)."""
BOUGHT = "bought"
"""Name of the table of all labels that were bought; `BALANCE` is that of their classes."""
BALANCE = "balance"
SHEETS = f"{FOLDER}/bought.html"
"""Path of the page with rows of every batch; its template is in `labelbench_core/report`."""
SHEETS_TEMPLATE = "sheets_template.html"
COMPARE_REPLAYS = "compare_replays"
"""Name of the rule that runs where an experiment buys recorded lists and has strategies of the same
names."""
REPLAYS = "replay"
"""Name of the table that it makes, in `TEXT_FORMATS`, too."""


def jobs(rule: str, experiment: Any) -> list[dict[str, str]]:
    """The ids of a rule's jobs for the report of an `Experiment`; none where it does not run."""
    if rule in ONLY_WITH and not getattr(experiment, ONLY_WITH[rule]):
        return []
    ids = {"experiment": experiment.experiment}
    if rule == PLOT_METRIC:
        return [{**ids, "metric": metric} for metric in experiment.further_metrics]
    return [ids]


def figures(experiment: Any) -> list[str]:
    """Names of the figures of an experiment, in the report's order."""
    return [
        name.format_map(ids)
        for rule, names in FIGURES_OF.items()
        for ids in jobs(rule, experiment)
        for name in names
    ]


def table(name: str, suffix: str = "csv") -> str:
    """Path of a table, the experiment's name in braces."""
    return f"{FOLDER}/tables/{name}.{suffix}"


def figure(name: str) -> tuple[str, ...]:
    """Paths of a figure in all formats, ids in braces."""
    return tuple(f"{FOLDER}/figures/{name}.{suffix}" for suffix in FIGURE_FORMATS)


SUMMARY = table("summary", "json")
COSTS = f"{FOLDER}/costs.csv"
MONEY = f"{FOLDER}/money.csv"
"""Path of the costs in money, in `TEXT_FORMATS`, too; like the costs, it depends on the machine."""
MONEY_CURVES = f"{FOLDER}/money_curves.csv"
"""Path of the metrics against costs in money."""
PROXY_SAVINGS = f"{FOLDER}/proxy_savings.csv"
"""Path of what selecting by proxy saves over fine-tuning in every round."""
PAGE = f"{FOLDER}/report.html"
PAGE_PARTS = (
    "report_template.html",
    "report.css",
    "report_charts.js",
    "report_parts.js",
    "report_tables.js",
    "report.js",
)
"""Files in `labelbench_core/report` that the page is made of, its scripts in their order."""
