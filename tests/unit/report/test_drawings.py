"""Drawn figures in a page: what refers to something still does, and nothing is there twice."""

import re
from pathlib import Path

import pytest

from labelbench_core.errors import InputError
from labelbench_core.report.drawings import inline_svg

DRAWN = """<?xml version="1.0"?>
<svg width="9pt" viewBox="0 0 9 9"><metadata>x</metadata>
 <!-- a comment -->
 <g id="unused"><defs><path id="m1" d="M 0 0.123456
L 1 2" style="stroke: #1b1f24"/><clipPath id="c"><rect/></clipPath></defs>
 <use xlink:href="#m1" x="1.98765" style="fill: #ff0000; stroke: #1b1f24" clip-path="url(#c)"/>
 <use xlink:href="#m1" x="2" style="fill: #ff0000; stroke: #1b1f24" transform="scale(0.015625)"/>
 </g></svg>"""


def test_references_styles_and_scales_are_kept(tmp_path: Path) -> None:
    (tmp_path / "drawn.svg").write_text(DRAWN, encoding="utf-8")
    text = inline_svg(tmp_path / "drawn.svg", "one")
    assert set(re.findall(r'id="(.*?)"', text)) == {"one-0", "one-1"}
    assert text.count('href="#one-0"') == 2
    assert 'clip-path="url(#one-1)"' in text
    assert 'd="M 0 0.12 L 1 2"' in text
    assert 'x="1.98"' in text
    assert "scale(0.015625)" in text
    first, second = re.findall(r"\.([\w-]+)\{(.*?)\}", text)
    assert first[1] == "stroke: var(--ink)"
    assert text.count(f'class="{first[0]}"') == 1
    assert text.count(f'class="{second[0]}"') == 2
    assert "comment" not in text
    other = inline_svg(tmp_path / "drawn.svg", "other")
    assert not set(re.findall(r'(?:id|class)="(.*?)"', text)) & set(
        re.findall(r'(?:id|class)="(.*?)"', other)
    )


@pytest.mark.parametrize(("text", "told"), [("<p>", "not an SVG"), ("<svg></svg>", "no viewBox")])
def test_damaged_files_are_named(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "drawn.svg").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=told):
        inline_svg(tmp_path / "drawn.svg", "one")
