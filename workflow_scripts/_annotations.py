"""How jobs are told where an annotator's labels are."""

import argparse
from pathlib import Path


def add_annotations_argument(parser: argparse.ArgumentParser) -> None:
    """The option; empty for the exact annotator."""
    what = "record of what the annotator says"
    parser.add_argument("--annotations", type=Path, nargs="?", help=what)
