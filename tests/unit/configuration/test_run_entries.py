"""Strategies that run others: components, entries with options, and files of one's own."""

import json

import numpy as np
import pytest

from helpers.checkouts import know_the_code
from helpers.project import PROJECT
from labelbench_core import provenance, registry
from labelbench_core.configuration import entries
from labelbench_core.configuration.catalogue import load_catalogue
from labelbench_core.configuration.own_entries import Given, read_entries
from labelbench_core.errors import InputError
from labelbench_core.registry.run_by_others import as_text, parted
from labelbench_core.strategies import Head, Pool, select

MINE = '''"""The last rows."""
from .helpers import last

INFO = {"needs": ["held_out"], "kind": "strategy", "multilabel": False, "deterministic": True}


def select(pool, budget, rng, *, skip: int = 0):
    """The rows."""
    rows = pool.unlabeled()
    return last(rows[: len(rows) - skip], budget)
'''
HELPERS = "def last(rows, budget):\n    return rows[len(rows) - budget :]\n"
SKIPS = {"implementation": "./mine.py", "options": {"skip": 3}}
RUNS = {"implementation": "refine", "options": {"candidates": ["random", "margin"], "depth": 1}}


@pytest.fixture
def study(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "helpers.py").write_text(HELPERS)
    yield tmp_path
    registry.forget_own()


def loaded(folder, **strategies):
    given = Given({"strategies": strategies}, str(folder / "study.yaml"), folder)
    return load_catalogue(PROJECT / "config" / "catalogue", read_entries([given]))


def refine(**options):
    return {**RUNS, "options": {**RUNS["options"], **options}}


def test_ids_become_components_with_their_options_and_files_are_found(study):
    powered = {"implementation": "power-margin", "options": {"power": 2.0}}
    alias = {"implementation": "margin"}
    candidates = ["random", "powered", "skips", "alias", "mine.py"]
    chosen = refine(candidates=candidates, final="skips")
    catalogue = loaded(study, powered=powered, skips=SKIPS, alias=alias, all=chosen)
    assert catalogue.wrong == {}
    options = catalogue["strategies"]["all"]["options"]
    texts = [
        "random",
        'power-margin {"power": 2.0}',
        './mine.py {"skip": 3}',
        "margin",
        "./mine.py",
    ]
    assert options["candidates"] == texts
    assert options["final"] == './mine.py {"skip": 3}'
    assert [parted(text)[0] for text in texts[1:3]] == ["power-margin", "./mine.py"]
    # What they need and what they are made of is that of the strategy.
    assert "held_out" in registry.needs("refine", options)
    assert "held_out" not in registry.needs("refine", RUNS["options"] | {"final": "margin"})
    settings = entries.entry(catalogue, "strategies", "all")
    assert json.loads(json.dumps(settings))["options"] == options


def test_their_files_are_part_of_the_code_and_their_options_of_the_settings(study):
    know_the_code()  # of which only what is edited is parsed

    def made(**strategies):
        catalogue = loaded(study, **strategies)
        registry.parse.cache_clear()
        provenance.remember(PROJECT / provenance.REMEMBERED)
        components = entries.components(catalogue, "strategies", "all")
        code = provenance.code_hash("workflow_scripts.select_round", components)
        return code, catalogue["strategies"]["all"]

    chosen = refine(final="skips")
    code, settings = made(skips=SKIPS, all=chosen)
    assert made(skips=SKIPS, all=chosen) == (code, settings)
    more = {**SKIPS, "options": {"skip": 4}}
    assert made(skips=more, all=chosen)[0] == code
    assert made(skips=more, all=chosen)[1] != settings
    (study / "helpers.py").write_text(HELPERS.replace("budget :", "budget + 0 :"))
    assert made(skips=SKIPS, all=chosen)[0] != code
    assert made(skips=SKIPS, all=refine(final="margin"))[0] != code


def test_they_select_with_their_options(study):
    (study / "mine.py").write_text(MINE.replace('["held_out"]', "[]"))
    catalogue = loaded(study, skips=SKIPS, all=refine(final="skips", depth=0))
    rng = np.random.default_rng(0)
    embeddings = rng.standard_normal((30, 4)).astype(np.float32)
    probabilities = rng.dirichlet(np.ones(3), 30)
    pool = Pool(
        embeddings,
        probabilities=probabilities,
        labeled=np.arange(3),
        labels=np.arange(3),
        num_classes=3,
        head=Head(np.zeros((4, 3)), np.zeros(3)),
    )
    chosen = select("refine", pool, 4, rng, **catalogue["strategies"]["all"]["options"])
    assert chosen.tolist() == [23, 24, 25, 26]
    assert select('./mine.py {"skip": 1}', pool, 2, rng).tolist() == [27, 28]


@pytest.mark.parametrize(
    ("strategies", "told"),
    [
        (
            {"all": refine(final="none")},
            "all.options.final: 'none'; allowed: strategies that select a whole batch at once",
        ),
        (
            {"all": refine(final="later"), "later": SKIPS},
            "or an entry before this one, or ./FILE.py",
        ),
        ({"all": refine(final="./none.py")}, "all.options.final: './none.py': there is no file"),
        (
            {"all": refine(final='margin {"x": 1}')},
            "options.final: margin: options.x: unknown option",
        ),
        ({"all": refine(final="margin x")}, "allowed: a name, or a name, a blank and options as"),
        (
            {"t": {"implementation": "tailor"}, "all": refine(final="t")},
            "all.options.final: 'tailor'; allowed: strategies",
        ),
        (
            {"r": {"implementation": "replay"}, "all": refine(final="replay")},
            "all.options.final: 'replay'; allowed: strategies that select a whole batch",
        ),
        ({"all": refine(candidates=[["margin"]])}, "all.options.candidates: [['margin']]; allowed"),
        ({"all": refine(candidates=["./mine.py", "mine.py"])}, "all.options.candidates: "),
    ],
)
def test_what_cannot_be_run_is_told_by_those_who_name_it(study, strategies, told):
    catalogue = loaded(study, **strategies)
    (lines,) = [lines for (_, name), lines in catalogue.wrong.items() if name == "all"]
    assert told in lines[0]
    assert "\n" not in lines[0]


def test_texts_are_read_as_they_are_written():
    for options in ({}, {"power": 2, "words": ["a b", 'c"']}):
        assert parted(as_text("margin", options)) == ("margin", options)
    with pytest.raises(InputError):
        parted("margin [1]")
