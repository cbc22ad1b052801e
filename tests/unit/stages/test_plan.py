"""What belongs to an experiment, and which of it passes."""

import pytest

from helpers import fake_results
from labelbench_core.analysis.results import Results
from labelbench_core.configuration.experiment import KEEP, Crossing, Experiment, Finetuning
from labelbench_core.stages import report_files
from labelbench_core.stages.plan import Needs, Refresh, passing_rounds, planned_outputs
from labelbench_core.stages.table import STAGES, WEIGHTS


def crossing(**changes: object) -> Crossing:
    values = fake_results.experiment(finetune=None)["crossings"][0]
    taken = {key: value for key, value in values.items() if key != "finetune"}
    lists = {key: tuple(v) if isinstance(v, list) else v for key, v in taken.items()}
    return Crossing(**{**lists, **changes})


def tuned(keep: str, rounds: tuple[int, ...] = (3, 7), **changes: object) -> Crossing:
    chosen = Finetuning(("full",), ("random", "all-of-it"), rounds, (1,), keep)
    return crossing(finetune=chosen, full_data=("all-of-it",), **changes)


def experiment(*crossings: Crossing) -> Experiment:
    return Experiment("small", crossings, "random", "margin")


@pytest.mark.parametrize(
    ("crossings", "passing"),
    [
        ([crossing()], set()),
        ([tuned("all")], set()),
        ([tuned("last")], {3}),
        ([tuned("none")], {0, 3, 7}),
        # The most generous crossing decides.
        ([tuned("none"), tuned("last", (2, 3))], {2, 7}),
        ([tuned("none"), tuned("all")], set()),
    ],
)
def test_rounds_whose_weights_pass(crossings: list[Crossing], passing: set[int]) -> None:
    assert passing_rounds(experiment(*crossings), Needs()) == passing


def test_refreshed_pools_follow_their_crossing() -> None:
    needs = Needs(refresh={"linear": Refresh(every=2, trainer="full")})
    assert passing_rounds(experiment(crossing()), needs) == set()
    assert passing_rounds(experiment(tuned("last")), needs) == {2, 3, 4, 6}
    kept = [one.path for one in planned_outputs(experiment(tuned("last")), needs)]
    assert any("/refreshed/" in path and path.endswith("round-4/arrays") for path in kept)
    assert {path.rsplit("/", 2)[1] for path in kept if path.endswith(".safetensors")} == {
        "round-0",
        "round-7",
    }


def test_what_is_kept_is_no_part_of_what_is_measured() -> None:
    texts = {experiment(tuned(keep)).to_json() for keep in KEEP}
    assert len(texts) == 1
    assert Experiment.from_json(texts.pop()) == experiment(tuned("all"))


def test_everything_that_belongs_to_an_experiment_is_named_once() -> None:
    outputs = list(planned_outputs(experiment(tuned("all")), Needs()))
    paths = [one.path for one in outputs]
    assert len(set(paths)) == len(paths)
    assert not any("{" in path for path in paths)
    assert [path for path in paths if path.endswith("/initial/seed-1/round-0.npz")]
    large = {one.output.kind for one in outputs if not one.output.in_slim_archive}
    assert large == {"folder", WEIGHTS}
    without = [one.path for one in planned_outputs(experiment(crossing()), Needs())]
    assert not any("finetuning." in path for path in without if "/figures/" in path)


def test_stages_state_what_their_outputs_are() -> None:
    for stage in STAGES.values():
        for output in stage.outputs.values():
            assert all(f"{{{name}}}" in path for path in output.paths for name in stage.ids)


def test_the_tables_are_those_that_the_analysis_makes() -> None:
    assert set(report_files.TABLES) == set(Results.__dataclass_fields__)
