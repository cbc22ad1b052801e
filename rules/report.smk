"""From tables to the figures and the page of one experiment.

REQUIRED INPUTS: the experiment's tables.
OUTPUTS: results/reports/{experiment}/: figures/, report.html.
"""

PAGE_PARTS = [f"labelbench_core/report/{name}" for name in report_files.PAGE_PARTS]


rule plot_label_efficiency:
    input:
        curves=table_of("curves"),
        comparisons=table_of("comparisons"),
        pairwise=table_of("pairwise"),
        classes=table_of("classes"),
        balance=files_of("list_bought", "balance"),
        published=published_tables("reference"),
    output:
        curves=figure_files(
            "plot_label_efficiency", "label_efficiency", caption="report/label_efficiency.rst"
        ),
        difference=figure_files(
            "plot_label_efficiency", "difference", caption="report/difference.rst"
        ),
        pairwise=figure_files("plot_label_efficiency", "pairwise", caption="report/pairwise.rst"),
        classes=figure_files("plot_label_efficiency", "classes", caption="report/classes.rst"),
        balance=figure_files(
            "plot_label_efficiency", "class_balance", caption="report/class_balance.rst"
        ),
    log:
        log_of("plot_label_efficiency"),
    benchmark:
        benchmark_of("plot_label_efficiency")
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_label_efficiency"),
        experiment=verbatim(EXPERIMENT.to_json()),
        folder=output_folder,
        published=option_if_any("--published", "published"),
        notes=data_notes,
    message:
        "Plot label-efficiency curves"
    shell:
        "python -m workflow_scripts.plot_label_efficiency"
        " --experiment {params.experiment:q} --curves {input.curves}"
        " --comparisons {input.comparisons} --pairwise {input.pairwise}"
        " --classes {input.classes} --balance {input.balance} {params.published}"
        " --figures {params.folder} --log {log}"


rule plot_groups:
    input:
        table_of("groups"),
    output:
        figure_files("plot_groups", "groups", caption="report/groups.rst"),
    log:
        log_of("plot_groups"),
    benchmark:
        benchmark_of("plot_groups")
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_groups"),
        experiment=verbatim(EXPERIMENT.to_json()),
        folder=output_folder,
        notes=data_notes,
    message:
        "Plot accuracy by group"
    shell:
        "python -m workflow_scripts.plot_groups"
        " --experiment {params.experiment:q} --groups {input}"
        " --figures {params.folder} --log {log}"


rule plot_label_savings:
    input:
        savings=table_of("savings"),
        levels=table_of("levels"),
        profiles=table_of("profiles"),
        stopping=table_of("stopping"),
    output:
        savings=figure_files(
            "plot_label_savings", "label_savings", caption="report/label_savings.rst"
        ),
        needed=figure_files(
            "plot_label_savings", "labels_needed", caption="report/labels_needed.rst"
        ),
        profiles=figure_files("plot_label_savings", "profiles", caption="report/profiles.rst"),
        stopping=figure_files("plot_label_savings", "stopping", caption="report/stopping.rst"),
    log:
        log_of("plot_label_savings"),
    benchmark:
        benchmark_of("plot_label_savings")
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_label_savings"),
        experiment=verbatim(EXPERIMENT.to_json()),
        folder=output_folder,
        notes=data_notes,
    message:
        "Plot label savings"
    shell:
        "python -m workflow_scripts.plot_label_savings"
        " --experiment {params.experiment:q} --savings {input.savings}"
        " --levels {input.levels} --profiles {input.profiles} --stopping {input.stopping}"
        " --figures {params.folder} --log {log}"


rule plot_headroom:
    input:
        table_of("headroom"),
    output:
        figure_files("plot_headroom", "headroom", caption="report/headroom.rst"),
    log:
        log_of("plot_headroom"),
    benchmark:
        benchmark_of("plot_headroom")
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_headroom"),
        experiment=verbatim(EXPERIMENT.to_json()),
        folder=output_folder,
        notes=data_notes,
    message:
        "Plot the share of the headroom"
    shell:
        "python -m workflow_scripts.plot_headroom"
        " --experiment {params.experiment:q} --headroom {input}"
        " --figures {params.folder} --log {log}"


rule plot_ranks:
    input:
        table_of("across"),
    output:
        figure_files("plot_ranks", "critical_difference", caption="report/critical_difference.rst"),
    log:
        log_of("plot_ranks"),
    benchmark:
        benchmark_of("plot_ranks")
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_ranks"),
        experiment=verbatim(EXPERIMENT.to_json()),
        folder=output_folder,
        notes=data_notes,
    message:
        "Plot mean ranks over data sets"
    shell:
        "python -m workflow_scripts.plot_ranks"
        " --experiment {params.experiment:q} --across {input}"
        " --figures {params.folder} --log {log}"


