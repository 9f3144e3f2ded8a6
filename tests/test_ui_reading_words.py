"""What the prompt knows without a terminal: commands, marks, names, history, status."""

import json
import os
import random
import stat
import time
from pathlib import Path

import pytest

from qwenagent.errors import ConfigError
from qwenagent.ui.reading import COMMANDS, Called, Named, Sources, Status, Unknown, parse
from qwenagent.ui.reading.bursts import Bursts
from qwenagent.ui.reading.commands import command_lines, key_lines, nearest, unknown_line
from qwenagent.ui.reading.completing import Completing, Offer, Offers
from qwenagent.ui.reading.editing import edited
from qwenagent.ui.reading.folding import Folds
from qwenagent.ui.reading.history import HistoryFile
from qwenagent.ui.reading.mentions import begun, mention, mentions
from qwenagent.ui.reading.ranking import Index
from qwenagent.ui.reading.toolbar import cells, fitting, status_line
from qwenagent.ui.symbols import ASCII, Symbols

BY_NAME = {command.name: command for command in COMMANDS}


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("/undo", Called(BY_NAME["undo"])),
        ("/undo 2 ", Called(BY_NAME["undo"], "2")),
        ("/PLAN do this\nand that", Called(BY_NAME["plan"], "do this\nand that")),
        ("/?", Called(BY_NAME["help"])),
        ("/udno 2", Unknown("udno", "undo")),
        ("/mod", Unknown("mod", "model")),
        ("/zzz", Unknown("zzz")),
        ("/etc/hosts is wrong", None),
        ("/", None),
        ("//", None),
        (" /help", None),
        ("what does /help do", None),
        ("", None),
    ],
)
def test_a_line_that_is_a_command(line, meaning):
    assert parse(line) == meaning


def test_what_is_said_of_an_unknown_command():
    assert unknown_line(Unknown("udno", "undo")) == "there is no command /udno; did you mean /undo?"
    assert unknown_line(Unknown("zzz")) == "there is no command /zzz; /help lists them"
    assert nearest("q") == ""
    assert nearest("qiut") == "quit"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_help_has_every_command_and_fits(width):
    lines = command_lines(width)
    assert max(map(len, [*lines, *key_lines(width)])) <= width
    assert [line.split()[0] for line in lines if line[2] != " "] == [f"/{n}" for n in BY_NAME]


LONG = "".join(f"line {n}\n" for n in range(214))


def test_a_long_paste_is_a_mark_until_it_is_sent():
    folds = Folds()
    assert folds.folded("a\n" * 10) == "a\n" * 10
    assert folds.folded("x" * 1000) == "x" * 1000
    first = folds.folded(LONG)
    other = folds.folded(LONG + "\n")
    again = folds.folded(LONG.upper())
    wide = folds.folded("x" * 1001)
    assert (first, other, again, wide) == (
        "[pasted 214 lines]",
        "[pasted 215 lines]",
        "[pasted 214 lines, 2]",
        "[pasted 1,001 characters]",
    )
    assert folds.folded(LONG) == first
    shown = f"see {first} and {again}{wide}"
    assert folds.unfolded(shown) == f"see {LONG} and {LONG.upper()}{'x' * 1001}"
    assert [folds.mark_at(shown, n) for n in (3, 4, 22, 23)] == [None, (4, 22), (4, 22), None]
    folds.clear()
    assert folds.unfolded(shown) == shown
    assert not folds.has_marks(shown)


def test_a_paste_that_has_a_mark_in_it_stays_as_it_is():
    folds = Folds()
    mark = folds.folded(LONG)
    outer = folds.folded(f"{mark}\n" * 12)
    assert folds.unfolded(outer) == f"{mark}\n" * 12


def test_an_enter_within_a_paste_is_not_typed():
    now = 0.0
    bursts = Bursts(lambda: now)
    assert not bursts.is_pasted(0)
    assert not bursts.is_pasted(40)
    assert bursts.is_pasted(41)
    now = 0.05
    assert bursts.is_pasted(0)
    now = 0.2
    assert not bursts.is_pasted(0)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("fix @src/store.py, then (@Store.save).", ("src/store.py", "Store.save")),
        ('@"docs/my notes.md" and @a @a', ("docs/my notes.md", "a")),
        ("me@example.org @ @, `@x`", ("x",)),
        ("@über/näh.py\n@b", ("über/näh.py", "b")),
    ],
)
def test_mentions_in_a_message(text, names):
    assert mentions(text) == names


