"""A labelling campaign: each call takes in what has come, and hands out the next batch if it is due.

REQUIRED INPUTS: a prepared pool without labels, its embeddings, and the files that people send back.
OUTPUTS: a record of each call, and a page of where the campaign stands. Batches and answers are no
outputs: they are facts, which a call adds to the campaign's own folder and no rule makes again.
"""

from labelbench_core.campaign.answers.labels import DAWID_SKENE
from workflow_scripts import _campaigns as campaigns
from workflow_scripts._campaign_file import campaign_of

CAMPAIGN = campaign_of(ASKED, CATALOGUE, PROJECT)
if workflow.is_main_process:
    campaigns.know_folder(CAMPAIGN, ASKED.name, note=not workflow.dryrun)
# Batches are handed out while this process runs: the call of this run is named once.
CALL = campaigns.call_of(CAMPAIGN)
# Filled when the target `finish` is planned.
FINISHING = []
CAMPAIGN_PAGE_PARTS = (
    "labelbench_core/campaign/standing_page/campaign.html",
    "labelbench_core/campaign/standing_page/campaign.css",
    "labelbench_core/report/report.css",
)


def environment_of(name):
    """A conda environment file, with what joins the answers of several people where that is a package."""
    return environment("campaign-agreement" if CAMPAIGN.agreement == DAWID_SKENE else name)


def of_pool(stage, output):
    """Path of a file or folder that a stage makes of the pool."""
    return files_of(stage, output).format(dataset=CAMPAIGN.pool, backbone=CAMPAIGN.backbone)


def campaign_outputs(*targets):
    """What a target asks for, where the packages are there that its jobs import."""
    if workflow.is_main_process and not USES_CONDA:
        campaigns.check_packages(CAMPAIGN, targets, dryrun=workflow.dryrun)
    return outputs_of_campaign(*targets)


def outputs_of_campaign(*targets):
    """The embeddings of the pool, all that is handed over at the end, or what a call makes."""
    if "finish" in targets:
        return finished_outputs()
    if "embeddings" in targets:
        return [of_pool("extract_embeddings", output) for output in ("manifest", "arrays")]
    if CAMPAIGN.rehearsal:
        return list(campaigns.rehearsed(CAMPAIGN).values())
    return [campaigns.call_of(CAMPAIGN), campaigns.page_of(CAMPAIGN)]


def annotations_of_rehearsal(output):
    """A file of what a rehearsal's annotator says; none where the pool's own labels are given."""
    annotator = (CAMPAIGN.rehearsal or {}).get("annotator", "exact")
    if annotator == "exact":
        return []
    path = files_of("annotate", output)
    return path.format(dataset=CAMPAIGN.pool, annotator=f"@{annotator}")


def of_class_names():
    """What a classifier of the campaign's class names depends on."""
    return {
        "backbone": entry("backbones", CAMPAIGN.backbone),
        "classes": list(CAMPAIGN.classes),
        "prompts": CATALOGUE["datasets"][CAMPAIGN.pool].get("prompts"),
    }


def zero_shot_head():
    """The classifier made of the class names; none where the first batch is chosen without."""
    if not CAMPAIGN.zero_shot:
        return []
    if CAMPAIGN.rehearsal:
        return of_pool("build_zero_shot_head", "head")
    return campaigns.head_of(CAMPAIGN)


rule build_campaign_head:
    output:
        campaigns.head_of(CAMPAIGN),
    log:
        campaigns.log_of(CAMPAIGN, "build_campaign_head"),
    benchmark:
        campaigns.benchmark_of(campaigns.log_of(CAMPAIGN, "build_campaign_head"))
    conda:
        environment("torch")
    threads: 4
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        code=code(
            "build_campaign_head",
            components=entries.components(CATALOGUE, "backbones", CAMPAIGN.backbone),
        ),
        settings=verbatim(canonical_json(of_class_names())),
    message:
        "Make a classifier of the class names of {CAMPAIGN.campaign}"
    shell:
        "python -m workflow_scripts.build_campaign_head"
        " --settings {params.settings:q} --output {output} --threads {threads} --log {log}"


def tell_of_campaign(*made):
    """What the run has come to, of which the outputs are given, and what to do next."""
    if not ENDING.went_well:
        # What is there may be of an earlier run; a batch that this one has handed out is told.
        if not FINISHING and not CAMPAIGN.rehearsal and ENDING.has_made(CALL):
            campaigns.tell_what_to_do(CAMPAIGN, *made, ENDING.directory)
    elif FINISHING:
        campaigns.tell_of_finished(CAMPAIGN, ENDING.directory)
    elif CAMPAIGN.rehearsal:
        campaigns.tell_of_rehearsal(CAMPAIGN, *made)
    else:
        campaigns.tell_what_to_do(CAMPAIGN, *made, ENDING.directory)


