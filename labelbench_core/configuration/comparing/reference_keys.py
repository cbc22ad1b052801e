"""The keys `reference` and `panels` of an experiment: what they name, checked and looked up."""

from collections.abc import Iterator, Mapping
from typing import Any

from labelbench_core.configuration.catalogue import Catalogue
from labelbench_core.configuration.comparing.same_setting import (
    differences,
    published_strategies,
    validation_labels,
)
from labelbench_core.configuration.experiment import Experiment
from labelbench_core.configuration.metric import unmeasured
from labelbench_core.configuration.references import (
    EXACT,
    Panel,
    PublishedReference,
    written_setting,
)
from labelbench_core.errors import did_you_mean, listed, shown
from labelbench_core.metrics.known import METRICS
from labelbench_core.published.settings import names, setting, unknown

Errors = list[str]


def references(
    key: str | Mapping[str, Any] | None, experiment: Experiment, catalogue: Catalogue
) -> tuple[tuple[PublishedReference, ...], Errors]:
    """The references that an experiment's key `reference` asks for, and what is wrong with it.

    A name alone belongs to every setting of the experiment; a mapping from names to ids says to
    which each belongs. A published setting that was selected by a proxy and then trained end to end
    is compared with fine-tunings: with those of `trainer`, or of the experiment's only one.
    """
    asked: Mapping[str, Any] = {key: {}} if isinstance(key, str) else (key or {})
    found: dict[tuple[str, ...], PublishedReference] = {}
    errors: Errors = []
    for name, given in asked.items():
        where = "reference" if isinstance(key, str) else f"reference: {name}"
        if name not in names():
            errors.append(f"reference: {unknown(name)}")
            continue
        chosen: dict[str, Any] = dict(given or {})
        if setting(name).proxy and len(experiment.trainers) == 1:
            chosen.setdefault("trainer", experiment.trainers[0])
        places, wrong = _places(chosen, experiment, where)
        errors += wrong
        for ids, trainer in places:
            place = (*ids.values(), trainer)
            if place in found:
                errors.append(
                    f"{where}: {written_setting(ids.values())} already has the reference "
                    f"{found[place].name!r}; allowed: one for each setting, singled out by "
                    "dataset, backbone, proxy, schedule or trainer"
                )
            else:
                found[place] = _reference(name, ids, trainer, experiment, catalogue)
    return tuple(found.values()), errors


def panels(
    key: list[Mapping[str, Any]] | None,
    experiment: Experiment,
    catalogue: Catalogue,
    asked: tuple[PublishedReference, ...],
) -> tuple[tuple[Panel, ...], Errors]:
    """The panels that an experiment's key `panels` asks for, and what is wrong with it.

    Ids may be left out as long as only one setting fits. A panel without a `reference` takes
    that of its setting, if the experiment has one.
    """
    found: list[Panel] = []
    errors: Errors = []
    for place, values in enumerate(key or []):
        where = f"panels.{place}"
        places, wrong = _places(values, experiment, where)
        if len(places) > 1:
            several = listed(written_setting([*ids.values(), t]) for ids, t in places)
            wrong.append(f"{where}: several settings fit; allowed: ids of one of them: {several}")
        wrong += list(_panel_errors(values, values.get("metric", experiment.metric), where))
        if len(places) == 1:
            dataset, metric = places[0][0]["dataset"], values.get("metric", experiment.metric)
            wrong += [f"{where}.{line}" for line in unmeasured(dataset, metric, catalogue)]
        errors += wrong
        if wrong:
            continue
        ids, trainer = places[0]
        name = values.get("reference")
        reference = next(
            (one for one in asked if (one.setting, one.trainer) == (ids, trainer)), None
        )
        if name is not None:
            reference = _reference(name, ids, trainer, experiment, catalogue)
        found.append(
            Panel(
                title=values["title"],
                setting=ids,
                trainer=trainer,
                split=values.get("split", "test"),
                metric=values.get("metric", experiment.metric),
                smoothing=values.get("smoothing", "none"),
                y=tuple(values["y"]) if "y" in values else None,
                reference=reference,
                validation_labels=validation_labels(catalogue, ids["proxy"], trainer),
            )
        )
    return tuple(found), errors


def _panel_errors(values: Mapping[str, Any], metric: str, where: str) -> Iterator[str]:
    name, limits = values.get("reference"), values.get("y")
    if name is not None and name not in names():
        yield f"{where}.reference: {unknown(name)}"
    if limits is not None and not limits[0] < limits[1]:
        yield f"{where}.y: {shown(limits)}; allowed: the lower limit first"
    if values.get("smoothing") == "max" and METRICS[metric].lower_is_better:
        yield f"{where}.smoothing: 'max', but lower {metric} is better; allowed: none"


def _places(
    chosen: Mapping[str, Any], experiment: Experiment, where: str
) -> tuple[list[tuple[dict[str, str], str]], Errors]:
    """(Setting, trainer or "") of all settings that have the chosen ids, or what is wrong."""
    settings = [_ids(one) for one in experiment.settings()]
    keys = [*settings[0], "annotator"]
    wanted = {key: chosen[key] for key in keys if key in chosen}
    errors: Errors = []
    for key, value in wanted.items():
        known = list(dict.fromkeys(one.get(key, EXACT) for one in settings))
        if value not in known:
            errors.append(
                f"{where}.{key}: {value!r} is not in the experiment{did_you_mean(value, known)}; "
                f"allowed: {listed(known)}"
            )
    trainer = chosen.get("trainer", "")
    if trainer and trainer not in experiment.trainers:
        known = experiment.trainers
        errors.append(
            f"{where}.trainer: {trainer!r} is not in the experiment's finetune.trainers"
            f"{did_you_mean(trainer, known)}; allowed: {listed(known)}"
        )
    if errors:
        return [], errors
    matching = [one for one in settings if all(one.get(k, EXACT) == wanted[k] for k in wanted)]
    if trainer:
        tuned = [_ids(ids) for ids in experiment.finetunings() if ids["trainer"] == trainer]
        tuned = {tuple(ids.get(key, EXACT) for key in keys) for ids in tuned}
        matching = [one for one in matching if tuple(one.get(k, EXACT) for k in keys) in tuned]
    if not matching:
        told = ", ".join(f"{key} {value}" for key, value in {**wanted, "trainer": trainer}.items())
        return [], [f"{where}: no setting of the experiment has {told}"]
    return [(one, trainer) for one in matching], []


def _ids(ids: Mapping[str, Any]) -> dict[str, Any]:
    """Ids without what jobs' paths add to the annotator's, and without the exact annotator."""
    found = dict(ids)
    annotator = found.pop("annotator", "").removeprefix("@")
    return found if annotator in ("", EXACT) else {**found, "annotator": annotator}


def _reference(
    name: str, ids: dict[str, str], trainer: str, experiment: Experiment, catalogue: Catalogue
) -> PublishedReference:
    return PublishedReference(
        name=name,
        setting=ids,
        trainer=trainer,
        differs=tuple(differences(setting(name), ids, trainer, catalogue)),
        strategies=published_strategies(setting(name), experiment.strategies, catalogue),
        validation_labels=validation_labels(catalogue, ids["proxy"], trainer),
    )
