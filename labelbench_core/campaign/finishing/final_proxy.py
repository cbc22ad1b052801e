"""The campaign's proxy, trained on all labels at its end."""

from __future__ import annotations

import numpy as np

from labelbench_core.campaign.finishing.collected import CollectedLabels
from labelbench_core.campaign.models import Model, train
from labelbench_core.campaign.pool import CampaignPool
from labelbench_core.campaign.settings import Campaign


def final_proxy(
    campaign: Campaign, pool: CampaignPool, collected: CollectedLabels, threads: int = 1
) -> Model:
    """The proxy, trained from the start; for it, all other rows of the pool have no labels."""
    rows = collected.training.rows
    others = np.setdiff1d(np.arange(len(pool)), rows)
    return train(
        pool,
        campaign.model_ids,
        len(collected.classes),
        collected.training,
        others,
        collected.record["batches"],
        None,
        threads,
    )
