"""The report: complete, self-contained, the same bytes each time but for the costs."""

import json
import re
from pathlib import Path

import pytest

from helpers import fake_results
from helpers.analysis_jobs import (
    SMALL,
    collect,
    collect_all_costs,
    compare_with_published,
    plot_everything,
    render,
    tabulate_results,
)
from helpers.web_page import Page
from labelbench_core.analysis.summary import summary_lines
from labelbench_core.report.vega import vega_bundle
from labelbench_core.storage.files import read_json
from labelbench_core.storage.records import write_record


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables, figures and costs of a small experiment."""
    folder = tmp_path_factory.mktemp("report")
    values = fake_results.experiment(**SMALL)
    fake_results.write(folder, values)
    assert collect(folder, values) == tabulate_results(folder, values) == 0
    collect_all_costs(folder, values)
    (folder / "experiment.json").write_text(json.dumps(values), encoding="utf-8")
    plot_everything(folder, folder / "figures")
    manifest = {"dataset": "digits", "fingerprint": "f" * 64, "versions": {"pillow": "12.0"}}
    fake_results.note(folder / "digits.json", "data set", **manifest)
    return folder


def test_page_loads_nothing_and_is_well_formed(results: Path) -> None:
    status, path = render(results)
    assert status == 0
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.addresses, "the page has links to its own parts"
    for address in page.addresses:
        if address not in ("data:,", "bought.html"):  # no icon; the page beside this one
            assert address.startswith("#"), address
            assert address[1:] in page.ids, address
    assert "default-src 'none'" in text
    assert text.count(vega_bundle()) == 1
    text = text.replace(vega_bundle(), "")  # what it contains, the page's policy forbids to load
    assert "http:" not in text
    assert "https:" not in text
    assert "@import" not in text
    assert "fetch(" not in text
    assert set(re.findall(r"url\((.)", text)) <= {"#"}
    assert len(page.ids) == len(set(page.ids))
    assert re.findall(r"</?noscript>", text) == ["<noscript>", "</noscript>"] * text.count(
        "<noscript>"
    ), "one within another would end with it"
    for reference in re.findall(r"url\(#([^)]*)\)", text):
        assert reference in page.ids
    assert str(results) not in text
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b", text)


def test_page_has_the_numbers_of_the_summary(results: Path) -> None:
    _, path = render(results)
    words = " ".join(" ".join(Page(path.read_text(encoding="utf-8")).words).split())
    setting = read_json(results / "summary.json")["settings"][0]
    saving = setting["saving"]["at-baseline-level"]["test"]
    assert f"label saving of margin over random, test {saving['saving']:.2f}×" in words
    for strategy in ("margin", "random"):
        final = setting["final"][strategy]["test"]
        assert f"{100 * final['mean']:.2f} %" in words
        tuned = setting["finetuning"][0]["strategies"][strategy]["test"]
        assert f"{100 * tuned['difference']:+.2f} points" in words
    assert "0123abcd" in words
    assert "pillow 12.0" in words
    assert "f" * 16 in words
    assert '"note": "<b>&</b>"' in words
    assert "Only 3 seeds" in words
    assert "None of these rounds and fine-tunings is missing" in words


def test_caveats_come_from_the_data(results: Path) -> None:
    _, path = render(results)
    words = " ".join(" ".join(Page(path.read_text(encoding="utf-8")).words).split())
    table = (results / "tables" / "finetuning.csv").read_text(encoding="utf-8").splitlines()
    columns = table[0].split(",")
    rows = [dict(zip(columns, line.split(","), strict=True)) for line in table[1:]]
    chosen = [row for row in rows if row["split"] == "test" and row["metric"] == "accuracy"]
    beaten = [row for row in chosen if float(row["p_holm"]) >= 0.05]
    assert ("did not measurably beat the proxy" in words) == bool(beaten)
    for row in beaten:
        assert (
            f"{row['strategy']} {row['num_labeled']} ({100 * float(row['difference']):+.2f})"
            in words
        )


def test_leaks_and_what_was_left_out_are_named(results: Path) -> None:
    manifest = read_json(results / "digits.json")
    examples = [["pool/cat/again.jpg", "test/cat/0.jpg"]]
    manifest["leaks"] = [{"kind": "pool and test", "count": 12, "examples": examples}]
    entry = {"count": 5, "examples": ["pool/cat/<siamese>/0.jpg"]}
    manifest["left_out"] = {"in sub-folders of classes": entry}
    write_record(results / "leaky.json", "data set", manifest)
    status, path = render(results, "leaky.html", manifest=f"{results}/leaky.json")
    assert status == 0
    words = " ".join(" ".join(Page(path.read_text(encoding="utf-8")).words).split())
    after = words.split("What these numbers do not show ")[1]
    assert after.startswith(
        "digits: 12 images of test are also in pool, identical in content: pool/cat/again.jpg "
        "and test/cat/0.jpg."
    )
    inputs = after.split("Data sets and embeddings")[1]
    assert (
        "digits: 5 files left out, in sub-folders of classes: pool/cat/<siamese>/0.jpg, …" in inputs
    )
    _, path = render(results)
    assert "left out" not in path.read_text(encoding="utf-8")


def test_every_figure_says_where_splits_and_pool_are_not_the_official_ones(results: Path) -> None:
    manifest = read_json(results / "digits.json")
    manifest |= {"splits_note": "Not the official splits", "long_tail": {"ratio": 50}}
    manifest["class_names"] = ["zero", "nine"]
    pool = {"num_rows": 5100, "storage": "array", "class_counts": [5000, 100]}
    manifest["splits"] = {"pool": {**pool, "near_copies": 1200}}
    write_record(results / "variant.json", "data set", manifest)
    status, path = render(results, "variant.html", manifest=f"{results}/variant.json")
    assert status == 0
    notes = (
        "digits: Not the official splits. digits: The pool has a long tail of ratio 50: 5,000 "
        "images of class zero, 100 of class nine. digits: 1,200 images of the pool are near-copies "
        "of others, added on purpose."
    )
    text = path.read_text(encoding="utf-8")
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", text, re.DOTALL)
    assert len(captions) == 10
    assert all(caption.endswith(notes) for caption in captions)
    _, path = render(results)
    assert "official" not in path.read_text(encoding="utf-8")


def test_only_the_cost_part_depends_on_costs(results: Path, tmp_path: Path) -> None:
    _, path = render(results)
    before = path.read_text(encoding="utf-8")
    assert render(results)[1].read_text(encoding="utf-8") == before
    lines = (results / "costs.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "costs.csv").write_text(lines[0] + "\n", encoding="utf-8")
    status, path = render(results, "other.html", costs=str(tmp_path / "costs.csv"))
    assert status == 0
    after = path.read_text(encoding="utf-8")
    assert after != before
    assert "benchmark files of these results are missing" in after
    part = re.compile(r"<!-- costs -->.*?<!-- /costs -->", re.DOTALL)
    assert part.sub("", after) == part.sub("", before)
    assert "peak memory" in part.search(before)[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"strategies": ["random"], "highlight": "random"},
        {"strategies": ["random", "margin"], "highlight": "random"},
        {"seeds": [1], "rounds": 1},
        {"datasets": ["a", "b"], "backbones": ["c", "d"]},
    ],
)
def test_unusual_experiments_have_a_report(tmp_path: Path, changes: dict) -> None:
    values = fake_results.experiment(**{**SMALL, "finetune": None, **changes})
    fake_results.write(tmp_path, values)
    assert collect(tmp_path, values) == tabulate_results(tmp_path, values) == 0
    collect_all_costs(tmp_path, values)
    (tmp_path / "experiment.json").write_text(json.dumps(values), encoding="utf-8")
    plot_everything(tmp_path, tmp_path / "figures")
    for name in values["crossings"][0]["datasets"]:
        fake_results.note(tmp_path / f"{name}.json", "data set", dataset=name)
    status, path = render(tmp_path)
    assert status == 0
    words = " ".join(Page(path.read_text(encoding="utf-8")).words)
    assert "nan" not in re.findall(r"\b[a-z]+\b", words)
    words = re.sub(r"\s+", " ", words)
    assert bool(re.search("highlights ?, compared with random", words)) == (
        "highlight" not in changes
    )
    assert ("First the best of them" in words) == (changes.get("strategies") != ["random"])
    told = summary_lines(read_json(tmp_path / "summary.json"))
    assert ("compared with" in told[0]) == ("highlight" not in changes)


def test_class_balance_stands_with_the_pools(results: Path) -> None:
    page = Page(render(results)[1].read_text(encoding="utf-8"))
    assert "balance" in page.ids
    words = " ".join(" ".join(page.words).split())
    start = words.index("class balance in %, digits / dinov2-small / linear / first-100-batch-100")
    told = words[start : words.index("Fine-tuning end to end")]
    assert "all strategies 100" in told  # the first labels, once
    assert told.count("margin") == told.count("random") == 2  # the middle and the last ones
    assert "whole pool – 93.72 0 of 3 20.00 50.00 – –" in told


def test_what_the_proxy_saves_stands_among_the_costs(results: Path) -> None:
    text = render(results)[1].read_text(encoding="utf-8")
    costs = text[text.index('<section id="costs">') :]
    costs, end, _ = costs.partition("</section>")
    told = " ".join(" ".join(Page(costs + end).words).split())
    start = told.index("selecting by the proxy, digits / dinov2-small / linear / first-100-batch")
    # Three rounds select, on the labels after rounds 0 to 2; some were fine-tuned after 1 and 3.
    assert "full random 3 1" in told[start:]
    assert "full margin 3 1" in told[start:]
    assert "in EUR" not in told
    prices = json.dumps({"gpu_hour": 2.5, "currency": "EUR"})
    status, path = render(results, "priced.html", prices=prices)
    assert status == 0
    assert "saved in a round in EUR" in path.read_text(encoding="utf-8")


def test_missing_inputs_are_named(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for option, missing in (
        ("summary", tmp_path / "summary.json"),
        ("figures", tmp_path / "figures"),
        ("tables", tmp_path / "tables"),
        ("costs", tmp_path / "costs.csv"),
        ("balance", tmp_path / "balance.csv"),
        ("proxy-savings", tmp_path / "proxy_savings.csv"),
        ("manifest", tmp_path / "manifest.json"),
    ):
        status, path = render(results, "never.html", **{option: str(missing)})
        assert status == 2
        assert str(missing) in capsys.readouterr().err
        assert not path.exists()


def beside_published(folder: Path, *differs: str) -> Path:
    """Tables, figures and costs of a small experiment beside a published setting."""
    ids = dict(dataset="digits", backbone="dinov2-small", proxy="linear")
    ids["schedule"] = "first-100-batch-100"
    reference = {
        **{"name": "cifar10-200-linear", "setting": ids, "differs": list(differs)},
        **{"strategies": {"random": "random", "margin": "margin", "coreset": "coreset"}},
        "validation_labels": 5000,
    }
    panel = {"title": "(a) <test>", "setting": ids, "split": "test", "metric": "accuracy"}
    panel |= {"smoothing": "max", "reference": reference, "validation_labels": 5000}
    strategies = ["random", "margin", "coreset"]
    values = fake_results.experiment(
        **{**SMALL, "strategies": strategies}, references=[reference], panels=[panel]
    )
    fake_results.write(folder, values)
    assert collect(folder, values) == tabulate_results(folder, values) == 0
    assert compare_with_published(folder, values) == 0
    collect_all_costs(folder, values)
    (folder / "experiment.json").write_text(json.dumps(values), encoding="utf-8")
    plot_everything(folder, folder / "figures")
    manifest = {"dataset": "digits", "fingerprint": "f" * 64, "versions": {"pillow": "12.0"}}
    fake_results.note(folder / "digits.json", "data set", **manifest)
    status, path = render(folder)
    assert status == 0
    return path


@pytest.mark.parametrize("differs", [(), ("backbone: dinov2-small, published: clip-vit-b32",)])
def test_published_curves_have_a_section_of_their_own(tmp_path: Path, differs: tuple) -> None:
    text = beside_published(tmp_path, *differs).read_text(encoding="utf-8")
    page = Page(text)
    words = " ".join(" ".join(page.words).split())
    assert {"published", "panels", "figure-panels"} <= set(page.ids)
    assert "Order of 3 strategies by test accuracy with the last labels against" in words
    assert "+5,000 validation labels, not counted by the original" in words
    title = "difference to cifar10-200-linear, test accuracy in points, raw"
    if differs:
        assert f"is another setting ({differs[0]})" in words
        assert title not in words
    else:
        # Of our budgets, 100 to 400, two were published.
        assert "of 6 differences to cifar10-200-linear, test accuracy, raw" in words
        assert title in words


def test_without_references_the_page_says_nothing_of_them(results: Path) -> None:
    page = Page(render(results)[1].read_text(encoding="utf-8"))
    assert not {"published", "panels"} & set(page.ids)
    assert "published" not in " ".join(page.words)


def test_a_saving_that_may_be_none_says_so_wherever_it_stands(results: Path) -> None:
    """In the first sentence of the page, on its card, and at the end of a run."""
    summary = read_json(results / "summary.json")
    unsure = "with these 5 seeds it cannot be told from 1×"
    for low, is_unsure in ((0.36, True), (1.2, False)):
        saving = {"saving": 1.46, "bound": "", "low": low, "low_bound": "", "high": 1.76}
        for setting in summary["settings"]:
            row = setting["saving"]["at-baseline-level"]["test"]
            row.update({**saving, "high_bound": "", "n_seeds": 5})
        path = results / f"unsure-{is_unsure}.json"
        write_record(path, "summary", summary)
        _, page = render(results, f"{path.stem}.html", summary=str(path))
        words = " ".join(" ".join(Page(page.read_text(encoding="utf-8")).words).split())
        first = "random needs 1.46 times the labels that margin needs"
        assert f"{first}{f', but {unsure}' if is_unsure else ''}." in words
        assert (f"that random ends with, but {unsure}." in words) == is_unsure
        lines = [line for line in summary_lines(summary) if "label saving on test" in line]
        assert all(line.endswith(unsure) == is_unsure for line in lines)


def test_unreadable_images_and_small_tests_are_caveats(results: Path) -> None:
    manifest = read_json(results / "digits.json")
    entry = {"count": 3, "examples": ["cat/0.jpg (no image)"]}
    manifest["left_out"] = {"which cannot be decoded": entry}
    rows = {"pool": 1000, "sketch": 50, "test": 40}
    manifest["splits"] = {
        split: {"num_rows": count, "storage": "array", "class_counts": [count, 0]}
        for split, count in rows.items()
    }
    write_record(results / "small.json", "data set", manifest)
    _, path = render(results, "small.html", manifest=f"{results}/small.json")
    words = " ".join(" ".join(Page(path.read_text(encoding="utf-8")).words).split())
    after = words.split("What these numbers do not show ")[1]
    assert after.startswith("digits: 3 files left out, which cannot be decoded: cat/0.jpg")
    assert "digits: The test split has 40 rows: one of them is 2.50 % of it." in after
    assert "digits: The sketch split has 50 rows: one of them is 2.00 % of it." in after
    assert after.count("Intervals are over seeds only") == 1
    assert "how much results would differ on other rows" in after
    assert "The pool has" not in after


def test_groups_that_no_round_has_hits_of_are_told(results: Path) -> None:
    (results / "figures" / "groups.svg").write_text('<svg viewBox="0 0 9 9"/>', encoding="utf-8")
    values = json.loads((results / "experiment.json").read_text(encoding="utf-8"))
    for by_group in (True, False):
        asked = json.dumps({**values, "by_group": by_group})
        _, path = render(results, "groups.html", experiment=asked)
        words = " ".join(" ".join(Page(path.read_text(encoding="utf-8")).words).split())
        assert ("no round has hits by group" in words) == by_group


def test_sentences_name_their_quantity_and_do_not_contradict(results: Path) -> None:
    """Labels saved for certain, but no better at the end: both are said, and why."""
    summary = read_json(results / "summary.json")
    setting = summary["settings"][0]
    saving = {"saving": 1.49, "bound": "", "low": 1.39, "low_bound": "", "high": 1.55}
    setting["saving"]["at-baseline-level"]["test"].update({**saving, "high_bound": ""})
    last = {"n_seeds": 5, "difference": 0.001, "low": -0.002, "high": 0.004, "p_value": 0.4}
    setting["last_difference"]["test"] = {**last, "verdict": "not distinguishable"}
    path = results / "contradiction.json"
    write_record(path, "summary", summary)
    _, page = render(results, "contradiction.html", summary=str(path))
    words = " ".join(" ".join(Page(page.read_text(encoding="utf-8")).words).split())
    assert "On the way: random needs that many times as many labels as margin" in words
    assert "At the end: margin cannot be told from random: +0.10 points (95 % interval" in words
    assert "Its label saving of 1.49× is another quantity: labels saved on the way" in words
    assert words.index("has the highest mean test accuracy") < words.index("label saving of margin")
