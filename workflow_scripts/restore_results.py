"""Make lost results again, and nothing that was made from them.

    python -m workflow_scripts.restore_results [--configfile FILE] [options of Snakemake]

Snakemake alone would, in one run, also make again everything that was made from a lost file. This
command makes what is missing, stage by stage, each in a run of its own. A file with the same bytes
as before gets its former time, so that nothing made from it runs again, however large it is. A file
with different bytes is named: what was made from it, and from what is restored after it, runs again
in the next run of Snakemake. If interrupted, run the same command again.
"""

import argparse
import itertools
import sys

from labelbench_core.stages.left_out import left_out
from workflow_scripts._experiment import (
    Snakemake,
    command_parser,
    experiment_of,
    missing_of,
    run_command,
)
from workflow_scripts._noted_outputs import Former


def restore_results(arguments: argparse.Namespace, options: list[str]) -> None:
    experiment, jobs = experiment_of(arguments.configfile, arguments.config)
    name = experiment.experiment
    not_wanted = frozenset() if arguments.left_out else left_out(name)
    snakemake = Snakemake(arguments.configfile, arguments.config, arguments.cores, options)
    outputs = [one.path for job in jobs for one in job.outputs]
    former = Former()
    # Files made since, without a record, may have been made from files other than those recorded.
    others = former.other(outputs)
    if others:
        print(
            f"not as recorded: {others[0]}{_and_more(len(others) - 1)}: made by a run that did not "
            "finish, or edited or damaged since (delete such files); restored files therefore "
            "count as new, and everything made from them runs again"
        )
    else:
        former.put_times_back(outputs)  # those that an interrupted run of this command made again
    lost = [(job, missing) for job in jobs if (missing := missing_of(job, not_wanted))]
    print(f"missing: {sum(len(missing) for _, missing in lost)} of {len(outputs)} results")
    lost.sort(key=lambda one: one[0].phase)
    for _, phase in itertools.groupby(lost, key=lambda one: one[0].phase):
        made = list(phase)
        targets = [path for _, missing in made for path in missing]
        print(f"{made[0][0].stage.name}: {targets[0]}{_and_more(len(targets) - 1)}", flush=True)
        snakemake.make(targets)
        if others:
            continue
        others = former.other(outputs)
        for path in others:
            known = path in former.noted
            what = "differs from before" if known else "no record of what it was before"
            print(f"{what}: {path}: everything made from it runs again")
        if not others:
            # Not only for lost files: remaking a temporary file reruns others.
            former.put_times_back(outputs)
    former.forget()
    plan = snakemake.left_to_do()
    print(
        "nothing is missing: nothing to be done" if plan is None else f"still to be made:\n{plan}"
    )


def _and_more(count: int) -> str:
    return f" and {count} more" if count else ""


def main(argv: list[str] | None = None) -> int:
    parser = command_parser(__doc__)
    whole = "also make what a slim archive left out on purpose"
    parser.add_argument("--left-out", action="store_true", help=whole)
    return run_command(restore_results, *parser.parse_known_args(argv))


if __name__ == "__main__":
    sys.exit(main())
