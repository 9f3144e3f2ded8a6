"""A run as Markdown and as HTML: complete, nothing from outside is markup, secrets hidden."""

import re
from collections.abc import Sequence
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from qwenagent.errors import UsageError
from qwenagent.protocol.events import EditApplied, Escalated, Event, TestsRan, TokenDelta, Warned
from qwenagent.ui.past import exported, format_of, hide
from qwenagent.ui.past.colours import coloured, coloured_diff
from tests.sample_events import DIFF, GREEN, records
from tests.test_transcript_runs import BEGUN, ENDED
from tests.test_ui_live import check_snapshot
from tests.test_ui_past import EVIL_EVENTS

MARKUP = (
    "<script>alert(1)</script> ![i](http://x.org/i.png) [l](javascript:x) http://x.org www.x.org "
    '`c` **b** | cell | "q" </pre></details> &lt; <!-- --> \\'
)
MARKUP_EVENTS: list[Event] = [
    replace(BEGUN, title=MARKUP, repository=MARKUP, sandbox=MARKUP),
    TokenDelta(f"{MARKUP}\n```\n# no heading\n````\n"),
    EditApplied(MARKUP, "changed", DIFF.replace("shop/cart.py", "a<b>.py"), 1, 1),
    Warned(MARKUP, MARKUP),
    Escalated("advice", MARKUP, MARKUP, MARKUP, "answered", text="advice"),
    replace(ENDED, reason=MARKUP),
]


def written(form: str, events: Sequence[Event] = (), told: str = "") -> str:
    return exported(records(events), format_of(Path(f"run.{form}")), told)


