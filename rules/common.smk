"""Configuration, path patterns, targets and params functions. No rules."""

import atexit
import functools
import gc
import sys
from pathlib import Path

# The folder of our Snakefile, which need not be the working directory, nor the folder of a workflow that
# uses this one as a module. This file and the jobs use the same library, the one in that folder.
PROJECT = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).parent
if not (PROJECT / "labelbench_core").is_dir():
    raise SystemExit(
        f"error: {PROJECT}: labelbench_core/ is not beside the Snakefile; allowed: the Snakefile of a clone"
    )
if str(PROJECT) not in sys.path:
    sys.path.insert(0, str(PROJECT))

from snakemake.io import IOFile
from snakemake.settings.types import DeploymentMethod

from labelbench_core.configuration import entries
from labelbench_core.configuration.compatibility import needed, row_kinds
from labelbench_core.configuration.experiment import annotator_of
from labelbench_core.configuration.prices import prices_of
from labelbench_core.configuration.replays import pairs
from labelbench_core.configuration.sources.weights_files import content_changed
from labelbench_core.provenance import code_hash, remember
from labelbench_core.stages import report_files
from labelbench_core.stages.left_out import CheckWhenPlanned, TellOfLeftOut
from labelbench_core.stages.plan import Needs, passing_rounds, planned_outputs
from labelbench_core.stages.table import FOLDER, COSTED, STAGES
from labelbench_core.storage.files import canonical_json
from workflow_scripts import _snakefile as parsing
from workflow_scripts._campaign_file import is_campaign, refuse_finish
from workflow_scripts._code_notes import note_code
from workflow_scripts._ending import Ending
from workflow_scripts._entry_notes import note_entries
from workflow_scripts._estimates import TellEstimate
from workflow_scripts._forcing import Forced
from workflow_scripts._noted_outputs import changed_by_others, note
from workflow_scripts._prepared import SOURCES_STATE
from workflow_scripts._scheduling import look_again_once

# What a plan is made of stays to its end: looking for garbage among it takes a sixth of the time.
gc.set_threshold(100_000, 50)

# None unless this is a module of another workflow.
MODULE = workflow.modifier.namespace
parsing.refuse_prefix(MODULE, workflow.modifier.path_modifier.replace_prefix)
remember(save=workflow.is_main_process)
ASKED = parsing.read_experiment(config, PROJECT, workflow.overwrite_configfiles, MODULE)
EXPERIMENT, CATALOGUE = parsing.load(ASKED, PROJECT)
USES_CONDA = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
FORCED = Forced(tell=logger.warning)
if workflow.is_main_process:
    CHANGED, MISSING = parsing.prepare_main_process(
        EXPERIMENT, CATALOGUE, ASKED, uses_conda=USES_CONDA
    )
    for manifest, why in CHANGED.items():
        FORCED.force([manifest], why)
ENDING = Ending(workflow)
LEFT_OUT = parsing.left_out_of(EXPERIMENT)
if LEFT_OUT and workflow.is_main_process:
    logger.addFilter(TellOfLeftOut(workflow, LEFT_OUT, tell=logger.warning))
PRICES = prices_of(ASKED.values, EXPERIMENT, CATALOGUE)
if workflow.is_main_process and (
    EXPERIMENT.priced or EXPERIMENT.references or pairs(EXPERIMENT, CATALOGUE)
):
    # Imports torch, in dry runs only, and only with prices.
    logger.addFilter(TellEstimate(workflow, EXPERIMENT, CATALOGUE, PRICES))
if workflow.is_main_process and not USES_CONDA:
    logger.addFilter(
        CheckWhenPlanned(workflow, lambda: parsing.check_planned_weights(CATALOGUE, jobs_to_run()))
    )
# For all rules, including those of an outer workflow.
shell.prefix(
    parsing.shell_prefix(
        PROJECT, uses_conda=USES_CONDA, keep_python_path=MODULE is not None or not USES_CONDA
    )
)

# Facts of this machine, which enter no params. Without a GPU, jobs that would use one run side by side,
# each on one core. On a cluster this describes the submitting machine: the Slurm profile sets both for
# every rule that can use a GPU.
GPU = int(parsing.has_gpu())
GPU_JOB_THREADS = 8 if GPU else 1

# Names of rules in the whole workflow, which may rename those of a module, and their names here.
OWN_RULES = {
    workflow.modifier.modify_rulename(name): name
    for stage in STAGES.values()
    for name in stage.rules
}
PUBLISHED_CURVES = "labelbench_core/published/curves.csv.gz"

