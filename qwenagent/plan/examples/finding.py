"""Finds literal examples in a step's Markdown: what one call gives, exactly.

A wrong example would block a right solution, so what is conditional, approximate, about the state
of today, or in need of a set-up is none. Calls of methods in lower case on a name in lower case
(`store.get("x")`) are none either, nor are blocks of code that set something up. Nothing is
evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from qwenagent.plan.examples.literals import LANGUAGES, closing, is_call, is_literal
from qwenagent.plan.examples.phrases import (
    CLOSE,
    MASK,
    OPEN,
    Said,
    is_spoilt,
    masked,
    said_behind,
    spoils_what_follows,
)
from qwenagent.plan.examples.reports import asserted, is_report
from qwenagent.plan.markdown.inline import code_spans, split_code, word_set
from qwenagent.plan.markdown.leaves import Leaf, language_of, leaves
from qwenagent.plan.values import Example

MOST = 20
"""More examples of one step than this are left out."""
_MAX_TEXT_CHARS = 50_000
_MAX_LEAF_CHARS = 4_000
_MAX_REPORT_CHARS = 20_000
_MAX_FOUND = 200

_CODE_INFO = word_set(
    "python py python3 pycon doctest repl javascript js mjs cjs jsx node typescript ts text txt "
    "plain plaintext go golang rust rs"
)
_CALL = re.compile(r"(?<![\w.$)\]\"'])(?<!::)(?:[^\W\d]|\$)[\w$]*(?:\.[^\W\d][\w$]*)*\(")
_MIGHT = re.compile(r"\w\(|\w`|\|")
_PRIVATE = re.compile(f"[{OPEN}{CLOSE}{MASK}]")
_EMPHASIS = re.compile(r"\*\*|__(?=\W|$)|(?<!\w)__")
_IMPORT = re.compile(
    r"(?:from\s+[\w.]+\s+import\b|import\b)[^=]*$"
    r"|(?:const|let|var)\s+[\w{},\s]+=\s*(?:await\s+import|require)\(.*\);?$"
)
_COMMENT = re.compile(r"(?:#|//)\s*(?P<text>.*)$")
_BOLD = re.compile(r"(\*\*|__)[^*_]+\1:?$")
_ERROR_LINE = re.compile(r"(?P<name>(?:\w+\.)*[A-Z]\w*)(?::|$)")

# prefix, what stands between call and value, suffix, whether the value is an exception's name
_FORMS: tuple[tuple[str, str, str, bool], ...] = (
    (r"assert\s+", r"\s*(?:==|\bis\b)\s*", r"$", False),
    (r"assert_eq!\(\s*", r"\s*,\s*", r"\s*,?\s*\);?$", False),
    (r"(?:console\.)?assert\(\s*", r"\s*===?\s*", r"\s*\);?$", False),
    (
        r"(?:self\.assertEqual|assert\.(?:equal|strictEqual|deepEqual|deepStrictEqual))\(\s*",
        r"\s*,\s*",
        r"\s*,?\s*\);?$",
        False,
    ),
    (
        r"expect\(\s*",
        r"\s*\)\.(?:toBe|toEqual|toStrictEqual|to\.(?:deep\.)?equal|to\.eql|to\.be)\(\s*",
        r"\s*\);?$",
        False,
    ),
    (r"expect\(\s*\(\)\s*=>\s*", r"\s*\)\.toThrow\(\s*", r"\s*\);?$", True),
    (r"assert\.throws\(\s*\(\)\s*=>\s*", r"\s*,\s*", r"\s*\);?$", True),
)
_CALL_COLUMN = re.compile(
    r"\b(?:call|expression|example|input|invocation|argument|code|case)s?\b"
    r"|aufruf|eingabe|ausdruck|beispiel|appel|entrée|llamada|entrada|呼び出し|入力|调用|输入",
    re.IGNORECASE,
)
_VALUE_COLUMN = re.compile(
    r"\b(?:results?|outputs?|expected|returns?|return value|gives)\b"
    r"|ergebnis|ausgabe|erwartet|résultat|sortie|resultado|salida|出力|結果|戻り値|返回|输出|结果",
    re.IGNORECASE,
)
_INEXACT = re.compile(r"\.{3}|…")
_STRING_OR_SPACE = re.compile(r"(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')|\s+")
_SHORTENS = re.compile(r"trunc|ellip|short|abbrev|clip|elide", re.IGNORECASE)
_FUNCTION = re.compile(r"([^\W\d]\w*)(?:\([^()]*\))?")
_SEGMENT = re.compile(f"{OPEN}(?P<code>[^{CLOSE}]*){CLOSE}|[^{OPEN}]+")


def find_examples(markdown: str) -> tuple[Example, ...]:
    """Return the literal examples of a text in order, each once, 20 at most.

    Calls that are said to give different things are left out.
    """
    if len(markdown) > _MAX_TEXT_CHARS or not _MIGHT.search(markdown):
        return ()
    found: dict[tuple[str, str], Example] = {}
    for example in _all(_PRIVATE.sub("\ufffd", markdown)):
        found.setdefault((_normal(example.call), _normal(example.expected)), example)
        if len(found) >= _MAX_FOUND:
            break
    calls = [call for call, _ in found]
    return tuple(it for (call, _), it in found.items() if calls.count(call) == 1)[:MOST]


def _normal(code: str) -> str:
    """Return code without spaces outside of its strings and with one kind of quotes."""
    return _STRING_OR_SPACE.sub(lambda found: found[1] or "", code).replace("'", '"')


def _all(markdown: str) -> Iterator[Example]:
    above = _Above()
    for leaf in leaves(markdown):
        if leaf.quoted:  # what somebody else has said
            continue
        above.enter(leaf)
        if leaf.kind == "code" and is_report(leaf.text):
            yield from _in_report(leaf.text)
            continue
        if len(leaf.text) > _MAX_LEAF_CHARS or above.spoils(leaf):
            continue
        if leaf.kind == "code":
            yield from _in_code(leaf)
        elif leaf.kind == "quotation":
            yield from _in_quotation(leaf.text)
        elif leaf.kind == "row":
            yield from _in_row(leaf.cells, above)
        else:
            yield from _in_text(leaf.text)


class _Above:
    """What stands above a leaf: headings, the lines that introduce it, a table's header."""

    def __init__(self) -> None:
        self.header: tuple[str, ...] = ()
        self._headings: list[tuple[int, str]] = []
        self._texts: list[tuple[int, str]] = []
        self._is_first = True

    @property
    def text(self) -> str:
        """The last text."""
        return self._texts[-1][1] if self._texts else ""

    def enter(self, leaf: Leaf) -> None:
        """Step on to the next leaf."""
        if leaf.kind == "heading":
            self._headings = [it for it in self._headings if it[0] < leaf.level]
            self._texts = []
            if not self._is_first:  # the first is the step's own title
                self._headings.append((leaf.level, leaf.text))
        elif leaf.kind == "text":
            self._texts = [it for it in self._texts if it[0] < leaf.depth]
            self._texts.append((leaf.depth, leaf.text))
        elif leaf.kind == "header":
            self.header = leaf.cells
        self._is_first = False

    def spoils(self, leaf: Leaf) -> bool:
        """Tell whether what stands above a leaf says that it holds no examples."""
        leads = self._texts[:-1] if leaf.kind == "text" else self._texts
        introducing = [text for _, text in leads if _introduces(text)]
        if leaf.kind in ("code", "quotation", "row"):
            introducing.append(self.text)
        headings = [text for _, text in self._headings]
        return any(spoils_what_follows(masked(_flat(it))) for it in [*headings, *introducing])


