"""An experiment: which ids of the catalogue are crossed, checked before any job starts."""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from labelbench_core import registry
from labelbench_core.annotators import EXACT
from labelbench_core.configuration.catalogue import (
    Catalogue,
    Named,
    entry_error,
    is_wrong,
    wrong_entries,
)
from labelbench_core.configuration.comparing import reference_keys
from labelbench_core.configuration.comparing.comparable import comparison_errors
from labelbench_core.configuration.compatibility.combinations import (
    combination_errors,
    panel_split_errors,
    split_errors,
)
from labelbench_core.configuration.compatibility.component_code import unreadable
from labelbench_core.configuration.compatibility.multilabel import (
    is_multilabel,
    multilabel_errors,
    single_label_errors,
)
from labelbench_core.configuration.compatibility.needed import needed_labels
from labelbench_core.configuration.compatibility.row_kinds import row_errors
from labelbench_core.configuration.compatibility.unlabeled import (
    unlabeled_errors,
    unmeasured_errors,
)
from labelbench_core.configuration.compatibility.weighted import weight_errors
from labelbench_core.configuration.experiment import Crossing, Experiment, Finetuning
from labelbench_core.configuration.metric import metric_errors, metrics_of
from labelbench_core.configuration.prices import price_errors
from labelbench_core.configuration.replays import list_errors, list_options
from labelbench_core.configuration.schemas import schema_errors
from labelbench_core.configuration.sources.source_sizes import SourceSizes, source_sizes
from labelbench_core.datasets import POOL
from labelbench_core.datasets.rows.needed_rows import shortages
from labelbench_core.datasets.splits.drawn_ahead import Remembered
from labelbench_core.errors import InputError, did_you_mean, listed, raise_all

# Planning takes 2 ms and 16 KB for each job.
MOST_JOBS = 1_000_000
MOST_SHOWN = 3  # of the values of a list that are not allowed
# Folder names beside the strategies' own: no strategy may have them.
RESERVED_STRATEGIES = ("initial",)


def load_experiment(
    config: Mapping[str, Any], catalogue: Catalogue, schema_folder: Path, file: str
) -> Experiment:
    """Check an experiment against the schema and the catalogue.

    Parameters
    ----------
    config
        What the experiment's file says.
    catalogue
        What `labelbench_core.configuration.catalogue.load_catalogue` returned.
    schema_folder
        Folder of `experiment.schema.json`.
    file
        The experiment's file, for the messages.

    Raises
    ------
    InputError
        All errors, one a line: file, key, value, what is allowed.
    """
    raise_all(schema_errors(config, schema_folder / "experiment.schema.json", file))
    # Each further crossing repeats the experiment with the keys that it gives changed.
    shared = {key: value for key, value in config.items() if key != "also"}
    crossings = [shared, *({**shared, **also} for also in config.get("also", []))]
    metric, *further_metrics = metrics_of(config, catalogue)
    experiment = Experiment(
        experiment=config["experiment"],
        crossings=tuple(_crossing(values, catalogue) for values in crossings),
        baseline=config.get("baseline", "random"),
        highlight=config.get("highlight", "margin"),
        metric=metric,
        further_metrics=tuple(further_metrics),
        levels=tuple(float(level) for level in config.get("levels", ())),
        by_class=config.get("by_class", False),
        by_group=config.get("by_group", False),
        priced="prices" in config,
    )
    named = (one for crossing in experiment.crossings for one in _named(crossing))
    errors = wrong_entries(catalogue, named)
    errors += [f"{file}: {line}" for line in metric_errors(config, catalogue)]
    too_many = [f"{file}: {line}" for line in _size_errors(experiment)]
    errors += too_many or [f"{file}: {line}" for line in comparison_errors(experiment, config)]
    errors += [f"{file}: {line}" for line in price_errors(config, experiment, catalogue)]
    for place, crossing in enumerate(experiment.crossings):
        where = f"{file}: also.{place - 1}." if place else f"{file}: "
        errors += [where + line for line in _reference_errors(crossing, catalogue)]
    raise_all(errors)
    return _with_published(experiment, config, catalogue, file)


