"""Print an experiment's headline numbers and where its report, figures and tables are."""

import argparse
import sys

from labelbench_core.analysis.summary import summary_lines
from labelbench_core.errors import InputError
from labelbench_core.stages import report_files
from labelbench_core.storage.records import read_record

QUICKSTART = "quickstart"
FIGURE_1 = "snakemake --cores all --configfile config/paper/figure-1.yaml"


def show(arguments: argparse.Namespace) -> None:
    """Print to standard output."""
    summary = report_files.SUMMARY.format(experiment=arguments.experiment)
    expected = {"experiment": arguments.experiment}
    print("\n".join(summary_lines(read_record(summary, "summary", expected))))
    print()
    places = {
        "report": report_files.PAGE,
        "figures": f"{report_files.FOLDER}/figures",
        "tables": f"{report_files.FOLDER}/tables",
    }
    for name, place in places.items():
        print(f"{name:8s} {place.format(experiment=arguments.experiment)}")

    if arguments.experiment == QUICKSTART:
        print()
        print(f"Figure 1 of the paper (a GPU, ImageNet): {FIGURE_1}")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", required=True, help="its name, as in its file")
    try:
        show(parser.parse_args(argv))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
