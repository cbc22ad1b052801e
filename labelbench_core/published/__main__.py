"""Print the published settings: `python -m labelbench_core.published`."""

import argparse
import sys

from labelbench_core.piping import until_reader_leaves
from labelbench_core.published.settings import settings

HEAD = ("name", "data set", "backbone", "trained", "by", "labels", "seeds", "metric", "figure")


@until_reader_leaves()
def main(argv: list[str] | None = None) -> int:
    """Print a line for each setting; the exit status."""
    argparse.ArgumentParser(description=__doc__).parse_args(argv)
    lines = [HEAD]
    for one in settings():
        trained = f"{one.trained}, selected by shallow" if one.proxy else one.trained
        data = one.dataset if one.annotator == "exact" else f"{one.dataset}, {one.annotator}"
        labels = f"{one.batch:,} x {one.rounds}"
        figures = ", ".join(one.figures) or "-"
        seeds = str(len(one.seeds))
        row = (one.name, data, one.backbone, trained, one.training.method, labels, seeds)
        lines.append((*row, one.metric, figures))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(map(str.ljust, line, widths)).rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
