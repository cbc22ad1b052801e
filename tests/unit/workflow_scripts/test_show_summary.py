"""What follows a run: on a desktop, the offer to open the report, and only there."""

import sys

import pytest

from workflow_scripts import show_summary

PAGE = "file:///somewhere/report.html"


@pytest.mark.parametrize(
    ("display", "terminal", "offers"),
    [
        ("DISPLAY", True, True),
        ("WAYLAND_DISPLAY", True, True),
        (None, True, False),
        ("DISPLAY", False, False),
    ],
)
def test_the_offer_needs_a_desktop_and_a_terminal(
    monkeypatch: pytest.MonkeyPatch, display: str | None, terminal: bool, offers: bool
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    if display:
        monkeypatch.setenv(display, ":0")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: terminal)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    assert show_summary._has_desktop() == offers


@pytest.mark.parametrize(
    ("answer", "opened"), [("y", [PAGE]), ("Yes ", [PAGE]), ("", []), ("n", [])]
)
def test_only_a_yes_opens_the_report(
    monkeypatch: pytest.MonkeyPatch, answer: str, opened: list[str]
) -> None:
    found: list[str] = []
    monkeypatch.setattr("builtins.input", lambda prompt: answer)
    monkeypatch.setattr(show_summary.webbrowser, "open", found.append)
    show_summary._offer(PAGE)
    assert found == opened


def test_no_answer_is_no(monkeypatch: pytest.MonkeyPatch) -> None:
    def end(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", end)
    monkeypatch.setattr(show_summary.webbrowser, "open", pytest.fail)
    show_summary._offer(PAGE)
