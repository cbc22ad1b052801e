"""The end of a labelling campaign: the data set, a model with its card, predictions, rows to look at.

REQUIRED INPUTS: a prepared pool without labels, its embeddings, and the files that people sent back.
OUTPUTS: tables and a model, made again when labels have come. The campaign can go on.
"""

FINISHED = campaigns.finished(CAMPAIGN)
FINE_TUNED = campaigns.fine_tuned(CAMPAIGN)
FINISH = CAMPAIGN.finish or {}
TRAINERS = (
    entries.components(CATALOGUE, "trainers", FINISH["trainer"]["id"])
    if FINISH.get("trainer")
    else []
)
# A training that does not start from the proxy has nothing of it.
PROXY_RUN = CAMPAIGN.components() if CAMPAIGN.for_tuning().proxy else []
BACKBONE = entry("backbones", CAMPAIGN.backbone)
BACKBONE_RUN = entries.components(CATALOGUE, "backbones", CAMPAIGN.backbone, CAMPAIGN.backbone)


def finished_outputs():
    """All that is handed over."""
    campaigns.refuse_rehearsal(CAMPAIGN, ASKED.name)
    FINISHING.append(True)
    if workflow.is_main_process and campaigns.labels_are_old(CAMPAIGN):
        # What was received by another call is no input here.
        FORCED.force([FINISHED["record"]], "labels have been received since")
        FORCED.apply(workflow.dag, FINISHED["record"])
    left_out = () if FINISH["onnx"] else ("onnx",)
    return [path for name, path in FINISHED.items() if name not in left_out]


rule collect_labels:
    input:
        dataset=of_pool("prepare_dataset", "manifest"),
        dataset_arrays=ancient(of_pool("prepare_dataset", "arrays")),
        embeddings=of_pool("extract_embeddings", "manifest"),
        arrays=ancient(of_pool("extract_embeddings", "arrays")),
        answers=campaigns.files_that_came(CAMPAIGN),
    output:
        table=FINISHED["labels"],
        record=FINISHED["record"],
        arrays=FINISHED["arrays"],
    log:
        campaigns.log_of(CAMPAIGN, "collect_labels"),
    benchmark:
        campaigns.benchmark_of(campaigns.log_of(CAMPAIGN, "collect_labels"))
    localrule: True
    conda:
        environment_of("campaign")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code("collect_labels"),
        settings=verbatim(canonical_json(CAMPAIGN.for_labels().as_mapping())),
    message:
        "Collect the labels of {CAMPAIGN.campaign}"
    shell:
        "python -m workflow_scripts.collect_labels"
        " --dataset {input.dataset} --embeddings {input.embeddings} --answers {input.answers:q}"
        " --settings {params.settings:q} --labels {output.record} --arrays {output.arrays}"
        " --table {output.table} --threads {threads} --log {log}"


rule finetune_campaign:
    input:
        dataset=of_pool("prepare_dataset", "manifest"),
        dataset_arrays=ancient(of_pool("prepare_dataset", "arrays")),
        embeddings=of_pool("extract_embeddings", "manifest"),
        arrays=ancient(of_pool("extract_embeddings", "arrays")),
        labels=FINISHED["record"],
        label_arrays=FINISHED["arrays"],
    output:
        **FINE_TUNED,
    log:
        campaigns.log_of(CAMPAIGN, "finetune_campaign"),
    benchmark:
        campaigns.benchmark_of(campaigns.log_of(CAMPAIGN, "finetune_campaign"))
    conda:
        environment(row_kinds.environment(CATALOGUE, CAMPAIGN.backbone))
    threads: GPU_JOB_THREADS
    resources:
        mem_mb=16000,
        runtime=480,
        gpu=GPU,
    params:
        code=code("finetune_campaign", components=[*PROXY_RUN, *BACKBONE_RUN, *TRAINERS]),
        settings=verbatim(canonical_json(CAMPAIGN.for_tuning().as_mapping())),
        backbone=verbatim(canonical_json(BACKBONE)),
    message:
        "Fine-tune {CAMPAIGN.backbone} on the labels of {CAMPAIGN.campaign}"
    shell:
        "python -m workflow_scripts.finetune_campaign"
        " --dataset {input.dataset} --embeddings {input.embeddings}"
        " --labels {input.labels} --arrays {input.label_arrays}"
        " --settings {params.settings:q} --backbone {params.backbone:q}"
        " --record {output.tuned} --history {output.history} --weights {output.weights}"
        " --pool {output.pool} --threads {threads} --gpus {resources.gpu} --log {log}"


rule finish_campaign:
    input:
        dataset=of_pool("prepare_dataset", "manifest"),
        dataset_arrays=ancient(of_pool("prepare_dataset", "arrays")),
        embeddings=of_pool("extract_embeddings", "manifest"),
        arrays=ancient(of_pool("extract_embeddings", "arrays")),
        labels=FINISHED["record"],
        label_arrays=FINISHED["arrays"],
        fine_tuned=list(FINE_TUNED.values()) if FINISH.get("trainer") else [],
    output:
        data_set=FINISHED["data_set"],
        predictions=FINISHED["predictions"],
        to_check=FINISHED["to_check"],
        probabilities=FINISHED["probabilities"],
        model=directory(FINISHED["model"]),
        summary=FINISHED["summary"],
    log:
        campaigns.log_of(CAMPAIGN, "finish_campaign"),
    benchmark:
        campaigns.benchmark_of(campaigns.log_of(CAMPAIGN, "finish_campaign"))
    conda:
        environment("campaign-page")
    threads: 2
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code("finish_campaign", components=CAMPAIGN.components()),
        settings=verbatim(canonical_json(CAMPAIGN.for_finishing().as_mapping())),
        backbone=verbatim(canonical_json(BACKBONE)),
    message:
        "Finish {CAMPAIGN.campaign}: data set, predictions, model"
    shell:
        "export OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1;"
        " python -m workflow_scripts.finish_campaign"
        " --dataset {input.dataset} --embeddings {input.embeddings}"
        " --labels {input.labels} --arrays {input.label_arrays} --fine-tuned {input.fine_tuned}"
        " --settings {params.settings:q} --backbone {params.backbone:q} --code {params.code}"
        " --data-set {output.data_set} --predictions {output.predictions}"
        " --to-check {output.to_check} --probabilities {output.probabilities}"
        " --model {output.model} --summary {output.summary} --threads {threads} --log {log}"


rule export_onnx:
    input:
        FINISHED["model"],
    output:
        FINISHED["onnx"],
    log:
        campaigns.log_of(CAMPAIGN, "export_onnx"),
    benchmark:
        campaigns.benchmark_of(campaigns.log_of(CAMPAIGN, "export_onnx"))
    conda:
        environment("onnx-export")
    threads: 1
    resources:
        mem_mb=8000,
        runtime=30,
    params:
        code=code("export_onnx", components=[*CAMPAIGN.components(), *BACKBONE_RUN]),
    message:
        "Write the model of {CAMPAIGN.campaign} as ONNX"
    shell:
        "python -m workflow_scripts.export_onnx --model {input} --onnx {output}"
        " --threads {threads} --log {log}"
