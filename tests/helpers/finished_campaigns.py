"""Campaigns that are finished in tests, with the proxy as their model."""

from helpers.campaigns import answer, run
from labelbench_core.campaign.calls import advance, waiting_files
from labelbench_core.campaign.finishing.collected import read_collected, write_collected
from labelbench_core.campaign.finishing.finish import FinishedFiles, finish
from labelbench_core.campaign.state import read_state

BACKBONE = {"id": "given", "implementation": "precomputed"}
FINISH = {"trainer": None, "onnx": False, "look_below": 0.9}


def take_in(campaign, pool):
    """Take in what has come, and hand out nothing."""
    advance(campaign, pool, waiting_files(campaign.folder), hands_out=False)


def answered(campaign, pool, labels, batches):
    """A campaign of so many batches, the last of which is answered, too."""
    done = run(campaign, pool, labels, batches)
    answer(campaign, done.batch, labels, "last")
    take_in(campaign, pool)


def collected_of(campaign, pool, folder):
    """All labels, written and read again."""
    state, _ = read_state(campaign, pool)
    paths = folder / "labels.json", folder / "labels.npz"
    write_collected(state, pool, *paths, folder / "labels.csv")
    return read_collected(*paths, campaign.campaign)


def finished(campaign, pool, folder):
    """(summary, its files) of a campaign whose model is the proxy."""
    names = ("dataset.csv", "predictions.csv", "to_check.csv", "p.npy", "model", "finished.json")
    written = FinishedFiles(*(folder / name for name in names))
    collected = collected_of(campaign, pool, folder)
    made_with = {"code": "abc", "commit": None}
    summary = finish(
        campaign,
        BACKBONE,
        pool,
        collected,
        None,
        written,
        made_with=made_with,
        embedded={"weights_sha256": ""},
    )
    return summary, written
