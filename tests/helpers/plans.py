"""What Snakemake plans, read from its own objects: `python plans.py CONFIG… < deletions`.

Run in a checkout. Prints one JSON object a line: first for every configuration, then for every list
of paths in the JSON list on standard input, planned while those files and folders are away.
"""

import json
import os
import sys
from pathlib import Path

from snakemake.api import SnakemakeApi
from snakemake.io import is_flagged, strip_wildcard_constraints
from snakemake.settings.types import (
    ConfigSettings,
    DAGSettings,
    OutputSettings,
    Quietness,
    ResourceSettings,
)


def plan(config):
    """The plan of the default target: jobs, files, and what the target asks for."""
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow_api = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(configfiles=[Path(config)]),
            snakefile=Path("Snakefile"),
        )
        workflow_api.dag(DAGSettings())
        workflow = workflow_api._workflow
        workflow._prepare_dag(forceall=False, ignore_incomplete=True, lock_warn_only=True)
        workflow._build_dag()
        dag = workflow.dag
        (target,) = (job for job in dag.jobs if job.rule.name == "all")
        made = [file for job in dag.jobs for file in job.output]
        return {
            "asked": sorted(map(str, target.input)),
            "made": sorted(map(str, made)),
            "passing": sorted(str(file) for file in made if is_flagged(file, "temp")),
            "rules": [
                {
                    "name": rule.name,
                    "outputs": [
                        [strip_wildcard_constraints(file), is_flagged(file, "directory")]
                        for file in rule.output
                    ],
                    "log": list(map(strip_wildcard_constraints, rule.log)),
                    "benchmark": rule.benchmark and strip_wildcard_constraints(rule.benchmark),
                    "gpu": "gpu" in rule.resources,
                }
                for rule in workflow.rules
            ],
            "run": sorted(str(file) for job in dag.needrun_jobs() for file in job.output),
        }


def main():
    *configs, last = sys.argv[1:]
    real, sys.stdout = sys.stdout, sys.stderr
    for config in [*configs, last]:
        print(json.dumps(plan(config)), file=real, flush=True)
    for paths in json.load(sys.stdin):
        for number, path in enumerate(paths):
            os.rename(path, f"aside-{number}")
        print(json.dumps({"paths": paths, **plan(last)}), file=real, flush=True)
        for number, path in enumerate(paths):
            os.rename(f"aside-{number}", path)


if __name__ == "__main__":
    main()
