"""Each format gives back what was written, is recognised by its content, and says what is wrong."""

import dataclasses
import io
import json
import zipfile
from pathlib import Path

import pytest

from helpers.answered_batches import (
    AWKWARD_CLASSES,
    AWKWARD_ITEMS,
    CLASSES,
    NAME,
    batch,
    expected,
    random_answers,
)
from helpers.exported_answers import check_images, check_texts
from labelbench_core.campaign.answers.answer import Answer, Outcome
from labelbench_core.campaign.answers.formats import (
    csv_table,
    cvat,
    hugging_face,
    label_studio,
    read_answers,
    write_exports,
)
from labelbench_core.campaign.answers.formats.handed import (
    Expected,
    HandedItem,
    batch_of,
    check_class_names,
    suggested,
)
from labelbench_core.errors import InputError

EXPORTS = Path(__file__).with_name("exports")
WRITERS = {
    "csv": csv_table.write,
    "label_studio": label_studio.write,
    "cvat": cvat.write,
    "hugging_face": hugging_face.write,
    "hugging_face lines": hugging_face.write_json_lines,
}
every_format = pytest.mark.parametrize("name", WRITERS)


def read(content, one, *, pool=(), path="given.dat"):
    content = content if isinstance(content, bytes) else content.encode()
    return read_answers(path, expected(one, pool=pool), content)


def problems(content, one=None, **options):
    with pytest.raises(InputError) as told:
        read(content, one or batch(), **options)
    return str(told.value).splitlines()


@every_format
@pytest.mark.parametrize("rows", ["images", "texts", "embeddings"])
@pytest.mark.parametrize("multilabel", [False, True])
def test_what_is_written_is_read(name, rows, multilabel):
    made = batch(classes=AWKWARD_CLASSES, multilabel=multilabel, rows=rows)
    answered = 0
    for seed in range(12):
        answers = random_answers(made, seed)
        assert read(WRITERS[name](made, answers), made) == as_kept(answers, name)
        answered += len(answers)
    assert answered > 50


def as_kept(answers, name):
    """Label Studio knows no item that nobody looked at; CVAT groups an image's tags by answer."""
    if name == "cvat":
        assert len({(a.item, a.annotator, a.seconds, a.at) for a in answers}) == len(answers)
    return answers


@every_format
@pytest.mark.parametrize("multilabel", [False, True])
def test_a_batch_without_answers_says_nothing(name, multilabel):
    made = batch(multilabel=multilabel)
    assert read(WRITERS[name](made), made) == []


def test_every_export_is_written_and_says_nothing(tmp_path):
    for rows, names in (
        ("images", {"label-studio.json", "label-studio.xml", "cvat.xml"}),
        ("texts", {"label-studio.json", "label-studio.xml"}),
        ("embeddings", set()),
    ):
        made = batch(rows=rows)
        written = write_exports(tmp_path / rows, made)
        assert set(written) == {"to_label.csv", "metadata.csv"} | names
        assert {path.name for path in (tmp_path / rows).iterdir()} == set(written)
        for name in sorted(set(written) - {"label-studio.xml"}):
            assert read_answers(tmp_path / rows / name, expected(made)) == []
            shown = (tmp_path / rows / name).read_text()
            assert "text of" in shown or rows != "texts"


def test_suggestions_are_handed_out_where_the_format_has_them():
    made = batch(("a", "b", "c"))
    assert csv_table.write(made).splitlines()[2] == f"b,b,dog,0.510,,,,,,{NAME}"
    task = json.loads(label_studio.write(made))[1]
    assert task["data"] == {"item": "b", "batch": NAME, "image": "/data/local-files/?d=b"}
    (prediction,) = task["predictions"]
    assert (prediction["score"], prediction["model_version"]) == (0.51, f"pets {NAME}")
    assert prediction["result"][0]["value"] == {"choices": ["dog"]}
    assert "<tag " not in cvat.write(made)
    several = HandedItem("a", suggestion={"x": 0.9, "y": 0.5, "z": 0.3})
    assert suggested(several, multilabel=True) == (["x", "y"], 0.5)
    assert suggested(HandedItem("a"), multilabel=False) is None


def test_a_batch_is_made_of_its_proposal():
    record = {
        "campaign": "pets",
        "batch": 2,
        "items": [
            {"item": "t-1", "row": 4, "sha256": None, "suggestion": None},
            {"item": "t-2", "row": 1, "suggestion": {"label": "cat", "probability": 0.8}},
        ],
        "classes": list(CLASSES),
        "multilabel": False,
        "rows": "texts",
        "content_sha256": NAME[2:] + "f" * 56,
    }
    made = batch_of(record, {"t-1": "one", "t-2": "two"})
    items = [HandedItem("t-1", "one"), HandedItem("t-2", "two", {"cat": 0.8})]
    assert (made.name, made.items, made.rows) == (NAME, items, "texts")
    record |= {"multilabel": True}
    record["items"][1]["suggestion"] = {"labels": {"cat": 0.8, "dog": 0.1}}
    assert batch_of(record).items[1] == HandedItem("t-2", "", {"cat": 0.8, "dog": 0.1})


