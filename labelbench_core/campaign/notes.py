"""What every call, and a campaign's page, say of how answers became labels."""

from labelbench_core.campaign.answers.joining import State, by_majority
from labelbench_core.campaign.answers.labels import Labels
from labelbench_core.campaign.state import CampaignState


def notes_of(state: CampaignState) -> list[str]:
    """Lines on labels that are not simply what people said, each a sentence or two."""
    return [*_of_dawid_skene(state.labels)]


def _of_dawid_skene(labels: Labels) -> list[str]:
    """On how many rows another label than a majority's is taken, or why on none."""
    told = labels.measured
    if told is None:
        return []
    if not told.annotators:
        return [
            "agreement: dawid-skene decides nothing yet, the majority does. How somebody errs is "
            f"told from {told.needed} rows of theirs that two others have answered, too; the most "
            f"that anybody has is {told.most}."
        ]
    tied = sum(
        by_majority(labels.items[item].votes)[0] is State.CONTRADICTED for item in labels.overruled
    )
    others = len(labels.overruled) - tied
    line = (
        f"agreement: dawid-skene has decided the {len(labels.weighed)} rows on which people "
        f"differ: {others} have another label than by majority"
    )
    return [f"{line}, and {tied} have one where there is no majority."]
