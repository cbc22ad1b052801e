"""End-to-end fine-tuning of the backbone on the labels bought up to a round.

REQUIRED INPUTS: a prepared data set and a round.
OUTPUTS: metrics, the course of the training, and the weights.
"""


rule finetune_model:
    input:
        dataset=files_of("prepare_dataset", "manifest"),
        dataset_arrays=ancient(files_of("prepare_dataset", "arrays")),
        annotations=annotations("record"),
        annotation_arrays=ancient(annotations("arrays")),
        record=this_round("record"),
        arrays=this_round("arrays"),
        zero_shot=trainers_zero_shot_head,
    output:
        metrics=output_of("finetune_model", "metrics"),
        history=output_of("finetune_model", "history"),
        weights=output_of("finetune_model", "weights"),
    log:
        log_of("finetune_model"),
    benchmark:
        benchmark_of("finetune_model")
    wildcard_constraints:
        round=KEPT_ROUND,
    conda:
        environment_of_backbone
    threads: GPU_JOB_THREADS
    resources:
        mem_mb=16000,
        runtime=480,
        gpu=GPU,
    params:
        code=code("finetune_model", "backbones", "trainers"),
        settings=settings(
            "backbones",
            "trainers",
            ids=["dataset", "proxy", "schedule", "strategy", "seed", "round"],
        ),
    message:
        "Fine-tune {wildcards.backbone} on {wildcards.strategy}, round {wildcards.round}, seed {wildcards.seed}"
    shell:
        "python -m workflow_scripts.finetune_model"
        " --dataset {input.dataset} --annotations {input.annotations}"
        " --round-json {input.record} --round-npz {input.arrays}"
        " --zero-shot {input.zero_shot} --settings {params.settings:q} --metrics {output.metrics}"
        " --history {output.history} --weights {output.weights}"
        " --threads {threads} --processes {resources.gpu} --gpus {resources.gpu} --log {log}"


# Weights that the experiment does not keep (`finetune.keep`) exist only until they have been read.
use rule finetune_model as finetune_model_passing with:
    output:
        metrics=output_of("finetune_model", "metrics"),
        history=output_of("finetune_model", "history"),
        weights=temp(output_of("finetune_model", "weights")),
    wildcard_constraints:
        round=PASSING_ROUND,
