"""Every block of Python in the pages is run: whole pages in order, components as plug-ins."""

import ast
import importlib.metadata
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from helpers.project import PROJECT
from labelbench_core import metrics, registry
from labelbench_core.configuration.catalogue import kind_errors
from labelbench_core.proxies import Statistics, TrainingSet
from labelbench_core.registry import docstrings
from labelbench_core.seeds import rng_for
from labelbench_core.storage.rows import ArrayRows
from labelbench_core.strategies import kernels
from labelbench_core.strategies.testing import CHECKS
from labelbench_core.trainers import Batch, Problem, Step

PAGES = sorted(
    page for folder in (".", "docs", "config") for page in (PROJECT / folder).glob("*.md")
)
SCHEMA = PROJECT / "config" / "schema" / "catalogue.schema.json"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Page → its blocks of Python, which tests of their own read.
READ_ELSEWHERE = {"annotators": 1, "anywhere": 2, "backbones": 1, "datasets": 1, "embeddings": 1}
# A component: the file that it is to be written to, then the file.
FILE = re.compile(r"^`labelbench_core/(\w+)/(\w+)\.py`:\n\n```python\n(.*?)^```$", re.M | re.S)


def python_blocks(page):
    text = page.read_text(encoding="utf-8")
    return [content for language, content in BLOCK.findall(text) if language == "python"]


def components():
    """(kind, name) → source of every component that docs/extending.md shows."""
    text = (PROJECT / "docs" / "extending.md").read_text(encoding="utf-8")
    return {(kind, name.replace("_", "-")): source for kind, name, source in FILE.findall(text)}


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """The components of docs/extending.md, as an outside package's entry points."""
    package = tmp_path / "shown_in_docs"
    package.mkdir()
    (package / "__init__.py").touch()
    points = []
    for (kind, name), source in components().items():
        module = f"{kind}_{name.replace('-', '_')}"
        (package / f"{module}.py").write_text(source, encoding="utf-8")
        point = importlib.metadata.EntryPoint(name, f"shown_in_docs.{module}", f"labelbench.{kind}")
        points.append(point)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(
        importlib.metadata,
        "entry_points",
        lambda group: [point for point in points if point.group == group],
    )
    caches = (registry._plugins, registry.describe, registry.parse)
    for cache in caches:
        cache.cache_clear()
    yield {(point.group.partition(".")[2], point.name) for point in points}
    for cache in caches:
        cache.cache_clear()


def test_all_python_in_the_pages_is_run_here_or_read_by_another_test():
    tests = [path for path in (PROJECT / "tests").rglob("test_*.py") if path != Path(__file__)]
    found = {page: len(python_blocks(page)) for page in PAGES}
    run_here = ("README.md", "library.md", "extending.md")
    others = [page for page in PAGES if found[page] and page.name not in run_here]
    assert {page.stem: found[page] for page in others} == READ_ELSEWHERE
    for page in others:
        named = re.compile(rf"docs\b.{{1,5}}{re.escape(page.name)}")
        assert any(named.search(path.read_text(encoding="utf-8")) for path in tests), page
    beside = len(python_blocks(PROJECT / "docs" / "extending.md")) - len(components())
    assert set(components()) == {("strategies", "least-margin"), ("trainers", "two-views")}
    assert beside == 2  # the calls of the contracts of a strategy and of a proxy


def test_the_readmes_block_runs():
    (block,) = python_blocks(PROJECT / "README.md")
    names = {}
    exec(compile(block, "README.md", "exec"), names)
    assert len(set(names["chosen"].tolist()) - set(names["labeled"].tolist())) == 10


def test_all_blocks_of_the_librarys_page_run_in_order(capsys, one_thread):
    blocks = python_blocks(PROJECT / "docs" / "library.md")
    names = {}
    for number, block in enumerate(blocks):
        exec(compile(block, f"docs/library.md: block {number}", "exec"), names)
    printed = [float(value) for value in re.findall(r"accuracy ([\d.]+)", capsys.readouterr().out)]
    assert len(printed) == 4
    assert printed[-1] > printed[0] + 0.1  # 60 labels more
    assert len(names["labeled"]) == 90
    assert len(np.unique(names["labeled"])) == 90
    assert names["state"]
    assert len(set(names["next_rows"]) - set(names["bought"])) == 10
    assert names["found"]["mean-average-precision"] > names["several"][800:].mean() + 0.1
    rows = ArrayRows(names["test_features"], 7)
    predicted = names["proxy"].predict_proba(rows)
    assert metrics.evaluate(ArrayRows(predicted, 11), names["test_labels"]) == pytest.approx(
        names["scores"], abs=1e-5
    )


