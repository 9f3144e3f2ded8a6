"""Tables, check lines, downloads: aligned text on pipes, drawn on a real pseudo-terminal."""

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenagent.ui import DownloadView, check_line, make_view, print_rows
from qwenagent.ui.printable import one_line, printable, visible, visible_line
from qwenagent.ui.words import duration, short, size, speed
from tests.test_ui_live import EVIL

ROWS = [["0.5b", "491 MB", "yes"], ["32b", "19.9 GB", f"no{EVIL}"]]


@contextmanager
def terminal_stream(monkeypatch: pytest.MonkeyPatch, seen: bytearray) -> Iterator[TextIO]:
    """Give a text stream on a pseudo-terminal whose output is collected in `seen`."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    far, near = os.openpty()

    def collect():
        try:
            while data := os.read(far, 4096):
                seen.extend(data)
        except OSError:  # Linux tells the end of a terminal by EIO
            return

    reader = threading.Thread(target=collect)
    reader.start()
    try:
        with os.fdopen(near, "w", encoding="utf-8") as stream:
            yield stream
    finally:
        reader.join(5)
        os.close(far)


def test_rows_on_a_pipe():
    stream = io.StringIO()
    print_rows("models", ["name", "size", "here"], ROWS, stream)
    assert stream.getvalue() == (
        "models\nname  size     here\n0.5b  491 MB   yes\n32b   19.9 GB  no[red]x[/red]abc\n"
    )


def test_no_rows_are_a_header():
    stream = io.StringIO()
    print_rows("", ["name", "size"], [], stream)
    assert stream.getvalue() == "name  size\n"


def test_rows_and_checks_on_a_terminal(monkeypatch):
    seen = bytearray()
    with terminal_stream(monkeypatch, seen) as stream:
        print_rows("models", ["name", "size", "here"], ROWS, stream)
        check_line(True, "git", "2.43", stream=stream)
        check_line(False, "model", EVIL, "qwenagent models pull", stream)
    text = seen.decode()
    assert "\x1b[1mmodels\x1b[0m" in text
    assert "no[red]x[/red]abc" in text
    assert "\x1b[1;32m✓\x1b[0m git: 2.43" in text
    assert "  qwenagent models pull" in text
    assert "owned" not in text


@pytest.mark.parametrize(("ok", "word"), [(True, "ok  "), (False, "bad "), (None, "warn")])
def test_checks_on_a_pipe(ok, word):
    stream = io.StringIO()
    check_line(ok, "gpu", "idle", "pip install x\nor y", stream)
    assert stream.getvalue() == f"{word} gpu: idle\n     pip install x\n     or y\n"


def test_a_download_on_a_pipe_tells_every_ten_percent():
    stream = io.StringIO()
    with DownloadView(stream) as view:
        for done in range(35, 101):
            view("m.gguf", done * 10_000_000, 1_000_000_000)
        view("unknown", 5_000, 0)
        view("unknown", 6_000, 0)
        view("unknown", 250_000_000, 0)
    assert stream.getvalue().split("\n") == [
        *(f"m.gguf: {share} % of 1.0 GB" for share in (35, 40, 50, 60, 70, 80, 90, 100)),
        "unknown: 5 kB",
        "unknown: 250 MB",
        "",
    ]


def test_a_download_on_a_terminal_gives_the_cursor_back(monkeypatch):
    seen = bytearray()

    def interrupted(stream: TextIO) -> None:
        with DownloadView(stream) as view:
            view("[red]m[/red].gguf", 250_000_000, 1_000_000_000)
            view("[red]m[/red].gguf", 500_000_000, 1_000_000_000)
            raise KeyboardInterrupt

    with terminal_stream(monkeypatch, seen) as stream, pytest.raises(KeyboardInterrupt):
        interrupted(stream)
    text = seen.decode()
    assert "[red]m[/red].gguf" in text
    assert "0.5/1.0 GB" in printable(text)
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


@pytest.mark.parametrize(("term", "name"), [("xterm", "LiveView"), ("dumb", "PlainView")])
def test_auto_looks_at_the_terminal(monkeypatch, term, name):
    seen = bytearray()
    with terminal_stream(monkeypatch, seen) as stream:
        monkeypatch.setenv("TERM", term)
        assert type(make_view("auto", stream)).__name__ == name


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("a\r\nb\rc", "a\nbc"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x07", "link"),
        ("\x1bP1$r\x1b\\x\x1b(B", "x"),
        ("\x1b", ""),
        ("\x1b[12", ""),
        ("x\x1b]0;never ended\nnext", "x\nnext"),
        ("a\u202eb\u2066c\u200bd\ufeff", "abcd"),
        ("\x85\x9b2J", ""),
        ("\udce4", "\ufffd"),
        ("naïve 漢字 👩‍💻", "naïve 漢字 👩‍💻"),
    ],
)
def test_printable(text, clean):
    assert printable(text) == clean


@given(st.text(st.sampled_from("\x1b[]P;\x07\x9b\x9d\\m0a\n\t\r\u202e\udc80\u200b ")))
def test_printable_leaves_nothing_that_acts(text):
    assert set(printable(text)) <= set("[]P;\\m0a\n\t \ufffd")
    assert all(" " <= c <= "~" or c == "\n" for c in visible(text))


def test_one_line_and_visible():
    assert one_line(" a\n\tb  c ") == "a b c"
    assert one_line("abcdefgh", 6) == "abc..."
    assert (
        visible("a\tb\x1b\u202e\U000e0041\r\n\udce4") == "a\\tb\\x1b\\u202e\\U000e0041\\r\n\\udce4"
    )
    assert visible_line("a  b\nc") == "a  b\\nc"


def test_words_for_numbers():
    shown = [duration(s) for s in (-1, 0.04, 0.05, 9.94, 9.95, 59.4, 59.6, 61, 3599.6, 7265)]
    assert shown == [
        "",
        "",
        "0.1 s",
        "9.9 s",
        "10 s",
        "59 s",
        "1 min",
        "1 min 01 s",
        "1 h 00 min",
        "2 h 01 min",
    ]
    assert [size(n) for n in (999, 12_300, 491_400_064, 4_700_000_000)] == [
        "999 B",
        "12 kB",
        "491 MB",
        "4.7 GB",
    ]
    assert [speed(0, 1), speed(10, 0), speed(52, 2)] == ["", "", "26 tok/s"]
    assert [short("a" * 40), short("main")] == ["a" * 9, "main"]
