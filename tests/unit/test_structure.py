"""What import-linter cannot say: nothing private is imported from outside its folder."""

import ast
import subprocess
import sys

import pytest

from helpers.project import PROJECT

FILES = sorted(
    path
    for package in ("labelbench_core", "workflow_scripts", "docs")
    for path in (PROJECT / package).rglob("*.py")
)


def private_imports(folder: str, source: str) -> list[str]:
    """Modules with a private part in their name that code in the package `folder` imports."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            package, *parts = name.split(".")
            if package not in ("labelbench_core", "workflow_scripts"):
                continue
            places = [package]
            for part in parts:
                if part.startswith("_") and not part.startswith("__"):
                    owner = ".".join(places)
                    if folder != owner and not folder.startswith(f"{owner}."):
                        found.append(name)
                places.append(part)
    return found


def test_files_stay_small():
    tests = (PROJECT / "tests").rglob("*.py")
    lengths = {path: len(path.read_text().splitlines()) for path in [*FILES, *tests]}
    assert {path: length for path, length in lengths.items() if length > 400} == {}


def test_imports_name_their_package():
    """What is private is looked for by whole names."""
    for path in FILES:
        relative = [
            node
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom) and node.level
        ]
        assert not relative, path


def test_a_round_starts_without_large_packages_and_what_few_rounds_need():
    large = ("torch", "scipy", "sklearn", "pandas", "zarr", "matplotlib")
    # What only some rounds need: an annotator, a replay, texts, several labels a row, an error.
    rare = ("labelbench_core.annotators", "labelbench_core.published", "socket", "difflib")
    rare += ("labelbench_core.datasets.rows.recorded_lists", "labelbench_core.selection.recorded")
    rare += ("labelbench_core.datasets.rows.text_rows", "labelbench_core.metrics.multilabel")
    program = "import sys, workflow_scripts.select_round; "
    program += f"print([one for one in {large + rare} if one in sys.modules])"
    told = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True)
    assert told.stdout.decode().strip() == "[]", told.stderr.decode()


def test_nothing_private_is_imported_from_outside_its_folder():
    assert len(FILES) > 200
    for path in FILES:
        place = path.relative_to(PROJECT)
        assert private_imports(".".join(place.parent.parts), path.read_text()) == [], place


def defined_type(node: ast.stmt) -> str:
    """Name of the public class, or of the alias of a type, that a statement defines, or ""."""
    if isinstance(node, ast.ClassDef):
        return "" if node.name[0] == "_" else node.name
    # Names of constants are upper case; variables of types mean something in one signature only.
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        name, value = node.targets[0].id, node.value
        is_variable = isinstance(value, ast.Call)
        return "" if name[0] == "_" or name.isupper() or name[0].islower() or is_variable else name
    return ""


def public_types() -> dict[str, list[str]]:
    """Public classes and aliases of types of the library, each with the modules that define it."""
    found: dict[str, list[str]] = {}
    for path in sorted((PROJECT / "labelbench_core").rglob("*.py")):
        for name in filter(None, map(defined_type, ast.parse(path.read_text()).body)):
            found.setdefault(name, []).append(str(path.relative_to(PROJECT)))
    return found


def test_no_two_public_types_share_a_name():
    found = public_types()
    assert len(found) > 150
    assert {"Catalogue", "RowSource", "Pool"} <= set(found)
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


def test_what_is_private_is_seen():
    source = "from labelbench_core.datasets._near import hashes\nimport labelbench_core.datasets"
    assert private_imports("labelbench_core.report", source)
    assert private_imports("labelbench_core", source)
    assert private_imports("labelbench_core.datasets", source) == []
    assert private_imports("labelbench_core.datasets.inner", source) == []
    assert private_imports("benchmarks", "from labelbench_core.datasets import _near, prepare")


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("analysis.savings", ("DEFINITIONS", "Curve", "saving_with_interval")),
        ("backbones", ("efficientnet_lite",)),
        ("datasets._decoding", ("decode_square",)),
        ("datasets.prepare", ("prepare_dataset",)),
        ("embeddings.features", ("FeatureExtractor",)),
        ("strategies", ("Head", "Pool", "dropquery", "select")),
    ],
)
def test_names_that_scripts_of_others_import_stay_where_they_were(module, names):
    for name in names:
        exec(f"from labelbench_core.{module} import {name}", {})
