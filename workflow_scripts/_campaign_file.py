"""Whether a file asks for a labelling campaign, and the campaign that it asks for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from labelbench_core.configuration.catalogue import Catalogue
from labelbench_core.configuration.inheritance import Asked

if TYPE_CHECKING:
    from labelbench_core.campaign.settings import Campaign


def is_campaign(wanted: Asked) -> bool:
    """Whether the file is that of a labelling campaign, not of an experiment."""
    return isinstance(wanted.values, Mapping) and "campaign" in wanted.values


def refuse_finish(wanted: Asked, targets: Collection[str]) -> None:
    """End Snakemake where the target `finish` is asked for of an experiment."""
    if "finish" in targets:
        told = "an experiment; allowed with the target `finish`: a campaign's file"
        raise SystemExit(f"error: {wanted.name}: {told}")


def campaign_of(wanted: Asked, catalogue: Catalogue, project: Path) -> Campaign:
    """The campaign, checked; `InputError` with all errors if there are any."""
    # Plans of experiments need none of it.
    from labelbench_core.campaign.settings import load_campaign

    with wanted.naming_places():
        return load_campaign(
            wanted.values, catalogue, project / "config" / "schema", wanted.name, wanted.folder
        )
