"""Snakemake's scheduler, where it would take much of a core for itself."""

import threading
from typing import Any


def look_again_once(scheduler: Any) -> None:
    """Let a scheduler look for jobs to start once in a while, however many have ended.

    Snakemake limits how many jobs start in a second. So that none waits longer, every look at the
    jobs has another one follow a second later. But each job that ends adds a look of its own, and
    all of these go on for good: with some hundred jobs they took a third of a core. Here a look has
    another one follow only if none is to follow already.

    Parameters
    ----------
    scheduler
        Snakemake's, of this run: its semaphore `_open_jobs` lets a look through, and
        `_schedule_reevalutation` (so spelt) has another one follow.
    """
    waits = threading.Lock()

    def look() -> None:
        waits.release()
        scheduler._open_jobs.release()

    def follow(delay: float) -> None:
        if waits.acquire(blocking=False):
            timer = threading.Timer(delay, look)
            timer.daemon = True  # nothing waits for it at the end
            timer.start()

    if hasattr(scheduler, "_schedule_reevalutation"):
        scheduler._schedule_reevalutation = follow
