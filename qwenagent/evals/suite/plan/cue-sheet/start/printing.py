"""A table of the cues for the stage manager."""

from cuesheet import Cue, CueSheet, format_seconds


def table(sheet: CueSheet) -> str:
    """Return a line for each cue: number, label, seconds, and how many channels move."""
    rows = [("cue", "label", "time", "moves")]
    rows += [_row(sheet, cue) for cue in sheet]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(_line(row, widths) for row in rows) + "\n"


def _row(sheet: CueSheet, cue: Cue) -> tuple[str, str, str, str]:
    return (
        str(cue.number),
        cue.label or "-",
        format_seconds(cue.duration()),
        str(len(sheet.moves(cue.number))),
    )


def _line(row: tuple[str, str, str, str], widths: list[int]) -> str:
    number, label, time, moves = row
    return f"{number:<{widths[0]}}  {label:<{widths[1]}}  {time:>{widths[2]}}  {moves:>{widths[3]}}"