rule plot_panels:
    input:
        metrics=files_of("collect_curves", "metrics"),
        finetuned=files_of("collect_curves", "finetuned"),
    output:
        figure_files("plot_panels", "panels", caption="report/panels.rst"),
    log:
        log_of("plot_panels"),
    benchmark:
        benchmark_of("plot_panels")
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_panels", templates=[PUBLISHED_CURVES]),
        experiment=verbatim(EXPERIMENT.to_json()),
        folder=output_folder,
        notes=data_notes,
    message:
        "Plot the panels that the experiment lays out"
    shell:
        "python -m workflow_scripts.plot_panels"
        " --experiment {params.experiment:q} --metrics {input.metrics}"
        " --finetuned {input.finetuned} --figures {params.folder} --log {log}"


rule plot_finetuning:
    input:
        table_of("finetuning"),
    output:
        figure_files("plot_finetuning", "finetuning", caption="report/finetuning.rst"),
    log:
        log_of("plot_finetuning"),
    benchmark:
        benchmark_of("plot_finetuning")
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_finetuning"),
        experiment=verbatim(EXPERIMENT.to_json()),
        folder=output_folder,
        notes=data_notes,
    message:
        "Plot fine-tuned accuracies beside the proxy's"
    shell:
        "python -m workflow_scripts.plot_finetuning"
        " --experiment {params.experiment:q} --finetuning {input}"
        " --figures {params.folder} --log {log}"


rule plot_costs:
    input:
        files_of("collect_costs", "costs"),
    output:
        figure_files("plot_costs", "costs", caption="report/costs.rst"),
    log:
        log_of("plot_costs"),
    benchmark:
        benchmark_of("plot_costs")
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_costs"),
        folder=output_folder,
        notes=data_notes,
    message:
        "Plot what the stages cost"
    shell:
        "python -m workflow_scripts.plot_costs"
        " --costs {input} --figures {params.folder} --log {log}"


rule plot_money:
    input:
        files_of("price_costs", "curves"),
    output:
        figure_files("plot_money", "money", caption="report/money.rst"),
    log:
        log_of("plot_money"),
    benchmark:
        benchmark_of("plot_money")
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_money"),
        experiment=verbatim(EXPERIMENT.to_json()),
        prices=verbatim(canonical_json(PRICES)),
        folder=output_folder,
        notes=data_notes,
    message:
        "Plot the metric against money"
    shell:
        "python -m workflow_scripts.plot_money"
        " --experiment {params.experiment:q} --curves {input} --prices {params.prices:q}"
        " --figures {params.folder} --log {log}"


rule plot_metric:
    input:
        curves=table_of("curves"),
        comparisons=table_of("comparisons"),
        savings=table_of("savings"),
    output:
        curves=figure_files("plot_metric", "label_efficiency-{metric}", caption="report/metric.rst"),
        difference=figure_files("plot_metric", "difference-{metric}", caption="report/metric.rst"),
        savings=figure_files("plot_metric", "label_savings-{metric}", caption="report/metric.rst"),
    log:
        log_of("plot_metric"),
    benchmark:
        benchmark_of("plot_metric")
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("plot_metric"),
        experiment=verbatim(EXPERIMENT.to_json()),
        folder=output_folder,
        notes=data_notes,
    message:
        "Plot curves and savings by {wildcards.metric}"
    shell:
        "python -m workflow_scripts.plot_metric"
        " --experiment {params.experiment:q} --metric {wildcards.metric} --curves {input.curves}"
        " --comparisons {input.comparisons} --savings {input.savings}"
        " --figures {params.folder} --log {log}"


rule render_report:
    input:
        summary=files_of("tabulate", "summary"),
        tables=files_of("tabulate", "tables"),
        published=published_tables("reference", "orders"),
        figures=everything_for("figures"),
        costs=files_of("collect_costs", "costs"),
        proxy_savings=files_of("collect_costs", "proxy_savings"),
        balance=files_of("list_bought", "balance"),
        # None where the experiment has no such table.
        replays=every("table", "compare_replays"),
        money=every("money", "price_costs"),
        money_curves=every("curves", "price_costs"),
        manifests=every("manifest", "prepare_dataset", "extract_embeddings"),
        annotations=every("record", "annotate"),
    output:
        report(
            output_of("render_report", "page"),
            category="Report",
            caption="report/report.rst",
            labels={"experiment": EXPERIMENT.experiment},
        ),
    log:
        log_of("render_report"),
    benchmark:
        benchmark_of("render_report")
    conda:
        environment("report")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("render_report", templates=PAGE_PARTS),
        experiment=verbatim(EXPERIMENT.to_json()),
        configuration=verbatim(canonical_json(CONFIGURATION)),
        tables=input_folder("summary"),
        figures=input_folder("figures"),
        manifests=lambda wildcards, input: " ".join(
            f"--manifest {file}" for file in [*input.manifests, *input.annotations]
        ),
        state=str(SOURCES_STATE),
        prices=verbatim(canonical_json(PRICES)),
    message:
        "Render the report"
    shell:
        "python -m workflow_scripts.render_report"
        " --experiment {params.experiment:q} --configuration {params.configuration:q}"
        " --summary {input.summary} --tables {params.tables} --figures {params.figures}"
        " --costs {input.costs} --proxy-savings {input.proxy_savings} --balance {input.balance}"
        " --replays {input.replays} --money {input.money} --money-curves {input.money_curves}"
        " --prices {params.prices:q} {params.manifests} --state {params.state}"
        " --report {output} --log {log}"
