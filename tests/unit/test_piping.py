"""Commands end quietly when the reader of their output has left."""

import os
import subprocess
import sys

import pytest

from helpers.project import PROJECT
from labelbench_core.piping import CUT_SHORT, until_reader_leaves

CHECKS = ("a look", "claims")
COMMANDS = {
    "a look": ["labelbench_core.datasets", "--check", "digits", "--sheet"],
    "published settings": ["labelbench_core.published"],
    "two result sets": ["workflow_scripts.compare_results", *["docs/results/quickstart"] * 2],
    "costs": ["workflow_scripts.estimate_costs", "--configfile", "config/sst2.yaml"],
    "claims": ["docs.make_results", "--check"],
}


@pytest.mark.parametrize("named", COMMANDS)
def test_a_command_is_quiet_when_its_reader_has_left(named, tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", *COMMANDS[named]]
    if command[-1] == "--sheet":
        command.append(str(tmp_path / "sheet.png"))
    try:
        done = subprocess.run(command, cwd=PROJECT, stdout=writing, stderr=subprocess.PIPE)
    finally:
        os.close(writing)
    assert done.stderr == b""
    assert done.returncode == (CUT_SHORT if named in CHECKS else 0)


def test_what_is_read_to_its_end_has_its_own_status(capfd):
    @until_reader_leaves()
    def main() -> int:
        print("read")
        return 3

    assert main() == 3
    assert capfd.readouterr().out == "read\n"