class Page(HTMLParser):
    """The tags, attributes and text of a page; every tag has to be closed in its place."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data


def markdown_tokens(text: str) -> tuple[set[str], str]:
    """Return the kinds of tokens of a document but for our own folds, and its text."""
    folds = re.compile(r"^(<details><summary>[a-z0-9, ]+</summary>|</details>)$", re.MULTILINE)
    tokens = MarkdownIt("commonmark").enable("table").parse(folds.sub("", text))
    flat = [t for token in tokens for t in (token, *(token.children or ()))]
    return {t.type for t in flat}, "".join(t.content for t in flat if not t.children)


def test_the_whole_sample_as_markdown():
    text = written("md")
    check_snapshot("past_export", re.sub(r"started: .*", "started: (local time)", text))


def test_the_whole_sample_as_html():
    whole = written("html")
    page = Page(whole)
    assert page.tags == {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "dl", "dt", "dd",
        "table", "tr", "th", "td", "pre", "code", "span", "i", "details", "summary",
    }  # fmt: skip
    assert page.attributes == {"lang", "charset", "http-equiv", "content", "name", "class"}
    assert whole.startswith("<!DOCTYPE html>\n")
    assert "prefers-color-scheme: dark" in whole
    assert re.search(r"url\(|@import|https?:", whole) is None
    for said in (
        "Money that adds up", "Step 1 of 3: Fix the rounding of the total in Cart.total",
        "E  AssertionError: assert Decimal('0.125') == Decimal('0.13')", "$ make check",
        "git merge --squash qwenagent-money  # take it as one commit", "3 of 4 passed",
        "   13 -         return self._sum()", "best attempt kept in .qwenagent/attempts/s2.patch",
    ):  # fmt: skip
        assert said in page.text
    assert '<span class="kn">from</span>' in whole


def test_markup_from_outside_is_text_in_html():
    page = Page(written("html", MARKUP_EVENTS))
    assert "script" not in page.tags
    assert not page.tags & {"img", "a"}
    assert page.attributes == {"lang", "charset", "http-equiv", "content", "name", "class"}
    for place in (f"warning: {MARKUP} ({MARKUP})", f"{MARKUP}\n```\n# no heading", "a<b>.py"):
        assert place in page.text


def test_markup_from_outside_is_text_in_markdown():
    kinds, text = markdown_tokens(written("md", MARKUP_EVENTS))
    assert kinds & {"html_block", "html_inline", "link_open", "image", "code_inline"} == set()
    assert kinds & {"strong_open", "em_open", "code_block"} == set()
    assert f"warning: {MARKUP} ({MARKUP})" in text
    assert f"{MARKUP}\n```\n# no heading\n````\n" in text
    # Where addresses become links of themselves, these do not.
    assert not re.search(r"(?m)^- .*(?<!\\)(https?:/|www\.)", written("md", MARKUP_EVENTS))


@pytest.mark.parametrize("form", ["md", "html"])
def test_control_characters_are_spelt_out(form):
    text = written(form, EVIL_EVENTS)
    assert set(text) & set("\x1b\x07\u202e\x9b\r") == set()
    assert r"\x1b]0;owned\x07[red]x[/red]" in re.sub(r"\\([\[\]])", r"\1", unescape(text))


@pytest.mark.parametrize("form", ["md", "html"])
def test_a_run_without_its_end(form):
    text = written(form, [BEGUN], "the run is still under way")
    assert "the run is still under way" in text
    assert "the run is still under way" not in written(form, [], "the run is still under way")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
@settings(max_examples=60)
def test_any_code_stays_itself_in_colours(text):
    from qwenagent.ui.printable import revealed

    for path in ("a.py", "b.html", "Makefile", "no-such.language", ""):
        html = coloured(text, path)
        assert unescape(re.sub(r"</?span[^>]*>", "", html)) == revealed(text).strip("\n")


def test_a_diff_has_both_sides_whole():
    lines = [unescape(re.sub(r"<[^>]*>", "", line)) for line in coloured_diff(DIFF)]
    assert lines == [
        "shop/cart.py",
        "    1 - from decimal import Decimal",
        "    1 + from decimal import ROUND_HALF_UP, Decimal",
        "    2   ",
        "    3   ",
        "    4   class Cart:",
        "...",
        "   12       def total(self) -> Decimal:",
        "   13 -         return self._sum()",
        '   13 +         """Return the sum, rounded to cents."""',
        '   14 +         return self._sum().quantize(Decimal("0.01"), ROUND_HALF_UP)',
        "   15   ",
        "   16       def __len__(self) -> int:",
        "   17           return len(self._lines)",
    ]


def test_several_files_are_named_each():
    both = DIFF + DIFF.replace("shop/cart.py", "b.rs")
    names = [line for line in coloured_diff(both) if 'class="file"' in line]
    assert names == ['<span class="file">shop/cart.py</span>', '<span class="file">b.rs</span>']


@pytest.mark.parametrize("name", ["run", "run.txt", "run.md.gz", ".html", "md"])
def test_other_names_are_no_format(name):
    with pytest.raises(UsageError, match="neither Markdown nor HTML"):
        format_of(Path(name))


def test_forms_by_suffix():
    names = ["a.md", "a.MD", "b/a.markdown", "a.html", "a.HTM"]
    assert [format_of(Path(n)) for n in names] == ["markdown"] * 3 + ["html"] * 2


def test_what_is_secret_is_hidden_everywhere():
    def find(text):
        return [(m.start(), m.end(), "keys") for m in re.finditer("sk-[0-9]+", text)]

    run = replace(GREEN, output="key sk-1 and sk-22", statuses={"test[sk-1]": "passed"})
    clean = replace(
        run,
        output="key [hidden: keys] and [hidden: keys]",
        statuses={"test[[hidden: keys]]": "passed"},
    )
    before: list[Event] = [Warned("sk-1", "no"), TestsRan(run, "step")]
    after: list[Event] = [Warned("[hidden: keys]", "no"), TestsRan(clean, "step")]
    assert hide(records(before), find) == (records(after), 2)
    assert hide(records(), find) == (records(), 0)