@pytest.mark.parametrize("name", ["src/store.py", "docs/my notes.md", "a(1).txt", "end.", "a@b"])
def test_a_mention_is_read_as_it_is_written(name):
    assert mentions(f"see {mention(name)}, please") == (name,)


@pytest.mark.parametrize(
    ("before", "found"),
    [
        ("@", (0, "")),
        ("a @src/st", (2, "src/st")),
        ('in @"docs/my no', (3, "docs/my no")),
        ("me@example", None),
        ("@a ", None),
    ],
)
def test_the_mention_at_the_cursor(before, found):
    assert begun(before) == found


NAMES = ("a/store.py", "store/load.py", "a/my_store.py", "a/s_t_o_r_e.py", "set/other.py", "x.py")


def test_the_best_names_are_first():
    index = Index(NAMES)
    assert index.best("store", 9) == [
        (0, "a/store.py"),
        (1, "store/load.py"),
        (2, "a/my_store.py"),
        (4, "a/s_t_o_r_e.py"),
    ]
    assert index.best("STORE", 1) == [(0, "a/store.py")]
    assert index.best("t/o", 9) == [(3, "set/other.py"), (5, "store/load.py")]
    assert index.best("", 2) == [(0, "x.py"), (0, "a/store.py")]
    assert index.best("zz", 9) == []
    assert index.best("sto", 2) == index.best("sto", 9)[:2]


def test_fifty_thousand_paths_take_less_than_a_frame():
    words = ("core", "view", "store", "model", "test", "main", "util", "parse", "edge", "api")
    draw = random.Random(1)
    paths = [f"src/{'/'.join(draw.choices(words, k=4))}_{n}.py" for n in range(50_000)]
    index = Index(paths)
    spent = []
    for query in ("s", "st", "core", "vmtp", "ae", "model/test_1", "qqq", "srcgraph9"):
        taken = []
        for _ in range(5):
            start = time.thread_time()
            index.best(query, 50)
            taken.append(time.thread_time() - start)
        spent.append(min(taken))
    assert max(spent) < 0.05


PATHS = ("src/store.py", "docs/my notes.md", 'bad".py', "bad\n.py", "src/test_store.py")
SYMBOLS = (Named("Store.save", "src/store.py"), Named("restore", "src/a.py"))
MODELS = ("0.5b", "1.5b")
SOURCES = Sources(
    lambda: PATHS,
    lambda: SYMBOLS,
    {"model": lambda: MODELS, "add": lambda: PATHS},
)
UNDO = BY_NAME["undo"]


@pytest.mark.parametrize(
    ("before", "offers"),
    [
        ("/und", Offers(4, (Offer("/undo ", "/undo [N]", UNDO.help),))),
        ("/Q", Offers(2, (Offer("/quit", "/quit", "End the session"),))),
        ("text /und", Offers(0, ())),
        ("/model 1", Offers(1, (Offer("1.5b", "1.5b"),))),
        ("/undo 1", Offers(0, ())),
        ("/add my", Offers(2, (Offer("'docs/my notes.md'", "docs/my notes.md"),))),
        (
            "see @sto",
            Offers(
                4,
                (
                    Offer("@src/store.py", "src/store.py"),
                    Offer("@Store.save", "Store.save", "src/store.py"),
                    Offer("@src/test_store.py", "src/test_store.py"),
                    Offer("@restore", "restore", "src/a.py"),
                ),
            ),
        ),
        ('see @"my n', Offers(6, (Offer('@"docs/my notes.md"', "docs/my notes.md"),))),
        ("/plan use @sa", Offers(3, (Offer("@Store.save", "Store.save", "src/store.py"),))),
        ("bad@", Offers(0, ())),
        ("@bad", Offers(4, ())),
    ],
)
def test_what_is_offered_at_the_cursor(before, offers):
    assert Completing(SOURCES).offers(before) == offers


@pytest.mark.parametrize(
    ("before", "may"),
    [
        *[("/", True), ("/re", True), ("/zzz", True), ("/model ", True), ("/model 0.", True)],
        *[("@", True), ("see @sto", True), ('see @"docs/my no', True), ("/undo @sto", True)],
        *[("", False), ("fix the store", False), ("a/re", False), ("ada@sto", False)],
        *[("/undo 1", False), ("see @store.py and", False), ("/re\nand", False)],
    ],
)
def test_where_a_menu_is_looked_for(before, may):
    completing = Completing(Sources(arguments={"model": lambda: ("0.5b", "1.5b")}))
    assert completing.may_offer(before) == may


