"""Jobs in forks of a process that has imported the packages: most of a small job's time is imports.

A program `python`, which Snakemake takes for its interpreter, hands what it is asked to run
(`-m workflow_scripts.NAME …`, Snakemake itself, helpers of tests), folder, environment and streams
to a server (`fork_server`), and ends with the status of the fork that ran it. The fork ends where
its program is killed: tests that look for a job's process, to kill it, find the program.
"""

import atexit
import functools
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

# What it imports is part of every job's time.
CLIENT = '''#!{python} -IS
"""As `python`, but Snakemake, jobs, commands and helpers of tests are run by forks."""
import _socket, os, sys

arguments = sys.argv[1:]
module = arguments[1] if arguments[:1] == ["-m"] else ""
if module.partition(".")[0] not in ("snakemake", "tests", "workflow_scripts"):
    os.execv("{python}", ["{python}", *arguments])
server = _socket.socket(_socket.AF_UNIX)
server.connect("{address}")
asked = [__file__, os.getcwd(), str(len(arguments) - 1), *arguments[1:]]
environment = [name + b"=" + value for name, value in os.environb.items()]
streams = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
server.sendmsg([b"?"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
server.sendall(b"\\0".join([*map(os.fsencode, asked), *environment]))
server.shutdown(_socket.SHUT_WR)
status = int(server.recv(16) or 1)
if status < 0:
    os.kill(os.getpid(), -status)
os._exit(status)
'''


def python():
    """Path of the program; its server ends with the process of the tests."""
    return _folder() / "python"


def snakemake(arguments, folder, environment):
    """Run `snakemake arguments` in `folder`, and its jobs, in forks.

    Returns
    -------
    Its exit status, and both its streams together.
    """
    asked = [python(), folder, 1 + len(arguments), "snakemake", *arguments]
    given = [f"{name}={value}" for name, value in environment.items()]
    with tempfile.NamedTemporaryFile() as output, socket.socket(socket.AF_UNIX) as server:
        server.connect(str(_folder() / "server"))
        appended = os.open(output.name, os.O_WRONLY | os.O_APPEND)
        with open(os.devnull, "rb") as nothing:
            socket.send_fds(server, [b"?"], [nothing.fileno(), appended, appended])
        os.close(appended)
        server.sendall(b"\0".join(map(os.fsencode, map(str, [*asked, *given]))))
        server.shutdown(socket.SHUT_WR)
        status = int(server.recv(16))
        return status, Path(output.name).read_text(encoding="utf-8")


@functools.cache
def _folder():
    """Where the program and its server's socket are."""
    folder = Path(tempfile.mkdtemp())
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # as the rules of rounds say
    server = subprocess.Popen(
        # -P: not the folder of this file
        [sys.executable, "-P", Path(__file__).with_name("fork_server.py"), folder / "server"],
        env={**os.environ, **one_thread},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout.readline() == "ready\n"
    atexit.register(server.communicate)  # the end of its input is its end
    client = CLIENT.format(python=sys.executable, address=folder / "server")
    (folder / "python").write_text(client)
    (folder / "python").chmod(0o755)
    return folder
