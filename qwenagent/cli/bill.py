"""`stats`: what the work cost, and what it would have cost elsewhere."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qwenagent.cli.flags import in_folder
from qwenagent.cli.frontier import ledger
from qwenagent.errors import ConfigError, QwenAgentError, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from qwenagent.escalate import Bill, Entry, Provider, StepWork, Tokens
    from qwenagent.escalate.bill import Ending
    from qwenagent.protocol.events import StepState
    from qwenagent.transcript import PastRun

_DAY_S = 24 * 3600.0
_COMPARED = "anthropic"
"""Whose price stands for the frontier's where the user has set up nobody with a price."""


@click.command()
@click.option("--all", "everywhere", is_flag=True, help="Runs of all repositories.")
@click.option(
    "--days", type=click.FloatRange(min=0, min_open=True), metavar="N", help="Only the last N days."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@in_folder
def stats(everywhere: bool, days: float | None, as_json: bool) -> int:
    """Show tokens, hours and money: spent, and what the same work would have cost elsewhere.

    Of this repository; outside of one, of all. Steps are counted from the transcripts that are
    there (`qwenagent clean` removes old ones), requests from the ledger.
    """
    from qwenagent.escalate import bill

    here = "" if everywhere else _repository()
    since = time.time() - days * _DAY_S if days else 0.0
    books = ledger()
    entries = []
    if books.path.exists():
        books.find_lost()  # of runs that were killed: they may have cost, and count as that
        entries = books.entries(repository=here, since=since)
    steps = list(_steps(here, since))
    compared = _compared()
    total = bill(entries, steps, _price_of(compared))
    if as_json:
        click.echo(json.dumps(_as_json(total, entries, steps, compared, here)))
        return 0
    _print(total, steps, compared)
    return 0


def _repository() -> str:
    from qwenagent.workspace import Repository

    try:
        repository = Repository.open(Path.cwd())
    except WorkspaceError:
        return ""
    try:
        return str(repository.root)
    finally:
        repository.close()


# -- what there is ------------------------------------------------------------------------------

_ENDINGS: dict[StepState, Ending] = {
    "solved": "solved",
    "unverified": "unverified",
    "blocked": "blocked",
    "skipped": "skipped",
    "for_you": "for you",
}


def _steps(here: str, since: float) -> Iterator[StepWork]:
    from qwenagent.transcript import past_runs

    for run in past_runs():
        if run.start >= since and (not here or run.repository == here):
            yield from _steps_of(run)


def _steps_of(run: PastRun) -> Iterator[StepWork]:
    """Yield the steps of a run; lines of other events, which are most of it, are not decoded.

    A step is called what the ledger calls it, if it is there.
    """
    from qwenagent.escalate import StepWork
    from qwenagent.protocol.events import Escalated, StepEnded
    from qwenagent.transcript.versions import record_of

    keys: dict[str, str] = {}
    try:
        with run.path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n") or not _is_wanted(line):
                    continue
                record = record_of(line)
                match record.event:
                    case Escalated(step_key=key):
                        keys[record.step] = key
                    case StepEnded(line=ended, usage=usage) if ended.state in _ENDINGS:
                        yield StepWork(
                            run=record.run,
                            repository=run.repository,
                            step=keys.get(record.step, record.step),
                            ending=_ENDINGS[ended.state],
                            prompt_tokens=usage.prompt_tokens,
                            cached_tokens=usage.cached_tokens,
                            written_tokens=usage.completion_tokens,
                            seconds=ended.seconds,
                        )
    except (OSError, QwenAgentError):  # removed meanwhile, or a newer program's
        return


def _is_wanted(line: bytes) -> bool:
    return b'"type":"step_ended"' in line[:400] or b'"type":"escalated"' in line[:400]


# -- what it is compared with -------------------------------------------------------------------


def _compared() -> Provider | None:
    """Return the dearest provider that the user has set up, else one that stands for them."""
    from qwenagent.config import load_settings
    from qwenagent.escalate import find_provider, provider_order

    escalate = load_settings(None, os.environ, {}).escalate
    names = provider_order(escalate)
    found: list[Provider] = []
    for name in names or (_COMPARED,):
        try:
            found.append(find_provider(name, escalate.providers))
        except ConfigError:
            continue
    priced = [provider for provider in found if provider.model.price]
    return max(priced, key=lambda p: p.model.price.out if p.model.price else 0, default=None)


def _price_of(provider: Provider | None) -> Callable[[Tokens], int] | None:
    return provider.model.price.of if provider and provider.model.price else None


# -- in words -----------------------------------------------------------------------------------


def _print(total: Bill, steps: Sequence[StepWork], compared: Provider | None) -> None:
    from qwenagent.ui import print_rows

    print_rows("", ("what", "figure"), list(_rows(total, steps, compared)))
    if total.shares:
        click.echo()
        print_rows(
            "Asked elsewhere",
            ("provider", "model", "requests", "read", "cached", "written", "cost"),
            [
                (
                    share.provider,
                    share.model,
                    f"{share.requests:,}",
                    f"{share.tokens.fresh:,}",
                    f"{share.tokens.cached:,}",
                    f"{share.tokens.out:,}",
                    _dollars(share.micro),
                )
                for share in total.shares
            ],
        )


def _rows(
    total: Bill, steps: Sequence[StepWork], compared: Provider | None
) -> Iterator[tuple[str, str]]:
    from qwenagent.ui.words import duration

    runs = len({step.run for step in steps})
    yield "steps", f"{len(steps):,} in {runs:,} run(s), {total.solved:,} solved"
    if total.local_share is not None:
        share = f"{100 * total.local_share:.0f} %"
        yield "solved locally", f"{total.solved_locally:,} of {total.solved:,} ({share})"
    yield "local tokens read", f"{total.local_prompt_tokens:,}"
    yield "local tokens written", f"{total.local_written_tokens:,}"
    yield "time in steps", duration(total.local_seconds) or "none"
    yield "requests elsewhere", f"{total.requests:,}"
    yield "money spent", _dollars(total.micro)
    if total.lost_micro:
        yield (
            "of it not certain",
            f"{_dollars(total.lost_micro)} (the program ended before the answer)",
        )
    if total.unpriced:
        yield "without a price", f"{total.unpriced:,} request(s), in no sum"
    if total.micro_per_solved_step is not None:
        yield "money a solved step", _dollars(total.micro_per_solved_step)
    if compared and total.frontier_micro is not None:
        name = f"the same tokens at {compared.model.name} of {compared.name}"
        yield name, _dollars(total.frontier_micro)


def _dollars(micro: int) -> str:
    from qwenagent.ui.words import dollars

    return dollars(micro)


def _as_json(
    total: Bill,
    entries: Sequence[Entry],
    steps: Sequence[StepWork],
    compared: Provider | None,
    here: str,
) -> dict[str, Any]:
    tokens = total.tokens
    return {
        "type": "stats",
        "repository": here,
        "runs": len({step.run for step in steps}),
        "steps": len(steps),
        "solved": total.solved,
        "solved_locally": total.solved_locally,
        "local_share": total.local_share,
        "local_prompt_tokens": total.local_prompt_tokens,
        "local_written_tokens": total.local_written_tokens,
        "local_seconds": round(total.local_seconds, 3),
        "requests": total.requests,
        "unpriced": total.unpriced,
        "fresh_tokens": tokens.fresh,
        "cached_tokens": tokens.cached,
        "out_tokens": tokens.out,
        "micro_dollars": total.micro,
        "lost_micro_dollars": total.lost_micro,
        "micro_dollars_per_solved_step": total.micro_per_solved_step,
        "compared_with": f"{compared.name}/{compared.model.name}" if compared else None,
        "frontier_micro_dollars": total.frontier_micro,
        "saved_micro_dollars": total.saved_micro,
        "ledger": [_entry(entry) for entry in entries],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    errand = entry.errand
    return {
        "id": entry.id,
        "time": entry.asked_at,
        "run": errand.run,
        "repository": errand.repository,
        "step": errand.step,
        "provider": errand.provider,
        "model": errand.model,
        "kind": errand.kind,
        "reason": errand.reason,
        "state": entry.state,
        "fresh": entry.tokens.fresh,
        "cached": entry.tokens.cached,
        "out": entry.tokens.out,
        "exact": entry.tokens.exact,
        "micro_dollars": entry.counts_as.micro,
        "outcome": entry.outcome,
        "request_id": entry.request_id,
    }
