"""Embeddings by a pretrained backbone, cached; continued where they were interrupted.

REQUIRED INPUTS: a prepared data set.
OUTPUTS: one float16 Zarr array per split, and per random view of the pool where a proxy learns from
them; each with a manifest of checksums.
"""


rule extract_embeddings:
    input:
        dataset=f"{DATASET}manifest.json",
        arrays=ancient(f"{DATASET}arrays"),
    output:
        manifest=f"{EMBEDDINGS}manifest.json",
        arrays=directory(f"{EMBEDDINGS}arrays"),
    log:
        "results/logs/extract_embeddings/{dataset}/{backbone}.log",
    benchmark:
        "results/benchmarks/extract_embeddings/{dataset}/{backbone}.tsv"
    # Beside chains of small jobs, all cores would never be free at once.
    priority: 1
    conda:
        "envs/torch.yaml"
    threads: 8
    resources:
        mem_mb=8000,
        runtime=240,
        gpu=GPU,
    params:
        code=code("extract_embeddings", "backbones"),
        settings=settings("backbones", ids=["dataset"]),
    message:
        "Extract embeddings of {wildcards.dataset} by {wildcards.backbone}"
    shell:
        "python -m workflow_scripts.extract_embeddings"
        " --dataset {input.dataset} --settings {params.settings:q} --code {params.code}"
        " --manifest {output.manifest} --arrays {output.arrays}"
        " --threads {threads} --gpus {resources.gpu} --log {log}"


rule build_zero_shot_head:
    input:
        dataset=f"{DATASET}manifest.json",
    output:
        ZERO_SHOT,
    log:
        "results/logs/build_zero_shot_head/{dataset}/{backbone}.log",
    benchmark:
        "results/benchmarks/build_zero_shot_head/{dataset}/{backbone}.tsv"
    conda:
        "envs/torch.yaml"
    threads: 4
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        code=code("build_zero_shot_head", "backbones"),
        settings=zero_shot_settings,
    message:
        "Make a classifier of the class names of {wildcards.dataset} by {wildcards.backbone}"
    shell:
        "python -m workflow_scripts.build_zero_shot_head"
        " --dataset {input.dataset} --settings {params.settings:q} --output {output}"
        " --threads {threads} --log {log}"


rule extract_views:
    input:
        dataset=f"{DATASET}manifest.json",
        arrays=ancient(f"{DATASET}arrays"),
    output:
        manifest=f"{VIEWS}manifest.json",
        arrays=directory(f"{VIEWS}arrays"),
    log:
        "results/logs/extract_views/{dataset}/{backbone}/{augmentation}.log",
    benchmark:
        "results/benchmarks/extract_views/{dataset}/{backbone}/{augmentation}.tsv"
    # Beside chains of small jobs, all cores would never be free at once.
    priority: 1
    conda:
        "envs/torch.yaml"
    threads: 8
    resources:
        mem_mb=8000,
        runtime=480,
        gpu=GPU,
    params:
        code=code("extract_views", "backbones"),
        settings=settings("backbones", "augmentations", ids=["dataset"]),
    message:
        "Extract views {wildcards.augmentation} of {wildcards.dataset} by {wildcards.backbone}"
    shell:
        "python -m workflow_scripts.extract_views"
        " --dataset {input.dataset} --settings {params.settings:q} --code {params.code}"
        " --manifest {output.manifest} --arrays {output.arrays}"
        " --threads {threads} --gpus {resources.gpu} --log {log}"


rule refresh_embeddings:
    input:
        dataset=f"{DATASET}manifest.json",
        arrays=ancient(f"{DATASET}arrays"),
        weights=f"{FINETUNED}model.safetensors",
        metrics=f"{FINETUNED}metrics.json",
    output:
        manifest=f"{REFRESHED}manifest.json",
        arrays=directory(f"{REFRESHED}arrays"),
    log:
        "results/logs/refresh_embeddings/{dataset}/{backbone}/{trainer}/{proxy}/{schedule}/{strategy}/seed-{seed}/round-{round}.log",
    benchmark:
        "results/benchmarks/refresh_embeddings/{dataset}/{backbone}/{trainer}/{proxy}/{schedule}/{strategy}/seed-{seed}/round-{round}.tsv"
    conda:
        "envs/torch.yaml"
    threads: 8
    resources:
        mem_mb=8000,
        runtime=240,
        gpu=GPU,
    params:
        code=code("refresh_embeddings", "backbones"),
        settings=settings(
            "backbones",
            ids=["dataset", "trainer", "proxy", "schedule", "strategy", "seed", "round"],
        ),
    message:
        "Extract embeddings of {wildcards.dataset} by {wildcards.backbone} as fine-tuned after round {wildcards.round}"
    shell:
        "python -m workflow_scripts.refresh_embeddings"
        " --dataset {input.dataset} --settings {params.settings:q} --code {params.code}"
        " --weights {input.weights} --metrics {input.metrics}"
        " --manifest {output.manifest} --arrays {output.arrays}"
        " --threads {threads} --gpus {resources.gpu} --log {log}"
