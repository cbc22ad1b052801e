"""Configuration, path patterns, input and params functions. No rules."""

import sys
from pathlib import Path

# This file and the jobs use the same library: the one beside the Snakefile.
if workflow.basedir not in sys.path:
    sys.path.insert(0, str(workflow.basedir))

from snakemake.settings.types import DeploymentMethod

from labelbench_core import proxy_entries
from labelbench_core import workflow as parsing
from labelbench_core.completeness import what_is_missing
from labelbench_core.files import canonical_json
from labelbench_core.forcing import Forced
from labelbench_core.provenance import code_hash

EXPERIMENT, CATALOGUE = parsing.load(config, Path(workflow.basedir), workflow.overwrite_configfiles)
USES_CONDA = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
FORCED = Forced(tell=logger.warning)
if workflow.is_main_process:
    CHANGED = parsing.prepare_main_process(
        EXPERIMENT,
        CATALOGUE,
        workflow.overwrite_configfiles,
        config.get("check_sources", "small"),
    )
    for manifest, why in CHANGED.items():
        FORCED.force([manifest], why)
shell.prefix(parsing.shell_prefix(workflow.basedir, uses_conda=USES_CONDA))

# Facts of this machine, which no result depends on by name. Where there is no GPU, jobs that would use
# one run side by side, each on one core. On a cluster it is the machine that submits which is looked at:
# the Slurm profile states both for every rule that has one of them.
GPU = int(parsing.has_gpu())
GPU_JOB_THREADS = 8 if GPU else 1

DATASET = "results/datasets/{dataset}/"
EMBEDDINGS = "results/embeddings/{dataset}/{backbone}/"
VIEWS = "results/views/{dataset}/{backbone}/{augmentation}/"
REFRESHED = (
    "results/refreshed/{dataset}/{backbone}/{trainer}/{proxy}/{schedule}/"
    "{strategy}/seed-{seed}/round-{round}/"
)
ZERO_SHOT = "results/zero_shot/{dataset}/{backbone}/head.npz"
INITIAL_POOL = "results/selections/{dataset}/{schedule}/seed-{seed}/initial.json"
CHAIN = "results/selections/{dataset}/{backbone}/{proxy}/{schedule}/"
ROUND_0 = f"{CHAIN}initial/seed-{{seed}}/round-0"
ROUND = f"{CHAIN}{{strategy}}/seed-{{seed}}/round-{{round}}"
FINETUNED = (
    "results/finetuned/{dataset}/{backbone}/{trainer}/{proxy}/{schedule}/"
    "{strategy}/seed-{seed}/round-{round}/"
)
REPORTS = f"results/reports/{EXPERIMENT.experiment}/"
REPORT = f"{REPORTS}report.html"
REPORT_LOGS = f"results/logs/reports/{EXPERIMENT.experiment}/"
REPORT_BENCHMARKS = f"results/benchmarks/reports/{EXPERIMENT.experiment}/"
TABLES = [
    "curves",
    "comparisons",
    "savings",
    "aubc",
    "ranking",
    "pairwise",
    "combined",
    "finetuning",
]

# Kind of component: the wildcard that names one.
WILDCARD = {
    "augmentations": "augmentation",
    "backbones": "backbone",
    "datasets": "dataset",
    "proxies": "proxy",
    "schedules": "schedule",
    "strategies": "strategy",
    "trainers": "trainer",
}

ID = "[a-z0-9]+(-[a-z0-9]+)*"
# Not round 0: `ruleorder` would not keep remote jobs from matching it.
LATER_ROUND = "[1-9][0-9]*"


wildcard_constraints:
    dataset=ID,
    backbone=ID,
    augmentation=ID,
    proxy=ID,
    trainer=ID,
    schedule=ID,
    # Round 0 lies in a folder of its own, which is no strategy's.
    strategy=f"(?!initial/){ID}",
    seed="[0-9]+",
    round="[0-9]+",


