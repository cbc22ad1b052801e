"""From rounds and fine-tunings to the tables of one experiment.

REQUIRED INPUTS: all rounds and fine-tunings of the experiment.
OUTPUTS: results/reports/{experiment}/: tables/, costs.csv, proxy_savings.csv, money.csv,
money_curves.csv.
The jobs derive the paths of rounds and fine-tunings from the experiment and the path patterns: thousands
of paths never stand on a command line.
"""

SHEETS_TEMPLATE = f"labelbench_core/report/{report_files.SHEETS_TEMPLATE}"


rule collect_curves:
    input:
        rounds=every("record", "train_initial", "select_round"),
        finetuned=asked_for_finetunings,
    output:
        metrics=output_of("collect_curves", "metrics"),
        finetuned=output_of("collect_curves", "finetuned"),
        signals=output_of("collect_curves", "signals"),
        hits=output_of("collect_curves", "hits"),
    log:
        log_of("collect_curves"),
    benchmark:
        benchmark_of("collect_curves")
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code("collect_curves"),
        experiment=verbatim(EXPERIMENT.to_json()),
        round_pattern=verbatim(files_of("select_round", "record")),
        initial_pattern=verbatim(files_of("train_initial", "record")),
        finetuned_pattern=verbatim(files_of("finetune_model", "metrics")),
    message:
        "Collect the metrics of all rounds and fine-tunings"
    shell:
        "python -m workflow_scripts.collect_curves"
        " --experiment {params.experiment:q} --round-pattern {params.round_pattern:q}"
        " --initial-pattern {params.initial_pattern:q}"
        " --finetuned-pattern {params.finetuned_pattern:q}"
        " --metrics {output.metrics} --finetuned {output.finetuned} --signals {output.signals}"
        " --hits {output.hits} --log {log}"


rule list_bought:
    input:
        rounds=every("record", "train_initial", "select_round"),
        round_arrays=ancient(every("arrays", "train_initial", "select_round")),
        datasets=every("manifest", "prepare_dataset"),
        arrays=ancient(every("arrays", "prepare_dataset")),
        annotations=every("record", "annotate"),
        annotation_arrays=ancient(every("arrays", "annotate")),
    output:
        table=output_of("list_bought", "table"),
        balance=output_of("list_bought", "balance"),
        sheets=output_of("list_bought", "sheets"),
    log:
        log_of("list_bought"),
    benchmark:
        benchmark_of("list_bought")
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code("list_bought", templates=[SHEETS_TEMPLATE]),
        experiment=verbatim(EXPERIMENT.to_json()),
        round_pattern=verbatim(files_of("select_round", "record")),
        initial_pattern=verbatim(files_of("train_initial", "record")),
        dataset_pattern=verbatim(files_of("prepare_dataset", "manifest")),
        annotation_pattern=verbatim(files_of("annotate", "record")),
    message:
        "List what was bought"
    shell:
        "python -m workflow_scripts.list_bought"
        " --experiment {params.experiment:q} --round-pattern {params.round_pattern:q}"
        " --initial-pattern {params.initial_pattern:q}"
        " --dataset-pattern {params.dataset_pattern:q}"
        " --annotation-pattern {params.annotation_pattern:q} --table {output.table}"
        " --balance {output.balance} --sheets {output.sheets} --threads {threads} --log {log}"


rule collect_costs:
    input:
        # Only for the order: the costs of jobs are known once all have run.
        metrics=files_of("collect_curves", "metrics"),
        manifests=every("manifest", "prepare_dataset", "extract_embeddings"),
    output:
        costs=output_of("collect_costs", "costs"),
        proxy_savings=output_of("collect_costs", "proxy_savings"),
    log:
        log_of("collect_costs"),
    benchmark:
        benchmark_of("collect_costs")
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code("collect_costs"),
        experiment=verbatim(EXPERIMENT.to_json()),
        needs=verbatim(canonical_json(NEEDS)),
        benchmarks=verbatim(
            " ".join(f"--benchmark '{stage.name}={stage.benchmark}'" for stage in COSTED)
        ),
        records=verbatim(
            " ".join(f"--record '{stage.name}={stage.record}'" for stage in COSTED if stage.flops)
        ),
    message:
        "Collect what the stages cost"
    shell:
        "python -m workflow_scripts.collect_costs"
        " --experiment {params.experiment:q} --needs {params.needs:q}"
        " {params.benchmarks} {params.records}"
        " --costs {output.costs} --proxy-savings {output.proxy_savings} --log {log}"


