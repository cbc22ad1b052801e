"""A page of docs/benchmarks/, printed and written."""

import argparse
from pathlib import Path

from labelbench_core.storage.files import atomic_path


def add_output(parser: argparse.ArgumentParser) -> None:
    """The option `--output`."""
    parser.add_argument("--output", type=Path, help="a Markdown file to write the page to")


def tell(text: str, output: Path | None) -> None:
    """Print the page; write it to `output`, if that is given, with its folder."""
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(output) as aside:
            aside.write_text(text, encoding="utf-8")
    print(text)
