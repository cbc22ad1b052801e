"""Print an experiment's headline numbers and where its pages, figures and tables are."""

import argparse
import os
import sys
import webbrowser
from pathlib import Path

from labelbench_core.analysis.summary import summary_lines
from labelbench_core.errors import InputError
from labelbench_core.stages import report_files
from labelbench_core.storage.records import read_record
from workflow_scripts import _snakefile as parsing
from workflow_scripts._campaign_file import is_campaign
from workflow_scripts._experiment import (
    PROJECT,
    add_experiment_arguments,
    asked_for,
    enter_directory,
)

QUICKSTART = "quickstart"
FIGURE_1 = "snakemake --cores all --configfile config/paper/figure-1.yaml"


def show(arguments: argparse.Namespace) -> None:
    """Print to standard output."""
    enter_directory(arguments)
    name = arguments.experiment or _name_in(arguments)
    if name is None:
        return  # Snakemake has said where the campaign stands
    summary = report_files.SUMMARY.format(experiment=name)
    expected = {"experiment": name}
    print("\n".join(summary_lines(read_record(summary, "summary", expected))))
    print()
    places = {
        "report": report_files.PAGE,
        "bought": report_files.SHEETS,
        "figures": f"{report_files.FOLDER}/figures",
        "tables": f"{report_files.FOLDER}/tables",
    }
    for what, place in places.items():
        print(f"{what:8s} {place.format(experiment=name)}")
    page = Path(report_files.PAGE.format(experiment=name)).resolve().as_uri()
    print(f"{'open':8s} {page}")

    if name == QUICKSTART:
        print()
        print(f"Figure 1 of the paper (a GPU, ImageNet): {FIGURE_1}")
    if arguments.offer and _has_desktop():
        _offer(page)


def _has_desktop() -> bool:
    """Whether a window can be opened, and somebody sits at the terminal to be asked."""
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(shown) and sys.stdin.isatty() and sys.stdout.isatty()


def _offer(page: str) -> None:
    """Ask whether to open the page in the browser; no answer is no."""
    try:
        answer = input("\nOpen the report in the browser? [y/N] ")
    except (EOFError, KeyboardInterrupt):
        answer = ""
        print()
    if answer.strip().lower() in ("y", "yes"):
        webbrowser.open(page)


def _name_in(arguments: argparse.Namespace) -> str | None:
    """Name of the experiment in `--configfile`, by default of the quickstart; None: a campaign."""
    wanted = asked_for(arguments.configfile, arguments.config)
    if is_campaign(wanted):
        return None
    return parsing.load(wanted, PROJECT)[0].experiment


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", help="name of the experiment, instead of --configfile")
    parser.add_argument(
        "--offer", action="store_true", help="on a desktop, offer to open the report"
    )
    add_experiment_arguments(parser)
    try:
        show(parser.parse_args(argv))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