def round_path(suffix, **ids):
    """The file of a round; round 0 is one node, shared by all strategies."""
    pattern = ROUND if int(ids["round"]) else ROUND_0
    return pattern.format(**ids) + suffix


def previous_round(suffix):
    """Input function: the file of the round before."""

    def path(wildcards):
        return round_path(suffix, **{**wildcards, "round": int(wildcards.round) - 1})

    return path


def this_round(suffix):
    """Input function: the file of the round that is fine-tuned on."""
    return lambda wildcards: round_path(suffix, **wildcards)


def entry(kind, name):
    """A catalogue entry with its id, as jobs get it."""
    return proxy_entries.entry(CATALOGUE, kind, name)


def trainers_zero_shot_head(wildcards):
    """Input function: the classifier made of class names, if the trainer starts from it."""
    needed = proxy_entries.trainer_starts_from_class_names(CATALOGUE, wildcards.trainer)
    return ZERO_SHOT.format(**wildcards) if needed else []


def proxys_zero_shot_head(wildcards):
    """Input function: the classifier made of class names, if the proxy starts from it."""
    needed = proxy_entries.starts_from_class_names(CATALOGUE, wildcards.proxy)
    return ZERO_SHOT.format(**wildcards) if needed else []


def proxys_views(file):
    """Input function: the cached views of the pool that the proxy is trained on, if any."""

    def path(wildcards):
        augmentation = proxy_entries.augmentation_of(CATALOGUE, wildcards.proxy)
        return VIEWS.format(**wildcards, augmentation=augmentation) + file if augmentation else []

    return path


def proxys_embeddings(file):
    """Input function: the embeddings that a round sees; a proxy on images sees none."""

    def path(wildcards):
        if proxy_entries.needs_images(CATALOGUE, wildcards.proxy):
            return []
        number = int(wildcards.get("round", 0))
        refreshed = proxy_entries.refreshed_after(CATALOGUE, wildcards.proxy, number)
        if refreshed is None:
            return EMBEDDINGS.format(**wildcards) + file
        trainer = proxy_entries.trainer_of(CATALOGUE, wildcards.proxy)
        ids = {**wildcards, "round": refreshed, "trainer": trainer}
        return REFRESHED.format(**ids) + file

    return path


def made_again_if_incomplete(folder):
    """Input function that names no file: has the job run if a file in its folder of arrays is missing."""

    def look(wildcards):
        if workflow.is_main_process:
            place = Path(folder.format(**wildcards))
            problem = what_is_missing(place / "manifest.json", place / "arrays")
            if problem is not None:
                FORCED.force([str(place / "manifest.json")], problem)
            FORCED.apply(workflow.dag, str(place / "manifest.json"))
        return []

    return look


def zero_shot_settings(wildcards):
    """Params function: canonical JSON of what a classifier made of class names depends on."""
    prompts = CATALOGUE["datasets"][wildcards.dataset].get("prompts")
    return canonical_json({"backbone": entry("backbones", wildcards.backbone), "prompts": prompts})


def settings(*kinds, ids=()):
    """Params function: canonical JSON of the wildcards `ids` and the entries of `kinds`.

    Only what is consumed there: an edit elsewhere in the configuration reruns nothing.
    """

    def make(wildcards):
        values = {WILDCARD[kind]: entry(kind, wildcards[WILDCARD[kind]]) for kind in kinds}
        for one in ids:
            values[one] = int(wildcards[one]) if one in ("seed", "round") else wildcards[one]
        if "proxies" in kinds and proxy_entries.needs_images(CATALOGUE, wildcards.proxy):
            values["backbone"] = entry("backbones", wildcards.backbone)
        return canonical_json(values)

    return make


def code(script, *kinds, templates=()):
    """Params function: hash of the code of `script` and of the components that the ids name."""

    def make(wildcards):
        components = []
        for kind in kinds:
            components += proxy_entries.components(
                CATALOGUE, kind, wildcards[WILDCARD[kind]], wildcards.get("backbone")
            )
        return code_hash(f"workflow_scripts.{script}", components, templates)

    return make


