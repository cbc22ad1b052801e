"""What a campaign's file leaves out, and what is chosen in its place."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from labelbench_core import registry
from labelbench_core.campaign.advice.choice import USUAL_PROXY, Situation
from labelbench_core.campaign.advice.evidence import shipped
from labelbench_core.campaign.advice.kept import advice
from labelbench_core.configuration.catalogue import Catalogue
from labelbench_core.datasets.rows.row_kinds import rows_of


def advice_for(
    config: Mapping[str, Any],
    catalogue: Catalogue,
    folder: Path,
    labels: int,
    multilabel: bool,
    is_allowed: Callable[[str, Mapping[str, Any]], bool],
) -> dict[str, dict[str, Any]]:
    """What is chosen for the strategy and the proxy that a checked file leaves out: see `advice`.

    Parameters
    ----------
    folder
        The campaign's folder.
    labels
        Labels to train on that a batch brings.
    is_allowed
        Whether the campaign can use a strategy, by its id and what the proxy's `INFO` says.
    """
    proxy = config.get("proxy", USUAL_PROXY)
    situation = Situation(
        batch=labels,
        classes=None if "rehearsal" in config else len(config["classes"]),
        multilabel=multilabel,
        rows=rows_of(catalogue["datasets"][config["pool"]]["implementation"]),
        proxy=proxy,
    )

    def may_choose(strategy: str) -> bool:
        known = strategy in catalogue["strategies"]
        return known and is_allowed(strategy, info_of_proxy(proxy, catalogue))

    def may_train(proxy: str) -> bool:
        return proxy in catalogue["proxies"] and is_of_embeddings(proxy, catalogue)

    return advice(
        config, situation, shipped(), folder, {"strategy": may_choose, "proxy": may_train}
    )


def info_of_proxy(name: str, catalogue: Catalogue) -> Mapping[str, Any]:
    """What a proxy's `INFO` says."""
    return registry.describe("proxies", catalogue["proxies"][name]["implementation"]).info


def is_of_embeddings(name: str, catalogue: Catalogue) -> bool:
    """Whether a proxy is trained on embeddings alone: on no images, and no augmented views."""
    needs_images = info_of_proxy(name, catalogue).get("needs_images")
    options = registry.options_of(catalogue["proxies"][name])
    return not needs_images and "augmentation" not in options
