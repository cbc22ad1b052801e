"""docs/architecture.md and its pictures say what the rules, the imports and the contract say."""

import itertools
import re
from xml.etree import ElementTree

import pytest

from docs import architecture_graphs as graphs
from docs import layered_drawing, make_architecture
from helpers import forked_jobs
from helpers.checkouts import know_the_code
from helpers.project import PROJECT

TEXT = make_architecture.PAGE.read_text(encoding="utf-8")
AGAIN = "run `make docs`"
DIAMOND = frozenset({("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("a", "d")})


def description_in(picture):
    root = ElementTree.parse(make_architecture.IMAGES / picture)
    (found,) = root.iter("{http://purl.org/dc/elements/1.1/}description")
    return found.text


@pytest.fixture(scope="module")
def stages():
    know_the_code()
    return graphs.stage_edges(forked_jobs.python())


@pytest.fixture(scope="module")
def packages():
    return graphs.package_edges()


def test_the_picture_of_the_stages_is_that_of_the_rule_graph(stages):
    told = make_architecture.description(stages)
    assert description_in(make_architecture.STAGES_PICTURE) == told, AGAIN


def test_the_picture_of_the_packages_is_that_of_the_imports(packages):
    told = make_architecture.description(packages)
    assert description_in(make_architecture.PACKAGES_PICTURE) == told, AGAIN


def test_the_tables_of_the_page_are_those_of_today(stages, packages):
    for name, block in make_architecture.blocks(stages, packages).items():
        assert make_architecture.block_of(TEXT, name) == block, f"{name}: {AGAIN}"


def test_every_package_imports_only_what_stands_below_it(packages):
    height = {name: -place for place, layer in enumerate(graphs.layers()) for name in layer}
    assert set(height) == {name for edge in packages for name in edge}
    assert [edge for edge in packages if height[edge[0]] <= height[edge[1]]] == []


def test_files_and_folders_named_on_the_page_exist():
    named = set(re.findall(r"`([\w./-]*/[\w./-]*|Snakefile|pyproject\.toml)`", TEXT))
    assert len(named) > 60
    assert {name for name in named if not (PROJECT / name).exists()} == set()


def test_functions_named_on_the_page_exist():
    named = re.findall(r"`([\w./]+\.py)`, `(\w+)`", TEXT)
    named += [(file, name) for name, file in re.findall(r"`(\w+)` in\s+`([\w./]+\.py)`", TEXT)]
    assert len(named) >= 3
    for file, name in named:
        assert f"def {name}(" in (PROJECT / file).read_text(encoding="utf-8"), (file, name)


def test_a_rule_graph_without_some_stages_is_refused():
    dot = '\t0[label = "all"];\n\t1[label = "tabulate"];\n\t1 -> 0\n'
    with pytest.raises(RuntimeError, match="the rule graph lacks: annotate, build_zero_shot"):
        graphs.edges_of_rulegraph(dot)


def test_an_edge_that_follows_from_others_is_left_out():
    assert graphs.reduced(DIAMOND) == DIAMOND - {("a", "d")}


def test_the_edge_that_closes_a_circle_leads_back_to_what_stands_first():
    circle = frozenset({("b", "c"), ("c", "b"), ("a", "b"), ("c", "c")})
    forward, backward = graphs.without_loops(circle, ["a", "b", "c"])
    assert backward == {("c", "b"), ("c", "c")}
    assert forward == {("a", "b"), ("b", "c")}


def test_no_arrow_passes_through_a_box(packages):
    """In each row boxes and edges that pass it have places of their own."""
    graph = make_architecture.package_picture(packages)
    rows, chains = layered_drawing.in_rows(graph)
    x = layered_drawing.places(rows, chains)
    at = {place: number for number, row in enumerate(rows) for place in row}
    for chain in chains.values():
        numbers = [at[place] for place in chain]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
    for row in rows:
        for left, right in itertools.pairwise(row):
            room = (layered_drawing.width_of(left) + layered_drawing.width_of(right)) / 2
            assert x[right] - x[left] > room


def test_a_picture_is_the_same_bytes_when_made_twice(tmp_path):
    nodes = dict.fromkeys("abcd", "#0072b2")
    graph = layered_drawing.Graph(nodes, graphs.reduced(DIAMOND), frozenset({("d", "a")}))
    for name in ("one.svg", "two.svg"):
        layered_drawing.draw(graph, tmp_path / name, "a > b")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
