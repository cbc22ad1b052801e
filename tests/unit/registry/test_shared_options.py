"""Options of a function that several components share."""

import pytest

from labelbench_core import registry
from labelbench_core.errors import InputError
from labelbench_core.registry import docstrings, own

FILE = '''"""Mine."""
from {module} import options
INFO = {{"summary": "-", "license": "-", "paper": "", "options_of": "{module}:{function}"}}


def build({parameters}):
    """Mine.

    Parameters
    ----------
    size
        Of it, in pixels. Default: ours.
    """
'''
PLACE = {
    "module": "labelbench_core.backbones.wrapping",
    "function": "options",
    "parameters": "*, size: int = 3, **shared",
}
SHARED = ["mean", "std", "interpolation", "resize_mode", "layer", "output", "token", "normalize"]


@pytest.fixture
def mine(tmp_path):
    """A function from what is shared to the name of an own backbone."""

    def of(**changes):
        (tmp_path / "mine.py").write_text(FILE.format(**{**PLACE, **changes}))
        registry.describe.cache_clear()
        registry.parse.cache_clear()
        return own.add("mine.py", tmp_path)

    yield of
    registry.forget_own()
    registry.describe.cache_clear()
    registry.parse.cache_clear()


def test_they_are_options_with_defaults_checks_and_texts(mine):
    component = registry.describe("backbones", mine())
    assert list(component.options) == ["size", *SHARED]
    assert component.options["normalize"] is False
    assert list(docstrings.descriptions(component)) == ["size", *SHARED]
    assert list(docstrings.errors(component)) == []
    wrong = registry.option_errors(
        "backbones", component.name, {"token": "last", "mean": [2, 0, 0]}
    )
    assert [line.partition(":")[0] for line in wrong] == ["options.token", "options.mean"]


def test_components_that_share_them_say_the_same(mine):
    texts = [
        {key: text for key, text in docstrings.descriptions(one).items() if key in SHARED}
        for one in (
            registry.describe("backbones", f"{name}-model")
            for name in ("torchscript", "exported", "onnx", "python")
        )
    ]
    assert all(len(text) == len(SHARED) and text == texts[0] for text in texts)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"function": "option"}, "wrapping.py: has no function option; allowed: check_options, "),
        (
            {"module": "labelbench_core.backbones.wraps"},
            "no module labelbench_core.backbones.wr",
        ),
        ({"function": "wrap"}, "option input_size: has no default"),
        (
            {"parameters": "*, size: int = 3, token: str = 'mine', **shared"},
            "mine.py: line 6: build has token, and so has "
            "labelbench_core.backbones.wrapping:options, which INFO names as options_of; "
            "allowed: another name for one of them",
        ),
        (
            {"parameters": "mean, *, size: int = 3, **shared"},
            "mine.py: line 6: build has mean, and ",
        ),
        (
            {"parameters": "*, size: int = 3"},
            "mine.py: line 6: build takes no options but its own; allowed with options_of, ",
        ),
    ],
)
def test_what_cannot_be_shared_is_one_line(mine, changes, told):
    with pytest.raises(InputError, match=told) as caught:
        registry.describe("backbones", mine(**changes))
    assert "\n" not in str(caught.value)
