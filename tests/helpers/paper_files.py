"""The experiments of config/paper/, and which of them this catalogue has all ids for."""

from labelbench_core.configuration.catalogue import load_catalogue
from labelbench_core.configuration.inheritance import asked
from labelbench_core.configuration.loading import load_experiment
from labelbench_core.configuration.schemas import schema_errors
from labelbench_core.storage.yaml_files import read_yaml

from .experiments_read import SCHEMA
from .project import PROJECT

FILES = sorted((PROJECT / "config" / "paper").glob("*.yaml"))


def wanted(file, recipe=None):
    """What a file asks for by a recipe, by default the first."""
    content = read_yaml(file)
    return asked(content, str(file), {file: content}, recipe)


def load(file, recipe=None):
    """The experiment of a file by a recipe, and the catalogue."""
    asked_for = wanted(file, recipe)
    catalogue = load_catalogue(PROJECT / "config" / "catalogue")
    experiment = load_experiment(asked_for.values, catalogue, SCHEMA, asked_for.name)
    return experiment, catalogue


def recipes(file):
    """Names of a file's recipes; that of none is None."""
    return wanted(file).recipes or (None,)


def can_be_planned(files=tuple(FILES)):
    """The files whose keys and data sets there are: those of others wait for them."""
    known = load_catalogue(PROJECT / "config" / "catalogue")["datasets"]
    found = []
    for file in files:
        values = [wanted(file, recipe).values for recipe in recipes(file)]
        broken = any(schema_errors(v, SCHEMA / "experiment.schema.json", file) for v in values)
        if not broken and all({*v["datasets"]} <= {*known} for v in values):
            found.append(file)
    return found