def _with_published(
    experiment: Experiment, config: Mapping[str, Any], catalogue: Catalogue, file: str
) -> Experiment:
    """The experiment with the published settings and panels that it asks for."""
    if "reference" not in config and "panels" not in config:
        return experiment
    references, wrong = reference_keys.references(config.get("reference"), experiment, catalogue)
    panels, others = reference_keys.panels(config.get("panels"), experiment, catalogue, references)
    raise_all(f"{file}: {line}" for line in wrong + others)
    return dataclasses.replace(experiment, references=references, panels=panels)


def _crossing(values: Mapping[str, Any], catalogue: Catalogue) -> Crossing:
    finetune = values.get("finetune")
    ceilings = values.get("ceilings", [])
    return Crossing(
        **{kind: tuple(values[kind]) for kind in _CROSSED},
        annotators=tuple(values.get("annotators", [EXACT])),
        rounds=values["rounds"],
        seeds=_seeds(values["seeds"]),
        finetune=finetune
        and Finetuning(
            trainers=tuple(finetune["trainers"]),
            strategies=tuple(finetune["strategies"]),
            rounds=tuple(finetune["rounds"]),
            seeds=_seeds(finetune["seeds"]),
            keep=finetune.get("keep", "all"),
        ),
        ceilings=tuple(name for name in ceilings if name not in catalogue["schedules"]),
        full_data=tuple(name for name in ceilings if name in catalogue["schedules"]),
    )


def _named(crossing: Crossing) -> Iterator[Named]:
    """Kind and id of every entry that a crossing names."""
    lists = {kind: getattr(crossing, kind) for kind in (*_CROSSED, "annotators")}
    lists["strategies"] += crossing.ceilings
    lists["schedules"] += crossing.full_data + crossing.ceilings
    lists["trainers"] = getattr(crossing.finetune, "trainers", ())
    yield from ((kind, name) for kind, names in lists.items() for name in names)


_CROSSED = ("datasets", "backbones", "proxies", "schedules", "strategies")


def _seeds(value: int | list[int]) -> tuple[int, ...]:
    return tuple(range(value)) if isinstance(value, int) else tuple(value)


def _reference_errors(crossing: Crossing, catalogue: Catalogue) -> list[str]:
    errors: list[str] = []
    for kind in _CROSSED:
        names = _not_wrong(catalogue, kind, getattr(crossing, kind))
        errors += _unknown(kind, names, catalogue[kind], f"catalogue {kind}.yaml")
    known = {EXACT, *catalogue["annotators"]}
    annotators = _not_wrong(catalogue, "annotators", crossing.annotators)
    errors += _unknown("annotators", annotators, known, "catalogue annotators.yaml")
    for name in set(crossing.strategies) & set(RESERVED_STRATEGIES):
        errors.append(f"strategies: {name!r} is reserved for round 0's folder; allowed: another id")
    errors += _ceiling_errors(crossing, catalogue)
    chosen = crossing.strategies + crossing.ceilings + crossing.full_data
    finetune = crossing.finetune
    if finetune is not None:
        trainers = _not_wrong(catalogue, "trainers", finetune.trainers)
        errors += _unknown(
            "finetune.trainers", trainers, catalogue["trainers"], "catalogue trainers.yaml"
        )
        errors += _unknown(
            "finetune.strategies",
            finetune.strategies,
            chosen,
            "the experiment's strategies and ceilings",
        )
        errors += _outside("finetune.rounds", finetune.rounds, range(crossing.rounds))
        errors += _outside("finetune.seeds", finetune.seeds, crossing.seeds)
    errors += unreadable(crossing, catalogue)
    if not errors and not wrong_entries(catalogue, _named(crossing)):
        errors += _unsuitable(crossing, catalogue)
    return errors