@pytest.mark.parametrize("ending", ["csv", "json", "xml", "txt", ""])
def test_the_name_of_a_file_does_not_matter(tmp_path, ending):
    made = batch()
    answers = random_answers(made, seed=3)
    for name, write in WRITERS.items():
        path = tmp_path / f"{name}.{ending}"
        path.write_text(write(made, answers), encoding="utf-8-sig", newline="")
        assert read_answers(path, expected(made)) == answers


def test_exports_of_label_studio_itself():
    check_images(EXPORTS)
    check_texts(EXPORTS)


def test_tables_of_spreadsheets():
    made = batch(("a", "b", "c"))
    wanted = [Answer("a", "labelled", "cat", seconds=2.5), Answer("c", "unsure")]
    table = "Item;Label;Outcome;Seconds\r\na;cat;;2,5\r\nb;;;\r\n;;;\r\nc;; Unsure;\r\n"
    for text in (table, table.replace(";", "\t")):
        for encoding in ("utf-8", "utf-8-sig", "utf-16"):
            assert read(text.encode(encoding), made) == wanted
    long = dataclasses.replace(made, rows="texts", items=[HandedItem("a", "é" * 200_000)])
    assert read(csv_table.write(long), long) == []


@pytest.mark.parametrize("column", ["label", "labels"])
def test_several_labels_are_a_list_or_have_semicolons_between_them(column):
    made = batch(("a", "b", "c", "d", "e"), multilabel=True)
    cells = ['"[""dog"",""cat""]"', "cat; dog", "[]", "(none)", ""]
    rows = "".join(f"{item},{cell},\n" for item, cell in zip("abcde", cells, strict=True))
    found = read(f"item,{column},outcome\n{rows}", made)
    assert [one.label for one in found] == [("cat", "dog"), ("cat", "dog"), (), ()]
    assert read(f"item,{column},outcome\ne,,labelled\n", made)[0].label == ()


def test_paths_of_other_tools_are_found_by_their_end():
    made = batch()
    tag = '<tag label="cat"/>'
    names = ["set/a/1.png", "a\\1.png", "./a/1.png", "ü 2;3.png"]
    images = "".join(f'<image name="{name}">{tag}</image>' for name in names)
    found = read(f"<annotations>{images}</annotations>", made)
    assert [one.item for one in found] == ["a/1.png"] * 3 + ["a/ü 2;3.png"]
    for url in (
        "/data/local-files/?d=pets%2Fa%2F%C3%BC%202%3B3.png",
        "/data/upload/3/1a2b3c4d-%C3%BC%202;3.png",
        "https://example.com/pets/a/%C3%BC%202;3.png?x=1",
    ):
        task = {"data": {"image": url}, "annotations": [annotation("cat")]}
        assert read(json.dumps([task]), made)[0].item == "a/ü 2;3.png"
    decomposed = "e\u0301"
    assert read(f"item,label\n{decomposed},cat\n", made)[0].item == "é"


def annotation(*labels, **more):
    result = {"from_name": "label", "type": "choices", "value": {"choices": list(labels)}}
    return {"result": [result], **more}


def test_annotators_and_times_of_label_studio():
    user = {"id": 7, "email": "", "username": "anna", "first_name": "Anna"}
    times = {"created_at": "2026-03-01T08:00:00Z", "updated_at": "2026-03-01T09:00:00Z"}
    other = {"from_name": "box", "type": "rectanglelabels", "value": {"rectanglelabels": ["dog"]}}
    given = annotation("cat", completed_by=user, lead_time=2, **times)
    given["result"].insert(0, other)
    task = {"id": 3, "data": {"item": "row-17"}, "annotations": [given], "drafts": [{}]}
    answer = Answer("row-17", "labelled", "cat", "anna", 2.0, times["updated_at"])
    assert read(json.dumps([task]), batch()) == [answer]
    del given["updated_at"]
    assert read(json.dumps([task]), batch())[0].at == times["created_at"]


