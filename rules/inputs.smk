"""Input functions: which round, head, views, embeddings and annotations a job reads. No rules."""

from workflow_scripts._completeness import what_is_missing


def round_path(output, **ids):
    """The file of a round; round 0 is one node, shared by all strategies."""
    stage = "select_round" if int(ids["round"]) else "train_initial"
    return files_of(stage, output).format(**ids)


def previous_round(output):
    """Input function: the file of the previous round."""

    def path(wildcards):
        return round_path(output, **{**wildcards, "round": int(wildcards.round) - 1})

    return path


def this_round(output):
    """Input function: the file of the round that is fine-tuned on."""
    return lambda wildcards: round_path(output, **wildcards)


def trainers_zero_shot_head(wildcards):
    """Input function: the classifier made from class names, if the trainer starts from it."""
    needed = entries.trainer_starts_from_class_names(CATALOGUE, wildcards.trainer)
    return files_of("build_zero_shot_head", "head").format(**wildcards) if needed else []


def proxys_zero_shot_head(wildcards):
    """Input function: the classifier made from class names, if the proxy starts from it."""
    needed = entries.starts_from_class_names(CATALOGUE, wildcards.proxy)
    return files_of("build_zero_shot_head", "head").format(**wildcards) if needed else []


def proxys_views(output):
    """Input function: the cached views of the pool that the proxy is trained on, if any."""

    def path(wildcards):
        augmentation = entries.augmentation_of(CATALOGUE, wildcards.proxy)
        if augmentation is None:
            return []
        return files_of("extract_views", output).format(**wildcards, augmentation=augmentation)

    return path


def proxys_embeddings(output):
    """Input function: the embeddings that a round sees; a proxy on images sees none."""

    def path(wildcards):
        if entries.needs_images(CATALOGUE, wildcards.proxy):
            return []
        number = int(wildcards.get("round", 0))
        refreshed = entries.refreshed_after(CATALOGUE, wildcards.proxy, number)
        if refreshed is None:
            return files_of("extract_embeddings", output).format(**wildcards)
        trainer = entries.trainer_of(CATALOGUE, wildcards.proxy)
        ids = {**wildcards, "round": refreshed, "trainer": trainer}
        return files_of("refresh_embeddings", output).format(**ids)

    return path


def made_again_if_incomplete(stage):
    """Input function that names no file; it forces the job if a file in its folder of arrays is missing.

    So it does if the embeddings were made with a file of weights whose content has changed.
    """

    def look(wildcards):
        if workflow.is_main_process:
            manifest = files_of(stage, "manifest").format(**wildcards)
            arrays = files_of(stage, "arrays").format(**wildcards)
            problem = what_is_missing(Path(manifest), Path(arrays))
            if problem is None and "backbone" in wildcards.keys():
                problem = content_changed(
                    CATALOGUE["backbones"][wildcards.backbone],
                    Path(manifest),
                    SOURCES_STATE,
                )
            if problem is not None:
                FORCED.force([manifest], problem)
            FORCED.apply(workflow.dag, manifest)
        return []

    return look


def needed_rows(wildcards, input):
    """Params function: canonical JSON of how many rows the experiment needs of a data set's splits.

    What comes of a draw, or of files that cannot be decoded, is known only when all are read. It takes
    `input`, because params that depend on that are no reason to run a job again: another experiment
    needs others.
    """
    return canonical_json(needed.needed_rows(EXPERIMENT, CATALOGUE, wildcards.dataset, ASKED.name))


def asked_for_finetunings(wildcards):
    """Input function: the metrics of the experiment's fine-tunings."""
    pattern = files_of("finetune_model", "metrics")
    return [pattern.format(**ids) for ids in EXPERIMENT.finetunings()]


def annotations(output):
    """Input function: a file of what the annotator says; none for the exact one."""
    path = files_of("annotate", output)
    return lambda wildcards: path.format(**wildcards) if wildcards.annotator else []


def annotated_again_if_changed(wildcards):
    """Input function that names no file: has the job run if the annotator's table has changed."""
    if workflow.is_main_process:
        FORCED.apply(workflow.dag, files_of("annotate", "record").format(**wildcards))
    return []
