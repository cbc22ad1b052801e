"""Read Snakemake's output and show how many jobs are done: `snakemake … 2>&1 | show_progress`."""

import re
import sys
import time

STEPS = re.compile(r"(\d+) of (\d+) steps \(.*\) done")
# Snakemake's output for each job; everything else is passed on.
ROUTINE = re.compile(
    r"Select jobs to execute\.\.\.|Execute \d+ jobs\.\.\.|\[\w{3} \w{3} .*\]|Finished jobid: .*"
)
EVERY = 10.0  # seconds between two lines if there is no terminal


def main() -> None:
    on_terminal = sys.stdout.isatty()
    started = last = time.monotonic()
    for line in sys.stdin:
        steps = STEPS.fullmatch(line.strip())
        if steps is None:
            if not ROUTINE.fullmatch(line.strip()):
                print("\033[K" * on_terminal + line, end="", flush=True)
            continue
        done, total = map(int, steps.groups())
        now = time.monotonic()
        text = f"{done} of {total} jobs done, {now - started:.0f} s"
        if on_terminal:
            filled = 40 * done // total
            print(f"\033[K[{'#' * filled}{'.' * (40 - filled)}] {text}", end="\r", flush=True)
        elif now - last >= EVERY or done == total:
            last = now
            print(text, flush=True)
    if on_terminal:
        print("\033[K", end="")


if __name__ == "__main__":
    main()
