"""What a finished campaign hands over: labels, predictions, rows to look at, a model that works."""

import csv
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from helpers.campaigns import CLASSES, answer, call, campaign_in, labels_of, pool_from, pool_of, run
from helpers.finished_campaigns import FINISH, answered, collected_of, finished, take_in
from labelbench_core.campaign.finishing.applying import open_model
from labelbench_core.campaign.finishing.calibration import with_temperature
from labelbench_core.campaign.finishing.final_proxy import final_proxy
from labelbench_core.campaign.finishing.model_folder import KIND, RECORD, WEIGHTS, read_model
from labelbench_core.campaign.state import read_state
from labelbench_core.errors import InputError
from labelbench_core.storage.records import write_record


@pytest.fixture
def campaign(tmp_path):
    return campaign_in(tmp_path, audit=60, audit_share=0.4, finish=FINISH)


def table(path):
    return list(csv.DictReader(path.open()))


def test_people_s_labels_stay_and_the_model_fills_the_rest(campaign, tmp_path):
    pool, truth = pool_of(300)
    pool = replace(pool, dataset=pool_from(np.ones((1, 1), "f2"), kind="embeddings").dataset)
    labels = labels_of(pool, truth)
    done = run(campaign, pool, labels, 4)
    names = [one["item"] for one in done.batch.record["items"]]
    outcomes = ("(unsure)", "(no-class)", "(skipped)")
    special = {**labels, **dict(zip(names[:3], outcomes, strict=True))}
    answer(campaign, done.batch, special, "last", annotator="bob")
    take_in(campaign, pool)
    summary, written = finished(campaign, pool, tmp_path / "out")
    rows = table(written.data_set)
    assert [row["item"] for row in rows] == list(pool.items)
    people = [row for row in rows if row["by"] == "people"]
    assert len(people) == summary["by_people"] == 80 - 3
    assert all(row["label"] == labels[row["item"]] for row in people)
    assert {row["annotators"] for row in people} == {"ann", "bob"}
    by_item = {row["item"]: row for row in rows}
    unsure, none, skipped = (by_item[name] for name in names[:3])
    assert (none["label"], none["by"], none["outcome"]) == ("", "", "no-class")
    for row in (unsure, skipped):
        assert row["by"] == "model"
        assert row["label"] in CLASSES
    model = [row for row in rows if row["by"] == "model"]
    assert summary["by_model"] == len(model) == 300 - 77 - 1
    missed = sum(row["label"] != labels[row["item"]] for row in model)
    assert summary["wrong"]["low"] <= missed <= summary["wrong"]["high"]


def test_rows_of_no_class_count_as_wrong_where_nobody_saw_them(tmp_path):
    """A tenth of the pool is of no class, which the audit finds: the model labels them all."""
    held, estimates, missed = 0, [], []
    for seed in range(12):
        campaign = campaign_in(
            tmp_path / str(seed), audit=100, audit_share=0.5, batch_size=100, finish=FINISH
        )
        campaign = replace(campaign, seed=seed)
        pool, truth = pool_of(600, seed=seed)
        none = np.random.default_rng(seed).random(600) < 0.1
        labels = labels_of(pool, truth)
        told = {
            item: "(no-class)" if is_none else labels[item]
            for item, is_none in zip(pool.items, none.tolist(), strict=True)
        }
        answered(campaign, pool, told, 2)
        summary, written = finished(campaign, pool, tmp_path / str(seed))
        rows = [row for row in table(written.data_set) if row["by"] == "model"]
        wrong = sum(row["label"] != told[row["item"]] for row in rows)
        assert wrong > 20
        held += summary["wrong"]["low"] <= wrong <= summary["wrong"]["high"]
        estimates.append(summary["wrong"]["estimate"])
        missed.append(wrong)
    assert held >= 11
    assert np.mean(estimates) == pytest.approx(np.mean(missed), rel=0.2)


