"""The commit of the code that is used."""

import subprocess
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def commit() -> str:
    """Commit of the code that is used now, with a plus sign where files have changed since.

    "unknown" where it is not in a repository of its own, or git is not installed.
    """

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(PROJECT), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", "labelbench_core", "workflow_scripts", "rules")
        return git("rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
