"""What import-linter cannot say: nothing private is imported from outside its folder."""

import ast

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


def test_nothing_private_is_imported_from_outside_its_folder():
    assert len(FILES) > 200
    for path in FILES:
        place = path.relative_to(PROJECT)
        assert private_imports(".".join(place.parent.parts), path.read_text()) == [], place


def test_what_is_private_is_seen():
    source = "from labelbench_core.datasets._near import hashes\nimport labelbench_core.datasets"
    assert private_imports("labelbench_core.report", source)
    assert private_imports("labelbench_core", source)
    assert private_imports("labelbench_core.datasets", source) == []
    assert private_imports("labelbench_core.datasets.inner", source) == []
    assert private_imports("benchmarks", "from labelbench_core.datasets import _near, prepare")