rule tabulate:
    input:
        metrics=files_of("collect_curves", "metrics"),
        finetuned=files_of("collect_curves", "finetuned"),
        signals=files_of("collect_curves", "signals"),
        hits=files_of("collect_curves", "hits"),
        # For the names of classes and groups, which only tables by class and group have.
        manifests=(
            every("manifest", "prepare_dataset")
            if EXPERIMENT.by_class or EXPERIMENT.by_group
            else []
        ),
    output:
        summary=output_of("tabulate", "summary"),
        tables=output_of("tabulate", "tables"),
        texts=output_of("tabulate", "texts"),
    log:
        log_of("tabulate"),
    benchmark:
        benchmark_of("tabulate")
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code("tabulate"),
        experiment=verbatim(EXPERIMENT.to_json()),
        needs=verbatim(canonical_json(NEEDS)),
        manifests=verbatim(files_of("prepare_dataset", "manifest")),
        folder=output_folder,
    message:
        "Compute intervals, comparisons, label savings and tables"
    shell:
        "python -m workflow_scripts.tabulate"
        " --experiment {params.experiment:q} --needs {params.needs:q} --metrics {input.metrics}"
        " --finetuned {input.finetuned} --signals {input.signals} --hits {input.hits}"
        " --dataset-pattern {params.manifests:q}"
        " --tables {params.folder} --summary {output.summary} --log {log}"


rule compare_published:
    input:
        metrics=files_of("collect_curves", "metrics"),
        finetuned=files_of("collect_curves", "finetuned"),
    output:
        tables=output_of("compare_published", "tables"),
        texts=output_of("compare_published", "texts"),
    log:
        log_of("compare_published"),
    benchmark:
        benchmark_of("compare_published")
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("compare_published", templates=[PUBLISHED_CURVES]),
        experiment=verbatim(EXPERIMENT.to_json()),
        folder=output_folder,
    message:
        "Compare with published curves"
    shell:
        "python -m workflow_scripts.compare_published"
        " --experiment {params.experiment:q} --metrics {input.metrics}"
        " --finetuned {input.finetuned} --tables {params.folder} --log {log}"


rule price_costs:
    input:
        costs=files_of("collect_costs", "costs"),
        metrics=files_of("collect_curves", "metrics"),
        savings=table_of("savings"),
    output:
        money=output_of("price_costs", "money"),
        curves=output_of("price_costs", "curves"),
        texts=output_of("price_costs", "texts"),
    log:
        log_of("price_costs"),
    benchmark:
        benchmark_of("price_costs")
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("price_costs"),
        experiment=verbatim(EXPERIMENT.to_json()),
        needs=verbatim(canonical_json(NEEDS)),
        prices=verbatim(canonical_json(PRICES)),
    message:
        "Turn costs into money"
    shell:
        "python -m workflow_scripts.price_costs"
        " --experiment {params.experiment:q} --needs {params.needs:q}"
        " --costs {input.costs} --metrics {input.metrics} --savings {input.savings}"
        " --prices {params.prices:q} --money {output.money} --curves {output.curves} --log {log}"


rule compare_replays:
    input:
        metrics=files_of("collect_curves", "metrics"),
        rounds=every("record", "train_initial", "select_round"),
        datasets=every("manifest", "prepare_dataset"),
        arrays=ancient(every("arrays", "prepare_dataset")),
    output:
        table=output_of("compare_replays", "table"),
        texts=output_of("compare_replays", "texts"),
    log:
        log_of("compare_replays"),
    benchmark:
        benchmark_of("compare_replays")
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code("compare_replays"),
        experiment=verbatim(EXPERIMENT.to_json()),
        needs=verbatim(canonical_json(NEEDS)),
        round_pattern=verbatim(files_of("select_round", "record")),
        initial_pattern=verbatim(files_of("train_initial", "record")),
        dataset_pattern=verbatim(files_of("prepare_dataset", "manifest")),
    message:
        "Compare recorded selections with our own"
    shell:
        "python -m workflow_scripts.compare_replays"
        " --experiment {params.experiment:q} --needs {params.needs:q} --metrics {input.metrics}"
        " --round-pattern {params.round_pattern:q} --initial-pattern {params.initial_pattern:q}"
        " --dataset-pattern {params.dataset_pattern:q} --table {output.table} --log {log}"
