"""Rounds: each selects with the proxy of the round before, buys labels, trains and evaluates.

REQUIRED INPUTS: a prepared data set and its embeddings.
OUTPUTS: per round a record (batch bought, metrics) and arrays (all indices bought, the proxy's head).
The chain of rounds is static: more rounds, seeds or strategies are appended and rerun nothing.
"""


rule draw_initial_pool:
    input:
        dataset=f"{DATASET}manifest.json",
        arrays=ancient(f"{DATASET}arrays"),
    output:
        INITIAL_POOL,
    log:
        "results/logs/draw_initial_pool/{dataset}/{schedule}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/draw_initial_pool/{dataset}/{schedule}/seed-{seed}.tsv"
    conda:
        "envs/select.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("draw_initial_pool"),
        settings=settings("schedules", ids=["dataset", "seed"]),
    message:
        "Draw initial pool of {wildcards.dataset}, seed {wildcards.seed}"
    shell:
        "python -m workflow_scripts.draw_initial_pool"
        " --dataset {input.dataset} --settings {params.settings:q} --output {output}"
        " --log {log}"


rule train_initial:
    input:
        dataset=f"{DATASET}manifest.json",
        dataset_arrays=ancient(f"{DATASET}arrays"),
        embeddings=f"{EMBEDDINGS}manifest.json",
        arrays=ancient(f"{EMBEDDINGS}arrays"),
        initial=INITIAL_POOL,
    output:
        record=f"{ROUND_0}.json",
        arrays=f"{ROUND_0}.npz",
    log:
        "results/logs/train_initial/{dataset}/{backbone}/{proxy}/{schedule}/seed-{seed}.log",
    benchmark:
        "results/benchmarks/train_initial/{dataset}/{backbone}/{proxy}/{schedule}/seed-{seed}.tsv"
    conda:
        "envs/select.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code("train_initial", "proxies"),
        settings=settings("proxies", "schedules", ids=["dataset", "backbone", "seed"]),
    message:
        "Round 0: train {wildcards.proxy} on the initial pool, seed {wildcards.seed}"
    shell:
        "export OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1;"
        " python -m workflow_scripts.train_initial"
        " --dataset {input.dataset} --embeddings {input.embeddings} --initial {input.initial}"
        " --settings {params.settings:q} --record {output.record} --arrays {output.arrays}"
        " --threads {threads} --log {log}"


rule select_round:
    input:
        dataset=f"{DATASET}manifest.json",
        dataset_arrays=ancient(f"{DATASET}arrays"),
        embeddings=f"{EMBEDDINGS}manifest.json",
        arrays=ancient(f"{EMBEDDINGS}arrays"),
        previous_record=previous_round(".json"),
        previous_arrays=previous_round(".npz"),
    output:
        record=f"{ROUND}.json",
        arrays=f"{ROUND}.npz",
    log:
        "results/logs/select_round/{dataset}/{backbone}/{proxy}/{schedule}/{strategy}/seed-{seed}/round-{round}.log",
    benchmark:
        "results/benchmarks/select_round/{dataset}/{backbone}/{proxy}/{schedule}/{strategy}/seed-{seed}/round-{round}.tsv"
    wildcard_constraints:
        # Not round 0: `ruleorder` would not keep remote jobs from matching it here.
        round="[1-9][0-9]*",
    conda:
        "envs/select.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        code=code("select_round", "proxies", "strategies"),
        settings=settings("proxies", "schedules", "strategies", ids=["dataset", "backbone", "seed"]),
    message:
        "Round {wildcards.round}: {wildcards.strategy}, seed {wildcards.seed}"
    shell:
        "export OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1;"
        " python -m workflow_scripts.select_round"
        " --dataset {input.dataset} --embeddings {input.embeddings}"
        " --previous-record {input.previous_record} --previous-arrays {input.previous_arrays}"
        " --settings {params.settings:q} --record {output.record} --arrays {output.arrays}"
        " --threads {threads} --log {log}"
