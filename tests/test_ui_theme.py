"""Colours for light and dark terminals: readable, used throughout, and none with NO_COLOR."""

from __future__ import annotations

import io
from typing import Literal

import pytest
from rich.console import Console

from qwenagent.ui.choose_view import console
from qwenagent.ui.diff import coloured_diff
from qwenagent.ui.reading.screen import style
from qwenagent.ui.theme import NAMES, PALETTES, Theme, prompt_colour, wanted_theme

DIFF = "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n # why\n-x = 1\n+x = 'two'\n"
Named = Literal["light", "dark"]


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.1."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize(
    ("theme", "behind"), [("light", "#ffffff"), ("dark", "#000000"), ("dark", "#1e1e1e")]
)
def test_every_colour_can_be_read(theme: Named, behind: str) -> None:
    assert len(PALETTES[theme]) == 2 * len(NAMES)
    for colour in PALETTES[theme]:
        low, high = sorted((luminance(colour), luminance(behind)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, colour


def themed(monkeypatch: pytest.MonkeyPatch, theme: Theme) -> Console:
    monkeypatch.setenv("QWENAGENT_UI_THEME", theme)
    return console(io.StringIO(), force=True)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_colour_of_the_terminal_is_left(monkeypatch: pytest.MonkeyPatch, theme: Named) -> None:
    drawn = themed(monkeypatch, theme)
    segments = list(drawn.render(coloured_diff(DIFF, "a.py")))
    colours = {s.style.color.name for s in segments if s.style and s.style.color}
    assert len(colours) > 2
    assert colours <= {*PALETTES[theme], "default"}


def test_the_terminals_own_colours_are_the_default() -> None:
    drawn = console(io.StringIO(), force=True)
    colours = [s.style.color for s in drawn.render(coloured_diff(DIFF, "a.py")) if s.style]
    assert {1, 2} <= {colour.number for colour in colours if colour}


def test_no_color_draws_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    monkeypatch.setenv("QWENAGENT_UI_THEME", "dark")
    console(out, force=True).print(coloured_diff(DIFF, "a.py"))
    assert "38;" not in out.getvalue()


@pytest.mark.parametrize("theme", ["terminal", "light", "dark"])
def test_the_prompt_has_them_too(theme: Theme) -> None:
    faint = dict(style(theme).style_rules)["faint"]
    assert faint == prompt_colour("brightblack", theme)
    assert faint == (PALETTES[theme][8] if PALETTES[theme] else "ansibrightblack")


def test_settings_that_cannot_be_read_cost_no_more_than_the_colours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("QWENAGENT_UI_THEME", "pink")
    assert wanted_theme() == "terminal"
