"""Checkpoints of an unfinished fine-tuning: one file, replaced every few minutes."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import pickle
import time
from pathlib import Path
from typing import Any

import torch

from labelbench_core.compute import distributed
from labelbench_core.storage import files

log = logging.getLogger(__name__)

DEFAULT_SECONDS = 180.0
DIGEST_BYTES = 32


class Checkpoint:
    """The checkpoint of one fine-tuning.

    Parameters
    ----------
    path
        The file; None: no checkpoints.
    fingerprint
        Hash of everything that the result depends on. A file with another one is not used.
    seconds
        Time between two checkpoints; default: the environment variable
        LABELBENCH_CHECKPOINT_SECONDS, else 180. It has no influence on results.
    """

    def __init__(
        self, path: Path | None, fingerprint: str, *, seconds: float | None = None
    ) -> None:
        if seconds is None:
            seconds = float(os.environ.get("LABELBENCH_CHECKPOINT_SECONDS", DEFAULT_SECONDS))
        self.path, self.fingerprint, self.seconds = path, fingerprint, seconds
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether it is time to save."""
        return self.path is not None and time.monotonic() - self._last >= self.seconds

    def save(self, content: dict[str, Any]) -> None:
        """Replace the file, atomically."""
        if self.path is None:
            return
        if distributed.rank() == 0:  # all processes have the same
            # Torch does not notice a damaged tensor in what it loads: the digest does.
            buffer = io.BytesIO()
            torch.save({"fingerprint": self.fingerprint, "content": content}, buffer)
            with files.atomic_path(self.path) as aside, open(aside, "wb") as handle:
                handle.write(hashlib.sha256(buffer.getbuffer()).digest())
                handle.write(buffer.getbuffer())
            log.info("checkpoint saved")
        self._last = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """What an interrupted run saved, on the CPU; None if there is nothing to resume."""
        if self.path is None or not self.path.exists():
            return None
        try:
            stored = memoryview(self.path.read_bytes())
            digest, content = stored[:DIGEST_BYTES], stored[DIGEST_BYTES:]
            if hashlib.sha256(content).digest() != digest:
                reason = "it is damaged"
            else:
                saved = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
                if saved["fingerprint"] == self.fingerprint:
                    return saved["content"]
                reason = "it belongs to other settings, labels, weights or code"
        except (
            AttributeError,
            EOFError,
            KeyError,
            OSError,
            RuntimeError,
            TypeError,
            ValueError,
            pickle.UnpicklingError,
        ) as error:
            reason = f"it cannot be read ({error})"
        log.warning("%s: not resumed: %s", self.path.name, reason)
        return None
