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

FIGURES_OF = {
    "plot_label_efficiency": ("label_efficiency", "difference"),
    "plot_label_savings": ("label_savings",),
    "plot_finetuning": ("finetuning",),
    "plot_costs": ("costs",),
}
"""Rule → the figures that it draws, in the report's order."""
FIGURE_FORMATS = ("png", "pdf", "svg")
ONLY_WITH_FINETUNING = frozenset({"plot_finetuning"})
"""Rules that run only if an experiment fine-tunes."""


def figures(*, finetuning: bool) -> list[str]:
    """Names of the figures of an experiment, in the report's order."""
    return [
        name
        for rule, names in FIGURES_OF.items()
        for name in names
        if finetuning or rule not in ONLY_WITH_FINETUNING
    ]


def table(name: str, suffix: str = "csv") -> str:
    """Path of a table, the experiment's name in braces."""
    return f"{FOLDER}/tables/{name}.{suffix}"


def figure(name: str) -> tuple[str, ...]:
    """Paths of a figure in all formats, the experiment's name in braces."""
    return tuple(f"{FOLDER}/figures/{name}.{suffix}" for suffix in FIGURE_FORMATS)


SUMMARY = table("summary", "json")
COSTS = f"{FOLDER}/costs.csv"
PAGE = f"{FOLDER}/report.html"
