"""What a round reads, whatever its proxy: embeddings or images, views, a zero-shot classifier."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelbench_core.selection import data
from workflow_scripts._annotations import add_annotations_argument


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that name a round's data; an empty one counts as none."""
    parser.add_argument("--dataset", type=Path, required=True, help="manifest of the data set")
    parser.add_argument("--embeddings", type=Path, nargs="?", help="manifest of the embeddings")
    parser.add_argument("--views", type=Path, nargs="?", help="manifest of augmented views")
    add_annotations_argument(parser)
    parser.add_argument("--zero-shot", type=Path, nargs="?", help="classifier of the class names")


def open_data(arguments: argparse.Namespace, settings: Mapping[str, Any]) -> data.RoundData:
    """Open what the options name."""
    if arguments.embeddings is None:
        return data.open_image_data(
            settings,
            arguments.dataset,
            checkpoint_of(arguments),
            arguments.threads,
            arguments.zero_shot,
            arguments.annotations,
        )
    return data.open_round_data(
        settings,
        arguments.dataset,
        arguments.embeddings,
        arguments.views,
        arguments.zero_shot,
        arguments.annotations,
    )


def checkpoint_of(arguments: argparse.Namespace) -> Path:
    """The file that an interrupted training leaves beside the round's record."""
    return arguments.record.with_suffix(".partial")
