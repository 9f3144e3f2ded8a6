"""The commands of a session that only show something."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING

import click

from qwenagent.cli.undoing import print_changes
from qwenagent.cli.wiring import approvals_file
from qwenagent.errors import UsageError
from qwenagent.loop.stop import Stop
from qwenagent.loop.talk import Partner
from qwenagent.protocol.events import ContextBuilt, ContextItem, EventStream
from qwenagent.protocol.messages import Usage
from qwenagent.ui import print_rows, revealed
from qwenagent.ui.approve_memory import granted, take_back
from qwenagent.ui.words import count, duration, plural

if TYPE_CHECKING:
    from qwenagent.cli.session.chat import Chat
    from qwenagent.registry import Card

_FILE = "file "


class Showing:
    """Looks at a session and says what is there."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    def files(self, _: str, stop: Stop) -> int:
        """List what is in the context, with its tokens and why it is there."""
        built = self._built(stop)
        if not built.included:
            click.echo("nothing of the repository is in the context; /add puts files in")
            return 0
        rows = [self._row(item) for item in built.included]
        rows += [(item.what, "not in", count(item.n_tokens), item.how) for item in built.left_out]
        print_rows("", ("what", "how", "tokens", "why"), rows)
        click.echo(_full(built))
        return 0

    def _row(self, item: ContextItem) -> tuple[str, str, str, str]:
        shelf = self._chat.conversation.shelf
        path = item.what.removeprefix(_FILE)
        why = shelf.why(path) if item.what.startswith(_FILE) and path in shelf.paths else ""
        return item.what.removeprefix(_FILE), item.how, count(item.n_tokens), why

    def context(self, _: str, stop: Stop) -> int:
        """Show how full the context is and of what."""
        built = self._built(stop)
        usage = self._chat.recording.tally.context
        parts: dict[str, int] = {}
        for item in built.included:
            kind = "files" if item.what.startswith(_FILE) else item.what
            parts[kind] = parts.get(kind, 0) + item.n_tokens
        rest = built.n_tokens - sum(parts.values())
        rows = [("instructions and template", count(rest))]
        rows += [(what, count(n)) for what, n in parts.items()]
        rows.append(("free", count(built.budget_tokens - built.n_tokens)))
        print_rows("", ("part", "tokens"), rows)
        click.echo(_full(built))
        if usage.prompt_tokens:
            reused = f"{count(usage.cached_tokens)} of {count(usage.prompt_tokens)}"
            click.echo(f"the last answer reused {reused} tokens")
        return 0

    def _built(self, stop: Stop) -> ContextBuilt:
        """Return what a message would be sent with now."""
        chat = self._chat
        loaded = chat.loaded(stop)
        partner = Partner(loaded.engine, loaded.card.profile, EventStream(""), stop)
        return chat.conversation.prompt(partner, "")[1]

    def cost_of_change(self, card: Card, stop: Stop) -> str:
        """Return what it costs to have another model read the conversation."""
        chat = self._chat
        loaded = chat.model.loaded
        if loaded is None or not chat.conversation.exchanges:
            return "nothing has to be read again"
        n_tokens = self._built(stop).n_tokens
        line = f"{plural(n_tokens, 'token')} of the conversation have to be read again"
        usage: Usage = chat.recording.tally.usage
        fresh = usage.prompt_tokens - usage.cached_tokens
        if fresh <= 0 or usage.prefill_s <= 0:
            return line
        # Reading takes time in proportion to the weights.
        rate = fresh / usage.prefill_s * loaded.card.parameters / card.parameters
        seconds = duration(n_tokens / rate) or "less than 0.1 s"
        return f"{line}, about {seconds} at {rate:.0f} tokens/s"

    def diff(self, rest: str, _: Stop) -> int:
        """Show what changed in this session."""
        wanted = set(shlex.split(rest))
        stat = "--stat" in wanted
        wanted.discard("--stat")
        changes = self._chat.changes().files() if self._chat.recording.has_begun else []
        if unknown := wanted - {change.path for change in changes}:
            raise UsageError(f"{min(unknown)} was not changed in this session")
        if not changes:
            click.echo("nothing was changed in this session")
            return 0
        meant = [one for one in changes if not wanted or one.path in wanted]
        print_changes(meant, stat=stat)
        return 0

    def approvals(self, rest: str, _: Stop) -> int:
        """List what is approved for good, or take some of it back."""
        file = approvals_file()
        found = granted(file)
        if rest:
            return self._take_back(rest)
        if not found:
            click.echo("nothing is approved for good")
            return 0
        rows = [
            (
                str(n),
                time.strftime("%Y-%m-%d %H:%M", time.localtime(one.when)) if one.when else "",
                revealed(one.shown) or f"{one.digest[:12]} (kept without its text)",
            )
            for n, one in enumerate(found, 1)
        ]
        print_rows("", ("", "when", "what"), rows)
        click.echo("/approve forget N takes one back, /approve forget all takes back all")
        return 0

    def _take_back(self, rest: str) -> int:
        file = approvals_file()
        found = granted(file)
        word, *which = rest.split()
        if word != "forget" or len(which) != 1:
            raise UsageError(f"/approve {rest}", hint="/approve forget N, or /approve forget all")
        if which[0] == "all":
            gone = found
        elif which[0].isdecimal() and 0 < int(which[0]) <= len(found):
            gone = [found[int(which[0]) - 1]]
        else:
            raise UsageError(f"there is no approval {which[0]}", hint="/approve lists them")
        take_back(file, [one.digest for one in gone])
        click.echo(f"{plural(len(gone), 'approval')} taken back: it is asked again")
        return 0


def _full(built: ContextBuilt) -> str:
    used, budget = built.n_tokens, built.budget_tokens
    return f"{count(used)} of {count(budget)} tokens are used, before the next message"
