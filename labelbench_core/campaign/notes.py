"""What every call, and a campaign's page, say of how answers became labels."""

from collections import Counter
from collections.abc import Iterator

from labelbench_core.campaign.answers.joining import State, by_majority
from labelbench_core.campaign.answers.labels import Labels
from labelbench_core.campaign.state import CampaignState
from labelbench_core.counting import counted
from labelbench_core.errors import listed


def notes_of(state: CampaignState) -> list[str]:
    """Lines on labels that are not simply what people said, each a sentence or two."""
    return [
        *_of_unasked(state),
        *_of_dawid_skene(state.labels),
        *_of_split_classes(state),
        *_of_no_class(state),
    ]


def _of_unasked(state: CampaignState) -> Iterator[str]:
    """How many rows were answered that no batch had asked for."""
    there = [item for item in state.unasked if item in state.row_of]
    if not there:
        return
    trained = set(state.training_labels().rows.tolist())
    known = [item for item in there if state.row_of[item] in trained]
    line = (
        f"{_rows(len(there), 'has an answer', 'have answers')} that no batch had asked for, such "
        f"as labels from before: {len(known)} of them {'is' if len(known) == 1 else 'are'} trained "
        "on, and none is of the audit"
    )
    line += ", which stands for the other rows." if len(there) < len(state.row_of) else "."
    if late := len(set(there) - state.apart):
        line += (
            f" {late} of them came when rows beside them had been handed out: whether the rows "
            "that are left are easier or harder than the audit's is told by the models' "
            "confidence, as where a strategy has chosen."
        )
    if open_rows := len(state.apart.intersection(there).difference(known)):
        line += f" {open_rows} of them have no label, and are in no number of accuracy."
    yield line


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


def _of_split_classes(state: CampaignState) -> Iterator[str]:
    """How many rows are asked again for each class that was split."""
    reasons = {item: why for item, why in state.labels.ask_again.items() if item in state.row_of}
    if not reasons:
        return
    last = state.batches[-1]  # there are no changes of classes before the first
    asked = {one["item"] for one in last.record["items"]} & reasons.keys()
    answered = {one.item for one in state.answers if one.batch == last.name} & asked
    now = asked - answered
    for why, count in Counter(reasons.values()).items():
        of_it = {item for item, one in reasons.items() if one == why}
        line = f"{_rows(count, 'is', 'are')} asked again: {why}."
        if there := len(of_it & now):
            others = ", the others in the next ones" if there < count else ""
            verb = "is" if there == 1 else "are"
            line += f" {there} of them {verb} in batch {last.number}{others}."
        if there := len(of_it & answered):
            verb = "was" if there == 1 else "were"
            line += (
                f" {there} of them {verb} answered with it in batch {last.number}, which was "
                "handed out before the split."
            )
        yield line


def _of_no_class(state: CampaignState) -> Iterator[str]:
    """How many rows were found to be of no class before one was added."""
    silent = Counter(
        one.silent_on
        for item, one in state.labels.items.items()
        if item in state.row_of and one.state is State.NO_CLASS and one.silent_on
    )
    for names, count in silent.items():
        yield (
            f"{_rows(count, 'was', 'were')} answered {State.NO_CLASS} before {listed(names)} could "
            "be chosen, and not asked again; a new answer for such a row replaces that person's."
        )


def _rows(count: int, of_one: str, of_several: str) -> str:
    """So many rows, with their verb."""
    return f"{counted(count, 'row')} {of_one if count == 1 else of_several}"