@pytest.mark.parametrize("page", ["README.md", "docs/library.md", "docs/extending.md"])
def test_pages_use_public_names_only(page):
    for block in python_blocks(PROJECT / page):
        for node in ast.walk(ast.parse(block)):
            named = []
            if isinstance(node, ast.ImportFrom) and node.module != "__future__":
                named = [*node.module.split("."), *(alias.name for alias in node.names)]
            elif isinstance(node, ast.Import):
                named = [part for alias in node.names for part in alias.name.split(".")]
            elif isinstance(node, ast.Attribute):
                named = [node.attr]
            assert not [part for part in named if part.startswith("_")]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("options", [{}, {"power": 0.5}], ids=["default", "power"])
def test_the_strategy_shown_keeps_the_contract(shown, check, options):
    check("least-margin", **options)


def test_the_contracts_are_called_as_shown(shown):
    calls = set(python_blocks(PROJECT / "docs" / "extending.md")) - set(components().values())
    for call in sorted(calls):
        exec(compile(call, "docs/extending.md", "exec"), {})


def test_what_is_shown_is_described_and_has_a_valid_entry(shown):
    text = (PROJECT / "docs" / "extending.md").read_text(encoding="utf-8")
    for kind, name in shown:
        assert registry.problem_of(kind, name) is None
        component = registry.describe(kind, name)
        assert list(docstrings.errors(component)) == []
        assert set(docstrings.descriptions(component)) == set(component.options)
        entry = re.search(
            rf"`config/catalogue/{kind}.yaml`:\n\n```yaml\n(.*?)^```", text, re.M | re.S
        )
        file = PROJECT / "docs" / f"{kind}.yaml"
        assert name in entry[1]
        assert kind_errors(kind, yaml.safe_load(entry[1]), SCHEMA, file) == []


@pytest.mark.parametrize("labeled", [30, 200])
def test_the_trainer_shown_trains_a_proxy(shown, labeled, one_thread):
    rng = np.random.default_rng(0)
    truth = np.arange(200) % 4
    features = (3 * np.eye(4)[truth] + rng.standard_normal((200, 4))).astype(np.float32)

    def views(noise):
        noisy = features + noise * rng.standard_normal(features.shape).astype(np.float32)
        return [ArrayRows(noisy), ArrayRows(features)]

    training = TrainingSet(
        pool=ArrayRows(features),
        indices=np.arange(labeled),
        labels=truth[:labeled],
        num_classes=4,
        statistics=Statistics(features.mean(0), features.std(0)),
        views={"weak": views(0.1), "strong": views(0.5)},
    )
    trainer = {
        "id": "two-views",
        "implementation": "two-views",
        "options": {"weight": 5.0},
        "training": {"steps": 60, "batch_size": 16, "head": "fresh", "learning_rate": 0.01},
    }
    options = {"trainer": trainer, "augmentation": "natural"}
    proxy = registry.build("proxies", {"implementation": "shallow", "options": options})
    record = proxy.fit(training, np.random.default_rng(1))
    assert record["converged"]
    assert metrics.evaluate(proxy.predict_proba(features), truth)["accuracy"] > 0.8


def test_the_loss_shown_is_the_labelled_one_and_that_of_the_views(shown):
    trainer = registry.build("trainers", {"implementation": "two-views"})
    network = torch.nn.Linear(3, 2)
    labels = torch.tensor([0, 1])
    step = Step(0, 1, Problem(np.array([1, 1]), 4), rng_for("loss"))
    batch = Batch(torch.randn(2, 3), labels, torch.randn(4, 3), torch.randn(4, 3), torch.arange(4))
    loss = trainer.loss(network, batch, step)
    loss.total.backward()
    assert loss.unlabeled.item() > 0
    assert (loss.total - loss.unlabeled).item() == pytest.approx(
        torch.nn.functional.cross_entropy(loss.logits, labels).item(), rel=1e-5
    )
    assert network.weight.grad.abs().sum() > 0
    alone = trainer.loss(network, Batch(batch.inputs, labels), step)
    assert alone.unlabeled is None


def test_the_public_parts_of_strategies_are_all_listed():
    lines = re.findall(r"^- `(\w+)`: (.*)$", kernels.__doc__, re.MULTILINE)
    modules = {path.stem for path in Path(kernels.__file__).parent.glob("[a-z]*.py")}
    assert {module for module, _ in lines} == modules
    for module, told in lines:
        tree = ast.parse((Path(kernels.__file__).parent / f"{module}.py").read_text("utf-8"))
        defined = {node.name for node in tree.body if hasattr(node, "name")}
        named = re.match(r"(?:`\w+`(?:, |; )?)+", told.split(", a ")[0])
        assert set(re.findall(r"`(\w+)`", named[0])) <= defined
