"""The recording that moves: each row is in the file once, for as long as it lasts."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

from rich.style import Style

from tests.benchmarks.film import Row, film

GREEN, PLAIN, BEHIND = Style(color="green", bold=True), Style(), Style(reverse=True)
FRAMES: list[tuple[float, list[Row]]] = [
    (10.0, [(("ok <1>", GREEN),), ()]),
    (11.0, [(("ok <1>", GREEN),), (("works", BEHIND),)]),
    (13.0, [(("ok <1>", GREEN),), (("done", PLAIN),)]),
]


def test_a_row_is_shown_from_when_it_came_until_it_went():
    drawn = film(FRAMES, 20, hold_s=1.0)
    ElementTree.fromstring(drawn)
    assert [drawn.count(text) for text in ("ok &lt;1&gt;", "works", "done")] == [1, 1, 1]
    assert re.findall(r"\.f\d.*? ([\d.]+)s step-end", drawn) == ["4.00"] * 3
    keys = dict(re.findall(r"@keyframes k(\d)\{(.*?\})\}", drawn))
    hidden, visible = "{visibility:hidden}", "{visibility:visible}"
    assert keys["0"] == f"0.000%{visible}"
    assert keys["1"] == f"0%{hidden}25.000%{visible}75.000%{hidden}"
    assert keys["2"] == f"0%{hidden}75.000%{visible}"


def test_colours_weight_and_reverse():
    drawn = film(FRAMES, 20)
    assert re.search(r'fill="#\w{6}" font-weight="bold">ok &lt;1&gt;<', drawn)
    assert re.search(r'<rect x="0.0" [^>]*fill="#\w{6}"/><text [^>]*fill="#\w{6}">works<', drawn)
