"""A process that has imported packages of others, and runs what it is asked to in forks of itself.

Run as a script, with the path of a socket, by `forked_jobs`. It has imported nothing of this
project: a fork takes the code of the folder in which it runs, as a process of its own does. To fork
a process that has imported torch takes longer than most jobs: those that need it are forks of a
second server, which is itself a fork of this one, from when the first of them comes.
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
import sys
import threading
import traceback
import weakref
from pathlib import Path

PACKAGES = (
    "altair", "fontTools.subset", "jinja2", "jsonschema", "matplotlib.backends.backend_pdf",
    "matplotlib.backends.backend_svg", "matplotlib.pyplot", "numpy", "pandas", "PIL.Image",
    "scipy.stats", "sklearn.datasets", "sklearn.linear_model", "smart_open", "snakemake.cli",
    "yaml", "zarr",
)  # fmt: skip
WITH_TORCH = (
    "torch", "open_clip", "safetensors.torch", "timm", "torch.utils.flop_counter", "torchvision",
)  # fmt: skip
SCRIPTS_WITH_TORCH = frozenset(
    {
        "build_zero_shot_head",
        "extract_embeddings",
        "extract_views",
        "finetune_model",
        "refresh_embeddings",
    }
)
ROUNDS = frozenset({"train_initial", "select_round"})
PROXIES_WITHOUT_TORCH = ("linear", "linear-ensemble")


class Asked:
    """What a program is asked to run, from bytes: parts that end with a zero byte.

    Attributes
    ----------
    program, folder
        Which Python it takes for its own, and where it runs.
    arguments
        The module and its arguments.
    environment
        Bytes → bytes.
    """

    def __init__(self, content):
        program, folder, number, *rest = content.split(b"\0")
        self.program, self.folder = os.fsdecode(program), os.fsdecode(folder)
        self.arguments = [os.fsdecode(part) for part in rest[: int(number)]]
        self.environment = dict(part.split(b"=", 1) for part in rest[int(number) :])

    def needs_torch(self):
        """Whether it would import torch: in a server that has not, it does so itself."""
        package, _, script = self.arguments[0].partition(".")
        if package != "workflow_scripts":
            return package == "tests"
        if script in ROUNDS:
            settings = json.loads(self.arguments[self.arguments.index("--settings") + 1])
            return settings["proxy"]["implementation"] not in PROXIES_WITHOUT_TORCH
        return script in SCRIPTS_WITH_TORCH


def serve(address):
    """Run what is asked for, and answer with its status, until the standard input ends."""
    _import(PACKAGES)
    sys.modules["snakemake.cli"].get_argument_parser()  # which imports all plug-ins
    _use_threads(1, 1)
    _leave_alone()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(16)
        print("ready", flush=True)
        _Server(listening).run()


def _import(packages):
    """Without torch's compiler, as jobs do: each fork would copy what it takes, twice the rest."""
    path = Path(__file__).parents[2] / "labelbench_core/backbones/shared/libraries.py"
    spec = importlib.util.spec_from_file_location("libraries_of_forks", path)
    libraries = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(libraries)
    for package in packages:
        getattr(libraries, package, functools.partial(importlib.import_module, package))()
    assert libraries.COMPILER not in sys.modules


def _leave_alone():
    """What is imported is none of a fork's business: its end would take half of it apart."""
    for finalizer in weakref.finalize._registry:
        finalizer.atexit = False
    gc.collect()
    gc.freeze()


class _Server:
    """Forks that run, and who waits for them.

    Parameters
    ----------
    asking
        Socket on which programs connect; in the server with torch, what the first one hands over.
    """

    def __init__(self, asking, *, has_torch=False):
        self.asking = asking
        self.has_torch = has_torch
        self.with_torch = None  # socket to the server with torch
        self.events = select.poll()
        self.clients = {}  # process → socket of the program that waits for it
        self.by_number = {}  # of a process, and of its client's socket → process

    def run(self):
        self.events.register(sys.stdin, select.POLLIN)
        self.events.register(self.asking, select.POLLIN)
        while True:
            for number, event in self.events.poll():
                if number == sys.stdin.fileno():
                    for job in self.clients:
                        os.kill(job, signal.SIGKILL)
                    return
                if number == self.asking.fileno():
                    self._start()
                elif number in self.by_number:
                    self._end(number, event)

    def _start(self):
        client = None
        try:
            if self.has_torch:
                streams, asked = _received(self.asking)
                client = socket.socket(fileno=streams.pop())
            else:
                client, _ = self.asking.accept()
                streams, asked = _received(client)
        except (OSError, ValueError):  # its program was killed
            if client is not None:
                client.close()
            return
        if not self.has_torch and Asked(asked).needs_torch():
            self._hand_over(asked, [*streams, client.fileno()])
            client.close()
        else:
            self._fork(client, streams, Asked(asked))
        for stream in streams:
            os.close(stream)

    def _fork(self, client, streams, asked):
        job = os.fork()
        if not job:
            for other in (self.asking, self.with_torch, client, *self.clients.values()):
                if other is not None:
                    other.close()
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
            _be_the_job(asked)
        self.clients[job] = client
        for number, events in ((os.pidfd_open(job), select.POLLIN), (client.fileno(), 0)):
            self.events.register(number, events)  # 0: tells when both directions are closed
            self.by_number[number] = job

    def _hand_over(self, asked, numbers):
        """Have the server with torch run it; from the first on there is one."""
        if self.with_torch is None:
            self.with_torch, its_own = socket.socketpair()
            if not os.fork():
                for other in (self.asking, self.with_torch, *self.clients.values()):
                    other.close()
                for number in numbers:
                    os.close(number)
                _import(WITH_TORCH)
                _use_threads(1, 1)
                _leave_alone()
                _Server(its_own, has_torch=True).run()
                os._exit(0)
            its_own.close()
        content = os.memfd_create("asked")
        os.write(content, asked)
        socket.send_fds(self.with_torch, [b"?"], [content, *numbers])
        os.close(content)

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


def _received(asking):
    """File descriptors that are handed over, and what is asked for.

    A program sends its streams, and what it asks for as far as it sends; the first server a file
    with what is asked for, the streams and the program's socket.
    """
    numbers = array.array("i")
    _, ancillary, _, _ = asking.recvmsg(1, socket.CMSG_SPACE(5 * numbers.itemsize))
    if not ancillary:
        raise ValueError("no streams")
    numbers.frombytes(ancillary[0][2])
    numbers = numbers.tolist()
    if len(numbers) == 3:
        with asking.makefile("rb") as asked:
            return numbers, asked.read()
    with open(numbers.pop(0), "rb") as asked:
        asked.seek(0)
        return numbers, asked.read()


def _be_the_job(asked):
    os.chdir(asked.folder)
    os.environ.clear()
    os.environb.update(asked.environment)
    further = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [asked.folder, *filter(None, further)]
    sys.executable = asked.program  # what it starts is run by forks, too
    module, *rest = asked.arguments
    if module != "snakemake":
        openmp = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count())
        blas = int(os.environ.get("OPENBLAS_NUM_THREADS") or openmp)
        if max(openmp, blas) > 1:
            _use_threads(openmp, blas)
    sys.argv = [module if module == "snakemake" else "-m", *rest]
    _end_quickly(lambda: runpy.run_module(module, run_name="__main__", alter_sys=True))


def _use_threads(openmp, blas):
    """As a process of its own finds in its environment: sums over other parts round differently."""
    import threadpoolctl

    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(openmp)
    threadpoolctl.threadpool_limits({"openmp": openmp, "blas": blas})


def _end_quickly(program):
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
    serve(sys.argv[1])
