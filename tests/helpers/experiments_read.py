"""Experiments that tests read, and what is wrong with them."""

import pytest

from labelbench_core.configuration import loading as experiments
from labelbench_core.errors import InputError

from .project import PROJECT

SCHEMA = PROJECT / "config" / "schema"
CATALOGUE_SCHEMA = SCHEMA / "catalogue.schema.json"


def load(config, catalogue):
    return experiments.load_experiment(config, catalogue, SCHEMA, "my.yaml")


def errors_of(config, catalogue):
    with pytest.raises(InputError) as caught:
        load(config, catalogue)
    return str(caught.value)
