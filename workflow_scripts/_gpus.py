"""Which GPUs a job computes on, where jobs share a machine that has several.

Snakemake counts GPUs (`--resources gpu=4`) but does not say which. Each job therefore locks as many
devices as it was granted, and sees no others.
"""

import fcntl
import logging
import os
import time
import urllib.parse
from pathlib import Path

log = logging.getLogger("labelbench")

# In the folder where Snakemake runs: on another machine, the same numbers mean other devices.
FOLDER = Path(".snakemake/gpus")
SECONDS_BETWEEN_LOOKS = 0.5
# Kept open, and so locked, for as long as this process lives.
_held: list[int] = []


def take(count: int) -> None:
    """Wait for `count` GPUs that no other job has, and let this process see only these.

    Does nothing if there is no choice: if the scheduler of a cluster has given the job no more
    devices than it requested, on a machine with one, or if LABELBENCH_DEVICE names one. Call it
    before CUDA starts. The kernel frees the devices when this process and those that it started
    with `close_fds=False` are gone.
    """
    devices = visible()
    if not 0 < count < len(devices) or os.environ.get("LABELBENCH_DEVICE"):
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    free = _lock(devices, count)
    if len(free) < count:
        log.info("waiting for %d of the GPUs %s", count, ", ".join(devices))
    while len(free) < count:
        time.sleep(SECONDS_BETWEEN_LOOKS)
        free = _lock(devices, count)
    for descriptor in free.values():
        os.set_inheritable(descriptor, True)
    _held.extend(free.values())
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(free)


def visible() -> list[str]:
    """Names of the GPUs that this process may use, as CUDA_VISIBLE_DEVICES has them."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        return [str(number) for number in range(len(list(Path("/dev").glob("nvidia[0-9]*"))))]
    names = [name.strip() for name in chosen.split(",")]
    return [name for name in names if name not in ("", "-1")]


def _lock(devices: list[str], count: int) -> dict[str, int]:
    """Device → locked descriptor of `count` of them; none if fewer are free."""
    held: dict[str, int] = {}
    for device in devices:
        name = f"{os.uname().nodename}-{urllib.parse.quote(device, safe='')}.lock"
        descriptor = os.open(FOLDER / name, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        held[device] = descriptor
        if len(held) == count:
            return held
    for descriptor in held.values():
        os.close(descriptor)
    return {}
