"""Experiments that extend others, and their recipes."""

import itertools

import pytest
import yaml

from helpers.experiments_read import SCHEMA
from helpers.project import PROJECT
from labelbench_core.configuration.catalogue import load_catalogue
from labelbench_core.configuration.inheritance import asked
from labelbench_core.configuration.loading import load_experiment
from labelbench_core.errors import InputError
from labelbench_core.storage.yaml_files import read_yaml
from workflow_scripts import _snakefile as parsing
from workflow_scripts import check_configuration

BASE = {"experiment": "base", "rounds": 8, "seeds": [0, 1], "finetune": {"seeds": 1, "rounds": [2]}}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a file of the working directory."""
    monkeypatch.chdir(tmp_path)

    def make(name, **values):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(values, sort_keys=False))
        return file.relative_to(tmp_path)

    return make


def read(*files, recipe=None, **overwritten):
    """What the files ask for, with what the command line says."""
    contents = {file: read_yaml(file) for file in files}
    config = {}
    for content in contents.values():
        config |= content
    return asked(config | overwritten, ", ".join(map(str, files)), contents, recipe)


def told(*files, **overwritten):
    with pytest.raises(InputError) as caught:
        read(*files, **overwritten)
    return str(caught.value)


def test_keys_replace_those_of_the_file_that_is_extended_whole(write):
    write("bases/base.yaml", **BASE)
    write("bases/middle.yaml", extends="base.yaml", rounds=5, finetune={"seeds": 2})
    mine = write("mine.yaml", extends="bases/middle.yaml", experiment="mine")
    found = read(mine)
    expected = {"experiment": "mine", "rounds": 5, "seeds": [0, 1], "finetune": {"seeds": 2}}
    assert found.values == expected
    # Mappings and lists are replaced as numbers are, and the command line comes last.
    assert read(mine, seeds=3, extends="bases/middle.yaml").values == {**expected, "seeds": 3}


def test_a_file_may_be_named_with_its_whole_path(write, tmp_path):
    write("bases/base.yaml", **BASE)
    mine = write("mine.yaml", extends=str(tmp_path / "bases" / "base.yaml"), experiment="mine")
    assert read(mine).values == {**BASE, "experiment": "mine"}


@pytest.mark.parametrize("given", [{}, {"experiment": "base"}])
def test_an_experiment_that_extends_another_needs_a_name_of_its_own(write, given):
    write("base.yaml", **BASE)
    mine = write("mine.yaml", extends="base.yaml", seeds=3, **given)
    value = "'base'" if given else "missing"
    expected = f"mine.yaml: experiment: {value}; allowed: a name of its own, not that of an "
    assert told(mine) == f"{expected}experiment that it extends: 'base' (base.yaml)"
    assert read(mine, experiment="other").values["experiment"] == "other"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"extends": "lost.yaml"}, "mine.yaml: extends: 'lost.yaml': there is no file lost.yaml; "),
        ({"extends": "a"}, "mine.yaml: extends: 'a': a is a folder; allowed: the path of an expe"),
        ({"extends": "a\0b"}, r"mine.yaml: extends: 'a\x00b': there is no file a\x00b; allowed: "),
        ({"extends": "x" * 300}, "mine.yaml: extends: 'xxxx"),
        ({"extends": 3}, "mine.yaml: extends: 3; allowed: the path of an experiment's file"),
        ({"extends": "mine.yaml"}, "mine.yaml: extends: 'mine.yaml' leads back to mine.yaml; "),
        ({"extends": "a/b.yaml"}, "a/b.yaml: extends: '../mine.yaml' leads back to mine.yaml; "),
        ({"extends": "text.yaml"}, "text.yaml: the file: 'text'; allowed: a mapping"),
        (
            {"recipe": "ours"},
            "mine.yaml: recipe: 'ours', but there are no recipes; allowed: leave it out",
        ),
    ],
)
def test_what_is_wrong_with_it_is_one_line(write, tmp_path, content, expected):
    write("a/b.yaml", extends="../mine.yaml")
    (tmp_path / "text.yaml").write_text("text")
    message = told(write("mine.yaml", **content))
    assert message.startswith(expected)
    assert len(message.splitlines()) == 1


def test_a_file_of_the_project_is_named_to_one_outside(write, tmp_path):
    write("config/config.yaml", **BASE)
    outside = write("elsewhere/mine.yaml", extends="config/config.yaml", experiment="mine")
    hint = f"(did you mean {str(tmp_path / 'config/config.yaml')!r}?); allowed: "
    assert hint in told(outside)


def test_only_one_of_several_files_may_extend_another(write):
    write("base.yaml", **BASE)
    files = [write(f"{name}.yaml", extends="base.yaml") for name in "ab"]
    assert "extends: in a.yaml, b.yaml; allowed: in one of the files given" in told(*files)


RECIPES = {"recipes": {"ours": {}, "theirs": {"rounds": 3, "seeds": [7]}}}


def test_a_recipe_replaces_keys_and_gives_the_experiment_another_name(write):
    file = write("base.yaml", **BASE, **RECIPES)
    assert read(file).values == {**BASE, **RECIPES}
    theirs = {"experiment": "base-theirs", "rounds": 3, "seeds": [7], "recipe": "theirs"}
    assert read(file, recipe="theirs").values == {**BASE, **RECIPES, **theirs}
    own = {**BASE, **RECIPES, "experiment": "own"}
    assert read(file).recipes == ("ours", "theirs")
    # A file can choose, and the command line choose again.
    chosen = write("chosen.yaml", extends="base.yaml", experiment="own", recipe="theirs")
    assert read(chosen).values == {**own, **theirs, "experiment": "own-theirs"}
    assert read(chosen, recipe="ours").values == {**own, "recipe": "ours"}


def test_what_a_file_says_holds_against_recipes_of_the_file_that_it_extends(write):
    write("base.yaml", **BASE, **RECIPES)
    mine = write("mine.yaml", extends="base.yaml", experiment="mine", rounds=9, recipe="theirs")
    assert read(mine).values["rounds"] == 9
    assert read(mine).values["seeds"] == [7]
    assert read(mine, seeds=2).values["seeds"] == 2


def test_one_metric_replaces_several_and_several_replace_one(write):
    one, several = {"metric": "nll"}, {"metrics": ["accuracy", "macro-f1"]}
    for before, after in ((one, several), (several, one)):
        write("base.yaml", **BASE, **before)
        mine = write("mine.yaml", extends="base.yaml", experiment="mine", **after)
        assert read(mine).values == {**BASE, "experiment": "mine", **after}
        assert read(mine, **before).values == {**BASE, "experiment": "mine", **before}
        recipes = {"recipes": {"ours": {}, "theirs": after}}
        file = write("recipes.yaml", **BASE, **before, **recipes)
        found = read(file, recipe="theirs").values
        assert {key: found[key] for key in found if key.startswith("metric")} == after
    both = write("both.yaml", **BASE, **one, **several)
    assert {**one, **several}.items() <= read(both).values.items()  # and is refused when loaded


def test_an_unknown_recipe_is_one_error(write):
    file = write("base.yaml", **BASE, **RECIPES)
    message = told(file, recipe="their")
    expected = "recipe: 'their' is none of the experiment's recipes (did you mean 'theirs'?); "
    assert message == f"--config: {expected}allowed: ours, theirs"
    # Errors name the file in which the recipe is chosen.
    mine = write("mine.yaml", extends="base.yaml", experiment="mine", recipe="their")
    assert told(mine).startswith(f"mine.yaml: {expected}")


@pytest.mark.parametrize(
    ("recipes", "expected"),
    [
        (3, "recipes: 3; allowed: a mapping with at least one key"),
        ({}, "recipes: {}; allowed: a mapping with at least one key"),
        ({"a": [1]}, "recipes.a: [1]; allowed: a mapping or null"),
        ({"a": {"recipe": "b"}}, "recipes.a: 'recipe'; allowed as a key: any key of an experiment"),
        ({"A": {}}, "recipes: 'A'; allowed as a key: an id"),
        ({"a": {"round": 3}}, "recipes.a.round: unknown key (did you mean 'rounds'?)"),
        ({"a": {"strategies": ["margn"]}}, "recipes.a.strategies: 'margn' is not in catalogue"),
    ],
)
def test_recipes_are_checked_as_any_experiment(write, recipes, expected):
    quickstart = read_yaml(PROJECT / "config" / "config.yaml")
    file = write("mine.yaml", **{**quickstart, "recipes": recipes})
    catalogue = load_catalogue(PROJECT / "config" / "catalogue")
    wanted = read(file)
    with pytest.raises(InputError) as caught, wanted.naming_places():
        load_experiment(wanted.values, catalogue, SCHEMA, wanted.name)
    assert f"mine.yaml: {expected}" in str(caught.value)


@pytest.mark.parametrize(("recipes", "shown"), [(3, "3"), (None, "null"), (["a"], "['a']")])
def test_the_command_tells_of_recipes_that_are_no_mapping(write, capsys, recipes, shown):
    quickstart = read_yaml(PROJECT / "config" / "config.yaml")
    file = write("mine.yaml", **{**quickstart, "recipes": recipes})
    assert check_configuration.main([str(file)]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"error: mine.yaml: recipes: {shown}; allowed: a mapping")


def test_errors_name_the_file_that_the_key_comes_from(write):
    quickstart = read_yaml(PROJECT / "config" / "config.yaml")
    write("base.yaml", **{**quickstart, "rounds": 0, "colour": "red"})
    mine = write("mine.yaml", extends="base.yaml", experiment="mine", seeds=0)
    with pytest.raises(SystemExit) as caught:
        parsing.load(read(mine, baseline="Random"), PROJECT)
    lines = str(caught.value).splitlines()
    starts = ("base.yaml: rounds: 0", "base.yaml: colour: ", "mine.yaml: seeds: 0")
    starts += ("--config: baseline: 'Random'",)
    for start in starts:
        assert any(line.startswith(f"error: {start}") for line in lines), start
    assert len(lines) == len(starts)
    # What the file that is run can do about them.
    own = [line for line in lines if line.endswith("in mine.yaml, which extends this file")]
    assert [line.partition("; or a value of its own for ")[2].split()[0] for line in own] == [
        "rounds"
    ]


def test_the_command_checks_every_recipe(write, capsys):
    quickstart = read_yaml(PROJECT / "config" / "config.yaml")
    recipes = {"short": {}, "long": {"rounds": 9}}
    write("base.yaml", **{**quickstart, "recipes": recipes})
    mine = write("mine.yaml", extends="base.yaml", experiment="mine")
    assert check_configuration.main([str(mine)]) == 0
    printed = capsys.readouterr().out
    assert "mine.yaml: valid: short: 440 rounds and 12 fine-tunings; long: 500 rounds" in printed
    write("base.yaml", **{**quickstart, "recipes": {**recipes, "long": {"rounds": 200}}})
    assert check_configuration.main([str(mine)]) == 2
    assert capsys.readouterr().err.startswith("error: base.yaml: recipes.long.rounds: 200 rounds")


def test_a_mapping_that_comes_from_no_file_extends_files_of_the_working_directory(write):
    write("base.yaml", **BASE, **RECIPES)
    config = {"extends": "base.yaml", "experiment": "a", "rounds": 4, "recipe": "theirs"}
    found = asked(config, "config of module labelbench")
    assert found.values["rounds"] == 4
    assert found.values["seeds"] == [7]
    with pytest.raises(InputError, match=r"^config of module labelbench: extends: 'lost' ?: there"):
        asked({"extends": "lost"}, "config of module labelbench")


def test_files_given_together_are_merged_as_snakemake_merges_them(write):
    from snakemake.utils import update_config

    contents = [
        {"a": {"x": 1, "y": {"z": 1}}, "b": [1, 2], "c": 1},
        {"a": {"y": {"w": 2}}, "b": [3], "c": {"d": 1}},
        {"a": 5, "c": {"e": 2}},
    ]
    for chosen in itertools.permutations(contents, 2):
        files = [write(f"{place}.yaml", **one) for place, one in enumerate(chosen)]
        config = {}
        for file in files:
            update_config(config, read_yaml(file))
        found = asked(config, "both", {file: read_yaml(file) for file in files})
        assert found.values == config
        assert set(found.places.values()) <= {"0.yaml: ", "1.yaml: "}  # none seems overwritten