def _size_errors(experiment: Experiment) -> Iterator[str]:
    """Experiments with too many jobs to plan."""
    rounds = sum(crossing.num_selections for crossing in experiment.crossings)
    tuned = sum(crossing.num_finetunings for crossing in experiment.crossings)
    if rounds + tuned > MOST_JOBS:
        yield (
            f"{'rounds' if rounds >= tuned else 'finetune'}: {rounds} rounds (data sets x "
            "annotators x backbones x proxies x schedules x strategies and ceilings x seeds x "
            f"rounds) and {tuned} fine-tunings (settings x trainers x strategies x seeds x rounds) "
            f"in all crossings; allowed: at most {MOST_JOBS} together"
        )


def _ceiling_errors(crossing: Crossing, catalogue: Catalogue) -> list[str]:
    """Ceilings named as methods, which would rank them, and methods named as ceilings."""
    kinds = ("strategies", "schedules")
    errors = [
        f"{kind}: {name!r} is a ceiling, which is never ranked; name it under `ceilings`"
        for kind in kinds
        for name in getattr(crossing, kind)
        if _is_ceiling(catalogue, kind, name)
    ]
    for name in crossing.ceilings + crossing.full_data:
        if any(is_wrong(catalogue, kind, name) for kind in kinds):
            continue
        if not any(_is_ceiling(catalogue, kind, name) for kind in kinds):
            known = [
                one
                for kind in kinds
                for one in catalogue[kind]
                if _is_ceiling(catalogue, kind, one)
            ]
            errors += _unknown("ceilings", (name,), known, "the catalogue as a ceiling")
    return errors


def _is_ceiling(catalogue: Catalogue, kind: str, name: str) -> bool:
    if name not in catalogue[kind]:
        return False
    if kind == "schedules":
        return catalogue[kind][name]["initial"] == "all"
    if registry.problem_of(kind, catalogue[kind][name]["implementation"]):
        return False
    return _info(kind, catalogue, name)["kind"] == "ceiling"


def _unknown(key: str, ids: tuple[str, ...], known: Any, where: str) -> list[str]:
    return [
        f"{key}: {name!r} is not in {where}{did_you_mean(name, known)}; "
        f"allowed: {listed(sorted(known))}"
        for name in ids
        if name not in known
    ]


