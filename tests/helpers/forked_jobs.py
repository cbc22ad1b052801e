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
import importlib.util
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
import weakref
from pathlib import Path

PACKAGES = (
    "fontTools.subset", "jinja2", "jsonschema", "matplotlib.backends.backend_pdf",
    "matplotlib.backends.backend_svg", "matplotlib.pyplot", "numpy", "open_clip", "pandas",
    "PIL.Image", "safetensors.torch", "scipy.stats", "sklearn.datasets", "sklearn.linear_model",
    "smart_open", "snakemake.cli",
    "timm", "torch", "torch.utils.flop_counter", "torchvision", "yaml", "zarr",
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
    """Run what is asked for in forks, and answer with their statuses, until the input ends."""
    _import_packages()
    jobs = _Jobs()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(16)
        print("ready", flush=True)
        jobs.wait_for(listening)


def _import_packages():
    """Without torch's compiler, as jobs do: each fork would copy what it takes, twice the rest."""
    path = Path(__file__).parents[2] / "labelbench_core/backbones/shared/libraries.py"
    spec = importlib.util.spec_from_file_location("libraries_of_forks", path)
    libraries = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(libraries)
    for package in PACKAGES:
        getattr(libraries, package, functools.partial(importlib.import_module, package))()
    assert libraries.COMPILER not in sys.modules
    sys.modules["snakemake.cli"].get_argument_parser()  # which imports all plug-ins
    _use_threads(1)
    leave_alone()


def leave_alone():
    """What is imported is none of a fork's business: its end would take half of it apart."""
    for finalizer in weakref.finalize._registry:
        finalizer.atexit = False
    gc.collect()
    gc.freeze()


class _Jobs:
    """Forks that run, and who waits for them."""

    def __init__(self):
        self.events = select.poll()
        self.clients = {}  # process → socket of the program that waits for it
        self.by_number = {}  # of a process, and of its client's socket → process

    def wait_for(self, listening):
        self.events.register(sys.stdin, select.POLLIN)
        self.events.register(listening, select.POLLIN)
        while True:
            for number, event in self.events.poll():
                if number == sys.stdin.fileno():
                    for job in self.clients:
                        os.kill(job, signal.SIGKILL)
                    return
                if number == listening.fileno():
                    self._start(listening)
                elif number in self.by_number:
                    self._end(number, event)

    def _start(self, listening):
        client, _ = listening.accept()
        try:
            streams, asked = _request(client)
        except (OSError, ValueError):  # its program was killed
            client.close()
            return
        job = os.fork()
        if not job:
            for other in (listening, client, *self.clients.values()):
                other.close()
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
            _be_the_job(*asked)
        for stream in streams:
            os.close(stream)
        self.clients[job] = client
        for number, events in ((os.pidfd_open(job), select.POLLIN), (client.fileno(), 0)):
            self.events.register(number, events)  # 0: tells when both directions are closed
            self.by_number[number] = job

    def _end(self, number, event):
        """Answer for a job that has ended; end one whose program has ended before."""
        job = self.by_number[number]
        if number == self.clients[job].fileno():
            os.kill(job, signal.SIGKILL)  # nobody has waited for it: it is still this process
            self.events.unregister(number)
            return
        _, status = os.waitpid(job, 0)
        with self.clients.pop(job) as client:
            with contextlib.suppress(KeyError):
                self.events.unregister(client)
            with contextlib.suppress(OSError):  # nobody is there any more
                client.sendall(str(os.waitstatus_to_exitcode(status)).encode())
            del self.by_number[client.fileno()]
        self.events.unregister(number)
        del self.by_number[number]
        os.close(number)


def _request(client):
    """The streams that a program hands over, and what it asks for."""
    streams = array.array("i", [0, 0, 0])
    _, ancillary, _, _ = client.recvmsg(1, socket.CMSG_SPACE(streams.itemsize * 3))
    if not ancillary:
        raise ValueError("no streams")
    streams = array.array("i")
    streams.frombytes(ancillary[0][2])
    with client.makefile("rb") as asked:
        return streams, json.loads(asked.read())


def _be_the_job(program, arguments, folder, environment):
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    sys.executable = program  # what it starts is run by forks, too
    module, *rest = arguments
    if module != "snakemake":
        threads = int(environment.get("OMP_NUM_THREADS") or os.cpu_count())
        if threads > 1:
            _use_threads(threads)
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