def test_undecided_rows_of_the_audit_widen_what_is_said(campaign, tmp_path):
    pool, truth = pool_of(300)
    labels = labels_of(pool, truth)
    answered(campaign, pool, labels, 4)
    state, _ = read_state(campaign, pool)
    audited = [one.item for one in state.audited()]
    before, _ = finished(campaign, pool, tmp_path / "before")
    unsure = {**labels, **dict.fromkeys(audited[:10], "(unsure)")}
    for batch in state.batches:
        answer(campaign, batch, unsure, f"again-{batch.number}")
    take_in(campaign, pool)
    after, written = finished(campaign, pool, tmp_path / "after")
    assert after["undecided"]["undecided"] == 10
    width = [one["wrong"]["high"] - one["wrong"]["low"] for one in (before, after)]
    assert width[1] > width[0] + 10
    card = (written.model / "README.md").read_text()
    assert "10 more rows of the audit were skipped, unsure, contradicted or of no class" in card


def test_rows_to_look_at_are_the_likeliest_wrong_first(campaign, tmp_path):
    pool, truth = pool_of(400, num_classes=3, width=4)
    labels = labels_of(pool, truth)
    done = run(campaign, pool, labels, 5)
    wrong = [one["item"] for one in done.batch.record["items"]][:2]
    answers = {**labels, **{item: CLASSES[(CLASSES.index(labels[item]) + 1) % 3] for item in wrong}}
    answer(campaign, done.batch, answers, "last")
    take_in(campaign, pool)
    summary, written = finished(campaign, pool, tmp_path / "out")
    rows = table(written.to_check)
    assert summary["to_check"] == len(rows) > 0
    for one in rows:
        assert bool(one["annotators"]) == (one["by"] == "people")
        assert one["correction"] == ""
    whose = [row["by"] for row in rows]
    assert whose == sorted(whose)  # the model's first
    probabilities = [float(row["wrong"]) for row in rows if row["by"] == "model"]
    assert probabilities == sorted(probabilities, reverse=True)
    assert {row["wrong"] for row in rows if row["by"] == "people"} == {""}
    of_model = {row["item"] for row in rows if row["by"] == "model"}
    predicted = {row["item"]: row for row in table(written.predictions)}
    filled = {row["item"]: row["by"] for row in table(written.data_set)}
    expected = {
        item
        for item, by in filled.items()
        if by == "model" and float(predicted[item]["probability"]) < 0.9
    }
    assert of_model == expected
    assert {"people"} <= {row["by"] for row in rows}
    misses = [
        filled[item] == "model" and predicted[item]["label"] != labels[item] for item in filled
    ]
    found = [item in of_model for item in filled]
    assert np.mean(np.array(found)[misses]) > 0.6 > np.mean(found)


def test_of_texts_every_table_has_the_text(campaign, tmp_path):
    pool, truth = pool_of(120)
    said = [f"=text, {number}\n" for number in range(120)]
    texts = SimpleNamespace(batch=lambda rows: [said[row] for row in rows])
    dataset = SimpleNamespace(**{**vars(pool.dataset), "rows": "texts", "texts": lambda _: texts})
    answered(campaign, pool, labels_of(pool, truth), 3)
    _, written = finished(campaign, replace(pool, dataset=dataset), tmp_path)
    row_of = {item: row for row, item in enumerate(pool.items)}
    tables = (tmp_path / "labels.csv", written.data_set, written.predictions, written.to_check)
    for path in tables:
        lines = table(path)
        assert lines
        assert [one["text"] for one in lines] == [said[row_of[one["item"]]] for one in lines]
    assert len(table(written.data_set)) == 120


def test_predictions_are_those_of_the_proxy_calibrated_by_the_audit(campaign, tmp_path):
    pool, truth = pool_of(300)
    run(campaign, pool, labels_of(pool, truth), 5)
    _, written = finished(campaign, pool, tmp_path / "out")
    collected = collected_of(campaign, pool, tmp_path / "again")
    model = final_proxy(campaign, pool, collected)
    expected = model.proxy.predict_proba(pool.embeddings.take(np.arange(300)))
    temperature = read_model(written.model)["temperature"]
    stored = np.load(written.probabilities)
    calibrated = with_temperature(expected, temperature, multilabel=False)
    assert stored == pytest.approx(calibrated, abs=1e-3)
    rows = table(written.predictions)
    assert [row["label"] for row in rows] == [CLASSES[one] for one in expected.argmax(axis=1)]
    second = np.argsort(-expected, axis=1)[:, 1]
    assert [row["second"] for row in rows] == [CLASSES[one] for one in second]