def _introduces(text: str) -> bool:
    ends = text.rstrip("*_ ").endswith((":", "\uff1a"))
    return ends or _BOLD.fullmatch(text) is not None


def _flat(markdown: str) -> str:
    """Return inline Markdown as one line with marks around its code spans."""
    spans = split_code(markdown[:_MAX_LEAF_CHARS].replace("\n", " "))
    return "".join(
        f"{OPEN}{text}{CLOSE}" if is_code else _EMPHASIS.sub("", text) for is_code, text in spans
    )


def _example(shown: str, call: str, expected: str, *, raises: bool) -> Example | None:
    """Return an example if one language can read all of it."""
    if _INEXACT.search(call + expected) and not _SHORTENS.search(call.partition("(")[0]):
        return None
    for language in LANGUAGES:
        if is_call(call, language) and (raises or is_literal(expected, language)):
            text = re.sub(f"[{OPEN}{CLOSE}]", "`", shown)
            return Example(text.strip(), call.strip(), expected.strip(), raises)
    return None


def _in_text(markdown: str) -> Iterator[Example]:
    flat = _flat(markdown)
    prose = masked(flat)
    for start, call, said in _told(flat):
        if not is_spoilt(prose, start, said):
            shown = flat[start : said.end]
            if example := _example(shown, call, said.expected, raises=said.raises):
                yield example


