"""Results of one study's entry are not replaced by another study's entry of the same id."""

import pytest

from helpers.project import PROJECT
from labelbench_core.configuration.catalogue import load_catalogue
from labelbench_core.configuration.own_entries import Given, read_entries
from labelbench_core.errors import InputError
from workflow_scripts._entry_notes import note_entries, refuse_others


@pytest.fixture
def place(tmp_path):
    """A folder with results, and where its notes are."""
    (tmp_path / "results").mkdir()
    return tmp_path / "results", tmp_path / "state" / "entries.json"


def study(tmp_path, name, entry):
    """The catalogue of a study in a folder of that name, and the entries that it uses."""
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    given = Given({"datasets": {"pets": entry}}, str(folder / "study.yaml"), folder)
    catalogue = load_catalogue(PROJECT / "config" / "catalogue", read_entries([given]))
    used = {"datasets": {"pets": catalogue["datasets"]["pets"]}}
    used["strategies"] = {"margin": catalogue["strategies"]["margin"]}
    return catalogue, used


def mosaics(source, **more):
    return {"implementation": "mosaics", "options": {"source": source}, **more}


def test_another_studys_entry_of_the_same_id_is_refused(tmp_path, place):
    results, notes = place
    first, second = (
        study(tmp_path, "a", mosaics("digits")),
        study(tmp_path, "b", mosaics("cifar-10")),
    )
    refuse_others(*first, results, notes)  # nothing is known yet
    note_entries(*first, notes)
    refuse_others(*first, results, notes)
    with pytest.raises(InputError) as error:
        refuse_others(*second, results, notes)
    told = str(error.value)
    assert told.startswith(f"{tmp_path / 'b' / 'study.yaml'}: catalogue.datasets: pets: differs")
    assert f"in {tmp_path / 'a' / 'study.yaml'}, with which" in told
    assert "\n" not in told


def test_an_edit_a_move_a_replacement_and_a_fresh_folder_are_not_refused(tmp_path, place):
    results, notes = place
    note_entries(*study(tmp_path, "a", mosaics("digits")), notes)
    refuse_others(*study(tmp_path, "a", mosaics("cifar-10")), results, notes)
    refuse_others(*study(tmp_path, "b", mosaics("digits")), results, notes)
    other = study(tmp_path, "b", mosaics("cifar-10", replace=True))
    refuse_others(*other, results, notes)
    results.rmdir()
    refuse_others(*study(tmp_path, "b", mosaics("cifar-10")), results, notes)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"datasets/pets": 3}'])
def test_damaged_notes_refuse_nothing(tmp_path, place, content):
    results, notes = place
    notes.parent.mkdir()
    notes.write_text(content)
    one = study(tmp_path, "a", mosaics("digits"))
    refuse_others(*one, results, notes)
    note_entries(*one, notes)
    with pytest.raises(InputError):
        refuse_others(*study(tmp_path, "b", mosaics("cifar-10")), results, notes)


def test_shipped_entries_are_the_same_in_every_clone(tmp_path, place):
    catalogue, _ = study(tmp_path, "a", mosaics("digits"))
    assert catalogue.origins["strategies", "margin"] == "config/catalogue/strategies.yaml"
