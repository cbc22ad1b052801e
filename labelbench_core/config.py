"""An experiment: which ids of the catalogue are crossed, checked before any job starts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelbench_core import catalogue as entries
from labelbench_core import registry
from labelbench_core.catalogue import Catalogue, did_you_mean, raise_all
from labelbench_core.combinations import combination_errors
from labelbench_core.errors import InputError
from labelbench_core.experiment import Experiment, Finetuning

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
        From `labelbench_core.catalogue.load_catalogue`.
    schema_folder
        Folder of `experiment.schema.json`.
    file
        The experiment's file, for the messages.

    Raises
    ------
    InputError
        All errors, one a line: file, key, value, what is allowed.
    """
    schema = entries.read_yaml(schema_folder / "experiment.schema.json")
    raise_all(entries.schema_errors(config, schema, file))
    finetune = config.get("finetune")
    ceilings = config.get("ceilings", [])
    experiment = Experiment(
        experiment=config["experiment"],
        **{kind: tuple(config[kind]) for kind in _CROSSED},
        rounds=config["rounds"],
        seeds=_seeds(config["seeds"]),
        baseline=config.get("baseline", "random"),
        highlight=config.get("highlight", "margin"),
        metric=config.get("metric", "accuracy"),
        finetune=finetune
        and Finetuning(
            trainers=tuple(finetune["trainers"]),
            strategies=tuple(finetune["strategies"]),
            rounds=tuple(finetune["rounds"]),
            seeds=_seeds(finetune["seeds"]),
        ),
        ceilings=tuple(name for name in ceilings if name not in catalogue["schedules"]),
        full_data=tuple(name for name in ceilings if name in catalogue["schedules"]),
    )
    raise_all([f"{file}: {line}" for line in _reference_errors(experiment, catalogue)])
    return experiment


_CROSSED = ("datasets", "backbones", "proxies", "schedules", "strategies")


def _seeds(value: int | list[int]) -> tuple[int, ...]:
    return tuple(range(value)) if isinstance(value, int) else tuple(value)


def _reference_errors(experiment: Experiment, catalogue: Catalogue) -> list[str]:
    errors = []
    for kind in _CROSSED:
        errors += _unknown(
            kind, getattr(experiment, kind), catalogue[kind], f"catalogue {kind}.yaml"
        )
    for name in set(experiment.strategies) & set(RESERVED_STRATEGIES):
        errors.append(f"strategies: {name!r} is the name of round 0's folder; give it another id")
    errors += _ceiling_errors(experiment, catalogue)
    chosen = experiment.strategies
    for key in ("baseline", "highlight"):
        errors += _unknown(key, (getattr(experiment, key),), chosen, "the experiment's strategies")
    chosen += experiment.ceilings + experiment.full_data
    finetune = experiment.finetune
    if finetune is not None:
        errors += _unknown(
            "finetune.trainers", finetune.trainers, catalogue["trainers"], "catalogue trainers.yaml"
        )
        errors += _unknown(
            "finetune.strategies",
            finetune.strategies,
            chosen,
            "the experiment's strategies and ceilings",
        )
        errors += _outside("finetune.rounds", finetune.rounds, range(experiment.rounds))
        errors += _outside("finetune.seeds", finetune.seeds, experiment.seeds)
    if not errors:
        errors += _unsuitable(experiment, catalogue)
    return errors


def _ceiling_errors(experiment: Experiment, catalogue: Catalogue) -> list[str]:
    """Ceilings in the place of methods, which would rank them, and the other way round."""
    kinds = ("strategies", "schedules")
    errors = [
        f"{kind}: {name!r} is a ceiling, which is never ranked; name it under `ceilings`"
        for kind in kinds
        for name in getattr(experiment, kind)
        if _is_ceiling(catalogue, kind, name)
    ]
    for name in experiment.ceilings + experiment.full_data:
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
    return _info(kind, catalogue, name)["kind"] == "ceiling"


def _unknown(key: str, ids: tuple[str, ...], known: Any, where: str) -> list[str]:
    return [
        f"{key}: {name!r} is not in {where}{did_you_mean(name, known)}; "
        f"allowed: {', '.join(sorted(known))}"
        for name in ids
        if name not in known
    ]


def _outside(key: str, values: tuple[int, ...], allowed: Any) -> list[str]:
    text = f"{allowed[0]} to {allowed[-1]}" if isinstance(allowed, range) else list(allowed)
    return [
        f"{key}: {value} is outside; allowed: {text}" for value in values if value not in allowed
    ]


