"""Which channels of a cue sheet are used, and how."""

from dataclasses import dataclass

from cuesheet import CueNumber, CueSheet, format_level


@dataclass(frozen=True)
class ChannelUse:
    """How a channel is used over a whole sheet."""

    channel: int
    n_cues: int  # in whose state it is on
    highest: int
    first: CueNumber


def usage(sheet: CueSheet) -> list[ChannelUse]:
    """Return how each channel is used that is ever on, in order."""
    uses: dict[int, ChannelUse] = {}
    for cue, state in sheet.states():
        for channel, level in state.items():
            use = uses.get(channel, ChannelUse(channel, 0, 0, cue.number))
            uses[channel] = ChannelUse(channel, use.n_cues + 1, max(use.highest, level), use.first)
    return [uses[channel] for channel in sorted(uses)]


def usage_text(sheet: CueSheet) -> str:
    """Return a line for each channel that is ever on."""
    return "\n".join(_line(use) for use in usage(sheet)) or "no channel is used"


def _line(use: ChannelUse) -> str:
    cues = "1 cue" if use.n_cues == 1 else f"{use.n_cues} cues"
    level = format_level(use.highest)
    return f"{use.channel}: {cues}, highest {level}, first in cue {use.first}"
