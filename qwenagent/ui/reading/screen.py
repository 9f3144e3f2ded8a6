"""What the prompt looks like: activity, queue, input, menu, status line; from top to bottom."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from prompt_toolkit.application import get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import Completion
from prompt_toolkit.filters import Condition, has_completions, is_searching
from prompt_toolkit.formatted_text import ANSI, AnyFormattedText, StyleAndTextTuples
from prompt_toolkit.layout import (
    BufferControl,
    ConditionalContainer,
    Dimension,
    FormattedTextControl,
    HSplit,
    Layout,
    VerticalAlign,
    Window,
)
from prompt_toolkit.layout.processors import (
    AfterInput,
    ConditionalProcessor,
    HighlightIncrementalSearchProcessor,
)
from prompt_toolkit.styles import Style
from prompt_toolkit.widgets import SearchToolbar

from qwenagent.ui.printable import one_line
from qwenagent.ui.reading.toolbar import cells, fitting, status_line
from qwenagent.ui.theme import Theme, prompt_colour

if TYPE_CHECKING:
    from qwenagent.ui.reading.prompt import Prompt

_MENU_ROWS = 8
_IDLE = "a task, a question, or /help"
_BUSY = "Enter queues a message, Esc stops"


def style(theme: Theme) -> Style:
    """Return the prompt's colours."""
    return Style.from_dict(
        {
            "sign": f"{prompt_colour('cyan', theme)} bold",
            "faint": prompt_colour("brightblack", theme),
            "hint": prompt_colour("yellow", theme),
            "selected": "bold",
            "incsearch": "underline",
            "incsearch.current": "reverse",
        }
    )


def layout(prompt: Prompt) -> Layout:
    """Return the windows; they read `prompt` each time they are drawn."""
    search = SearchToolbar(vi_mode=prompt.is_vi)
    control = BufferControl(
        buffer=prompt.buffer,
        search_buffer_control=search.control,
        preview_search=True,
        input_processors=[
            HighlightIncrementalSearchProcessor(),
            ConditionalProcessor(
                AfterInput(lambda: _placeholder(prompt), style="class:faint"),
                Condition(lambda: not prompt.buffer.text) & ~is_searching,
            ),
        ],
    )
    typed = Window(
        control,
        height=lambda: Dimension(min=1, max=max(3, _rows() // 2)),
        dont_extend_height=True,
        wrap_lines=True,
        get_line_prefix=_sign,
    )
    return Layout(
        HSplit(
            [
                Window(height=1),  # between what is printed and what is redrawn
                _lines(lambda: _activity(prompt)),
                _lines(lambda: _queue(prompt)),
                typed,
                search,
                ConditionalContainer(_lines(lambda: _menu(prompt.buffer)), has_completions),
                _lines(lambda: _toolbar(prompt)),
            ],
            align=VerticalAlign.TOP,
        ),
        focused_element=typed,
    )


def _lines(text: Callable[[], AnyFormattedText]) -> ConditionalContainer:
    """Return a window as high as its text, and none where there is no text."""
    window = Window(FormattedTextControl(text), dont_extend_height=True)
    return ConditionalContainer(window, Condition(lambda: bool(text())))


def _columns() -> int:
    return get_app().output.get_size().columns


def _rows() -> int:
    return get_app().output.get_size().rows


def _sign(line: int, wrapped: int) -> StyleAndTextTuples:
    return [("class:sign", "> ")] if line == wrapped == 0 else [("", "  ")]


def _placeholder(prompt: Prompt) -> str:
    if prompt.shown.work is not None:
        return fitting(_BUSY, _columns() - 3)
    return "" if prompt.has_sent else fitting(_IDLE, _columns() - 3)


def _activity(prompt: Prompt) -> AnyFormattedText:
    work = prompt.shown.work
    text = work.activity(_columns()).rstrip("\n") if work and work.activity else ""
    return ANSI(text) if text else ""


def _queue(prompt: Prompt) -> AnyFormattedText:
    texts = [f"  queued: {one_line(line.shown)}" for line in prompt.inbox.queued]
    text = "\n".join(fitting(text, _columns() - 1) for text in texts)
    return [("class:faint", text)] if text else ""


def _toolbar(prompt: Prompt) -> AnyFormattedText:
    width = _columns() - 3
    hint = prompt.shown.hint
    if not hint and prompt.folds.has_marks(prompt.buffer.text):
        hint = "Ctrl-O unfolds what was pasted"
    if hint:
        return [("class:hint", f"  {fitting(hint, width)}")]
    line = status_line(prompt.shown.status, width, prompt.symbols)
    return [("class:faint", f"  {line}")] if line else ""


def _menu(buffer: Buffer) -> StyleAndTextTuples:
    """Return some of what is offered, around what is selected, which has a sign."""
    state = buffer.complete_state
    if state is None:
        return []
    at = state.complete_index or 0
    start = max(0, min(at - _MENU_ROWS // 2, len(state.completions) - _MENU_ROWS))
    rows = state.completions[start : start + _MENU_ROWS]
    wide = min(max(cells(each.display_text) for each in state.completions), _columns() // 2)
    selected = at - start if state.complete_index is not None else None
    lines = [_row(row, wide, place == selected) for place, row in enumerate(rows)]
    return [piece for line in lines for piece in [*line, ("", "\n")]][:-1]


def _row(row: Completion, wide: int, selected: bool) -> StyleAndTextTuples:
    name = fitting(row.display_text, wide)
    note = fitting(row.display_meta_text, _columns() - wide - 7)
    padded = name + " " * (wide - cells(name))
    sign = ("class:sign", "  > ") if selected else ("", "    ")
    return [sign, ("class:selected" if selected else "", padded), ("class:faint", f"  {note}")]