def _told(flat: str) -> Iterator[tuple[int, str, Said]]:
    """Yield where a call begins, the call, and what is said of it."""
    for segment in _SEGMENT.finditer(flat):
        if (code := segment["code"]) is None:
            yield from _told_in_prose(flat, segment.start(), segment.end())
        elif example := _in_line(code):
            must = code.startswith(("assert", "expect"))
            said = Said(example.expected, example.raises, must, segment.end())
            yield segment.start(), example.call, said
        elif behind := said_behind(flat, segment.end() - 1):
            yield segment.start(), code, behind


def _told_in_prose(flat: str, start: int, end: int) -> Iterator[tuple[int, str, Said]]:
    for found in _CALL.finditer(flat, start, end):
        behind = closing(flat, found.end() - 1)
        if behind is not None and behind <= end and (said := said_behind(flat, behind)):
            yield found.start(), flat[found.start() : behind], said


def _in_line(line: str) -> Example | None:
    """Read a line of code that is nothing but an example."""
    line = line.strip()
    for prefix, between, suffix, raises in _FORMS:
        if (head := re.match(prefix, line)) and (end := _call_end(line, head.end())):
            rest = re.match(rf"{between}(?P<value>.+?){suffix}", line[end:])
            if rest is None:
                return None
            return _example(line, line[head.end() : end], rest["value"], raises=raises)
    start = len("await ") if line.startswith("await ") else 0
    end = _call_end(line, start)
    if end is None:
        return None
    behind = end + line.startswith(";", end)
    said = said_behind(line, behind)
    if said is None or line[said.end :].strip("; "):
        return None
    return _example(line, line[start:end], said.expected, raises=said.raises)


def _call_end(line: str, start: int) -> int | None:
    found = _CALL.match(line, start)
    return closing(line, found.end() - 1) if found else None


def _in_code(leaf: Leaf) -> list[Example]:
    if language_of(leaf.info) not in _CODE_INFO | {""}:
        return []
    lines = [line.rstrip() for line in leaf.text.split("\n")]
    if any(line.lstrip().startswith(">>>") for line in lines):
        return _in_session([line.strip() for line in lines])
    return _in_lines([line for line in lines if line])


def _in_report(text: str) -> Iterator[Example]:
    """Read the assertions that failed: a test that somebody pasted is as good as one that runs."""
    for shown, call, expected in asserted(text[:_MAX_REPORT_CHARS]):
        if example := _example(shown, call, expected, raises=False):
            yield example


def _in_quotation(text: str) -> list[Example]:
    """Read a Python session, which Markdown takes for a quotation of quotations."""
    first, *rest = [line.strip() for line in text.split("\n")]
    start = first.find(">>> ")
    return _in_session([first[start:], *rest]) if start >= 0 else []


