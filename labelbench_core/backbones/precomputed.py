"""Embeddings that came with the data set, as they are: no network runs.

For data sets whose rows are embeddings, such as `own-embeddings`.
"""

from labelbench_core.backbones import GivenEmbeddings

INFO = {
    "summary": "the embeddings of a data set of embeddings, as they are",
    "license": "your own",
    "paper": "",
    "reads": "embeddings",
}


def check() -> None:
    """Nothing can be wrong."""


def build() -> GivenEmbeddings:
    """What hands embeddings on."""
    return GivenEmbeddings()