def test_tags_of_cvat():
    assignee = "<meta><task><assignee><username>anna</username></assignee></task></meta>"
    text = f"""<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version>{assignee}
      <image id="0" name="row-17"><tag label="cat" source="auto"/></image>
      <image id="1" name="a/1.png"><tag label="cat" source="auto"/><tag label="dog"/></image>
      <image id="2" name="b/1.png"><tag label="(unsure)">
        <attribute name="annotator">ben</attribute><attribute name="blurred">1</attribute>
      </tag></image></annotations>"""
    wanted = [
        Answer("a/1.png", "labelled", "dog", "anna"),
        Answer("b/1.png", "unsure", None, "ben"),
    ]
    assert read(text, batch()) == wanted
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("annotations.xml", text)
    assert read(packed.getvalue(), batch()) == wanted


def test_all_errors_of_a_file_are_told_at_once():
    text = (
        "item,label,outcome,seconds,at,batch\n"
        "a/1.png,Cat,,,,\n"
        f"a/2.png,cat,,,,{NAME}\n"
        "b/1.png,cat,unsure,,,\n"
        "row-17,,perhaps,,,\n"
        "row-17,cat,,-1,yesterday,\n"
        "row-17,cat,,1,2026-03-01T09:30:00,\n"
        "row-18,dog,,1,,\n"
        f"row-17,cat,,,,{NAME}\n"
        "row-17,cat,,,,1-00000000\n"
        ",cat,,,,\n"
        "é,,labelled,,,\n"
    )
    classes = "cat, dog, grey wolf; or (skipped), (unsure), (no-class)"
    assert problems(text, pool=("a/2.png", *AWKWARD_ITEMS)) == [
        f"given.dat: line 2: label: 'Cat' (did you mean 'cat'?); allowed: {classes}",
        f"given.dat: line 3: item: 'a/2.png' was not handed out with batch {NAME}; allowed: items "
        "of that batch",
        "given.dat: line 4: label: cat with outcome 'unsure'; allowed: no label, or outcome "
        "'labelled'",
        "given.dat: line 5: outcome: 'perhaps'; allowed: labelled, skipped, unsure, no-class",
        "given.dat: line 6: seconds: -1.0; allowed: a number from 0, or nothing",
        "given.dat: line 7: at: '2026-03-01T09:30:00'; allowed: a time in ISO 8601 with an offset, "
        "such as 2026-03-01T09:30:00+01:00, or nothing",
        "given.dat: line 8: item: 'row-18' is not in the pool (did you mean 'row-17'?); allowed: "
        "rows of the pool, such as 'a/2.png'",
        f"given.dat: line 10: batch: '1-00000000' is not of this campaign; allowed: {NAME}",
        "given.dat: line 11: item: None; allowed: the id of a row of the pool",
        f"given.dat: line 12: label: empty; allowed: one of {classes}",
    ]


def test_without_a_pool_an_unknown_item_was_never_handed_out():
    (line,) = problems("item,label\nrow-18,cat\n")
    assert "item: 'row-18' was never handed out (did you mean 'row-17'?); allowed: items" in line


