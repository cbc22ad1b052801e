"""A data set as arrays, read once from its source.

REQUIRED INPUTS: none; the source is an installed package, a folder or a download under LABELBENCH_DATA.
OUTPUTS: labels, and images as uint8 or as an index of files, with a manifest.
"""


rule prepare_dataset:
    input:
        whole=made_again_if_incomplete("prepare_dataset"),
    output:
        manifest=output_of("prepare_dataset", "manifest"),
        arrays=output_of("prepare_dataset", "arrays"),
    log:
        log_of("prepare_dataset"),
    benchmark:
        benchmark_of("prepare_dataset")
    conda:
        environment("dataset")
    # Files are decoded once, to find broken ones: a few milliseconds each, 1.28 million in ImageNet.
    threads: 8
    resources:
        mem_mb=8000,
        runtime=480,
    params:
        code=code("prepare_dataset", "datasets"),
        settings=settings("datasets"),
        # What this machine remembers of the source's files; no result depends on it.
        state=str(SOURCES_STATE),
        needed=needed_rows,
    message:
        "Prepare data set {wildcards.dataset}"
    shell:
        "python -m workflow_scripts.prepare_dataset"
        " --settings {params.settings:q}"
        " --manifest {output.manifest} --arrays {output.arrays}"
        " --needed {params.needed:q}"
        " --state {params.state} --threads {threads} --log {log}"
