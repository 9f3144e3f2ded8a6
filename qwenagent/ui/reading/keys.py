"""Which key does what at the prompt. What it does is the prompt's business."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prompt_toolkit.filters import (
    Condition,
    completion_is_selected,
    emacs_mode,
    has_focus,
    vi_insert_mode,
    vi_navigation_mode,
)
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys

if TYPE_CHECKING:
    from qwenagent.ui.reading.prompt import Prompt


def bindings(prompt: Prompt) -> KeyBindings:
    """Return the keys that differ from prompt_toolkit's own."""
    keys = KeyBindings()
    typing = has_focus(prompt.buffer)
    _bind_sending(keys, prompt, typing)
    _bind_leaving(keys, prompt, typing)
    _bind_editing(keys, prompt, typing)
    _bind_completing(keys, prompt, typing)
    return keys


def _bind_sending(keys: KeyBindings, prompt: Prompt, typing: Condition) -> None:
    @keys.add("enter", filter=typing)
    def _send(event: KeyPressEvent) -> None:
        prompt.enter()

    @keys.add("escape", "enter", filter=typing & (emacs_mode | vi_insert_mode))
    @keys.add("c-j", filter=typing & (emacs_mode | vi_insert_mode))
    def _new_line(event: KeyPressEvent) -> None:
        prompt.buffer.insert_text("\n")


def _bind_leaving(keys: KeyBindings, prompt: Prompt, typing: Condition) -> None:
    @Condition
    def is_empty() -> bool:
        return not prompt.buffer.text

    @Condition
    def is_working() -> bool:
        return prompt.shown.work is not None

    @keys.add("c-c", filter=typing)
    def _clear(event: KeyPressEvent) -> None:
        prompt.ctrl_c()

    @keys.add("c-d", filter=typing & is_empty)
    def _end(event: KeyPressEvent) -> None:
        prompt.ctrl_d()

    has_menu = Condition(prompt.has_menu)

    @keys.add("escape", filter=typing & is_working & ~has_menu & (emacs_mode | vi_navigation_mode))
    def _stop(event: KeyPressEvent) -> None:
        prompt.interrupt()

    @keys.add("c-z", filter=typing)
    def _ignore(event: KeyPressEvent) -> None:
        """Nothing: prompt_toolkit would insert the character."""


def _bind_editing(keys: KeyBindings, prompt: Prompt, typing: Condition) -> None:
    @Condition
    def can_take_back() -> bool:
        return not prompt.buffer.text and bool(prompt.inbox.queued)

    @keys.add(Keys.BracketedPaste, filter=typing)
    def _paste(event: KeyPressEvent) -> None:
        prompt.paste(event.data)

    @keys.add("c-o", filter=typing)
    def _unfold(event: KeyPressEvent) -> None:
        prompt.unfold()

    @keys.add("backspace", filter=typing & Condition(prompt.is_after_mark))
    @keys.add("c-h", filter=typing & Condition(prompt.is_after_mark))
    def _delete_mark(event: KeyPressEvent) -> None:
        prompt.delete_mark()

    @keys.add("up", filter=typing & can_take_back)
    def _take_back(event: KeyPressEvent) -> None:
        prompt.take_back()

    @keys.add("c-x", "c-e", filter=typing)
    @keys.add("v", filter=typing & vi_navigation_mode)
    def _edit(event: KeyPressEvent) -> None:
        prompt.edit()


def _bind_completing(keys: KeyBindings, prompt: Prompt, typing: Condition) -> None:
    @keys.add("tab", filter=typing)
    def _take_first(event: KeyPressEvent) -> None:
        prompt.complete()

    @keys.add("enter", filter=typing & completion_is_selected)
    def _take_selected(event: KeyPressEvent) -> None:
        prompt.buffer.complete_state = None

    has_menu = Condition(prompt.has_menu)

    @keys.add("escape", filter=typing & has_menu & (emacs_mode | vi_navigation_mode))
    def _close_menu(event: KeyPressEvent) -> None:
        prompt.buffer.cancel_completion()
