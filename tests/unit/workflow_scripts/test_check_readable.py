"""A file that cannot be read is one line of `make run` and `make plan`, before Snakemake starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workflow_scripts import check_readable

PROJECT = Path(__file__).resolve().parents[3]
UNREADABLE = [
    (b"datasets: [digits\n", "not valid YAML: line 2, column 1: while parsing a flow sequence"),
    (b"a:\n\tb: 1\n", "not valid YAML: line 2, column 1: "),
    (b"experiment: a\nexperiment: b\n", "line 2, column 1: key 'experiment' occurs twice"),
    (b"a: \xff\n", "line 1, column 4: not UTF-8"),
    (b"", "None; allowed: a mapping of keys to values"),
    (b"- a\n", "['a']; allowed: a mapping of keys to values"),
]


@pytest.mark.parametrize(("content", "told"), UNREADABLE)
def test_what_is_wrong_is_one_line(
    content: bytes, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(content)
    assert check_readable.main([str(file)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {file}: {told}")
    assert said.count("\n") == 1


def test_what_can_be_read_is_not_spoken_of(capsys: pytest.CaptureFixture[str]) -> None:
    """Whether it is an experiment is for others to say."""
    assert check_readable.main([str(PROJECT / "config" / "config.yaml")]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("target", ["run", "plan"])
@pytest.mark.parametrize(
    ("content", "told"), [(None, "file not found"), ("a: [1\nb: 2\n", "not valid YAML: line 2")]
)
def test_make_says_it_before_snakemake(
    target: str, content: str | None, told: str, tmp_path: Path
) -> None:
    file = tmp_path / "my experiment.yaml"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    installed = ("-o", ".venv/installed", f"BIN={Path(sys.executable).parent}")
    done = subprocess.run(
        ["make", *installed, target, f"CONFIG={file}"],
        cwd=PROJECT,
        env={**os.environ, "LC_ALL": "C"},
        text=True,
        capture_output=True,
        check=False,
    )
    lines = done.stderr.splitlines()
    assert done.returncode != 0
    assert lines[0].startswith(f"error: {file}: {told}")
    assert len(lines) == 2, "the second is make's own"
    assert "Traceback" not in done.stdout
    assert "Snakemake" not in done.stdout
