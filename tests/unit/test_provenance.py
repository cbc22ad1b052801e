"""The code hash sees every edit that can change a result, and no other."""

import functools
import json
import shutil
import subprocess
import sys

import pytest

from helpers.checkouts import know_the_code
from helpers.project import PROJECT
from labelbench_core import provenance

SELECT = ("select_round", [("strategies", "margin"), ("proxies", "linear")])


@pytest.fixture
def project(tmp_path):
    """A copy of the code to edit, with what the machine remembers of the code as it is."""
    for folder in ("labelbench_core", "workflow_scripts"):
        shutil.copytree(
            PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    know_the_code()
    (tmp_path / provenance.REMEMBERED).parent.mkdir(parents=True)
    shutil.copy2(PROJECT / provenance.REMEMBERED, tmp_path / provenance.REMEMBERED)
    return tmp_path


def hash_in(project, script, components):
    """The code hash as a fresh process computes it."""
    command = (
        "from labelbench_core import provenance; provenance.remember();"
        f"print(provenance.code_hash('workflow_scripts.{script}', {components!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=project, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def append(path, text):
    path.write_text(path.read_text() + text)


EDIT = "\nEDITED = 1\n"


@functools.cache
def hash_here(script, component):
    """The code hash of the code as it is."""
    components = json.loads(component)
    return provenance.code_hash(f"workflow_scripts.{script}", [tuple(one) for one in components])


def before_edits(script, components):
    return hash_here(script, json.dumps(components))


@pytest.mark.parametrize(
    "edited",
    [
        "workflow_scripts/select_round.py",
        "labelbench_core/selection/rounds.py",
        "labelbench_core/strategies/margin.py",
        "labelbench_core/proxies/linear.py",
        # imported by the proxy, and by nothing that the script itself names
        "labelbench_core/proxies/shared/penalty.py",
        # imported inside a function, when it is needed
        "labelbench_core/strategies/pool.py",
        "labelbench_core/metrics/calibration.py",
        # parents of the modules
        "labelbench_core/__init__.py",
        "labelbench_core/proxies/__init__.py",
    ],
)
def test_an_edit_of_what_the_job_runs_changes_the_hash(project, edited):
    before = before_edits(*SELECT)
    append(project / edited, EDIT)
    assert hash_in(project, *SELECT) != before


@pytest.mark.parametrize(
    "edited",
    [
        "labelbench_core/strategies/badge.py",
        "labelbench_core/strategies/__main__.py",
        "labelbench_core/figures/style.py",
        "labelbench_core/datasets/digits.py",
        "labelbench_core/configuration/loading.py",
        "labelbench_core/progress.py",
        "workflow_scripts/tabulate.py",
    ],
)
def test_an_edit_elsewhere_does_not(project, edited):
    before = before_edits(*SELECT)
    append(project / edited, EDIT)
    assert hash_in(project, *SELECT) == before


@pytest.mark.parametrize(
    ("component", "edited", "counts"),
    [
        # imported by name
        (("strategies", "tcm"), "typiclust", True),
        (("strategies", "tcm"), "badge", False),
        # named by a default, by an option, and no longer where the option names others
        (("strategies", "tailor"), "badge", True),
        (("strategies", "tailor"), "coreset", False),
        (("strategies", "tailor", {"candidates": ["coreset"]}), "coreset", True),
        (("strategies", "tailor", {"candidates": ["coreset"]}), "badge", False),
        # named by what a candidate runs
        (("strategies", "tailor", {"candidates": ["random", "refine"]}), "dropquery", True),
        (("strategies", "refine", {"final": "coreset"}), "coreset", True),
    ],
)
def test_what_a_strategy_runs_by_name_counts(project, component, edited, counts):
    before = before_edits("select_round", [component])
    append(project / f"labelbench_core/strategies/{edited}.py", EDIT)
    assert (hash_in(project, "select_round", [component]) != before) == counts


@pytest.mark.parametrize(
    ("roots", "module", "counts"),
    [
        # what training is made of has parts that others use, too
        (["workflow_scripts.finetune_model"], "training.loop", True),
        (["workflow_scripts.extract_views"], "augmentation.randaugment", True),
        (["workflow_scripts.extract_views"], "training.loop", False),
        (["workflow_scripts.refresh_embeddings"], "training.network", True),
        (
            ["workflow_scripts.select_round", "labelbench_core.proxies.shallow"],
            "training.recipe",
            True,
        ),
        (
            ["workflow_scripts.select_round", "labelbench_core.proxies.linear"],
            "training.recipe",
            False,
        ),
        # named there for type checkers only
        (
            ["workflow_scripts.extract_embeddings", "labelbench_core.training.flops"],
            "training.loop",
            False,
        ),
    ],
)
def test_code_of_trainers_counts_where_it_runs(roots, module, counts):
    closure = provenance.import_closure(roots)
    assert (f"labelbench_core.{module}" in closure) == counts


def test_comments_docstrings_formatting_and_times_do_not_count(project):
    before = hash_in(project, *SELECT)
    file = project / "labelbench_core/strategies/margin.py"
    text = file.read_text()
    first = text.index('"""')
    text = '"""Another docstring."""' + text[text.index('"""', first + 3) + 3 :]
    file.write_text("# a comment\n\n\n" + text.replace(" = ", "  =  ") + "\n# the end\n")
    with file.open("a") as end:
        end.write('"""A constant\'s docstring."""\n')
    assert hash_in(project, *SELECT) == before


def test_the_hash_does_not_depend_on_the_folder(project):
    assert hash_in(project, *SELECT) == provenance.code_hash(
        "workflow_scripts.select_round", SELECT[1]
    )


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_the_hash_does_not_depend_on_the_version_of_python(version):
    interpreter = shutil.which(f"python{version}") or ""
    works = subprocess.run([interpreter or "false", "-c", ""], capture_output=True, check=False)
    if works.returncode:
        pytest.skip(f"no Python {version} here")
    done = subprocess.run(
        [
            interpreter,
            "-c",
            "from labelbench_core.provenance import code_hash;"
            f"print(code_hash('workflow_scripts.select_round', {SELECT[1]!r}))",
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == provenance.code_hash("workflow_scripts.select_round", SELECT[1])


def test_a_round_does_not_depend_on_what_it_cannot_load():
    closure = provenance.import_closure(
        {"workflow_scripts.select_round", "labelbench_core.strategies.margin"}
    )
    assert "labelbench_core.strategies.dispatch" in closure
    # Cached views are read by rounds, if by few; how they are made does not matter here.
    read = {f"labelbench_core.embeddings{part}" for part in ("", ".refreshing", ".views")}
    for module in closure - read:
        assert not module.startswith(
            (
                "labelbench_core.analysis",
                "labelbench_core.report",
                "labelbench_core.figures",
                "labelbench_core.backbones",
                "labelbench_core.trainers",
                "labelbench_core.training",
                "labelbench_core.embeddings",
                "labelbench_core.configuration.loading",
                "labelbench_core.configuration.catalogue",
                "workflow_scripts._snakefile",
            )
        ), module
