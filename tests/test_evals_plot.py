"""The picture: a PNG of its size, the points of a line, and why there is none."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.errors import UsageError
from qwenagent.evals import grouped, plot
from qwenagent.evals.plot import passed_by_time
from tests.rows_stage import SETUP, row

matplotlib = pytest.importorskip("matplotlib")

ROWS = [
    row("one", seconds=4.0),
    row("two", seconds=0.0),
    row("three", False, seconds=90.0),
    row("four", seconds=30.0),
    row("one", False, seconds=3.0, setup=replace(SETUP, arm="plain")),
]


def decoded(path: Path) -> tuple[int, ...]:
    """Return height and width of a PNG, and that it is more than one colour."""
    from matplotlib import image

    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    pixels = image.imread(path)
    assert pixels.min() < pixels.max()
    return pixels.shape[:2]


def test_a_picture_of_two_setups(tmp_path):
    out = tmp_path / "a picture.png"
    plot(ROWS, out)
    assert decoded(out) == (576, 960)


@pytest.mark.parametrize(
    "rows",
    [
        [row(seconds=0.0)],
        [row(passed=False, seconds=0.0)],
        [row(setup=replace(SETUP, arm="_$a^$ {} %"))],
        [row(str(n), setup=replace(SETUP, settings={"x.y": n})) for n in range(12)],
    ],
    ids=["no seconds", "nothing passed", "odd words", "many"],
)
def test_a_picture_of_anything(tmp_path, rows):
    plot(rows, tmp_path / "p.png")
    assert decoded(tmp_path / "p.png") == (576, 960)


def test_a_name_without_png_is_a_png(tmp_path):
    plot(ROWS, tmp_path / "picture.jpg")
    assert decoded(tmp_path / "picture.jpg") == (576, 960)


def test_the_points_of_a_line():
    agent, plain = grouped(ROWS)
    assert passed_by_time(agent, 90.0) == ([0.1, 0.1, 4.0, 30.0, 90.0], [0, 25, 50, 75, 75])
    assert passed_by_time(plain, 90.0) == ([0.1, 90.0], [0, 0])
    assert passed_by_time(plain, 0.0) == ([0.1, 0.1], [0, 0])


def test_no_rows(tmp_path):
    with pytest.raises(UsageError, match="there are no rows to be drawn"):
        plot([], tmp_path / "p.png")
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_cannot_be_written(tmp_path):
    with pytest.raises(UsageError, match=r"p\.png cannot be written: No such file or directory"):
        plot(ROWS, tmp_path / "none" / "p.png")
    with pytest.raises(UsageError, match="cannot be written: Is a directory"):
        plot(ROWS, tmp_path)


def test_without_matplotlib_it_says_what_installs_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(UsageError, match="the plot needs matplotlib") as told:
        plot(ROWS, tmp_path / "p.png")
    assert told.value.hint == "pip install 'qwenagent[plot]'"