def _in_lines(lines: list[str]) -> list[Example]:
    """Read a block in which every line is an example, an import or a comment; else none of it."""
    found: list[Example] = []
    waiting = ""
    for line in lines:
        comment = _COMMENT.match(line)
        example = _in_line(f"{waiting}  {line}") if waiting and comment else _in_line(line)
        if example:
            found.append(example)
        elif waiting or not (comment or _IMPORT.match(line) or _is_call(line)):
            return []  # something else: the block sets something up, or is a program
        if comment and spoils_what_follows(comment["text"]):
            return []
        waiting = line if example is None and _is_call(line) else ""
    return [] if waiting else found


def _is_call(line: str) -> bool:
    return any(is_call(line.rstrip(";"), language) for language in LANGUAGES)


def _in_session(lines: list[str]) -> list[Example]:
    """Read a Python session up to its first set-up; imports are none."""
    found: list[Example] = []
    for source, output in _inputs(lines):
        if _IMPORT.match(source):
            continue
        if "\n" in source or not output or "# doctest:" in source or not is_call(source, "python"):
            if re.match(r"print\(", source):
                continue
            break
        expected, raises = _shown_by_session(output)
        if example := _example(f"{source} → {expected}", source, expected, raises=raises):
            found.append(example)
    return found


def _inputs(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield what was typed, and the lines that were answered."""
    source, output = "", list[str]()
    is_open = False
    for line in lines:
        if line.startswith(">>>"):
            if source:
                yield source, output
            source, output, is_open = line[3:].strip(), [], True
        elif is_open and not output and line.startswith("..."):
            source += f"\n{line[3:]}"
        elif line and is_open:
            output.append(line)
        else:  # what follows a blank line is no answer
            is_open = False
    if source:
        yield source, output


def _shown_by_session(output: list[str]) -> tuple[str, bool]:
    if output[0].startswith("Traceback (most recent call last)"):
        error = _ERROR_LINE.match(output[-1])
        return (error["name"] if error else "...", True)
    return " ".join(output), False


def _in_row(cells: tuple[str, ...], above: _Above) -> list[Example]:
    columns = _columns(above.header)
    if columns is None or len(cells) <= max(columns):
        return []
    others = [cell for at, cell in enumerate(cells) if at not in columns]
    kept = [h for at, h in enumerate(above.header) if at not in columns]
    if any(
        spoils_what_follows(masked(_flat(cell)))
        for cell, head in zip(others, kept, strict=False)
        if not spoils_what_follows(head)
    ):
        return []
    call, value = _code_of(cells[columns[0]]), cells[columns[1]]
    if not _is_call(call):
        call = f"{_function_named_in(above.text)}({call})"
    flat = f"{OPEN}{call}{CLOSE} → {_flat(value)}"
    said = said_behind(flat, len(call) + 1)
    if said is None or flat[said.end :].strip():
        return []
    example = _example(flat, call, said.expected, raises=said.raises)
    return [example] if example else []


def _columns(header: tuple[str, ...]) -> tuple[int, int] | None:
    """Return the columns of call and value."""
    good = [(at, cell) for at, cell in enumerate(header) if not spoils_what_follows(cell)]
    calls = [at for at, cell in good if _CALL_COLUMN.search(cell)]
    values = [at for at, cell in good if _VALUE_COLUMN.search(cell) and at not in calls]
    return (calls[0], values[0]) if len(calls) == len(values) == 1 else None


def _code_of(cell: str) -> str:
    """Return the content of a cell that is one code span; any other cell as it is."""
    spans = split_code(cell.strip())
    return spans[0][1] if len(spans) == 1 else ""


def _function_named_in(text: str) -> str:
    """Return the only function that an introduction names in code, "" if there are several."""
    named = {found[1] for span in code_spans(text) if (found := _FUNCTION.fullmatch(span))}
    return named.pop() if len(named) == 1 and len(code_spans(text)) == 1 else ""