def test_nothing_of_the_audit_enters_the_model(campaign, tmp_path):
    pool, truth = pool_of(300)
    labels = labels_of(pool, truth)
    answered(campaign, pool, labels, 4)
    state, _ = read_state(campaign, pool)
    audited = [one.item for one in state.audited()]
    assert len(audited) == 32
    before, written = finished(campaign, pool, tmp_path / "before")
    weights = (written.model / WEIGHTS).read_bytes()
    # People change their minds on every row of the audit.
    other = {item: CLASSES[(CLASSES.index(labels[item]) + 1) % 3] for item in audited}
    for batch in state.batches:
        answer(campaign, batch, {**labels, **other}, f"again-{batch.number}")
    take_in(campaign, pool)
    after, written = finished(campaign, pool, tmp_path / "after")
    assert after["accuracy"]["estimate"] < before["accuracy"]["estimate"]
    assert (written.model / WEIGHTS).read_bytes() == weights
    assert len(read_state(campaign, pool)[0].batches) == 4  # to finish hands out nothing


def test_a_class_without_labels_and_a_pool_that_has_grown(tmp_path):
    campaign = campaign_in(tmp_path, audit=40, audit_share=0.4, finish=FINISH)
    campaign = replace(campaign, classes=(*CLASSES, "owl"))
    pool, truth = pool_of(400)
    labels = labels_of(pool, truth)
    small = pool_from(pool.embeddings.take(np.arange(250)), pool.items[:250])
    done = run(campaign, small, labels, 3)
    answer(campaign, done.batch, labels, "last")
    done = call(campaign, pool)
    answer(campaign, done.batch, labels, "of the grown pool")
    take_in(campaign, pool)
    summary, written = finished(campaign, pool, tmp_path / "out")
    assert summary["rows"] == 400
    assert len(np.unique(collected_of(campaign, pool, tmp_path / "again").stratum)) == 2
    rows = table(written.data_set)
    missed = sum(row["label"] != labels[row["item"]] for row in rows if row["by"] == "model")
    assert summary["wrong"]["low"] <= missed <= summary["wrong"]["high"]
    assert "**Without any label to train on: owl.**" in (written.model / "README.md").read_text()


def test_without_an_audit_label_probabilities_are_as_they_are(tmp_path):
    campaign = campaign_in(tmp_path, audit=30, audit_share=0.0, finish=FINISH)
    pool, truth = pool_of(300)
    run(campaign, pool, labels_of(pool, truth), 3)
    summary, written = finished(campaign, pool, tmp_path / "out")
    assert summary["wrong"] is None
    assert read_model(written.model)["temperature"] == 1
    assert (
        "no image of the campaign's audit has a label" in (written.model / "README.md").read_text()
    )


def test_the_model_s_folder_predicts_what_was_predicted(campaign, tmp_path):
    pool, truth = pool_of(300)
    pool = replace(pool, dataset=pool_from(np.ones((1, 1), "f2"), kind="embeddings").dataset)
    run(campaign, pool, labels_of(pool, truth), 4)
    _, written = finished(campaign, pool, tmp_path / "out")
    model = open_model(written.model)
    rows = pool.embeddings.take(np.arange(300))
    assert model.predict_proba(rows) == pytest.approx(np.load(written.probabilities), abs=1e-3)
    with pytest.raises(InputError, match=r"shape \(2, 3\); allowed by .*model.json: \(n, 8\)"):
        model.predict_proba(np.zeros((2, 3), np.float32))


def test_its_card_says_how_good_it_is_and_on_what(campaign, tmp_path):
    pool, truth = pool_of(300)
    run(campaign, pool, labels_of(pool, truth), 4)
    _, written = finished(campaign, pool, tmp_path / "out")
    card = (written.model / "README.md").read_text()
    record = read_model(written.model)
    accuracy = record["accuracy"]
    assert accuracy["n"] == 24
    assert f"{accuracy['estimate']:.1%} (95 % interval {accuracy['low']:.1%} to" in card
    assert card.startswith("---\nlibrary_name: labelbench\n")
    for name in CLASSES:
        assert f"| {name} | " in card
    assert "60 rows were answered by 1 annotator in 4 batches; 24 of them are the audit's" in card
    assert f"SHA-256 `{record['weights_sha256']}`" in card