def test_another_list_of_names_is_another_index():
    names = ("one.py",)
    completing = Completing(Sources(lambda: names))
    assert [offer.shown for offer in completing.offers("@e.py").items] == ["one.py"]
    names = ("three.py",)
    assert [offer.shown for offer in completing.offers("@e.py").items] == ["three.py"]


def test_history_is_kept_in_a_file(tmp_path):
    path = tmp_path / "state" / "history.jsonl"
    first = HistoryFile(path)
    assert first.entries() == []
    for text in ("one", "two\nlines \u2028 é", "two\nlines \u2028 é", ""):
        first.add(text)
    again = HistoryFile(path)
    assert again.entries() == ["one", "two\nlines \u2028 é"]
    again.add("two\nlines \u2028 é")
    again.add("three")
    assert HistoryFile(path).entries() == ["one", "two\nlines \u2028 é", "three"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_damaged_lines_of_history_are_left_out(tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_bytes(b'"one"\n{"a":1}\n\xff\n"two"\n"thr')
    assert HistoryFile(path).entries() == ["one", "two"]


def test_a_long_history_is_cut(tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_text("".join(f'"{n:06d} {"x" * 2000}"\n' for n in range(1500)), encoding="utf-8")
    entries = HistoryFile(path).entries()
    assert [entries[0][:6], entries[-1][:6], len(entries)] == ["001003", "001499", 497]
    assert path.stat().st_size < 1_000_000
    assert HistoryFile(path).entries() == entries
    assert [each.name for each in tmp_path.iterdir()] == ["history.jsonl"]


def test_history_does_not_follow_a_link(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text('"secret"\n', encoding="utf-8")
    for name in ("link", "pipe", "folder"):
        path = tmp_path / name
        if name == "link":
            path.symlink_to(secret)
        elif name == "pipe":
            os.mkfifo(path)
        else:
            path.mkdir()
        history = HistoryFile(path)
        assert history.entries() == []
        history.add("text")
    assert secret.read_text(encoding="utf-8") == '"secret"\n'


def test_without_a_file_nothing_is_kept():
    history = HistoryFile(None)
    history.add("text")
    assert history.entries() == []


FULL = Status("qwen2.5-coder-1.5b", "cpu", 26.2, 3912, 8192, 3480, "main", 0.04)


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (
            100,
            "qwen2.5-coder-1.5b · cpu · 26 tok/s · context 3,912 of 8,192, 3,480 reused"
            " · main · $0.04",
        ),
        (77, "qwen2.5-coder-1.5b · cpu · 26 tok/s · context 3,912 of 8,192 · main · $0.04"),
        (60, "qwen2.5-coder-1.5b · 26 tok/s · context 47 % · main · $0.04"),
        (40, "qwen2.5-coder-1.5b · $0.04"),
        (20, "qwen2.5-coder-1.5b"),
        (10, "qwen2.5..."),
        (2, ".."),
    ],
)
def test_the_status_gets_shorter(width, line):
    assert status_line(FULL, width, Symbols()) == line
    assert cells(line) <= width


def test_a_status_of_little_is_short():
    assert status_line(Status(), 60, ASCII) == ""
    assert status_line(Status(model="m\x1b[2J", branch="b" * 40), 60, ASCII) == f"m - {'b' * 21}..."


def test_wide_characters_are_counted():
    assert cells("漢字e\u0301") == 5
    assert fitting("漢字漢字", 7) == "漢字..."


def script(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_an_editor_changes_the_text(tmp_path):
    editor = script(tmp_path / "my editor", 'test "$1" = -w && echo "é 2" >> "$2"')
    assert edited("one\n", {"VISUAL": f"'{editor}' -w", "EDITOR": "false"}) == "one\né 2"


def test_an_editor_that_fails_changes_nothing(tmp_path):
    assert edited("one", {"EDITOR": script(tmp_path / "e", "echo two > $1; exit 1")}) == "one"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("/no/such/editor", "/no/such/editor cannot be started: No such file or directory"),
        ("vi 'x", "$EDITOR cannot be read as a command: No closing quotation"),
    ],
)
def test_an_editor_that_is_none(value, message):
    with pytest.raises(ConfigError) as caught:
        edited("one", {"EDITOR": value})
    assert caught.value.message == message


def test_history_is_lines_of_json(tmp_path):
    path = tmp_path / "history.jsonl"
    HistoryFile(path).add("a\nb")
    assert [json.loads(line) for line in path.read_bytes().splitlines()] == ["a\nb"]
