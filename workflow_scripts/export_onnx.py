"""Write the model of a finished campaign as an ONNX file, compared with the model itself."""

import argparse
import sys
from pathlib import Path

from labelbench_core.campaign.finishing.onnx_file import write_onnx
from workflow_scripts._job import job_parser, run_job


def main(argv: list[str] | None = None) -> int:
    parser = job_parser(__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of the model")
    parser.add_argument("--onnx", type=Path, required=True, help="file to write")

    def export(arguments: argparse.Namespace) -> None:
        write_onnx(arguments.model, arguments.onnx, arguments.threads)

    return run_job(export, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
