"""Draw the stages and the packages, and write the tables of docs/architecture.md.

    python -m docs.make_architecture

The stages and what they read come from Snakemake's own rule graph, the packages from the imports,
the layers from import-linter's contract. Same project, same bytes.
"""

from collections.abc import Iterable
from pathlib import Path

from docs import architecture_graphs as graphs
from docs.layered_drawing import Graph, draw
from labelbench_core import registry
from labelbench_core.figures.palette import HIGHLIGHT, PALETTE
from labelbench_core.stages.table import STAGES
from labelbench_core.storage.files import atomic_path

PAGE = Path(__file__).parent / "architecture.md"
IMAGES = Path(__file__).parent / "images"
STAGES_PICTURE, PACKAGES_PICTURE = "stages.svg", "packages.svg"
MARK = "<!-- {}: written by docs/make_architecture.py -->"
TARGET_COLORS = dict(
    zip(("embeddings", "selections", "finetuned", "figures", "report"), PALETTE, strict=False)
)


def main() -> None:
    """Draw both pictures and write the tables anew."""
    stages, packages = graphs.stage_edges(), graphs.package_edges()
    draw(stage_picture(stages), IMAGES / STAGES_PICTURE, description(stages))
    draw(package_picture(packages), IMAGES / PACKAGES_PICTURE, description(packages))
    text = PAGE.read_text(encoding="utf-8")
    for name, block in blocks(stages, packages).items():
        text = with_block(text, name, block)
    with atomic_path(PAGE) as aside:
        aside.write_text(text, encoding="utf-8")


def description(edges: graphs.Edges) -> str:
    """All edges as text, also those that are not drawn because they follow from others."""
    return "; ".join(f"{source} > {target}" for source, target in sorted(edges))


def stage_picture(edges: graphs.Edges) -> Graph:
    """The graph of the stages: data flows downwards."""
    forward, backward = graphs.without_loops(edges, list(STAGES))
    return Graph(
        nodes={name: TARGET_COLORS[stage.target] for name, stage in STAGES.items()},
        edges=graphs.reduced(forward),
        backward=backward,
        legend={f"target {name}": color for name, color in TARGET_COLORS.items()},
    )


def package_picture(edges: graphs.Edges) -> Graph:
    """The graph of the packages: each is above those it imports."""
    nodes = [name for layer in graphs.layers() for name in layer]
    return Graph(
        nodes={name: HIGHLIGHT if name in registry.MAIN_FUNCTION else PALETTE[0] for name in nodes},
        edges=graphs.reduced(edges),
        legend={"one file per method": HIGHLIGHT, "machinery": PALETTE[0]},
    )


def blocks(stages: graphs.Edges, packages: graphs.Edges) -> dict[str, str]:
    """Name → the generated table or list of the page."""
    layers = graphs.layers()
    return {
        "stages": table(
            ("stage", "reads the outputs of", "one job for each", "target"),
            (
                (
                    f"`{name}`",
                    ", ".join(one for one in STAGES if (one, name) in stages) or "the source",
                    ", ".join(stage.ids),
                    f"`{stage.target}`",
                )
                for name, stage in STAGES.items()
            ),
        ),
        "packages": table(
            ("package", "imports"),
            (
                (
                    f"`{name}`",
                    ", ".join(one for other in layers for one in other if (name, one) in packages)
                    or "nothing",
                )
                for layer in layers
                for name in layer
            ),
        ),
        "layers": " < ".join(", ".join(f"`{name}`" for name in layer) for layer in layers[::-1]),
    }


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def block_of(text: str, name: str) -> str:
    """The text between the marks of a block."""
    mark = MARK.format(name)
    _, block, _ = text.split(mark)
    return block.strip()


def with_block(text: str, name: str, block: str) -> str:
    """`text` with another block between the marks."""
    mark = MARK.format(name)
    before, _, after = text.split(mark)
    return f"{before}{mark}\n\n{block}\n\n{mark}{after}"


if __name__ == "__main__":
    main()
