"""Files that forges, catalogues and package builders read have the keys that these look for."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from helpers.project import PROJECT


def read(name):
    return yaml.safe_load((PROJECT / name).read_text(encoding="utf-8"))


def package():
    return tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))


def test_type_information_is_packaged():
    assert (PROJECT / "labelbench_core" / "py.typed").is_file()
    assert "py.typed" in package()["tool"]["setuptools"]["package-data"]["labelbench_core"]


def test_the_paper_is_cited_alike_everywhere():
    (cited,) = read("CITATION.cff")["references"]
    text = (PROJECT / "docs" / "references.bib").read_text("utf-8")
    (entry,) = re.findall(r"@article\{zhang2024labelbench,\n(.*?)\n\}\n", text, re.DOTALL)
    fields = dict(re.findall(r"^  (\w+) = \{(.*)\},?$", entry, re.MULTILINE))
    names = [f"{one['family-names']}, {one['given-names']}" for one in cited["authors"]]
    assert fields["author"] == " and ".join(names)
    assert re.sub(r"[{}]", "", fields["title"]) == cited["title"]
    assert (fields["journal"], fields["year"]) == (cited["journal"], str(cited["year"]))
    readme = (PROJECT / "README.md").read_text("utf-8").replace("\n", " ")
    assert f"*{cited['title']}*" in readme


def test_the_citation_names_this_version_and_the_paper():
    found = read("CITATION.cff")
    assert found["cff-version"] == "1.2.0"
    assert found.keys() >= {"message", "title", "authors", "references"}
    assert (found["version"], found["license"]) == (
        package()["project"]["version"],
        package()["project"]["license"],
    )
    assert found["authors"][0]["name"] in (PROJECT / "LICENSE").read_text(encoding="utf-8")
    (paper,) = found["references"]
    assert paper["url"] in (PROJECT / "README.md").read_text(encoding="utf-8")
    assert paper.keys() >= {"type", "title", "authors"}


def test_the_catalogue_of_workflows_is_told_what_it_asks():
    usage = read(".snakemake-workflow-catalog.yml")["usage"]
    assert usage["report"] is True
    assert usage["software-stack-deployment"] == {
        "conda": any((PROJECT / "rules" / "envs").glob("*.yaml")),
        "apptainer": False,
        "apptainer+conda": False,
    }
    assert (PROJECT / "config" / "README.md").is_file()


def test_hooks_call_what_is_installed_for_the_linters():
    (repository,) = read(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    packages = {"ruff": "ruff", "snakefmt": "snakefmt", "lint-imports": "import-linter"}
    packages["basedpyright"] = "basedpyright"
    needed = " ".join(package()["project"]["optional-dependencies"]["dev"])
    programs = [Path(hook["entry"].split()[0]) for hook in repository["hooks"]]
    assert {program.name for program in programs} == set(packages)
    for program in programs:
        assert program.parent == Path(".venv/bin")
        assert packages[program.name] in needed
    for hook in repository["hooks"]:
        assert hook["language"] == "system"


def test_the_forge_runs_the_same_as_everybody_else():
    (job,) = read(".github/workflows/ci.yml")["jobs"].values()
    versions = job["strategy"]["matrix"]["python"]
    least = package()["project"]["requires-python"].removeprefix(">=")
    assert versions[0] == least
    assert versions == ["3.11", "3.13"]
    commands = [step["run"] for step in job["steps"] if "run" in step]
    assert commands == [".ci/run"]
    assert (PROJECT / ".ci" / "run").stat().st_mode & 0o111


def test_continuous_integration_runs_all_tests_and_counts_the_lines_that_they_run():
    script = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.findall("^(?:make|{ make) .*", script, re.M) == [
        "make .venv/installed",
        '{ make lint && make test-extras; } >"$aside/looked" 2>&1 &',
        "make demo",
        "make claims RERUN=quickstart",
        "make test COVERAGE=1 THOROUGH=1",
    ]
    # What runs beside the demo fails the whole, too.
    assert 'wait "$looked" || { cat "$aside/looked"; exit 1; }' in script.splitlines()


def test_the_floor_of_the_coverage_is_what_the_page_says():
    floor = package()["tool"]["coverage"]["report"]["fail_under"]
    text = " ".join((PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8").split())
    assert re.findall(r"fails below (\d+) % of the library's", text) == [str(floor)]


@pytest.mark.parametrize("name", ["bug", "method", "question"])
def test_a_form_for_issues_is_valid(name):
    form = read(f".github/ISSUE_TEMPLATE/{name}.yml")
    assert form.keys() >= {"name", "description", "body"}
    ids = [field["id"] for field in form["body"]]
    assert len(ids) == len(set(ids))
    for field in form["body"]:
        assert field["type"] in ("textarea", "input", "dropdown", "checkboxes")
        assert field["attributes"]["label"]


def test_the_changelog_has_this_version_and_what_comes_next():
    text = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (\S+)", text, re.MULTILINE)
    assert sections[0] == "Unreleased"
    assert package()["project"]["version"] in sections
    kinds = set(re.findall(r"^### (\w+)", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
LINKING = sorted(
    page for folder in (".", "docs", "config") for page in (PROJECT / folder).glob("*.md")
)


@pytest.mark.parametrize("page", LINKING, ids=lambda page: page.name)
def test_links_of_a_page_lead_somewhere(page):
    missing = [
        target
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert missing == []


CODE = re.compile(r"`([\w.-]+/[\w./-]*\.(?:py|smk))`")
# What readers are told to write.
TO_BE_WRITTEN = {"least_margin.py", "two_views.py", "my_method.py"}


@pytest.mark.parametrize("page", LINKING, ids=lambda page: page.name)
def test_files_of_code_that_a_page_names_exist(page):
    named = set(CODE.findall(page.read_text(encoding="utf-8")))
    places = (PROJECT, PROJECT / "labelbench_core")
    missing = {
        name
        for name in named
        if Path(name).name not in TO_BE_WRITTEN
        and not any((place / name).is_file() for place in places)
    }
    assert missing == set()
