"""Draw label savings over the baseline, labels needed by level, profiles, and stopping."""

import argparse
import sys
from pathlib import Path

from labelbench_core.analysis.collected.frames import SETTING, read_csv
from labelbench_core.analysis.savings.label_savings import SAVING_COLUMNS
from labelbench_core.analysis.savings.profiles import PROFILE_COLUMNS
from labelbench_core.analysis.stopping.stopping_points import STOPPING_COLUMNS
from labelbench_core.analysis.targets.levels import LEVEL_COLUMNS
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.figures.label_savings import draw_savings
from labelbench_core.figures.labels_needed import draw_labels_needed
from labelbench_core.figures.profiles import draw_profiles
from labelbench_core.figures.stopping import draw_stopping
from labelbench_core.figures.style import drawing, save
from workflow_scripts._job import job_parser, run_job


def plot(arguments: argparse.Namespace) -> None:
    """Write label_savings, labels_needed, profiles and stopping as PNG, PDF and SVG."""
    experiment = Experiment.from_json(arguments.experiment)
    savings = read_csv(arguments.savings, [*SETTING, *SAVING_COLUMNS])
    levels = read_csv(arguments.levels, [*SETTING, *LEVEL_COLUMNS])
    profiles = read_csv(arguments.profiles, PROFILE_COLUMNS)
    stopping = read_csv(arguments.stopping, [*SETTING, *STOPPING_COLUMNS])
    with drawing():
        save(draw_savings(savings, experiment), arguments.figures, "label_savings")
        save(draw_labels_needed(levels, experiment), arguments.figures, "labels_needed")
        save(draw_profiles(profiles, experiment), arguments.figures, "profiles")
        save(draw_stopping(stopping, experiment), arguments.figures, "stopping")


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--experiment", required=True, help="what is crossed, as JSON")
    parser.add_argument("--savings", required=True, type=Path, help="savings.csv of tabulate")
    parser.add_argument("--levels", required=True, type=Path, help="levels.csv of tabulate")
    parser.add_argument("--profiles", required=True, type=Path, help="profiles.csv of tabulate")
    parser.add_argument("--stopping", required=True, type=Path, help="stopping.csv of tabulate")
    parser.add_argument("--figures", required=True, type=Path, help="folder to write figures to")
    return run_job(plot, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