# Kind of component: the wildcard that names one.
WILDCARD = {
    "annotators": "annotator",
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
    # As `annotator_in_paths` has it: nothing for the exact one.
    annotator=f"(@{ID})?",
    backbone=ID,
    augmentation=ID,
    proxy=ID,
    trainer=ID,
    schedule=ID,
    # Round 0 has a folder of its own, which belongs to no strategy.
    strategy=f"(?!initial/){ID}",
    seed="[0-9]+",
    round="[0-9]+",
    metric=ID,


def files_of(stage, output):
    """Path, or paths, of an output in the table of stages; ids in braces except the experiment's."""
    paths = [
        path.replace("{experiment}", EXPERIMENT.experiment)
        for path in STAGES[stage].outputs[output].paths
    ]
    return paths[0] if len(paths) == 1 else paths


def output_of(stage, output):
    """`files_of`, as the stage's rule declares it."""
    paths = files_of(stage, output)
    return directory(paths) if STAGES[stage].outputs[output].kind == FOLDER else paths


def environment(name):
    """A conda environment file, braces doubled: Snakemake would take them for wildcards."""
    folder = str(PROJECT)
    if folder == parsing.escape_braces(folder):
        return f"envs/{name}.yaml"
    return parsing.escape_braces(f"{folder}/rules/envs/{name}.yaml")


def environment_of_backbone(wildcards):
    """The conda environment file of a job that runs or trains a backbone of images."""
    return environment(row_kinds.environment(CATALOGUE, wildcards.backbone))


def log_of(rule):
    """Path of the log of a rule's jobs."""
    return STAGES[rule].log.replace("{experiment}", EXPERIMENT.experiment)


def benchmark_of(rule):
    """Path of the benchmark file of a rule's jobs."""
    return STAGES[rule].benchmark.replace("{experiment}", EXPERIMENT.experiment)


@functools.cache
def planned():
    """Every file and folder that belongs to the experiment; see `plan.planned_outputs`."""
    outputs = planned_outputs(EXPERIMENT, Needs.from_values(NEEDS))
    return tuple(one for one in outputs if one.path not in LEFT_OUT)


def everything_for(*targets):
    """Input function: everything that the target rules `targets` request; without any, the whole experiment."""

    def ask(wildcards):
        if is_campaign(ASKED):
            return campaign_outputs(*targets)
        refuse_finish(ASKED, targets)
        wanted = [one for one in planned() if not targets or one.stage.target in targets]
        if workflow.is_main_process:
            # Everything else is verified by the jobs that read it.
            of_report = [one.path for one in wanted if one.stage not in COSTED]
            for path in changed_by_others(of_report, made_at):
                FORCED.force([path], "changed since it was made")
                FORCED.apply(workflow.dag, path)
        return [one.path for one in wanted]

    return ask


def made_at(path):
    """When the job that made a file ended, in seconds, as Snakemake recorded it; None if unknown."""
    record = workflow.persistence.metadata(IOFile(path))
    return record["endtime"] if record else None


def every(output, *stages):
    """Input function: the output of that name of all planned jobs of `stages`."""
    return lambda wildcards: [
        one.path
        for one in planned()
        if one.stage.name in stages and one.output is one.stage.outputs[output]
    ]


def table_of(name):
    """Path of a table that `tabulate` makes."""
    return report_files.table(name).format(experiment=EXPERIMENT.experiment)


def published_tables(*names):
    """Tables that compare with published curves; none where the experiment has no reference."""
    return [table_of(name) for name in names if EXPERIMENT.references]


def option_if_any(option, name):
    """Params function: an option of a job with the job's input `name`, or nothing if that is empty."""

    def text(wildcards, input):
        return f"{option} {input[name]}" if input[name] else ""

    return text


def id_of(kind, wildcards):
    """The id of a job's component of a kind."""
    return annotator_of(wildcards) if kind == "annotators" else wildcards[WILDCARD[kind]]


def entry(kind, name):
    """A catalogue entry with its id, as jobs get it."""
    return entries.entry(CATALOGUE, kind, name)


def zero_shot_settings(wildcards):
    """Params function: canonical JSON of what a classifier made from class names depends on."""
    return canonical_json(
        {
            "dataset": wildcards.dataset,
            "backbone": entry("backbones", wildcards.backbone),
            "prompts": CATALOGUE["datasets"][wildcards.dataset].get("prompts"),
        }
    )


def settings(*kinds, ids=(), bought_from=None):
    """Params function: canonical JSON of the wildcards `ids` and the entries of `kinds`.

    They hold only what the job uses: an edit elsewhere in the configuration reruns nothing. Where the
    entry of `bought_from`, strategies or schedules, names a recorded list, its SHA-256 is there, too.
    """

    def make(wildcards):
        values = {WILDCARD[kind]: entry(kind, id_of(kind, wildcards)) for kind in kinds}
        for one in ids:
            values[one] = int(wildcards[one]) if one in ("seed", "round") else wildcards[one]
        if wildcards.get("annotator") and "annotators" not in kinds:
            values["annotator"] = annotator_of(wildcards)
        if "proxies" in kinds and entries.needs_images(CATALOGUE, wildcards.proxy):
            values["backbone"] = entry("backbones", wildcards.backbone)
        if bought_from is not None:
            name, seed = wildcards[WILDCARD[bought_from]], int(wildcards.seed)
            values |= parsing.recorded_list(CATALOGUE, bought_from, name, seed)
        return canonical_json(values)

    return make


# Hash of code → what was hashed; and what was hashed, as text → hash.
CODE, HASHES = {}, {}


def code(script, *kinds, templates=(), components=()):
    """Params function: hash of the code of `script` and of the components that the ids name.

    The `components` that are named here count, too: kind, implementation, options.
    """

    def make(wildcards):
        run = [*components]
        for kind in kinds:
            run += entries.components(
                CATALOGUE, kind, id_of(kind, wildcards), wildcards.get("backbone")
            )
        what = (f"workflow_scripts.{script}", tuple(run), tuple(templates))
        known = repr(what)
        if known not in HASHES:
            HASHES[known] = code_hash(*what)
            CODE[HASHES[known]] = what
        return HASHES[known]

    return make


def verbatim(text):
    """Params function: `text`, with its braces unchanged."""
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


def data_notes(wildcards, input):
    """Params function: notes of the report's figure captions, for the captions of Snakemake's own report.

    They are known when the data sets are prepared. It takes `input`, because params that depend on that
    are no reason to run a job again.
    """
    return parsing.data_notes(EXPERIMENT)


def figure_files(rule, figure, **annotations):
    """A figure in all formats; the first goes into Snakemake's own report."""
    annotations |= {"category": "Figures", "labels": {"figure": figure.replace("_", " ")}}
    first, *others = files_of(rule, figure)
    return [report(first, **annotations), *others]


NEEDS = entries.needs(EXPERIMENT, CATALOGUE)
CONFIGURATION = parsing.configuration(EXPERIMENT, CATALOGUE)
# Fine-tunings whose weights are removed when the last job that reads them has finished.
PASSING_ROUND = (
    "|".join(map(str, sorted(passing_rounds(EXPERIMENT, Needs.from_values(NEEDS))))) or "(?!)"
)
KEPT_ROUND = f"(?!(?:{PASSING_ROUND})(?![0-9]))[0-9]+"


def jobs_to_run():
    """(rule, wildcards) of the jobs of our rules that the finished plan has."""
    return [
        (OWN_RULES[job.rule.name], job.wildcards)
        for job in workflow.dag.needrun_jobs(exclude_finished=False)
        if job.rule.name in OWN_RULES
    ]


def tell_of_dry_run():
    """When the process ends: what a run would stop at. A dry run calls no handler."""
    if workflow.dryrun and workflow.dag is not None:
        if not USES_CONDA:
            parsing.tell_lacking(CATALOGUE, jobs_to_run())
        parsing.tell_missing(MISSING, jobs_to_run())


if workflow.is_main_process:
    atexit.register(tell_of_dry_run)


# Only now is it known which jobs will run. With conda, weights that come as packages are in the jobs'
# environments, not in this one.
onstart:
    if workflow.is_main_process:
        ENDING.begin()
        to_run = jobs_to_run()
        parsing.check_missing(MISSING, to_run)
        parsing.check_images(CATALOGUE, to_run)
        if not USES_CONDA:
            parsing.check_weights(CATALOGUE, to_run)
        note_entries(CATALOGUE, parsing.configuration(EXPERIMENT, CATALOGUE)["catalogue"])
        look_again_once(workflow.scheduler)


def note_what_was_made():
    """Record what this run has made, so that it can be restored; see `_noted_outputs`."""
    if workflow.is_main_process:
        made = {
            str(file)
            for job in workflow.dag.finished_jobs
            if job.rule.name in OWN_RULES
            for file in job.output
        }
        # All planned outputs: a killed run has recorded nothing. What this run made counts as it is,
        # whatever the clock of the file system says.
        outputs = made.union(one.path for one in planned())
        note(outputs, lambda path: None if path in made else made_at(path))
        note_code(CODE)


onsuccess:
    ENDING.succeed()
    note_what_was_made()


onerror:
    note_what_was_made()
