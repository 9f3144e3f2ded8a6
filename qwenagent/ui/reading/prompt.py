"""The prompt itself, on prompt_toolkit: runs its event loop in the thread that calls `run`.

Knows nothing of the session: what is sent goes into the inbox, what is shown comes from `Shown`.
"""

from __future__ import annotations

import asyncio
import contextvars
import errno
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any, TextIO

from prompt_toolkit.application import Application
from prompt_toolkit.application.run_in_terminal import in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, ThreadedCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import create_input
from prompt_toolkit.keys import Keys
from prompt_toolkit.output import create_output
from prompt_toolkit.output.vt100 import Vt100_Output

from qwenagent.errors import ConfigError
from qwenagent.ui.reading.bursts import Bursts
from qwenagent.ui.reading.completing import Completing
from qwenagent.ui.reading.editing import edited
from qwenagent.ui.reading.folding import Folds
from qwenagent.ui.reading.history import HistoryFile
from qwenagent.ui.reading.inbox import Inbox
from qwenagent.ui.reading.keys import bindings
from qwenagent.ui.reading.line import Eof, Interrupted, cleaned
from qwenagent.ui.reading.reader import ReaderOptions
from qwenagent.ui.reading.screen import layout, style
from qwenagent.ui.reading.shown import Shown
from qwenagent.ui.symbols import symbols_for
from qwenagent.ui.theme import wanted_theme

_FRAME_S = 1 / 8
_ESCAPE_S = 0.05
"""An Esc alone is one after so long: what a terminal sends for other keys begins with it too."""
_CHORD_S = 2.0
"""Between the keys of Ctrl-X Ctrl-E."""
_TAB = CompleteEvent(completion_requested=True)
_GONE = (errno.EIO, errno.ENXIO, errno.EBADF)
"""What a terminal answers that was closed."""

End = Eof | Interrupted


