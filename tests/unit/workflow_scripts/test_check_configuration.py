"""Files that Snakemake cannot read are told in one line by a command of this project."""

import pytest

from helpers.project import PROJECT
from labelbench_core.configuration.catalogue import load_catalogue
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from workflow_scripts import check_configuration

QUICKSTART = PROJECT / "config" / "config.yaml"


def test_a_valid_experiment_says_what_it_makes(capsys):
    assert check_configuration.main([str(QUICKSTART)]) == 0
    assert capsys.readouterr().out.endswith("valid: 440 rounds and 12 fine-tunings\n")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text.encode("utf-16"), "line 1, column 1: not UTF-8 text"),
        (
            lambda text: text.replace("margin", "m\xe4rgin").encode("latin-1", "replace"),
            "not UTF-8",
        ),
        (lambda text: b"rounds: !!timestamp abc", "line 1, column 9: tag '!!timestamp'"),
        (lambda text: b"[" * 5000, "nested more than 40 deep"),
        (lambda text: b"rounds: " + b"9" * 5000, "is not a whole number that can be read"),
        (lambda text: b"", "the file: null; allowed: a mapping"),
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


def with_entry(monkeypatch, kind, name, entry):
    """The command finds another entry in the catalogue."""

    def load(wanted, project):
        catalogue = load_catalogue(project / "config" / "catalogue")
        return {**catalogue, kind: {**catalogue[kind], name: entry}}

    monkeypatch.setattr(check_configuration.parsing, "catalogue_of", load)


def test_backbones_are_looked_at_where_they_still_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    entry = {"implementation": "timm-model", "options": {"checkpoint": "lost.safetensors"}}
    with_entry(monkeypatch, "backbones", "efficientnet-lite0-64", entry)
    text = QUICKSTART.read_text(encoding="utf-8")
    file = tmp_path / "my.yaml"
    file.write_text(text[: text.index("finetune:")])
    assert check_configuration.main([str(file)]) == 2
    told = capsys.readouterr().err
    assert told.startswith(
        "error: config/catalogue/backbones.yaml: backbone 'efficientnet-lite0-64': checkpoint: "
    )
    assert "lost.safetensors" in told
    assert len(told.splitlines()) == 1
    # There, weights are in the jobs' own environments.
    assert check_configuration.main([str(file), "--use-conda"]) == 0
    embedded = tmp_path / "results" / "embeddings" / "digits" / "efficientnet-lite0-64"
    for name in ("arrays", "manifest.json"):
        (embedded / name).mkdir(parents=True)
    assert check_configuration.main([str(file)]) == 0


def test_data_prepared_with_other_settings_are_looked_for_anew(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results" / "datasets" / "digits"
    prepare_dataset("digits", "digits", {}, tmp_path, folder / "arrays", folder / "manifest.json")
    with_entry(monkeypatch, "datasets", "digits", {"implementation": "digits", "pool_size": 12})
    assert check_configuration.main([str(QUICKSTART)]) == 2
    assert "pool_size: 12; it leaves no image of class" in capsys.readouterr().err


def test_wrong_entries_that_are_not_used_are_listed(tmp_path, capsys):
    text = (PROJECT / "config" / "config.yaml").read_text()
    own = "catalogue: {strategies: {mine: {implementation: margin, options: {powr: 1}}}}\n"
    file = tmp_path / "my.yaml"
    file.write_text(text + own)
    assert check_configuration.main([str(file)]) == 0
    valid, listed = capsys.readouterr().out.splitlines()
    assert valid.endswith("valid: 440 rounds and 12 fine-tunings")
    assert listed.startswith(f"not used, but wrong: {file}: catalogue.strategies.mine.options.powr")
    file.write_text((text + own).replace("entropy, margin", "entropy, mine"))
    assert check_configuration.main([str(file)]) == 2
    assert "options.powr" in capsys.readouterr().err
