"""Jobs in forks of a process that has imported the packages: most of a small job's time is imports.

A program `python`, which Snakemake takes for its interpreter, hands what it is asked to run
(`-m workflow_scripts.NAME …`, Snakemake itself, helpers of tests), folder, environment and streams
to a server, and ends with the status of the fork that ran it. The server has imported packages of
others and nothing of this project: a fork takes the code of the folder in which it runs, as a
process of its own does. It ends where its program is killed: tests that look for a job's process,
to kill it, find the program.
"""

import array
import atexit
import contextlib
import functools
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from pathlib import Path

PACKAGES = (
    "fontTools.subset", "jinja2", "jsonschema", "matplotlib.backends.backend_pdf",
    "matplotlib.backends.backend_svg", "matplotlib.pyplot", "numpy", "open_clip", "pandas",
    "PIL.Image", "safetensors.torch", "scipy.stats", "sklearn.datasets", "sklearn.linear_model",
    "snakemake.cli", "timm", "torch", "torch.utils.flop_counter", "torchvision", "yaml", "zarr",
)  # fmt: skip
CLIENT = '''#!{python} -IS
"""As `python`, but Snakemake, jobs, commands and helpers of tests are run by forks."""
import array, json, os, socket, sys

arguments = sys.argv[1:]
module = arguments[1] if arguments[:1] == ["-m"] else ""
if module.partition(".")[0] not in ("snakemake", "tests", "workflow_scripts"):
    os.execv("{python}", ["{python}", *arguments])
with socket.socket(socket.AF_UNIX) as server:
    server.connect("{address}")
    asked = [__file__, arguments[1:], os.getcwd(), dict(os.environ)]
    streams = array.array("i", (0, 1, 2))
    server.sendmsg([b"?"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
    server.sendall(json.dumps(asked).encode())
    server.shutdown(socket.SHUT_WR)
    answer = server.recv(16)
status = int(answer or 1)
if status < 0:
    os.kill(os.getpid(), -status)
os._exit(status)
'''


@functools.cache
def python():
    """Path of the program; its server ends with the process of the tests."""
    folder = Path(tempfile.mkdtemp())
    address = folder / "server"
    command = [sys.executable, "-P", __file__, str(address)]
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # as the rules of rounds say
    server = subprocess.Popen(
        command,
        env={**os.environ, **one_thread},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout.readline() == "ready\n"
    atexit.register(server.communicate)  # the end of its input is its end
    (folder / "python").write_text(CLIENT.format(python=sys.executable, address=address))
    (folder / "python").chmod(0o755)
    return folder / "python"


def _serve(address):
    import importlib

    for package in PACKAGES:
        importlib.import_module(package)
    sys.modules["snakemake.cli"].get_argument_parser()  # which imports all plug-ins
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(16)
        print("ready", flush=True)
        threading.Thread(target=_end_with_input, daemon=True).start()
        while True:
            client, _ = listening.accept()
            if os.fork():
                client.close()
                _reap()
                continue
            listening.close()
            _wait_for_job(client)


def _end_with_input():
    sys.stdin.read()
    os._exit(0)


def _reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _wait_for_job(client):
    """In a fork: run the job in another, and answer with its status."""
    streams = array.array("i", [0, 0, 0])
    _, ancillary, _, _ = client.recvmsg(1, socket.CMSG_SPACE(streams.itemsize * 3))
    streams = array.array("i")
    streams.frombytes(ancillary[0][2])
    with client.makefile("rb") as asked:
        asked = json.loads(asked.read())
    job = os.fork()
    if not job:
        client.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        _be_the_job(*asked)
    _kill_with(client, job)
    _, status = os.waitpid(job, 0)
    with contextlib.suppress(OSError):  # nobody is there any more
        client.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _kill_with(client, job):
    """Wait for the end of the job; where its program has ended before, end it."""
    ends = select.poll()
    ends.register(client, 0)  # tells when both its directions are closed
    ends.register(os.pidfd_open(job), select.POLLIN)
    ended = [number for number, _ in ends.poll()]
    if client.fileno() in ended:
        os.kill(job, signal.SIGKILL)  # nobody has waited for it: it is still this process


def _be_the_job(program, arguments, folder, environment):
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    _use_threads(int(environment.get("OMP_NUM_THREADS") or os.cpu_count()))
    sys.executable = program  # what it starts is run by forks, too
    module, *rest = arguments
    if module != "snakemake":
        _remember_code()
    sys.argv = ["-m", *rest]
    end_quickly(lambda: runpy.run_module(module, run_name="__main__", alter_sys=True))


def _remember_code():
    """Trainings hash their code: what the plan has parsed is not parsed again."""
    from labelbench_core import provenance

    provenance.remember()


def _use_threads(number):
    """As a process of its own finds in its environment: sums over other parts round differently."""
    import threadpoolctl
    import torch

    torch.set_num_threads(number)
    threadpoolctl.threadpool_limits(number)


def end_quickly(program):
    """Run to the end of the process, but for freeing what the server has imported."""
    status = 0
    try:
        program()
    except SystemExit as error:
        status = error.code
        if not isinstance(status, int | None):
            print(status, file=sys.stderr)
            status = 1
    except BaseException:
        traceback.print_exc()
        status = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status or 0)


if __name__ == "__main__":
    _serve(sys.argv[1])