class Prompt:
    """An application of prompt_toolkit. All methods but `call` and `lend` are for its thread."""

    def __init__(
        self, options: ReaderOptions, inbox: Inbox, shown: Shown, stdin: TextIO, stdout: TextIO
    ) -> None:
        self.inbox = inbox
        self.shown = shown
        self.folds = Folds()
        self.is_vi = options.keys == "vi"
        self.symbols = symbols_for(stdout.encoding)
        self.has_sent = False
        self._bursts = Bursts()
        self._n_keys = 0
        self._warned_at = -1
        self._history = HistoryFile(options.history)
        self._completing = Completing(options.sources)
        self._completer = _Completer(self._completing)
        self.buffer = Buffer(
            completer=ThreadedCompleter(self._completer),
            # While a menu is looked for it takes the arrow keys already; in prose there is none.
            complete_while_typing=Condition(self._may_offer),
            enable_history_search=True,
            history=InMemoryHistory(self._history.entries()),
        )
        self._stdin = stdin
        self._app = self._application(stdin, stdout)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._context = contextvars.copy_context()
        self._on_return: Callable[[], None] = lambda: None

    def _application(self, stdin: TextIO, stdout: TextIO) -> Application[End]:
        output = create_output(stdout)
        if isinstance(output, Vt100_Output):
            # Nothing is asked of the terminal, so no late answer is taken for keys.
            output.enable_cpr = False
        app: Application[End] = Application(
            layout=layout(self),
            key_bindings=bindings(self),
            style=style(wanted_theme()),
            include_default_pygments_style=False,
            editing_mode=EditingMode.VI if self.is_vi else EditingMode.EMACS,
            erase_when_done=True,
            input=create_input(stdin),
            output=output,
            terminal_size_polling_interval=None,  # `_tick` misses no change at the start
        )
        app.ttimeoutlen = _ESCAPE_S
        app.key_processor.before_key_press += lambda _: self._before_key()
        app.key_processor.after_key_press += lambda _: self._after_key()
        return app

    # What the keys do.

    def enter(self) -> None:
        """Send the message, unless the Enter is part of a paste or behind a backslash."""
        before = self.buffer.document.text_before_cursor
        if self._bursts.is_pasted(len(self._app.key_processor.input_queue)):
            self.buffer.insert_text("\n")
        elif before.endswith("\\"):
            self.buffer.delete_before_cursor()
            self.buffer.insert_text("\n")
        elif self.buffer.text.strip():
            self._send()

    def ctrl_c(self) -> None:
        """Stop the work, clear the line, or end the session; whichever there is first."""
        if self.shown.work is not None:
            self.interrupt()
        elif self.buffer.text:
            self._clear()
        elif self._warned_at == self._n_keys - 1:
            self._end(Interrupted())
        else:
            self._warned_at = self._n_keys
            self.shown.hint = "Ctrl-C again ends the session"

    def ctrl_d(self) -> None:
        """End the session, unless work goes on."""
        if self.shown.work is None:
            self._end(Eof())
        else:
            self.shown.hint = "the work goes on; Esc stops it, then Ctrl-D ends the session"

    def interrupt(self) -> None:
        """Ask the work to stop."""
        work = self.shown.work
        if work is not None:
            self.shown.hint = "stopping ..."
            work.interrupt()

    def paste(self, text: str) -> None:
        """Insert what was pasted, folded if it is long."""
        self.buffer.insert_text(self.folds.folded(cleaned(text)))

    def unfold(self) -> None:
        """Replace the mark at the cursor by its text, or all marks if there is none.

        Without marks, print what the session has told in a line.
        """
        text, position = self.buffer.text, self.buffer.cursor_position
        start, end = self.folds.mark_at(text, position) or (0, len(text))
        whole = self.folds.unfolded(text[start:end])
        if whole != text[start:end]:
            self.buffer.save_to_undo_stack()
            self._replace(text[:start] + whole + text[end:], start + len(whole))
        elif told := self.shown.unfold(self._app.output.get_size().columns):
            self.print_above(told)
        else:
            self.shown.hint = "there is nothing more to unfold"

    def is_after_mark(self) -> bool:
        """Return whether the cursor is right behind a mark."""
        position = self.buffer.cursor_position
        mark = self.folds.mark_at(self.buffer.text, position)
        return mark is not None and mark[1] == position

    def delete_mark(self) -> None:
        """Delete the mark before the cursor, all of it."""
        mark = self.folds.mark_at(self.buffer.text, self.buffer.cursor_position)
        if mark is not None:
            self.buffer.save_to_undo_stack()
            self.buffer.delete_before_cursor(mark[1] - mark[0])

    def take_back(self) -> None:
        """Put the message that was queued last into the line again."""
        line = self.inbox.withdraw()
        if line is not None:
            self._replace(line.text)

    def complete(self) -> None:
        """Take what is selected in the menu, else what is offered first, menu or not."""
        state = self.buffer.complete_state
        chosen = state.current_completion if state is not None else None
        if chosen is None:
            self.buffer.cancel_completion()
            chosen = next(self._completer.get_completions(self.buffer.document, _TAB), None)
        if chosen is not None:
            self.buffer.apply_completion(chosen)

    def has_menu(self) -> bool:
        """Return whether something is offered, not only looked for."""
        state = self.buffer.complete_state
        return state is not None and bool(state.completions)

    def edit(self) -> None:
        """Open the message in the editor, with everything unfolded."""
        self._keep(self._edit())

    # What the session does.

    def run(
        self, began: Callable[[], None], ended: Callable[[], None], on_return: Callable[[], None]
    ) -> End:
        """Show the prompt until it is left; return why.

        `began` and `ended` are called when it is on the screen and off it, `on_return` when it is
        back after somebody else had the terminal.

        Raises:
            EOFError: the terminal is gone.
        """
        self._on_return = on_return
        return asyncio.run(self._run(began, ended))

    def call(self, what: Callable[[], None]) -> None:
        """Have something called in the prompt's thread. From any thread, while it runs."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(what, context=self._context.copy())

    def lend(self, lent: Callable[[], None]) -> Callable[[], None]:
        """Have the prompt taken off the screen, then call `lent`; return what brings it back.

        From any thread, while it runs.
        """
        back = asyncio.Event()

        async def wait() -> None:
            async with self._off_screen():
                lent()
                await back.wait()

        self.call(lambda: self._keep(wait()))
        return lambda: self.call(back.set)

    def leave(self) -> None:
        """End the prompt."""
        self._end(Eof())

    def refresh(self) -> None:
        """Draw again, soon. From any thread."""
        self._app.invalidate()

    def print_above(self, text: str) -> None:
        """Write whole lines, which may have colours, above the prompt."""
        self._app.renderer.erase()
        self._app.output.write_raw(text.replace("\n", "\r\n"))
        self._app.output.flush()
        self._app.renderer.reset()
        self._app.invalidate()

    # Within.

    async def _run(self, began: Callable[[], None], ended: Callable[[], None]) -> End:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._fail)

        def on_screen() -> None:
            self._context = contextvars.copy_context()
            self._keep(self._tick())
            self.buffer.load_history_if_not_yet_loaded()  # before the first key
            began()

        try:
            return await self._app.run_async(pre_run=on_screen, set_exception_handler=False)
        except OSError as error:
            if error.errno not in _GONE:
                raise
            raise EOFError("the terminal is gone") from error
        finally:
            ended()

    def _fail(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """End the prompt with an error that nobody caught: the session's thread raises it."""
        error = context.get("exception") or RuntimeError(context["message"])
        if self._app.is_running and not self._app.is_done:
            self._app.exit(exception=error)

    def _end(self, end: End) -> None:
        if self._app.is_running and not self._app.is_done:
            self._app.exit(result=end)

    def _keep(self, task: Coroutine[Any, Any, None]) -> None:
        self._app.create_background_task(task)

    async def _tick(self) -> None:
        """Draw anew what moves, and all after a change of size; notice a terminal that is gone."""
        size = self._app.output.get_size()
        while True:
            await asyncio.sleep(_FRAME_S)
            if not self._stdin.isatty():
                raise EOFError("the terminal is gone")
            before, size = size, self._app.output.get_size()
            work = self.shown.work
            if size != before and not self.shown.away:
                self._app.renderer.erase()
                self._app.invalidate()
            elif work is not None and work.activity is not None:
                self._app.invalidate()

    def _may_offer(self) -> bool:
        return self._completing.may_offer(self.buffer.document.text_before_cursor)

    def _before_key(self) -> None:
        self._n_keys += 1
        self.shown.hint = ""

    def _after_key(self) -> None:
        begun = self._app.key_processor.key_buffer
        is_escape = bool(begun) and begun[0].key == Keys.Escape
        self._app.timeoutlen = _ESCAPE_S if is_escape else _CHORD_S

    def _send(self) -> None:
        shown = cleaned(self.buffer.text).rstrip()
        text = self.folds.unfolded(shown)
        self._history.add(text)
        self.buffer.history.append_string(text)
        self.folds.clear()
        self._clear()
        self.has_sent = True
        self.inbox.put(text, shown)

    def _clear(self) -> None:
        self.buffer.reset()
        self.buffer.load_history_if_not_yet_loaded()  # else only when it is next drawn

    def _replace(self, text: str, position: int | None = None) -> None:
        self.buffer.document = Document(text, len(text) if position is None else position)

    @asynccontextmanager
    async def _off_screen(self) -> AsyncIterator[None]:
        async with in_terminal():
            self.shown.away = True
            try:
                yield
            finally:
                self.shown.away = False
        self._on_return()

    async def _edit(self) -> None:
        text = self.folds.unfolded(cleaned(self.buffer.text))
        try:
            async with self._off_screen():
                text = await asyncio.to_thread(edited, text, os.environ)
        except ConfigError as error:
            self.shown.hint = error.message
            self._app.invalidate()
        else:
            self.buffer.save_to_undo_stack()
            self._replace(text)


class _Completer(Completer):
    """Offers as prompt_toolkit wants them."""

    def __init__(self, completing: Completing) -> None:
        self._completing = completing

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterator[Completion]:
        """Yield what may stand at the cursor."""
        offers = self._completing.offers(document.text_before_cursor)
        for offer in offers.items:
            yield Completion(
                offer.text, -offers.n_replaced, display=offer.shown, display_meta=offer.note
            )
