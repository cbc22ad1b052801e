"""Write the tables of options and the papers' BibTeX into the pages of docs/, from the code.

    python -m docs.make_option_tables [--check]

Only the text between two comments is replaced; the prose around it stays:

    <!-- options: strategies/badge -->  … <!-- end -->    the table of a component
    <!-- options: trainers -->          … <!-- end -->    those of all components of a kind
    <!-- bibtex: trainers -->           … <!-- end -->    the entries of references.bib for a kind
"""

import argparse
import re
import sys
from pathlib import Path

from labelbench_core import registry
from labelbench_core.errors import InputError, listed
from labelbench_core.registry import listing
from labelbench_core.storage.files import atomic_path

DOCS = Path(__file__).parent
REFERENCES = DOCS / "references.bib"
STOPPING = "stopping"
"""The kind of the rules for stopping, which are no components."""
BLOCK = re.compile(
    r"(?P<start><!-- (?P<what>options|bibtex): (?P<of>[a-z0-9/-]+) -->\n)"
    r"(?P<old>.*?)(?P<end><!-- end -->)",
    re.DOTALL,
)
HEAD = "| option | allowed | default | whose default | meaning |\n|---|---|---|---|---|\n"


def main(argv: list[str] | None = None) -> int:
    """Rewrite the pages, or only report which are out of date; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit with 1 if a page is old"
    )
    is_check = parser.parse_args(argv).check
    old = 0
    for page in pages():
        text = page.read_text(encoding="utf-8")
        if (new := renewed(text)) == text:
            continue
        old += 1
        print(f"docs/{page.name}: {'out of date' if is_check else 'rewritten'}")
        if not is_check:
            with atomic_path(page) as path:
                path.write_text(new, encoding="utf-8")
    return int(is_check and old > 0)


def pages() -> list[Path]:
    """The pages that have blocks."""
    return [page for page in sorted(DOCS.glob("*.md")) if BLOCK.search(page.read_text("utf-8"))]


def renewed(text: str) -> str:
    """A page with all its blocks made anew."""

    def block(found: re.Match[str]) -> str:
        make = {"options": options, "bibtex": bibtex}[found["what"]]
        return f"{found['start']}{make(found['of'])}{found['end']}"

    return BLOCK.sub(block, text)


def options(of: str) -> str:
    """The table of a component, `kind/name`, or those of all of a kind, each under its name."""
    kind, _, name = of.partition("/")
    if name:
        return f"\n{table(registry.describe(kind, name))}\n"
    parts = []
    for one in registry.names(kind):
        component = registry.describe(kind, one)
        if component.module.startswith("labelbench_core."):
            parts.append(f"\n### {one}\n\n{component.summary}\n\n{table(component)}")
    return "".join(parts) + "\n"


def table(component: registry.Component) -> str:
    """A component's options, one a line."""
    if not component.options:
        return "No options.\n"
    lines = [
        f"| `{row.name}` | {row.allowed} | {row.default} | {row.source} | {row.meaning} |\n"
        for row in listing.option_rows(component)
    ]
    return HEAD + "".join(lines)


def bibtex(kind: str) -> str:
    """The entries of the papers of a kind's components, in a block of code."""
    chosen = [entry for entry in references() if any(one[0] == kind for one in components(entry))]
    if not chosen:
        raise InputError(f"{REFERENCES.name}: keywords: no entry for {kind}; allowed: kind/name")
    return "\n```bibtex\n" + "\n\n".join(map(without_keywords, chosen)) + "\n```\n\n"


def references() -> list[str]:
    """The entries of references.bib, in its order."""
    return re.findall(r"^@.*?^\}", REFERENCES.read_text(encoding="utf-8"), re.M | re.S)


def components(entry: str) -> list[tuple[str, str]]:
    """(kind, name) of the components, or of the rules for stopping, that an entry belongs to."""
    found = []
    for word in field(entry, "keywords").split(","):
        kind, _, name = word.strip().partition("/")
        if kind not in (*registry.MAIN_FUNCTION, STOPPING):
            kinds = listed((*registry.MAIN_FUNCTION, STOPPING))
            raise InputError(f"{REFERENCES.name}: keywords: {word.strip()!r}; allowed: {kinds}")
        found.append((kind, name))
    return found


def field(entry: str, name: str) -> str:
    """A field of an entry; empty if it has none."""
    found = re.search(rf"^  {name} = \{{(.*)\}},?$", entry, re.MULTILINE)
    return found[1] if found else ""


def without_keywords(entry: str) -> str:
    """An entry as a paper's bibliography needs it."""
    return re.sub(r",\n  keywords = \{.*\}", "", entry)


if __name__ == "__main__":
    sys.exit(main())
