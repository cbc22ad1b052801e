"""From rounds and fine-tunings to curves, tables, figures and the report of one experiment.

REQUIRED INPUTS: all rounds and fine-tunings of the experiment.
OUTPUTS: results/reports/{experiment}/: tables/, figures/, costs.csv, report.html.
The jobs derive the paths of rounds and fine-tunings from the experiment and the path patterns: thousands
of paths never stand on a command line.
"""

NEEDS = verbatim(canonical_json(proxy_entries.needs(EXPERIMENT, CATALOGUE)))


rule collect_curves:
    input:
        rounds=ALL_ROUNDS,
        finetuned=ALL_FINETUNED,
    output:
        metrics=f"{REPORTS}tables/metrics.csv",
        finetuned=f"{REPORTS}tables/finetuned.csv",
    log:
        f"{REPORT_LOGS}collect_curves.log",
    benchmark:
        f"{REPORT_BENCHMARKS}collect_curves.tsv"
    conda:
        "envs/report.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code("collect_curves"),
        experiment=verbatim(EXPERIMENT.to_json()),
        round_pattern=verbatim(f"{ROUND}.json"),
        initial_pattern=verbatim(f"{ROUND_0}.json"),
        finetuned_pattern=verbatim(f"{FINETUNED}metrics.json"),
    message:
        "Collect the metrics of all rounds and fine-tunings"
    shell:
        "python -m workflow_scripts.collect_curves"
        " --experiment {params.experiment:q} --round-pattern {params.round_pattern:q}"
        " --initial-pattern {params.initial_pattern:q}"
        " --finetuned-pattern {params.finetuned_pattern:q}"
        " --metrics {output.metrics} --finetuned {output.finetuned} --log {log}"


rule collect_costs:
    input:
        # Only for the order: what jobs took is known when all have run.
        metrics=rules.collect_curves.output.metrics,
        manifests=ALL_MANIFESTS,
    output:
        f"{REPORTS}costs.csv",
    log:
        f"{REPORT_LOGS}collect_costs.log",
    benchmark:
        f"{REPORT_BENCHMARKS}collect_costs.tsv"
    conda:
        "envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code("collect_costs"),
        experiment=verbatim(EXPERIMENT.to_json()),
        needs=NEEDS,
        benchmarks=verbatim(BENCHMARK_PATTERNS),
        records=verbatim(RECORD_PATTERNS),
    message:
        "Collect what the stages cost"
    shell:
        "python -m workflow_scripts.collect_costs"
        " --experiment {params.experiment:q} --needs {params.needs:q}"
        " {params.benchmarks} {params.records}"
        " --costs {output} --log {log}"


rule tabulate:
    input:
        metrics=rules.collect_curves.output.metrics,
        finetuned=rules.collect_curves.output.finetuned,
    output:
        summary=f"{REPORTS}tables/summary.json",
        tables=collect(f"{REPORTS}tables/{{table}}.csv", table=TABLES),
        texts=collect(
            f"{REPORTS}tables/{{table}}.{{format}}",
            table=["curves", "savings", "combined", "finetuning"],
            format=["md", "tex"],
        ),
    log:
        f"{REPORT_LOGS}tabulate.log",
    benchmark:
        f"{REPORT_BENCHMARKS}tabulate.tsv"
    conda:
        "envs/report.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code("tabulate"),
        experiment=verbatim(EXPERIMENT.to_json()),
        needs=NEEDS,
        folder=output_folder,
    message:
        "Compute intervals, comparisons, label savings and tables"
    shell:
        "python -m workflow_scripts.tabulate"
        " --experiment {params.experiment:q} --needs {params.needs:q} --metrics {input.metrics}"
        " --finetuned {input.finetuned} --tables {params.folder} --summary {output.summary}"
        " --log {log}"


