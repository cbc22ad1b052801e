"""Embeddings by a pretrained backbone, cached; extraction resumes where it was interrupted.

REQUIRED INPUTS: a prepared data set.
OUTPUTS: one float16 Zarr array per split, and per random view of the pool where a proxy learns from
them; each with a manifest of checksums.
"""


rule extract_embeddings:
    input:
        dataset=files_of("prepare_dataset", "manifest"),
        arrays=ancient(files_of("prepare_dataset", "arrays")),
        whole=made_again_if_incomplete("extract_embeddings"),
    output:
        manifest=output_of("extract_embeddings", "manifest"),
        arrays=output_of("extract_embeddings", "arrays"),
    log:
        log_of("extract_embeddings"),
    benchmark:
        benchmark_of("extract_embeddings")
    wildcard_constraints:
        backbone=row_kinds.pattern(CATALOGUE, texts=False),
    # Beside chains of small jobs, all cores would never be free at once.
    priority: 1
    conda:
        environment_of_backbone
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


use rule extract_embeddings as extract_embeddings_of_texts with:
    wildcard_constraints:
        backbone=row_kinds.pattern(CATALOGUE, texts=True),
    conda:
        environment("text")


rule build_zero_shot_head:
    input:
        dataset=files_of("prepare_dataset", "manifest"),
    output:
        output_of("build_zero_shot_head", "head"),
    log:
        log_of("build_zero_shot_head"),
    benchmark:
        benchmark_of("build_zero_shot_head")
    conda:
        environment("torch")
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
        dataset=files_of("prepare_dataset", "manifest"),
        arrays=ancient(files_of("prepare_dataset", "arrays")),
        whole=made_again_if_incomplete("extract_views"),
    output:
        manifest=output_of("extract_views", "manifest"),
        arrays=output_of("extract_views", "arrays"),
    log:
        log_of("extract_views"),
    benchmark:
        benchmark_of("extract_views")
    wildcard_constraints:
        backbone=row_kinds.pattern(CATALOGUE, texts=False),
    # Beside chains of small jobs, all cores would never be free at once.
    priority: 1
    conda:
        environment_of_backbone
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


use rule extract_views as extract_views_of_texts with:
    wildcard_constraints:
        backbone=row_kinds.pattern(CATALOGUE, texts=True),
    conda:
        environment("text")


rule refresh_embeddings:
    input:
        dataset=files_of("prepare_dataset", "manifest"),
        arrays=ancient(files_of("prepare_dataset", "arrays")),
        weights=files_of("finetune_model", "weights"),
        metrics=files_of("finetune_model", "metrics"),
        whole=made_again_if_incomplete("refresh_embeddings"),
    output:
        manifest=output_of("refresh_embeddings", "manifest"),
        arrays=output_of("refresh_embeddings", "arrays"),
    log:
        log_of("refresh_embeddings"),
    benchmark:
        benchmark_of("refresh_embeddings")
    conda:
        environment_of_backbone
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
