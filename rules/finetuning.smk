"""End-to-end fine-tuning of the backbone on what a round has selected.

REQUIRED INPUTS: a prepared data set and a round.
OUTPUTS: metrics, the course of the training, and the weights.
"""


rule finetune_model:
    input:
        dataset=f"{DATASET}manifest.json",
        dataset_arrays=ancient(f"{DATASET}arrays"),
        record=this_round(".json"),
        arrays=this_round(".npz"),
        zero_shot=trainers_zero_shot_head,
    output:
        metrics=f"{FINETUNED}metrics.json",
        history=f"{FINETUNED}history.csv",
        weights=f"{FINETUNED}model.safetensors",
    log:
        "results/logs/finetune_model/{dataset}/{backbone}/{trainer}/{proxy}/{schedule}/{strategy}/seed-{seed}/round-{round}.log",
    benchmark:
        "results/benchmarks/finetune_model/{dataset}/{backbone}/{trainer}/{proxy}/{schedule}/{strategy}/seed-{seed}/round-{round}.tsv"
    conda:
        "envs/torch.yaml"
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
        " --dataset {input.dataset} --round-json {input.record} --round-npz {input.arrays}"
        " --zero-shot {input.zero_shot} --settings {params.settings:q} --metrics {output.metrics}"
        " --history {output.history} --weights {output.weights}"
        " --threads {threads} --processes {resources.gpu} --gpus {resources.gpu} --log {log}"
