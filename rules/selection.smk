"""Rounds: each selects with the previous round's proxy, buys labels, trains and evaluates.

REQUIRED INPUTS: a prepared data set and its embeddings.
OUTPUTS: what annotators say of the pool; the first labelled sets; per round a record (batch bought,
metrics) and arrays (all indices bought, the proxy's head).
The chain of rounds is static: more rounds, seeds or strategies are appended and rerun nothing.
"""


rule annotate:
    input:
        dataset=files_of("prepare_dataset", "manifest"),
        dataset_arrays=ancient(files_of("prepare_dataset", "arrays")),
        changed=annotated_again_if_changed,
    output:
        record=output_of("annotate", "record"),
        arrays=output_of("annotate", "arrays"),
    log:
        log_of("annotate"),
    benchmark:
        benchmark_of("annotate")
    wildcard_constraints:
        annotator=f"@{ID}",
    conda:
        environment("select")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("annotate", "annotators"),
        settings=settings("annotators", ids=["dataset"]),
    message:
        "Write down what annotator {wildcards.annotator} says of {wildcards.dataset}"
    shell:
        "python -m workflow_scripts.annotate"
        " --dataset {input.dataset} --settings {params.settings:q}"
        " --record {output.record} --arrays {output.arrays} --log {log}"


rule draw_initial_pool:
    input:
        dataset=files_of("prepare_dataset", "manifest"),
        arrays=ancient(files_of("prepare_dataset", "arrays")),
        annotations=annotations("record"),
        annotation_arrays=ancient(annotations("arrays")),
    output:
        output_of("draw_initial_pool", "pool"),
    log:
        log_of("draw_initial_pool"),
    benchmark:
        benchmark_of("draw_initial_pool")
    conda:
        environment("select")
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("draw_initial_pool"),
        settings=settings("schedules", ids=["dataset", "seed"], bought_from="schedules"),
    message:
        "Draw initial pool of {wildcards.dataset}{wildcards.annotator}, seed {wildcards.seed}"
    shell:
        "python -m workflow_scripts.draw_initial_pool"
        " --dataset {input.dataset} --annotations {input.annotations}"
        " --settings {params.settings:q} --output {output} --log {log}"


rule train_initial:
    input:
        dataset=files_of("prepare_dataset", "manifest"),
        dataset_arrays=ancient(files_of("prepare_dataset", "arrays")),
        annotations=annotations("record"),
        annotation_arrays=ancient(annotations("arrays")),
        embeddings=proxys_embeddings("manifest"),
        arrays=ancient(proxys_embeddings("arrays")),
        views=proxys_views("manifest"),
        view_arrays=ancient(proxys_views("arrays")),
        zero_shot=proxys_zero_shot_head,
        initial=files_of("draw_initial_pool", "pool"),
    output:
        record=output_of("train_initial", "record"),
        arrays=output_of("train_initial", "arrays"),
    log:
        log_of("train_initial"),
    benchmark:
        benchmark_of("train_initial")
    wildcard_constraints:
        proxy=entries.pattern(CATALOGUE, needs_torch=False),
    conda:
        environment("select")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
        gpu=0,
    params:
        code=code("train_initial", "proxies"),
        settings=settings("proxies", "schedules", ids=["dataset", "backbone", "seed"]),
    message:
        "Round 0: train {wildcards.proxy} on the initial pool, seed {wildcards.seed}"
    shell:
        "export OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1;"
        " python -m workflow_scripts.train_initial"
        " --dataset {input.dataset} --annotations {input.annotations}"
        " --embeddings {input.embeddings} --views {input.views}"
        " --zero-shot {input.zero_shot} --initial {input.initial}"
        " --settings {params.settings:q} --record {output.record} --arrays {output.arrays}"
        " --threads {threads} --gpus {resources.gpu} --log {log}"


use rule train_initial as train_initial_deep with:
    wildcard_constraints:
        proxy=entries.pattern(CATALOGUE, needs_torch=True),
    conda:
        environment_of_backbone
    threads: GPU_JOB_THREADS
    resources:
        mem_mb=16000,
        runtime=480,
        gpu=GPU,


rule select_round:
    input:
        dataset=files_of("prepare_dataset", "manifest"),
        dataset_arrays=ancient(files_of("prepare_dataset", "arrays")),
        annotations=annotations("record"),
        annotation_arrays=ancient(annotations("arrays")),
        embeddings=proxys_embeddings("manifest"),
        arrays=ancient(proxys_embeddings("arrays")),
        views=proxys_views("manifest"),
        view_arrays=ancient(proxys_views("arrays")),
        zero_shot=proxys_zero_shot_head,
        previous_record=previous_round("record"),
        previous_arrays=previous_round("arrays"),
    output:
        record=output_of("select_round", "record"),
        arrays=output_of("select_round", "arrays"),
    log:
        log_of("select_round"),
    benchmark:
        benchmark_of("select_round")
    wildcard_constraints:
        round=LATER_ROUND,
        proxy=entries.pattern(CATALOGUE, needs_torch=False),
    conda:
        environment("select")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
        gpu=0,
    params:
        code=code("select_round", "proxies", "strategies"),
        settings=settings(
            "proxies",
            "schedules",
            "strategies",
            ids=["dataset", "backbone", "seed", "round"],
            bought_from="strategies",
        ),
    message:
        "Round {wildcards.round}: {wildcards.strategy}, seed {wildcards.seed}"
    shell:
        "export OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1;"
        " python -m workflow_scripts.select_round"
        " --dataset {input.dataset} --annotations {input.annotations}"
        " --embeddings {input.embeddings} --views {input.views}"
        " --zero-shot {input.zero_shot}"
        " --previous-record {input.previous_record} --previous-arrays {input.previous_arrays}"
        " --settings {params.settings:q} --record {output.record} --arrays {output.arrays}"
        " --threads {threads} --gpus {resources.gpu} --log {log}"


use rule select_round as select_round_deep with:
    wildcard_constraints:
        round=LATER_ROUND,
        proxy=entries.pattern(CATALOGUE, needs_torch=True),
    conda:
        environment_of_backbone
    threads: GPU_JOB_THREADS
    resources:
        mem_mb=16000,
        runtime=480,
        gpu=GPU,
