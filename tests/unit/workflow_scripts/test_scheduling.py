"""Snakemake's scheduler looks for jobs to start once in a while, however many have ended."""

import inspect
import threading
import time

from snakemake.scheduling.job_scheduler import JobScheduler

from workflow_scripts._scheduling import look_again_once

DELAY = 0.05


class Looking:
    """What `look_again_once` uses of a scheduler: each look has another one follow."""

    def __init__(self):
        self._open_jobs = threading.Semaphore(0)

    def _schedule_reevalutation(self, delay):
        threading.Timer(delay, self._open_jobs.release).start()

    def look(self):
        assert self._open_jobs.acquire(timeout=60)
        self._schedule_reevalutation(DELAY)


def waiting():
    return sum(isinstance(thread, threading.Timer) for thread in threading.enumerate())


def test_jobs_that_end_add_no_looks_for_good():
    scheduler, before = Looking(), waiting()
    look_again_once(scheduler)
    scheduler._open_jobs.release(200)  # so many jobs have ended
    for _ in range(200):
        scheduler.look()
    begun = time.monotonic()
    for _ in range(5):  # it goes on, with one at a time
        scheduler.look()
        assert waiting() <= before + 2  # one of them may be about to end
    assert time.monotonic() - begun >= 3 * DELAY


def test_snakemake_still_has_what_is_replaced():
    assert list(inspect.signature(JobScheduler._schedule_reevalutation).parameters) == [
        "self",
        "delay",
    ]
    assert "self._schedule_reevalutation(" in inspect.getsource(JobScheduler.schedule)
    assert "self._open_jobs.acquire()" in inspect.getsource(JobScheduler.schedule)


def test_a_scheduler_without_it_is_left_alone():
    look_again_once(object())