rule plot_label_efficiency:
    input:
        curves=f"{REPORTS}tables/curves.csv",
        comparisons=f"{REPORTS}tables/comparisons.csv",
    output:
        curves=figure_files("label_efficiency", caption="report/label_efficiency.rst"),
        difference=figure_files("difference", caption="report/difference.rst"),
    log:
        f"{REPORT_LOGS}plot_label_efficiency.log",
    benchmark:
        f"{REPORT_BENCHMARKS}plot_label_efficiency.tsv"
    conda:
        "envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_label_efficiency"),
        experiment=verbatim(EXPERIMENT.to_json()),
        folder=output_folder,
    message:
        "Plot label-efficiency curves"
    shell:
        "python -m workflow_scripts.plot_label_efficiency"
        " --experiment {params.experiment:q} --curves {input.curves}"
        " --comparisons {input.comparisons} --figures {params.folder} --log {log}"


rule plot_label_savings:
    input:
        f"{REPORTS}tables/savings.csv",
    output:
        figure_files("label_savings", caption="report/label_savings.rst"),
    log:
        f"{REPORT_LOGS}plot_label_savings.log",
    benchmark:
        f"{REPORT_BENCHMARKS}plot_label_savings.tsv"
    conda:
        "envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_label_savings"),
        experiment=verbatim(EXPERIMENT.to_json()),
        folder=output_folder,
    message:
        "Plot label savings"
    shell:
        "python -m workflow_scripts.plot_label_savings"
        " --experiment {params.experiment:q} --savings {input}"
        " --figures {params.folder} --log {log}"


rule plot_finetuning:
    input:
        f"{REPORTS}tables/finetuning.csv",
    output:
        figure_files("finetuning", caption="report/finetuning.rst"),
    log:
        f"{REPORT_LOGS}plot_finetuning.log",
    benchmark:
        f"{REPORT_BENCHMARKS}plot_finetuning.tsv"
    conda:
        "envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_finetuning"),
        experiment=verbatim(EXPERIMENT.to_json()),
        folder=output_folder,
    message:
        "Plot fine-tuned accuracies beside the proxy's"
    shell:
        "python -m workflow_scripts.plot_finetuning"
        " --experiment {params.experiment:q} --finetuning {input}"
        " --figures {params.folder} --log {log}"


rule plot_costs:
    input:
        f"{REPORTS}costs.csv",
    output:
        figure_files("costs", caption="report/costs.rst"),
    log:
        f"{REPORT_LOGS}plot_costs.log",
    benchmark:
        f"{REPORT_BENCHMARKS}plot_costs.tsv"
    conda:
        "envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_costs"),
        folder=output_folder,
    message:
        "Plot what the stages cost"
    shell:
        "python -m workflow_scripts.plot_costs"
        " --costs {input} --figures {params.folder} --log {log}"


rule render_report:
    input:
        summary=f"{REPORTS}tables/summary.json",
        tables=collect(f"{REPORTS}tables/{{table}}.csv", table=TABLES),
        figures=ALL_FIGURES,
        costs=f"{REPORTS}costs.csv",
        manifests=ALL_MANIFESTS,
    output:
        report(
            f"{REPORTS}report.html",
            category="Report",
            caption="report/report.rst",
            labels={"experiment": EXPERIMENT.experiment},
        ),
    log:
        f"{REPORT_LOGS}render_report.log",
    benchmark:
        f"{REPORT_BENCHMARKS}render_report.tsv"
    conda:
        "envs/report.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("render_report", templates=["labelbench_core/analysis/report_template.html"]),
        experiment=verbatim(EXPERIMENT.to_json()),
        configuration=verbatim(canonical_json(CONFIGURATION)),
        tables=input_folder("summary"),
        figures=input_folder("figures"),
        manifests=verbatim(" ".join(f"--manifest {file}" for file in ALL_MANIFESTS)),
        state=str(parsing.SOURCES_STATE),
    message:
        "Render the report"
    shell:
        "python -m workflow_scripts.render_report"
        " --experiment {params.experiment:q} --configuration {params.configuration:q}"
        " --summary {input.summary} --tables {params.tables} --figures {params.figures}"
        " --costs {input.costs} {params.manifests} --state {params.state}"
        " --report {output} --log {log}"