def _not_wrong(catalogue: Catalogue, kind: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Names without those of wrong entries, whose errors are reported with the entries."""
    return tuple(name for name in names if not is_wrong(catalogue, kind, name))


def _outside(key: str, values: tuple[int, ...], allowed: Any) -> list[str]:
    text = f"{allowed[0]} to {allowed[-1]}" if isinstance(allowed, range) else listed(allowed)
    wrong = [value for value in values if value not in allowed]
    if not wrong:
        return []
    # One line for all: `seeds: 100000` alone could give 100,000 lines.
    more = f", … ({len(wrong)} in all)" if len(wrong) > MOST_SHOWN else ""
    are = "are" if len(wrong) > 1 else "is"
    return [f"{key}: {listed(wrong[:MOST_SHOWN])}{more} {are} outside; allowed: {text}"]


def _unsuitable(crossing: Crossing, catalogue: Catalogue) -> list[str]:
    """Combinations that cannot run: needs that a proxy does not meet, methods for other data."""
    errors = [*row_errors(crossing, catalogue), *combination_errors(crossing, catalogue)]
    for dataset in crossing.datasets:
        errors += unlabeled_errors(crossing, catalogue, dataset)
        errors += weight_errors(crossing, catalogue, dataset)
        if is_multilabel(catalogue, dataset):
            errors += multilabel_errors(crossing, catalogue, dataset)
        else:
            errors += single_label_errors(crossing, catalogue, dataset)
    for proxy in crossing.proxies:
        offers = _info("proxies", catalogue, proxy).get("provides", [])
        for strategy in crossing.strategies + crossing.ceilings:
            entry = catalogue["strategies"][strategy]
            needs = registry.needs(entry["implementation"], registry.options_of(entry))
            missing = needs - {"embeddings", "labeled", "labels", "num_classes", *offers}
            if list_options(catalogue, "strategies", strategy) is not None:
                missing -= {"recorded"}
            if missing:
                errors.append(
                    f"strategies: {strategy!r} needs {', '.join(sorted(missing))}, which proxy "
                    f"{proxy!r} does not provide; it provides: {', '.join(sorted(offers))}"
                )
    return errors


def _info(kind: str, catalogue: Catalogue, name: str) -> dict[str, Any]:
    return registry.describe(kind, catalogue[kind][name]["implementation"]).info


def check_sources(
    experiment: Experiment,
    catalogue: Catalogue,
    data_dir: Path,
    prepared: Mapping[str, Mapping[str, int]],
    file: str,
    remembered: Mapping[str, Remembered] | None = None,
) -> dict[str, str]:
    """Check, cheaply, that every data set's files are there and that it has the requested splits.

    Where nothing of a well-known data set is there, its splits are checked as published.

    Parameters
    ----------
    data_dir
        Where data sets' files are looked for.
    prepared
        Sizes of the splits of data sets that are prepared already and need no source any more.
    file
        The experiment's file, for the messages.
    remembered
        Data set → where facts about its files, and an earlier draw of its splits, are kept.

    Returns
    -------
    Data set → what is missing, for those whose sizes are taken as published: a plan can be made of
    them, but nothing can be run.

    Raises
    ------
    InputError
        All errors, one a line.
    """
    errors: list[str] = []
    missing: dict[str, str] = {}
    measured = any(one.schedules for one in experiment.crossings)  # a campaign has its audit
    for dataset in experiment.all_of("datasets"):
        entry = catalogue["datasets"][dataset]
        try:
            found = SourceSizes(prepared.get(dataset) or {})
            if not found.splits:
                found = source_sizes(entry, data_dir, (remembered or {}).get(dataset))
        except InputError as error:
            errors.append(_of_dataset(catalogue, dataset, error))
            continue
        except OSError as error:
            told = f"{error.filename}: {error.strerror}"
            errors.append(_of_dataset(catalogue, dataset, told))
            continue
        sizes = found.splits
        if found.missing:
            missing[dataset] = f"data set {dataset!r}: {found.missing}"
        if found.names_all:
            of_all = [
                *panel_split_errors(experiment.panels, dataset, catalogue, sizes),
                *(unmeasured_errors(catalogue, dataset, sizes) if measured else ()),
            ]
            errors += [f"{file}: {line}" for line in of_all]
        for crossing in experiment.crossings:
            if dataset in crossing.datasets:
                pool = sizes.get(POOL)
                wrong = [
                    *shortages(needed_labels(crossing, dataset, catalogue, pool), sizes),
                    *list_errors(crossing, dataset, catalogue, pool, data_dir),
                ]
                if found.names_all:
                    wrong = [*split_errors(crossing, dataset, catalogue, sizes), *wrong]
                errors += [f"{file}: {line}" for line in wrong]
    raise_all(errors)
    return missing


def _of_dataset(catalogue: Catalogue, dataset: str, error: object) -> str:
    return entry_error(catalogue, "datasets", dataset, f"data set {dataset!r}", error)


def check_backbones(
    catalogue: Catalogue, needed: list[str], remembered: Path | None = None
) -> None:
    """Check, cheaply, that the backbones' weights are there or can be fetched.

    Parameters
    ----------
    needed
        Ids of the backbones that are still to run.
    remembered
        As in `problems_of`.

    Raises
    ------
    InputError
        All errors, one a line.
    """
    from labelbench_core.backbones.checking import problems_of

    entries = {backbone: catalogue["backbones"][backbone] for backbone in needed}
    problems = problems_of(entries, remembered)
    raise_all(
        entry_error(catalogue, "backbones", backbone, f"backbone {backbone!r}", problem)
        for backbone, problem in problems.items()
    )