def verbatim(text):
    """Params function: `text`, its braces left alone."""
    return lambda wildcards: text


def output_folder(wildcards, output):
    """Params function: the folder of the job's first output."""
    return str(Path(output[0]).parent)


def input_folder(name):
    """Params function: the folder of the input `name`, or of the first of them."""

    def folder(wildcards, input):
        files = input[name] if isinstance(input[name], str) else input[name][0]
        return str(Path(files).parent)

    return folder


def figure_files(name, **annotations):
    """A figure in three formats; the PNG goes into Snakemake's own report."""
    annotations |= {"category": "Figures", "labels": {"figure": name.replace("_", " ")}}
    paths = [f"{REPORTS}figures/{name}.{form}" for form in ("png", "pdf", "svg")]
    return [report(paths[0], **annotations), *paths[1:]]


ALL_MANIFESTS = sorted(
    {
        folder.format(**ids) + "manifest.json"
        for ids in EXPERIMENT.settings()
        for folder in (DATASET, EMBEDDINGS)
        if folder == DATASET or not proxy_entries.needs_images(CATALOGUE, ids["proxy"])
    }
)
ALL_ROUNDS = sorted({round_path(".json", **ids) for ids in EXPERIMENT.selections()})
ALL_FINETUNED = [FINETUNED.format(**ids) + "metrics.json" for ids in EXPERIMENT.finetunings()]
FIGURES = ["label_efficiency", "difference", "label_savings", "finetuning", "costs"]
if not EXPERIMENT.trainers:
    FIGURES.remove("finetuning")
ALL_FIGURES = collect(
    f"{REPORTS}figures/{{figure}}.{{format}}", figure=FIGURES, format=["png", "pdf", "svg"]
)

BENCHMARK_PATTERNS = " ".join(
    f"--benchmark '{rule}=results/benchmarks/{rule}/{ids}.tsv'"
    for rule, ids in (
        ("prepare_dataset", "{dataset}"),
        ("extract_embeddings", "{dataset}/{backbone}"),
        ("extract_views", "{dataset}/{backbone}/{augmentation}"),
        ("build_zero_shot_head", "{dataset}/{backbone}"),
        ("draw_initial_pool", "{dataset}/{schedule}/seed-{seed}"),
        ("train_initial", "{dataset}/{backbone}/{proxy}/{schedule}/seed-{seed}"),
        (
            "select_round",
            "{dataset}/{backbone}/{proxy}/{schedule}/{strategy}/seed-{seed}/round-{round}",
        ),
        (
            "refresh_embeddings",
            "{dataset}/{backbone}/{trainer}/{proxy}/{schedule}/{strategy}/seed-{seed}/round-{round}",
        ),
        (
            "finetune_model",
            "{dataset}/{backbone}/{trainer}/{proxy}/{schedule}/{strategy}/seed-{seed}/round-{round}",
        ),
    )
)
# Where the stages state their floating-point operations.
RECORD_PATTERNS = " ".join(
    f"--record '{rule}={file}'"
    for rule, file in (
        ("extract_embeddings", f"{EMBEDDINGS}manifest.json"),
        ("extract_views", f"{VIEWS}manifest.json"),
        ("train_initial", f"{ROUND_0}.json"),
        ("select_round", f"{ROUND}.json"),
        ("refresh_embeddings", f"{REFRESHED}manifest.json"),
        ("finetune_model", f"{FINETUNED}metrics.json"),
    )
)
CONFIGURATION = parsing.configuration(EXPERIMENT, CATALOGUE)


# Only now it is known which jobs are to run. With conda, weights that come as packages are in the jobs'
# environments, not in this one.
onstart:
    if workflow.is_main_process and not USES_CONDA:
        parsing.check_weights(
            CATALOGUE, ((job.rule.name, job.wildcards) for job in workflow.dag.needrun_jobs())
        )
