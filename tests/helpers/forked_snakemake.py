"""Snakemake in forks of a process that has imported it: half of a dry run's time is its imports.

The process has imported Snakemake and packages of others, and nothing of this project: a fork takes
the code of the folder in which it runs, as `python -m snakemake` does. Run as a script, it reads
one JSON object a line (`arguments`, `folder`, `environment`, `output`, `python`) and answers each
with the fork's exit status.
"""

import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path


def run(arguments, folder, environment, python=sys.executable):
    """Run `snakemake arguments` in `folder`, its jobs by `python`.

    Returns
    -------
    Its exit status, and both its streams together.
    """
    server = _server()
    with tempfile.NamedTemporaryFile() as output:
        asked = {"arguments": list(map(str, arguments)), "folder": str(folder)}
        asked |= {"environment": dict(environment), "output": output.name, "python": str(python)}
        server.stdin.write(json.dumps(asked) + "\n")
        server.stdin.flush()
        status = int(server.stdout.readline())
        return status, Path(output.name).read_text(encoding="utf-8")


@functools.cache
def _server():
    """The process that forks, one for each process of the tests."""
    command = [sys.executable, "-P", __file__]  # -P: not the folder of this file
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(server.communicate)  # the end of its input is its end
    return server


def _answer(asked, end_quickly):
    """Be Snakemake, in a fork."""
    import runpy

    output = os.open(asked["output"], os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    further = asked["environment"].get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [asked["folder"], *filter(None, further)]
    sys.argv = ["snakemake", *asked["arguments"]]
    sys.executable = asked["python"]
    run = functools.partial(runpy.run_module, "snakemake", run_name="__main__", alter_sys=True)
    end_quickly(run)


def _serve():
    import jsonschema  # noqa: F401  for the experiment and the catalogue
    import pandas  # noqa: F401  Snakemake imports it when it compares parameters
    import sklearn.datasets  # noqa: F401  for the labels of digits, where they are not prepared
    import smart_open  # noqa: F401  for Snakefiles
    import snakemake.cli

    snakemake.cli.get_argument_parser()  # which imports all plug-ins
    sys.path.insert(0, str(Path(__file__).parent))
    import forked_jobs

    del sys.path[0]  # forks take the code of the folder in which they run
    forked_jobs.leave_alone()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _answer(json.loads(line), forked_jobs.end_quickly)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    _serve()