# What the next call is called follows from the batches that there are. A job elsewhere would read this
# file again when one more is there.
rule advance_campaign:
    input:
        dataset=of_pool("prepare_dataset", "manifest"),
        dataset_arrays=ancient(of_pool("prepare_dataset", "arrays")),
        embeddings=of_pool("extract_embeddings", "manifest"),
        arrays=ancient(of_pool("extract_embeddings", "arrays")),
        answers=campaigns.files_that_came(CAMPAIGN),
        zero_shot=zero_shot_head(),
    output:
        campaigns.call_of(CAMPAIGN),
    log:
        campaigns.log_of_call(CAMPAIGN, "advance_campaign"),
    benchmark:
        campaigns.benchmark_of(campaigns.log_of_call(CAMPAIGN, "advance_campaign"))
    localrule: True
    conda:
        environment_of("campaign")
    threads: 2
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code("advance_campaign", components=CAMPAIGN.components()),
        settings=verbatim(canonical_json(CAMPAIGN.for_batches().as_mapping())),
    message:
        "Take in answers and hand out the next batch of {CAMPAIGN.campaign}, if it is due"
    shell:
        "export OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1;"
        " python -m workflow_scripts.advance_campaign"
        " --dataset {input.dataset} --embeddings {input.embeddings}"
        " --zero-shot {input.zero_shot} --answers {input.answers:q} --settings {params.settings:q} --code {params.code}"
        " --call {output} --threads {threads} --log {log}"


rule render_campaign:
    input:
        call=campaigns.call_of(CAMPAIGN),
        dataset=of_pool("prepare_dataset", "manifest"),
        dataset_arrays=ancient(of_pool("prepare_dataset", "arrays")),
        embeddings=of_pool("extract_embeddings", "manifest"),
        arrays=ancient(of_pool("extract_embeddings", "arrays")),
    output:
        campaigns.page_of(CAMPAIGN),
    log:
        campaigns.log_of_call(CAMPAIGN, "render_campaign"),
    benchmark:
        campaigns.benchmark_of(campaigns.log_of_call(CAMPAIGN, "render_campaign"))
    localrule: True
    conda:
        environment_of("campaign-page")
    threads: 2
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code(
            "render_campaign", templates=CAMPAIGN_PAGE_PARTS, components=CAMPAIGN.components()
        ),
        settings=verbatim(canonical_json(CAMPAIGN.for_page().as_mapping())),
    message:
        "Tell where {CAMPAIGN.campaign} stands"
    shell:
        "export OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1;"
        " python -m workflow_scripts.render_campaign"
        " --dataset {input.dataset} --embeddings {input.embeddings}"
        " --settings {params.settings:q} --page {output} --threads {threads} --log {log}"


rule rehearse_campaign:
    input:
        dataset=of_pool("prepare_dataset", "manifest"),
        dataset_arrays=ancient(of_pool("prepare_dataset", "arrays")),
        embeddings=of_pool("extract_embeddings", "manifest"),
        arrays=ancient(of_pool("extract_embeddings", "arrays")),
        annotations=annotations_of_rehearsal("record"),
        annotation_arrays=ancient(annotations_of_rehearsal("arrays")),
        zero_shot=zero_shot_head(),
    output:
        facts=directory(campaigns.rehearsed(CAMPAIGN)["facts"]),
        batches=campaigns.rehearsed(CAMPAIGN)["batches"],
        stopping=campaigns.rehearsed(CAMPAIGN)["stopping"],
        page=campaigns.rehearsed(CAMPAIGN)["page"],
    log:
        campaigns.log_of(CAMPAIGN, "rehearse_campaign"),
    benchmark:
        campaigns.benchmark_of(campaigns.log_of(CAMPAIGN, "rehearse_campaign"))
    conda:
        environment_of("campaign-page")
    threads: 2
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        code=code(
            "rehearse_campaign", templates=CAMPAIGN_PAGE_PARTS, components=CAMPAIGN.components()
        ),
        settings=verbatim(canonical_json(CAMPAIGN.for_page().as_mapping())),
    message:
        "Rehearse {CAMPAIGN.campaign}"
    shell:
        "export OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1;"
        " python -m workflow_scripts.rehearse_campaign"
        " --dataset {input.dataset} --embeddings {input.embeddings} --annotations {input.annotations}"
        " --zero-shot {input.zero_shot} --settings {params.settings:q} --facts {output.facts} --batches {output.batches}"
        " --stopping {output.stopping} --page {output.page} --threads {threads} --log {log}"


if workflow.is_main_process and not workflow.dryrun:
    # A run that has nothing to do calls no handler. When it ends, the next call is another one, and the
    # current folder is the one that Snakemake was called from.
    atexit.register(tell_of_campaign, *(ENDING.directory / one for one in outputs_of_campaign()))
