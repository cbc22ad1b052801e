"""Results are finished when everything that belongs to the experiment is there, and only then."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from helpers.checkouts import MINE, SMOKE, Workflow, checkout
from helpers.paper_files import can_be_planned
from helpers.project import PROJECT
from helpers.proxy_entries import CATALOGUE, EXPERIMENT
from helpers.running_jobs import LOOK, jobs_of
from labelbench_core.configuration.entries import needs
from labelbench_core.stages.plan import Needs, planned_outputs
from labelbench_core.stages.table import COSTED, FOLDER, STAGES, stage_of
from workflow_scripts._snakefile import load, read_experiment

ODD_NAME = """ann's "a{b}" $HOME"""
REFRESHING = (
    EXPERIMENT
    + """
finetune:
  trainers: [fresh]
  strategies: [margin]
  rounds: [1, 2]
  seeds: 1
  keep: last
"""
)


def plans(workflow, *configs, without=()):
    """What `plans.py` prints for each configuration, and for each list of paths taken away."""
    done = subprocess.run(
        [sys.executable, PROJECT / "tests/helpers/plans.py", *configs],
        cwd=workflow.folder,
        input=json.dumps(list(without)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def belongs(workflow, config="smoke.yaml"):
    """Path → `PlannedOutput` of everything that belongs to an experiment."""
    content = yaml.safe_load((workflow.folder / config).read_text())
    wanted = read_experiment(content, workflow.folder, [workflow.folder / config])
    experiment, catalogue = load(wanted, workflow.folder)
    outputs = planned_outputs(experiment, Needs.from_values(needs(experiment, catalogue)))
    return {one.path: one for one in outputs}


def on_disk(workflow):
    """Everything that runs have made, but for logs, benchmarks and what machines remember."""
    results = workflow.folder / "results"
    return [
        str(path.relative_to(workflow.folder))
        for path in sorted(results.rglob("*"))
        if path.relative_to(results).parts[0] not in ("logs", "benchmarks")
        and not any(part.startswith(".") for part in path.relative_to(results).parts)
    ]


def owner(path, expected):
    """The planned output that `path` is, or lies in; None for a folder above outputs."""
    for place in (Path(path), *Path(path).parents):
        if str(place) in expected:
            return expected[str(place)]
    return None


CHAIN = "results/selections/digits/tiny/linear/small/badge/seed-1/round-2"
TUNED = "results/finetuned/digits/tiny/tiny/linear/small/random/seed-0/round-2"
LOST = (
    f"{CHAIN}.npz",
    f"{TUNED}/history.csv",
    "results/embeddings/digits/tiny/arrays/test-clean/c/0/0",
    "results/reports/smoke/tables/convergence.csv",
)
CONFIGS = ("proxies.yaml", "none.yaml", "last.yaml", "smoke.yaml")


@pytest.fixture(scope="module")
def planned(_finished, tmp_path_factory):
    """A checkout, in a folder with an odd name, where the small experiment has run; its plans.

    Of a second experiment with views, proxies on images and refreshed embeddings; of the small one
    with other weights to be kept, after those of `TUNED` were lost; and without each of `LOST`.
    """
    folder = tmp_path_factory.mktemp("odd") / ODD_NAME
    shutil.copytree(_finished.folder, folder, symlinks=True)
    workflow = Workflow(folder)
    for kind, entries in CATALOGUE.items():
        workflow.append(f"config/catalogue/{kind}.yaml", entries)
    (folder / "proxies.yaml").write_text(REFRESHING)
    for keep in ("none", "last"):
        (folder / f"{keep}.yaml").write_text(f"{SMOKE}  keep: {keep}\n")
    (folder / TUNED / "model.safetensors").unlink()
    found = plans(workflow, *CONFIGS, without=[[path] for path in LOST])
    return workflow, dict(zip((*CONFIGS, *LOST), found, strict=True))


def test_the_default_target_asks_for_all_outputs_of_all_jobs(planned):
    workflow, found = planned
    for config in CONFIGS:
        made = found[config]["made"]
        assert set(made) - set(found[config]["passing"]) == set(found[config]["asked"])
        assert set(found[config]["asked"]) == set(belongs(workflow, config))
        assert len(set(made)) == len(made)
    assert found["smoke.yaml"]["passing"] == []
    # Weights after round 1 make the embeddings of round 2, and are removed then.
    passing = found["proxies.yaml"]["passing"]
    assert len(passing) == 3
    assert all(path.endswith("/seed-0/round-1/model.safetensors") for path in passing)
    assert any("/refreshed/" in path for path in found["proxies.yaml"]["asked"])


def test_the_rules_are_those_of_the_table_of_stages(planned):
    compare_with_table(planned[1]["proxies.yaml"]["rules"])


def test_what_is_missing_is_planned_again(planned):
    """Some of each kind; `test_whatever_is_missing_is_planned_again` has them all."""
    workflow, found = planned
    expected = belongs(workflow)
    for path in LOST:
        assert owner(path, expected).path in found[path]["run"], path
    # Nothing before it, and no other chain.
    assert not any(path.startswith("results/embeddings") for path in found[LOST[0]]["run"])
    assert {path for path in found[LOST[0]]["run"] if "/selections/" in path} == {
        f"{CHAIN}.npz",
        f"{CHAIN}.json",
    }


def test_weights_that_are_not_kept_are_not_asked_for(planned):
    _, found = planned
    assert found["none.yaml"]["run"] == []
    # Wanted again: only those that are missing are made, and what is drawn from fine-tunings.
    for config in ("last.yaml", "smoke.yaml"):
        tuned = [path for path in found[config]["run"] if "/reports/" not in path]
        assert {str(Path(path).parent) for path in tuned} == {TUNED}


def compare_with_table(rules):
    """The rules that Snakemake has read are those of the table of stages, with its paths."""
    own = {rule["name"]: rule for rule in rules if stage_of(rule["name"]) is not None}
    assert set(own) == {rule for stage in STAGES.values() for rule in stage.rules}
    targets = {rule["name"] for rule in rules} - set(own)
    # The end of a campaign is no stage of an experiment.
    assert targets == {"all", "finish", *(stage.target for stage in STAGES.values())}
    with_gpu = set()
    for name, rule in own.items():
        stage = stage_of(name)

        def filled(path):
            return path.replace("{experiment}", "proxies")

        assert rule["outputs"] == [
            [filled(path), output.kind == FOLDER]
            for output in stage.outputs.values()
            for path in output.paths
        ]
        assert rule["log"] == [filled(stage.log)]
        assert rule["benchmark"] == filled(stage.benchmark)
        with_gpu |= {name} if rule["gpu"] else set()
    profile = yaml.safe_load((PROJECT / "profiles/slurm/config.yaml").read_text())
    assert with_gpu - set(profile["set-resources"]) == {"train_initial", "select_round"}
    with_gpu.add("finetune_campaign")  # a rule of campaigns
    assert set(profile["set-resources"]) <= with_gpu
    assert set(profile["set-threads"]) <= with_gpu


def test_a_run_makes_what_is_declared_and_nothing_else(finished):
    expected = belongs(finished)
    found = on_disk(finished)
    assert set(expected) <= set(found)
    above = {str(parent) for path in expected for parent in Path(path).parents}
    assert [path for path in found if owner(path, expected) is None and path not in above] == []


def test_a_table_that_was_edited_is_made_again(finished):
    table = finished.folder / "results/reports/smoke/tables/metrics.csv"
    content = table.read_text()
    table.write_text(content.replace("0.", "0.9", 1))
    made = os.stat(table).st_mtime + 100
    os.utime(table, (made, made))
    text = finished.snakemake("-n")
    assert f"made again: {table.relative_to(finished.folder)}: changed since it was made" in text
    table.write_text(content)
    assert finished.planned().keys() <= set(report_rules())


def report_rules():
    return [name for name, stage in STAGES.items() if stage not in COSTED]


def apart(paths, expected):
    """Lists of paths that may be away together: none is made from another one.

    Files of one name in the same stage, each in an output of its own, such as a round of several
    seeds. Folders above outputs are alone.
    """
    groups, found = defaultdict(list), Counter()
    for path in paths:
        one = owner(path, expected)
        if one is None:
            groups[path].append(path)
            continue
        name = Path(path).name
        groups[one.stage.name, name, found[one.path, name]].append(path)
        found[one.path, name] += 1
    return list(groups.values())


@pytest.mark.thorough
def test_whatever_is_missing_is_planned_again(finished):
    """Each file and folder that a run made."""
    expected = belongs(finished)
    paths = on_disk(finished)
    lists = apart(paths, expected)
    assert sorted(path for group in lists for path in group) == paths
    (complete, *found) = plans(finished, "smoke.yaml", without=lists)
    assert complete["run"] == []
    assert [plan["paths"] for plan in found] == lists
    for plan in found:
        for path in plan["paths"]:
            lost = owner(path, expected)
            if lost is None:
                # A folder of outputs: all that lie in it.
                inside = {one for one in expected if one.startswith(f"{path}/")}
                assert inside <= set(plan["run"]), path
            else:
                assert lost.path in plan["run"], path
            assert len(plan["run"]) < len(complete["made"]) or "datasets" in path


@pytest.mark.thorough
def test_whatever_is_missing_is_made_again_with_equal_bytes(finished):
    """One file of each kind, away at the same time: every stage has one that is missing."""
    expected, results = belongs(finished), finished.results()
    kinds = {}
    for path in on_disk(finished):
        one = owner(path, expected)
        if one is not None and (finished.folder / path).is_file():
            name = Path(path).name if one.output.kind == FOLDER else ""
            kinds.setdefault((one.stage.name, one.output.paths, name), path)
    assert {stage for stage, *_ in kinds} >= {"prepare_dataset", "select_round", "tabulate"}
    for path in kinds.values():
        (finished.folder / path).unlink()
    finished.snakemake()
    assert finished.results() == results
    assert finished.planned() == {}


def write_own_tables(folder):
    """What experiments look at that no command downloads; planning reads no image."""
    labels = np.zeros(50_000, np.int64)
    (folder / "cifar-10n").mkdir(parents=True)
    people = folder / "cifar-10n/CIFAR-10_human.npz"
    np.savez_compressed(people, worse_label=labels, clean_label=labels)
    rows = ["path,class,split,medium"]
    for split, size in {"pool": 300, "test": 10, "shifted": 10}.items():
        (folder / "pacs" / split).mkdir(parents=True)
        for number in range(size):
            (folder / "pacs" / split / f"{number}.png").touch()
            rows.append(f"{split}/{number}.png,{('dog', 'cat')[number % 2]},{split},photo")
    (folder / "pacs/pacs.csv").write_text("\n".join(rows))
    for medium in ("photo", "art_painting", "cartoon", "sketch"):
        for kind in ("dog", "guitar"):
            (folder / "pacs" / medium / kind).mkdir(parents=True)
            for number in range(150):
                (folder / "pacs" / medium / kind / f"{number}.png").touch()
    (folder / "cifar-10-lite0").mkdir()
    for split in ("pool", "test"):
        embeddings, labels = np.ones((10_000, 2), np.float16), np.arange(10_000) % 10
        file = folder / "cifar-10-lite0" / f"{split}.npz"
        np.savez_compressed(file, embeddings=embeddings, labels=labels)
    (folder / "banking77").mkdir()
    for split, size in {"train": 1000, "test": 10}.items():
        texts = [f"question {number},{'ab'[number % 2]}" for number in range(size)]
        (folder / f"banking77/{split}.csv").write_text("\n".join(["text,category", *texts]))
    (folder / "sst2").mkdir()
    for split, size in {"train": 300, "dev": 10, "test": 10}.items():
        texts = [f"review {number}\t{number % 2}" for number in range(size)]
        (folder / f"sst2/{split}.tsv").write_text("\n".join(["text\tlabel", *texts]))


@pytest.mark.thorough
def test_every_experiment_of_the_repository_asks_for_all_it_makes(fresh):
    configs = sorted(
        str(path.relative_to(PROJECT))
        # Of the paper a part: each takes two seconds, and they are alike.
        for path in [*(PROJECT / "config").glob("*.yaml"), *can_be_planned()[::4]]
    )
    fresh.edit("config/catalogue/datasets.yaml", "pool_size: 300", "pool_size: 1297")
    write_own_tables(fresh.folder / "data")
    for config, found in zip(configs, plans(fresh, *configs), strict=True):
        assert set(found["made"]) - set(found["passing"]) == set(found["asked"]), config
        assert set(found["asked"]) == set(belongs(fresh, config)), config
    assert len(configs) >= 8


@pytest.mark.thorough
def test_weights_that_are_not_kept_do_not_fill_the_disk(finished):
    results = finished.results()
    shutil.rmtree(finished.folder / "results/finetuned")
    finished.append("smoke.yaml", "  keep: none\n")
    finished.snakemake()
    made = finished.results()
    assert {name for name in results if name not in made} == {
        name for name in results if name.endswith("model.safetensors")
    }
    assert all(results[name] == content for name, content in made.items())
    assert finished.planned() == {}


def test_a_target_after_the_configuration_file_is_explained(planned):
    workflow, _ = planned
    text = workflow.snakemake("-n", config=f"{TUNED}/metrics.json", check=False)
    (line,) = (line for line in text.splitlines() if line.startswith("error:"))
    assert line.startswith(f"error: {TUNED}/metrics.json: was read as a configuration file; put")
    assert "Traceback" not in text


@pytest.mark.thorough
def test_a_round_that_was_lost_with_its_snakemake_is_made_by_the_same_command(finished):
    expected = finished.results()
    finished.append("labelbench_core/embeddings/extract.py", "\n_X = 1\n")
    with subprocess.Popen(
        finished.command("--cores", "1"),
        cwd=finished.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        while not (jobs := jobs_of(finished.folder, "select_round")):
            assert running.poll() is None, "ended without a round"
            time.sleep(LOOK)
        running.kill()
        for job in jobs:
            os.kill(job, signal.SIGKILL)
    lost = set(expected) - set(finished.results())
    assert len(lost) == 2
    assert finished.planned()["select_round"] >= 1
    finished.snakemake("--cores", "1")
    assert finished.results() == expected
    assert finished.planned() == {}


FINETUNED = "finetune: {trainers: [tiny], strategies: [margin], rounds: [1], seeds: 1}\n"


@pytest.mark.thorough
def test_a_whole_run_where_all_folders_have_odd_names(tmp_path):
    workflow, data = checkout(tmp_path / ODD_NAME), tmp_path / f"{ODD_NAME} data"
    options = '{folder: "it\'s {mine}", image_size: 32}'
    workflow.append(
        "config/catalogue/datasets.yaml",
        f"\nmine:\n  implementation: image-folder\n  options: {options}\n",
    )
    workflow.append("config/catalogue/schedules.yaml", "\nfew: {initial: 4, batch: 4}\n")
    (workflow.folder / "mine.yaml").write_text(MINE + FINETUNED)
    rng = np.random.default_rng(0)
    for split, count in (("pool", 8), ("test", 4)):
        for label in ("cat", "dog"):
            folder = data / "it's {mine}" / split / label
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    chosen = {"config": "mine.yaml", "LABELBENCH_DATA": str(data)}
    workflow.snakemake(**chosen)
    assert workflow.planned(**chosen) == {}
    assert set(belongs(workflow, "mine.yaml")) <= set(on_disk(workflow))