def test_an_item_of_another_batch_is_told():
    one = batch(("a",))
    other = dataclasses.replace(batch(("b",)), name="1-ffffffff")
    answers = read_answers("x", expected(one, other), f"item,label,batch\na,cat,{NAME}".encode())
    assert answers == [Answer("a", "labelled", "cat", batch=NAME)]
    with pytest.raises(InputError, match="'b' was not handed out with batch 2-0f6b2c1a"):
        read_answers("x", expected(one, other), f"item,label,batch\nb,cat,{NAME}".encode())


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "empty; allowed: CSV, Label Studio JSON"),
        ("a b\n1 2\n", "of no known format; allowed: CSV, Label Studio JSON"),
        (
            "file,Label,outcome\na,cat,\n",
            "a table without a column `item` (has: file, Label, outcome); allowed: in `item`",
        ),
        (
            "file;Label\na;cat\n",
            "a table without a column `item` (has: file, Label)",
        ),
        ("label\ncat\n", "a table without a column `item` (has: label)"),
        (
            "item,label\nrow-17,DOG\n",
            "line 2: label: 'DOG' (did you mean 'dog'?); allowed: cat, dog",
        ),
        ("item,label\nrow-17,GREY WULF\n", "'GREY WULF' (did you mean 'grey wolf'?); allowed"),
        ("item,label\n\n,,\nrow-17,cat\n\nrow-17,lion\n", "line 6: label: 'lion'; allowed: cat"),
        ('{"a": 1}', "of no known format"),
        ('{"file_name": "a"', "of no known format"),
        ("[1", "not JSON"),
        ("[1]", "[0]: 1; allowed: a task, an object"),
        ('[{"id": 4}]', "task 4: without annotations; allowed: the export JSON, or JSON-MIN"),
        ('[{"id": 4, "data": []}]', "task 4: without data or annotations"),
        ('[{"id": 4, "data": {}, "annotations": [7]}]', "task 4: 7; allowed: an annotation with"),
        ("<annotations>", "not XML"),
        ("<html/>", "holds <html>; allowed: CVAT for images 1.1"),
        ("<annotations><track/></annotations>", "holds tracks of a video"),
        ("<!DOCTYPE a><annotations/>", "declares a document type"),
        (
            '<annotations><image name="row-17"><box label="cat"/></image></annotations>',
            "image 'row-17': <box>; allowed: <tag>, a label of the whole image",
        ),
        (
            '<annotations><image name="é"><tag label="cat"/><tag label="dog"/></image>'
            "</annotations>",
            "image 'é': label: cat, dog; allowed: one of cat",
        ),
        (
            '<annotations><image name="é"><tag label="cat"/><tag label="(unsure)"/></image>'
            "</annotations>",
            "image 'é': label: cat, (unsure); allowed: (unsure) alone, or classes",
        ),
        (
            '<annotations><image><tag label="cat"/></image></annotations>',
            "image 0 (from 0): item: None",
        ),
        (b"PK\x03\x04broken", "an archive without a readable annotations.xml"),
        ("item,label\nx,ö\n".encode("latin-1"), "not UTF-8 (byte 13)"),
        ("item,label,Label\n", "column 'label' twice"),
        ("item,file\n", "no column of labels; columns: item, file; allowed: a column label"),
        ("item,label\na,cat,dog\n", "line 2: 3 cells; allowed: 2, as in the first line"),
        ('item,label\na,"cat\n', "line 2: unexpected end of data; allowed: CSV"),
        ("annotation_id,item,lead_time,label\n", "a table of Label Studio, without what was skip"),
        (
            '{"file_name": "a/1.png", "label": 3}',
            "line 1: label: '3'; allowed: cat, dog, grey wolf",
        ),
        ('{"file_name": "a/1.png", "label": true}', "label: True; allowed: the name of a class"),
        (
            '{"file_name": "a/1.png", "label": "cat", "batch": [1]}',
            f"batch: [1] is not of this campaign; allowed: {NAME}",
        ),
        ('{"file_name": "a/1.png"}\n[2]', "line 2: [2]; allowed: an object"),
        ('{"file_name": "a/1.png"}\n{"x"', "line 2: not JSON"),
        ("item,label\n1.png,cat\n", "item: '1.png' may be any of a/1.png, b/1.png; allowed: the"),
        ("item,label\nrow-17,(none)\n", "line 2: label: (none); allowed: cat"),
        ("item,label,outcome\nrow-17,(unsure),skipped\n", "label: (unsure) with outcome skipped"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(content, told):
    (line,) = problems(content)
    assert line.startswith("given.dat: ")
    assert told in line
    assert "; allowed: " in line


def test_choices_of_another_control_are_no_labels():
    task = {"id": 1, "data": {"item": "é"}, "annotations": [annotation("cat")]}
    task["annotations"][0]["result"][0]["from_name"] = "mood"
    (line,) = problems(json.dumps([task]))
    assert "task 1: choices of ['mood']; allowed: of the control 'label'" in line


def test_xml_holds_no_control_characters():
    with pytest.raises(InputError, match="allowed: names without control characters"):
        cvat.write(batch(("a\x01",)))


@pytest.mark.parametrize("name", ["", " cat", "a\nb", "(unsure)", "(none)"])
def test_classes_that_no_file_could_give_back_are_refused(name):
    with pytest.raises(InputError, match=r"pets.yaml: classes: class .*; allowed: "):
        check_class_names(["dog", name], "pets.yaml: classes")


def test_each_class_has_a_name_of_its_own():
    check_class_names(AWKWARD_CLASSES, "classes")
    with pytest.raises(InputError, match="'cat' twice"):
        check_class_names(["cat", "dog", "cat"], "classes")


def test_a_number_in_json_may_be_the_name_of_a_class():
    made = batch(("a",), classes=("1", "7"))
    assert read('{"file_name": "a", "label": 7}', made)[0].label == "7"


def test_thousands_of_unknown_items_are_told_quickly():
    items = [f"folder/{number}.png" for number in range(20_000)]
    text = "item,label\n" + "".join(f"other/{number}x.png,cat\n" for number in range(5_000))
    with pytest.raises(InputError, match="and 4960 more"):
        read_answers("x", Expected({NAME: items}, CLASSES), text.encode())


def test_an_outcome_is_one_of_four():
    assert [one.value for one in Outcome] == ["labelled", "skipped", "unsure", "no-class"]