def test_people_without_a_name_are_not_counted(campaign, tmp_path):
    pool, truth = pool_of(120)
    labels = labels_of(pool, truth)
    done = run(campaign, pool, labels, 3)
    answer(campaign, done.batch, labels, "last", annotator="")
    take_in(campaign, pool)
    _, written = finished(campaign, pool, tmp_path / "out")
    card = (written.model / "README.md").read_text()
    assert "rows were answered by 1 annotator, and others without a name, in 3 batches" in card


def test_several_labels_a_row(tmp_path):
    campaign = campaign_in(
        tmp_path, audit=60, audit_share=0.4, finish=FINISH, multilabel=True, strategy=BINARY
    )
    rng = np.random.default_rng(0)
    truth = rng.random((300, 3)) < 0.4
    rows = 3 * truth @ np.eye(3, 8) + rng.normal(size=(300, 8))
    pool = pool_from(rows.astype(np.float16), kind="embeddings")
    cells = [json.dumps([c for c, on in zip(CLASSES, row, strict=True) if on]) for row in truth]
    run(campaign, pool, dict(zip(pool.items, cells, strict=True)), 5)
    summary, written = finished(campaign, pool, tmp_path / "out")
    assert summary["by_people"] == 80
    stored = np.load(written.probabilities)
    assert stored.shape == (300, 3)
    assert ((stored >= 0.5) == truth).mean() > 0.8
    assert open_model(written.model).predict_proba(rows) == pytest.approx(stored, abs=2e-2)
    assert "second" not in table(written.predictions)[0]
    assert "any number of 3 classes" in (written.model / "README.md").read_text()


BINARY = {"id": "mmc", "implementation": "mmc", "options": {}}


@pytest.mark.parametrize("name", [RECORD, WEIGHTS])
def test_a_damaged_model_is_told(campaign, tmp_path, name):
    pool, truth = pool_of(300)
    run(campaign, pool, labels_of(pool, truth), 3)
    _, written = finished(campaign, pool, tmp_path / "out")
    path = written.model / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=name):
        open_model(written.model)
    path.unlink()
    with pytest.raises(InputError, match=name):
        open_model(written.model)


def test_before_labels_of_two_classes_there_is_nothing_to_finish(campaign, tmp_path):
    pool, _ = pool_of(300)
    done = call(campaign, pool)
    with pytest.raises(InputError, match="no row outside the audit has a label; allowed: after"):
        collected_of(campaign, pool, tmp_path)
    answer(campaign, done.batch, dict.fromkeys(pool.items, "wren"))
    take_in(campaign, pool)
    with pytest.raises(InputError, match=r"all 12 labels to train on are 'wren'; allowed: labels"):
        collected_of(campaign, pool, tmp_path)


def test_labels_of_another_pool_are_refused(campaign, tmp_path):
    pool, truth = pool_of(300)
    run(campaign, pool, labels_of(pool, truth), 3)
    collected = collected_of(campaign, pool, tmp_path)
    collected.require_pool("birds")
    with pytest.raises(InputError, match="its pool has changed since its labels were collected"):
        collected.require_pool("other birds")


def test_another_backbone_than_that_of_the_labels_is_refused(campaign, tmp_path):
    pool, truth = pool_of(300)
    pool = replace(pool, dataset=pool_from(np.ones((1, 1), "f2"), kind="embeddings").dataset)
    run(campaign, pool, labels_of(pool, truth), 3)
    _, written = finished(campaign, pool, tmp_path / "out")
    record = {**read_model(written.model), "backbone_weights_sha256": "0" * 64}
    kept = {key: value for key, value in record.items() if key not in ("kind", "content_sha256")}
    write_record(written.model / RECORD, KIND, kept)
    with pytest.raises(InputError, match=r"backbone_weights_sha256 is '0+', and that of the back"):
        open_model(written.model)


def test_embeddings_that_are_no_numbers_are_refused(campaign, tmp_path):
    pool, truth = pool_of(300)
    pool = replace(pool, dataset=pool_from(np.ones((1, 1), "f2"), kind="embeddings").dataset)
    run(campaign, pool, labels_of(pool, truth), 3)
    _, written = finished(campaign, pool, tmp_path / "out")
    rows = np.zeros((3, 8), np.float32)
    rows[1, 2] = np.nan
    with pytest.raises(InputError, match="row 1 of a batch has a value that is not finite"):
        open_model(written.model).predict_proba(rows)
