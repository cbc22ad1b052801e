"""Label efficiency, measured: embeddings → rounds of selection → fine-tuning → curves and tables.

This file loads the configuration and names the targets; the rules are in rules/.
"""

from snakemake.utils import min_version

min_version("9.19")

# The quickstart is read only where no other experiment is given: Snakemake merges configurations
# deeply, and nothing of the quickstart may leak into another experiment. A module gets its own.
if workflow.modifier.is_main_snakefile() and not workflow.overwrite_configfiles:

    configfile: f"{workflow.basedir}/config/config.yaml"


include: "rules/common.smk"
include: "rules/inputs.smk"
include: "rules/dataset.smk"
include: "rules/embedding.smk"
include: "rules/selection.smk"
include: "rules/finetuning.smk"
include: "rules/tables.smk"
include: "rules/report.smk"


if is_campaign(ASKED):

    include: "rules/campaign.smk"
    include: "rules/finishing.smk"


rule all:
    # A workflow that has this one as a module has its own.
    default_target: workflow.modifier.is_main_snakefile()
    input:
        everything_for(),


rule embeddings:
    input:
        everything_for("embeddings"),


rule selections:
    input:
        everything_for("selections"),


rule finetuned:
    input:
        everything_for("finetuned"),


rule figures:
    input:
        everything_for("figures"),


rule report:
    input:
        everything_for("figures", "report"),


rule finish:
    input:
        everything_for("finish"),