def _unsuitable(experiment: Experiment, catalogue: Catalogue) -> list[str]:
    """Combinations that cannot run: needs that a proxy does not fulfil, methods for other data."""
    errors = combination_errors(experiment, catalogue)
    for dataset in experiment.datasets:
        if _info("datasets", catalogue, dataset).get("multilabel"):
            errors += _not_multilabel(experiment, catalogue, dataset)
    for proxy in experiment.proxies:
        offers = _info("proxies", catalogue, proxy).get("provides", [])
        for strategy in experiment.strategies + experiment.ceilings:
            missing = set(_info("strategies", catalogue, strategy).get("needs", [])) - {
                "embeddings", "labeled", "labels", "num_classes", *offers
            }  # fmt: skip
            if missing:
                errors.append(
                    f"strategies: {strategy!r} needs {', '.join(sorted(missing))}, which proxy "
                    f"{proxy!r} does not provide; it provides: {', '.join(sorted(offers))}"
                )
    return errors


def _not_multilabel(experiment: Experiment, catalogue: Catalogue, dataset: str) -> list[str]:
    """What cannot be used on a data set whose rows belong to any number of classes."""

    def applies(kind: str, name: str) -> bool:
        return _info(kind, catalogue, name).get("multilabel", False)

    errors = []
    for key, kind, names in (
        ("strategies", "strategies", experiment.strategies),
        ("ceilings", "strategies", experiment.ceilings),
        ("proxies", "proxies", experiment.proxies),
        ("finetune.trainers", "trainers", getattr(experiment.finetune, "trainers", ())),
    ):
        for name in names:
            if not applies(kind, name):
                allowed = [other for other in catalogue[kind] if applies(kind, other)]
                errors.append(
                    f"{key}: {name!r} does not apply to data set {dataset!r}, whose rows belong to "
                    f"any number of classes; allowed: {', '.join(sorted(allowed)) or 'none'}"
                )
    return errors


def _info(kind: str, catalogue: Catalogue, name: str) -> dict[str, Any]:
    return registry.describe(kind, catalogue[kind][name]["implementation"]).info


def check_sources(
    experiment: Experiment,
    catalogue: Catalogue,
    data_dir: Path,
    prepared: Mapping[str, int],
    file: str,
) -> None:
    """Look, cheaply, whether every data set's files are there and its pool is large enough.

    Parameters
    ----------
    data_dir
        Where data sets' files are looked for.
    prepared
        Pool sizes of data sets that are prepared already and need no source any more.
    file
        The experiment's file, for the messages.

    Raises
    ------
    InputError
        All errors, one a line.
    """
    errors = []
    for dataset in experiment.datasets:
        try:
            pool = prepared.get(dataset) or _source_size(catalogue["datasets"][dataset], data_dir)
        except InputError as error:
            errors.append(f"data set {dataset!r}: {error}")
            continue
        for schedule in experiment.schedules:
            errors += _budget_errors(experiment, dataset, schedule, catalogue, pool, file)
    raise_all(errors)


def check_backbones(catalogue: Catalogue, needed: list[str]) -> None:
    """Look, cheaply, whether the backbones' weights are there or can be fetched.

    Parameters
    ----------
    needed
        Ids of the backbones whose embeddings are not complete.

    Raises
    ------
    InputError
        All errors, one a line.
    """
    errors = []
    for backbone in needed:
        entry = catalogue["backbones"][backbone]
        component = registry.load("backbones", entry["implementation"])
        try:
            component.check(**(entry.get("options") or {}))
        except InputError as error:
            errors.append(f"backbone {backbone!r}: {error}")
    raise_all(errors)


def _source_size(entry: Mapping[str, Any], data_dir: Path) -> int | None:
    """Size of the pool where it can be known without reading the data."""
    component = registry.load("datasets", entry["implementation"])
    size = (component.check(data_dir, **(entry.get("options") or {})) or {}).get("pool")
    part = entry.get("pool_size")
    if part is not None and size is not None and part > size:
        raise InputError(f"pool_size: {part}; allowed: at most {size}")
    return part or size


def _budget_errors(
    experiment: Experiment,
    dataset: str,
    schedule: str,
    catalogue: Catalogue,
    pool: int | None,
    file: str,
) -> list[str]:
    sizes = catalogue["schedules"][schedule]
    last = sizes["initial"] + (experiment.rounds - 1) * sizes["batch"]
    if pool is None or last <= pool:
        return []
    most = max(0, 1 + (pool - sizes["initial"]) // sizes["batch"])
    return [
        f"{file}: rounds: {experiment.rounds} rounds of schedule {schedule!r} buy {last} labels, "
        f"but the pool of {dataset!r} has {pool}; allowed: at most {most}"
    ]
