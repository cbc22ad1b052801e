"""config/paper/: a file for every published setting, each the setting that it names."""

from collections import Counter

import pytest

from helpers.experiments_read import SCHEMA
from helpers.paper_files import FILES, can_be_planned, recipes, wanted
from helpers.project import PROJECT
from labelbench_core.configuration import entries
from labelbench_core.configuration.catalogue import load_catalogue
from labelbench_core.configuration.compatibility.beside_budget import labels_beside
from labelbench_core.configuration.loading import load_experiment
from labelbench_core.published import settings
from labelbench_core.stages.plan import Needs, planned_jobs
from labelbench_core.training.recipe import Recipe

FIGURES = ("figure-1", "figure-5", "figure-6")
PLANNED = can_be_planned()
SETTINGS = [file for file in PLANNED if file.stem in settings.names()]
DRAWN = [file for file in PLANNED if file.stem in FIGURES]
ids = [file.stem for file in SETTINGS]


@pytest.fixture(scope="module")
def whole():
    return load_catalogue(PROJECT / "config" / "catalogue")


def load(file, recipe, catalogue):
    asked = wanted(file, recipe)
    return load_experiment(asked.values, catalogue, SCHEMA, asked.name)


def jobs(experiment, catalogue):
    """Number of jobs by stage."""
    needs = Needs.from_values(entries.needs(experiment, catalogue))
    return Counter(job.stage.name for job in planned_jobs(experiment, needs))


def trainers(experiment, catalogue):
    """The recipes of all trainings of an experiment."""
    named = {*experiment.trainers}
    named |= {entries.trainer_of(catalogue, proxy) for proxy in experiment.all_of("proxies")}
    return [Recipe.from_options(catalogue["trainers"][name]["training"]) for name in named]


def test_there_is_a_file_for_every_published_setting_and_figure():
    assert {file.stem for file in FILES} >= {*settings.names(), *FIGURES}
    assert all(recipes(file) == ("ours", "faithful") for file in SETTINGS + DRAWN)


@pytest.mark.parametrize("file", SETTINGS, ids=ids)
def test_the_faithful_recipe_is_the_published_setting(whole, file):
    """In data, splits, annotator, backbone, training, budgets, strategies and number of seeds."""
    experiment = load(file, "faithful", whole)
    published = settings.setting(file.stem)
    assert experiment.experiment == f"{file.stem}-faithful"
    (reference,) = experiment.references
    assert (reference.name, reference.differs) == (file.stem, ())
    assert sorted(reference.strategies.values()) == sorted(published.strategies)
    assert reference.validation_labels == published.validation_labels
    (crossing,) = experiment.crossings
    assert len(crossing.seeds) == len(published.seeds)
    assert crossing.rounds == published.rounds
    assert experiment.metric == published.metric
    beside = {labels_beside(proxy) for proxy in crossing.proxies}
    assert beside == {published.validation_labels}
    for recipe in trainers(experiment, whole):
        assert (recipe.validation, recipe.validation_every) == ("extra", "epoch")
        assert not recipe.count_validation
        assert recipe.decay_vectors


@pytest.mark.parametrize("file", SETTINGS + DRAWN, ids=lambda file: file.stem)
def test_ours_takes_steps_and_no_label_that_was_not_bought(whole, file):
    experiment, faithful = (load(file, recipe, whole) for recipe in ("ours", "faithful"))
    assert experiment.experiment == file.stem
    assert not any("labelbench" in dataset for dataset in experiment.all_of("datasets"))
    for recipe in trainers(experiment, whole):
        assert (recipe.epochs, recipe.validation, recipe.patience) == (None, "none", 0)
    # All else is the same.
    for one, other in zip(experiment.crossings, faithful.crossings, strict=True):
        for key in ("backbones", "schedules", "strategies", "seeds", "rounds"):
            assert getattr(one, key) == getattr(other, key)
        assert len(one.proxies) == len(other.proxies)
    assert [one.name for one in experiment.references] == [one.name for one in faithful.references]


@pytest.mark.parametrize("file", SETTINGS, ids=ids)
@pytest.mark.parametrize("recipe", ["ours", "faithful"])
def test_as_many_jobs_are_planned_as_the_setting_has(whole, file, recipe):
    published = settings.setting(file.stem)
    found = jobs(load(file, recipe, whole), whole)
    later = len(published.seeds) * (published.rounds - 1) * len(published.strategies)
    on_images = published.trained == settings.FINETUNE and published.proxy is None
    expected = {
        "prepare_dataset": 1,
        "draw_initial_pool": len(published.seeds),
        "train_initial": len(published.seeds),
        "select_round": later,
        "extract_embeddings": 0 if on_images else 1,
        "extract_views": 0 if on_images else 1,
        "build_zero_shot_head": 1 if on_images or published.proxy else 0,
        "finetune_model": later + len(published.strategies) * len(published.seeds)
        if published.proxy
        else 0,
    }
    assert {stage: found[stage] for stage in expected} == expected


def test_figures_ask_for_the_results_of_their_settings(whole):
    """All but reports is shared, so that a figure costs nothing beside its settings."""
    parts = {
        "figure-1": ["cifar10-1000-finetune", *(n for n in settings.names() if "imagenet" in n)],
        "figure-5": [
            *("cifar10-1000-shallow-finetune", "cifar10-200-shallow-finetune"),
            "cifar10-1000-finetune-supervised",
        ],
        "figure-6": ["cifar10-1000-finetune"],
    }
    for file in DRAWN:
        for recipe in recipes(file):
            experiment = load(file, recipe, whole)
            made = {*map(str, experiment.selections()), *map(str, experiment.finetunings())}
            for name in parts[file.stem]:
                setting = load(file.with_name(f"{name}.yaml"), recipe, whole)
                asked = {*map(str, setting.selections()), *map(str, setting.finetunings())}
                if file.stem == "figure-6":  # which has three seeds
                    asked = {one for one in asked if "'seed': 3" not in one}
                assert asked <= made
            if recipe == "faithful":
                assert {one.name: one.differs for one in experiment.references} == dict.fromkeys(
                    parts[file.stem], ()
                )
            drawn = [panel.reference for panel in experiment.panels if panel.reference]
            assert {one.name for one in drawn} == {*parts[file.stem]}
