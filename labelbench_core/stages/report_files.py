"""What the folder of a report holds: its tables, figures and pages.

Rules declare these files, the analysis writes them, the report reads them. Imports nothing.
"""

FOLDER = "results/reports/{experiment}"

METRICS = "metrics"
"""Name of the table of all rounds as measured; `FINETUNED` is that of all fine-tunings."""
FINETUNED = "finetuned"
TABLES = (
    "curves",
    "comparisons",
    "savings",
    "aubc",
    "best",
    "ranking",
    "pairwise",
    "combined",
    "finetuning",
    "convergence",
)
"""Names of the tables that are computed from them, each a CSV file."""
TEXT_TABLES = ("curves", "savings", "combined", "finetuning")
"""Those that are also written in `TEXT_FORMATS`."""
TEXT_FORMATS = ("md", "tex")
REFERENCE, ORDERS = "reference", "orders"
"""Names of the tables that compare with published curves; the first is also in `TEXT_FORMATS`."""

FIGURES_OF = {
    "plot_label_efficiency": ("label_efficiency", "difference"),
    "plot_label_savings": ("label_savings",),
    "plot_panels": ("panels",),
    "plot_finetuning": ("finetuning",),
    "plot_costs": ("costs",),
}
"""Rule → the figures that it draws, in the report's order."""
FIGURE_FORMATS = ("png", "pdf", "svg")
ONLY_WITH = {
    "plot_finetuning": "trainers",
    "plot_panels": "panels",
    "compare_published": "references",
    "price_costs": "priced",
}
"""Rules that run only where an experiment has some of these (attribute of `Experiment`)."""
BOUGHT = "bought"
"""Name of the table of all labels that were bought."""
COMPARE_REPLAYS = "compare_replays"
"""Runs where an experiment buys recorded lists and has strategies of the same names."""
REPLAYS = "replay"
"""Name of the table that it makes, in `TEXT_FORMATS`, too."""


def runs(rule: str, experiment: object) -> bool:
    """Whether a rule of the report runs for an experiment."""
    return rule not in ONLY_WITH or bool(getattr(experiment, ONLY_WITH[rule]))


def figures(experiment: object) -> list[str]:
    """Names of the figures of an experiment, in the report's order."""
    return [name for rule, names in FIGURES_OF.items() for name in names if runs(rule, experiment)]


def table(name: str, suffix: str = "csv") -> str:
    """Path of a table, the experiment's name in braces."""
    return f"{FOLDER}/tables/{name}.{suffix}"


def figure(name: str) -> tuple[str, ...]:
    """Paths of a figure in all formats, the experiment's name in braces."""
    return tuple(f"{FOLDER}/figures/{name}.{suffix}" for suffix in FIGURE_FORMATS)


SUMMARY = table("summary", "json")
COSTS = f"{FOLDER}/costs.csv"
MONEY = f"{FOLDER}/money.csv"
"""Like the costs that it is made from, it depends on the machine; in `TEXT_FORMATS`, too."""
ONLY_WITH_PRICES = frozenset({"price_costs"})
"""Rules that run where an experiment gives prices."""
PAGE = f"{FOLDER}/report.html"
