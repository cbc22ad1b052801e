"""A job's settings: ids and entries apart, whichever of them its params hold."""

import pytest

from labelbench_core.storage.job_settings import JobSettings

ENTRY = {"id": "tiny", "implementation": "timm-model", "options": {}}


@pytest.mark.parametrize(("backbone", "entries"), [("tiny", {}), (ENTRY, {"backbone": ENTRY})])
def test_a_key_has_one_meaning_whether_params_hold_an_id_or_an_entry(backbone, entries):
    found = JobSettings.of({"backbone": backbone, "seed": 3, "prompts": {"a": "b"}})
    assert found.ids == {"backbone": "tiny", "seed": 3, "prompts": {"a": "b"}}
    assert found.entries == entries
