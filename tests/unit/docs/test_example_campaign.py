"""The example of a campaign is valid, and a copy of it that git ignores is the user's own."""

import shutil
import subprocess

import pytest
import yaml

from helpers.project import PROJECT
from labelbench_core.campaign.settings import load_campaign
from labelbench_core.configuration.catalogue import load_catalogue
from labelbench_core.configuration.own_entries import Given, read_entries

EXAMPLE, OWN = "config/examples/campaign.yaml", "campaigns/my-campaign.yaml"


@pytest.fixture
def project(tmp_path):
    """What of the project the copying needs."""
    shutil.copy(PROJECT / "Makefile", tmp_path)
    (tmp_path / EXAMPLE).parent.mkdir(parents=True)
    shutil.copy(PROJECT / EXAMPLE, tmp_path / EXAMPLE)
    for name in ("pyproject.toml", "requirements.lock"):
        shutil.copy(PROJECT / name, tmp_path)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "installed").touch()  # later than what it is made from
    return tmp_path


def make(project, *arguments):
    done = subprocess.run(
        ["make", *arguments], cwd=project, check=True, capture_output=True, text=True
    )
    return done.stdout


def test_the_example_is_valid():
    asked = yaml.safe_load((PROJECT / EXAMPLE).read_text(encoding="utf-8"))
    own = read_entries([Given(asked["catalogue"], EXAMPLE, PROJECT)])
    catalogue = load_catalogue(PROJECT / "config" / "catalogue", own)
    found = load_campaign(asked, catalogue, PROJECT / "config" / "schema", EXAMPLE, PROJECT)
    assert set(found.advice) == {"strategy", "proxy"}
    schema = (PROJECT / EXAMPLE).parent / "../schema/campaign.schema.json"
    assert f"$schema=../schema/{schema.name}" in (PROJECT / EXAMPLE).read_text("utf-8")


def test_it_is_copied_once_and_never_over_what_was_edited(project):
    make(project, OWN)
    copy = project / OWN
    # Its schema is found from where it is.
    expected = (project / EXAMPLE).read_text().replace("=../schema/", "=../config/schema/")
    assert copy.read_text() == expected
    assert (PROJECT / "config" / "schema" / "campaign.schema.json").is_file()
    copy.write_text("mine")
    (project / EXAMPLE).write_text("# a newer one")
    for arguments in ((OWN,), ("--always-make", OWN)):
        make(project, *arguments)
        assert copy.read_text() == "mine"
    assert list(copy.parent.iterdir()) == [copy]


@pytest.mark.parametrize("target", ["demo", "campaign"])
def test_the_first_command_copies_it(project, target):
    assert f"{EXAMPLE} > {OWN}.partial" in make(project, "--dry-run", target)


def test_the_campaign_that_is_run_is_the_users_own_or_the_one_named(project):
    planned = make(project, "--dry-run", "campaign")
    assert f"--configfile '{OWN}'" in planned
    assert "--configfile 'pets.yaml'" in make(project, "--dry-run", "campaign", "CONFIG=pets.yaml")
    assert "--configfile" not in make(project, "--dry-run", "demo")


def test_git_ignores_the_users_own(tmp_path):
    shutil.copy(PROJECT / ".gitignore", tmp_path)
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    assert subprocess.run([*git, "check-ignore", "--quiet", OWN]).returncode == 0
    assert subprocess.run([*git, "check-ignore", "--quiet", EXAMPLE]).returncode == 1
