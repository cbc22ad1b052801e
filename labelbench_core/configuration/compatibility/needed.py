"""How many rows of a data set's splits an experiment needs."""

from collections.abc import Iterator

from labelbench_core.configuration import entries
from labelbench_core.configuration.catalogue import Catalogue
from labelbench_core.configuration.experiment import Crossing, Experiment
from labelbench_core.datasets import POOL, VAL
from labelbench_core.datasets.rows.needed_rows import NeededRows
from labelbench_core.training.recipe import Recipe


def needed_rows(
    experiment: Experiment, catalogue: Catalogue, dataset: str, file: str
) -> list[NeededRows]:
    """All that an experiment needs of a data set, each once; `file` for the messages."""
    found: dict[NeededRows, None] = {}
    for crossing in experiment.crossings:
        if dataset in crossing.datasets:
            wanted = [
                *needed_labels(crossing, dataset, catalogue),
                *needed_validation(crossing, dataset, catalogue),
            ]
            found |= {one._replace(told=f"{file}: {one.told}"): None for one in wanted}
    return list(found)


def needed_labels(
    crossing: Crossing, dataset: str, catalogue: Catalogue, pool: int | None = None
) -> Iterator[NeededRows]:
    """Labels that schedules buy.

    Where a `pool` of that many rows is smaller than the initial labels, no number of rounds helps:
    then the rounds are left out.
    """
    for schedule in crossing.schedules:
        sizes = catalogue["schedules"][schedule]
        initial, batch = sizes["initial"], sizes["batch"]
        yield NeededRows(
            POOL,
            initial,
            f"schedules: {schedule!r} starts with {initial} labels, but the pool of {dataset!r}",
            allowed="an `initial` of at most",
        )
        last = initial + (crossing.rounds - 1) * batch
        if crossing.rounds > 1 and (pool is None or initial <= pool):
            yield NeededRows(
                POOL,
                last,
                f"rounds: {crossing.rounds} rounds of schedule {schedule!r} buy {last} labels, but "
                f"the pool of {dataset!r}",
                first=initial - batch,
                step=batch,
            )


def needed_validation(
    crossing: Crossing, dataset: str, catalogue: Catalogue
) -> Iterator[NeededRows]:
    """Labels for validation that trainings take beside the pool's."""
    for proxy in crossing.proxies:
        if trainer := entries.trainer_of(catalogue, proxy):
            where = f"proxies: {proxy!r} is trained by {trainer!r}, whose"
            yield from _of_trainer(catalogue, trainer, dataset, where)
    for trainer in crossing.finetune.trainers if crossing.finetune else ():
        where = f"finetune.trainers: {trainer!r}:"
        yield from _of_trainer(catalogue, trainer, dataset, where)


def _of_trainer(
    catalogue: Catalogue, trainer: str, dataset: str, where: str
) -> Iterator[NeededRows]:
    recipe = Recipe.from_options(catalogue["trainers"][trainer].get("training"))
    if recipe.validation == "extra":
        yield NeededRows(
            VAL,
            int(recipe.validation_size),
            f"{where} training.validation_size: {recipe.validation_size:g} labels for validation: "
            f"extra, but data set {dataset!r}",
            unit=" rows in its split 'val'",
        )
