"""Files that Snakemake cannot read are told in one line by a command of this project."""

import pytest

from labelbench_core import registry
from workflow_scripts import check_configuration

QUICKSTART = registry.PROJECT / "config" / "config.yaml"


def test_a_valid_experiment_says_what_it_makes(capsys):
    assert check_configuration.main([str(QUICKSTART)]) == 0
    assert capsys.readouterr().out.endswith("valid: 490 rounds and 12 fine-tunings\n")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text.encode("utf-16"), "line 1: not UTF-8 text"),
        (
            lambda text: text.replace("margin", "m\xe4rgin").encode("latin-1", "replace"),
            "not UTF-8",
        ),
        (lambda text: b"rounds: !!timestamp abc", "line 1: tag '!!timestamp'"),
        (lambda text: b"[" * 5000, "nested more than 40 deep"),
        (lambda text: b"rounds: " + b"9" * 5000, "is no whole number that can be read"),
        (lambda text: b"", "the file: None; allowed: a mapping"),
        (lambda text: text.replace("rounds: 8", "rounds: 200").encode(), "rounds: 200 rounds of"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, capsys, change, told):
    file = tmp_path / "my.yaml"
    file.write_bytes(change(QUICKSTART.read_text(encoding="utf-8")))
    assert check_configuration.main([str(file)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"error: {file}: ")
    assert told in printed.err
    assert len(printed.err.splitlines()) == 1
