"""Cue sheets of a theatre's lighting: reading, writing, checking and working them out.

A cue sheet is a list of cues in the order of their numbers. A cue holds changes: channels and the
level they go to. Channels that a cue does not name keep their level ("tracking"), unless the cue is
marked as a block, which starts from darkness. Nothing in here talks to a lighting desk.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

FULL = 100
OUT = 0
DEFAULT_FADE = 2.0  # seconds, for a cue that does not say how long it takes


class CueError(ValueError):
    """Something about a cue is wrong."""


class SheetSyntaxError(CueError):
    """The text of a cue sheet cannot be understood."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line
        self.message = message


# Numbers of cues


@dataclass(frozen=True, order=True)
class CueNumber:
    """The number of a cue: `7` or, put in later between 7 and 8, `7.5`."""

    whole: int
    point: int = 0  # 0 to 9

    def __str__(self) -> str:
        return f"{self.whole}.{self.point}" if self.point else str(self.whole)

    def following(self) -> CueNumber:
        """Return the next whole number."""
        return CueNumber(self.whole + 1)


_NUMBER = re.compile(r"([0-9]{1,4})(?:\.([0-9]))?")


def parse_number(text: str) -> CueNumber:
    """Read the number of a cue, such as `7` or `7.5`."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise CueError(f"not a cue number: {text}")
    number = CueNumber(int(match[1]), int(match[2] or 0))
    if number.whole == 0:
        raise CueError("cue numbers begin with 1")
    return number


def number_between(before: CueNumber, after: CueNumber) -> CueNumber:
    """Return a number for a cue that is put in between two others.

    It is the next whole number if that is free, otherwise the first free point.
    """
    if before >= after:
        raise CueError(f"cue {before} is not before cue {after}")
    whole = before.following()
    if whole < after:
        return whole
    point = CueNumber(before.whole, before.point + 1)
    if before.point == 9 or point >= after:
        raise CueError(f"no number left between cue {before} and cue {after}")
    return point


# Channels, levels and times


def parse_channels(text: str) -> tuple[int, ...]:
    """Read channels such as `1-6,9` into a sorted tuple without repetitions."""
    channels: set[int] = set()
    for part in text.split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        if not first.isdigit() or (dash and not last.isdigit()):
            raise CueError(f"not a channel: {part.strip()}")
        low = int(first)
        high = int(last) if dash else low
        if low < 1:
            raise CueError("channels begin with 1")
        if high < low:
            raise CueError(f"channels run backwards: {part.strip()}")
        channels.update(range(low, high + 1))
    return tuple(sorted(channels))


def format_channels(channels: Iterable[int]) -> str:
    """Write channels in the shortest form: `1-6,9`. Two neighbours are written as `7,8`."""
    return ",".join(_format_run(first, last) for first, last in _runs(sorted(set(channels))))


def _runs(channels: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last channel of each unbroken run."""
    start = 0
    for index, channel in enumerate(channels):
        if index + 1 == len(channels) or channels[index + 1] != channel + 1:
            yield channels[start], channel
            start = index + 1


def _format_run(first: int, last: int) -> str:
    if first == last:
        return str(first)
    return f"{first},{last}" if last == first + 1 else f"{first}-{last}"


def parse_level(text: str) -> int:
    """Read a level in percent; `full` is 100 and `out` is 0."""
    if text == "full":
        return FULL
    if text == "out":
        return OUT
    if not text.isdigit() or int(text) > FULL:
        raise CueError(f"not a level from 0 to 100: {text}")
    return int(text)


def format_level(level: int) -> str:
    """Write a level as it is read."""
    return {FULL: "full", OUT: "out"}.get(level, str(level))


_SECONDS = re.compile(r"(?:([0-9]{1,2}):([0-5][0-9])|([0-9]+))(\.[0-9])?")


def parse_seconds(text: str) -> float:
    """Read a time such as `4`, `2.5` or `1:30` into seconds."""
    match = _SECONDS.fullmatch(text)
    if match is None:
        raise CueError(f"not a time: {text}")
    whole = int(match[3]) if match[3] else int(match[1]) * 60 + int(match[2])
    return whole + float(match[4] or 0)


def format_seconds(seconds: float) -> str:
    """Write seconds as they are read, from a minute on as `1:30`."""
    tenths = round(seconds * 10)
    whole, tenth = divmod(tenths, 10)
    point = f".{tenth}" if tenth else ""
    if whole < 60:
        return f"{whole}{point}"
    return f"{whole // 60}:{whole % 60:02d}{point}"


# Cues


@dataclass(frozen=True)
class Change:
    """Channels that go to a level. `group` is the name they were given by, if there was one."""

    channels: tuple[int, ...]
    level: int
    group: str | None = None

    def __post_init__(self) -> None:
        if not self.channels:
            raise CueError("a change needs a channel")
        if not OUT <= self.level <= FULL:
            raise CueError(f"not a level from 0 to 100: {self.level}")


@dataclass(frozen=True)
class Cue:
    """One cue. Times are in seconds."""

    number: CueNumber
    label: str = ""
    up: float = DEFAULT_FADE
    down: float | None = None  # None: as long as `up`
    follow: float | None = None  # None: somebody presses the button
    block: bool = False
    changes: tuple[Change, ...] = ()
    note: str = ""
    delay: float = 0.0  # before the channels begin to move

    def __post_init__(self) -> None:
        times = {"up": self.up, "down": self.down, "follow": self.follow, "delay": self.delay}
        for name, seconds in times.items():
            if seconds is not None and seconds < 0:
                raise CueError(f"cue {self.number}: {name} must not be negative")
        if '"' in self.label or "\n" in self.label:
            raise CueError(f"cue {self.number}: a label has no quotes and no line breaks")

    @property
    def fade_down(self) -> float:
        """How long channels take that go down."""
        return self.up if self.down is None else self.down

    def duration(self) -> float:
        """Return how long the cue takes until all channels are at their level."""
        return self.delay + max(self.up, self.fade_down)

    def levels(self) -> dict[int, int]:
        """Return the levels that this cue sets. Later changes win over earlier ones."""
        levels: dict[int, int] = {}
        for change in self.changes:
            for channel in change.channels:
                levels[channel] = change.level
        return levels

    def channels(self) -> tuple[int, ...]:
        """Return the channels that this cue sets, in order."""
        return tuple(sorted(self.levels()))


@dataclass(frozen=True)
class Move:
    """A channel that goes from one level to another in a cue."""

    channel: int
    start: int
    end: int

    @property
    def is_up(self) -> bool:
        """Whether the channel gets brighter."""
        return self.end > self.start


@dataclass(frozen=True)
class Problem:
    """Something in a sheet that is allowed but probably not meant."""

    number: CueNumber | None
    message: str

    def __str__(self) -> str:
        return self.message if self.number is None else f"cue {self.number}: {self.message}"


# Sheets


@dataclass
class CueSheet:
    """The cues of a show, in the order of their numbers."""

    show: str
    n_channels: int
    groups: dict[str, tuple[int, ...]] = field(default_factory=dict)
    _cues: dict[CueNumber, Cue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.n_channels < 1:
            raise CueError("a sheet needs at least one channel")
        for name, channels in self.groups.items():
            self._check_channels(channels, f"group {name}")

    def __len__(self) -> int:
        return len(self._cues)

    def __iter__(self) -> Iterator[Cue]:
        return iter(self.cues())

    def __contains__(self, number: CueNumber) -> bool:
        return number in self._cues

    def cues(self) -> list[Cue]:
        """Return the cues in order."""
        return [self._cues[number] for number in sorted(self._cues)]

    def numbers(self) -> list[CueNumber]:
        """Return the numbers of the cues in order."""
        return sorted(self._cues)

    def cue(self, number: CueNumber) -> Cue:
        """Return the cue with a number."""
        try:
            return self._cues[number]
        except KeyError:
            raise CueError(f"there is no cue {number}") from None

    def previous(self, number: CueNumber) -> Cue | None:
        """Return the last cue before `number`, which need not exist itself."""
        before = [other for other in self.numbers() if other < number]
        return self._cues[before[-1]] if before else None

    def next(self, number: CueNumber) -> Cue | None:
        """Return the first cue after `number`, which need not exist itself."""
        after = [other for other in self.numbers() if other > number]
        return self._cues[after[0]] if after else None

    # Changing the sheet

    def add(self, cue: Cue) -> None:
        """Put a new cue in."""
        if cue.number in self._cues:
            raise CueError(f"there is a cue {cue.number} already")
        self._check_channels(cue.channels(), f"cue {cue.number}")
        self._cues[cue.number] = cue

    def remove(self, number: CueNumber) -> Cue:
        """Take a cue out and return it."""
        cue = self.cue(number)
        del self._cues[number]
        return cue

    def update(self, cue: Cue) -> None:
        """Put `cue` in place of the cue with its number."""
        self.cue(cue.number)
        self._check_channels(cue.channels(), f"cue {cue.number}")
        self._cues[cue.number] = cue

    def insert_after(self, number: CueNumber, label: str = "") -> Cue:
        """Put an empty cue in after `number`, under the next number that is free, and return it."""
        self.cue(number)
        later = self.next(number)
        new = number.following() if later is None else number_between(number, later.number)
        cue = Cue(new, label)
        self.add(cue)
        return cue

    def copy_to(self, number: CueNumber, target: CueNumber) -> Cue:
        """Add a cue `target` that is the same as `number`, and return it."""
        cue = replace(self.cue(number), number=target)
        self.add(cue)
        return cue

    def renumber(self, first: int = 1) -> dict[CueNumber, CueNumber]:
        """Give all cues whole numbers in their order, and return the old and new numbers."""
        if first < 1:
            raise CueError("cue numbers begin with 1")
        numbers = {old: CueNumber(new) for new, old in enumerate(self.numbers(), start=first)}
        self._cues = {new: replace(self._cues[old], number=new) for old, new in numbers.items()}
        return numbers

    def set_level(self, number: CueNumber, channels: tuple[int, ...], level: int) -> None:
        """Let a cue take channels to a level, whatever it did with them before."""
        cue = self.cue(number)
        kept = [
            rest for change in cue.changes if (rest := _without(change, set(channels))) is not None
        ]
        self.update(replace(cue, changes=(*kept, Change(tuple(sorted(channels)), level))))

    def release(self, number: CueNumber, channels: tuple[int, ...]) -> None:
        """Let channels keep, in a cue, the level that they had before it."""
        cue = self.cue(number)
        kept = (_without(change, set(channels)) for change in cue.changes)
        self.update(replace(cue, changes=tuple(change for change in kept if change is not None)))

    def swap_channels(self, first: int, second: int) -> int:
        """Exchange two channels in all cues and groups. Return how many cues were changed."""
        self._check_channels((first, second), "swap")
        swapped = {first: second, second: first}
        self.groups = {
            name: tuple(sorted(swapped.get(channel, channel) for channel in channels))
            for name, channels in self.groups.items()
        }
        changed = 0
        for cue in self.cues():
            changes = tuple(_renamed(change, swapped) for change in cue.changes)
            if changes != cue.changes:
                self.update(replace(cue, changes=changes))
                changed += 1
        return changed

    def scale(self, channels: tuple[int, ...], percent: int) -> int:
        """Make channels dimmer or brighter in all cues. Return how many cues were changed."""
        if percent < 0:
            raise CueError("percent must not be negative")
        self._check_channels(channels, "scale")
        changed = 0
        for cue in self.cues():
            changes = tuple(
                part for change in cue.changes for part in _scaled(change, set(channels), percent)
            )
            if changes != cue.changes:
                self.update(replace(cue, changes=changes))
                changed += 1
        return changed

    def define_group(self, name: str, channels: tuple[int, ...]) -> None:
        """Add or change a group. Cues that named it before keep the channels they have."""
        if not _GROUP_NAME.fullmatch(name):
            raise CueError(f"not a name for a group: {name}")
        self._check_channels(channels, f"group {name}")
        self.groups[name] = tuple(sorted(set(channels)))

    # Working it out

    def state(self, number: CueNumber) -> dict[int, int]:
        """Return the levels of all channels that are on when cue `number` is complete."""
        self.cue(number)
        state: dict[int, int] = {}
        for cue in self.cues():
            if cue.number > number:
                break
            state = _apply(cue, state)
        return state

    def states(self) -> Iterator[tuple[Cue, dict[int, int]]]:
        """Yield each cue with the levels of all channels that are on when it is complete."""
        state: dict[int, int] = {}
        for cue in self.cues():
            state = _apply(cue, state)
            yield cue, dict(state)

    def moves(self, number: CueNumber) -> list[Move]:
        """Return what really moves in a cue, in the order of the channels."""
        earlier = self.previous(number)
        before = self.state(earlier.number) if earlier is not None else {}
        after = self.state(number)
        return [
            Move(channel, before.get(channel, OUT), after.get(channel, OUT))
            for channel in sorted(before.keys() | after.keys())
            if before.get(channel, OUT) != after.get(channel, OUT)
        ]

    def fade_time(self, number: CueNumber) -> float:
        """Return how long the slowest move of a cue takes; 0 if nothing moves."""
        cue = self.cue(number)
        times = [cue.up if move.is_up else cue.fade_down for move in self.moves(number)]
        return max(times, default=0.0)

    def chain(self, number: CueNumber) -> list[Cue]:
        """Return the cue and those that follow on from it by themselves."""
        cues = [self.cue(number)]
        while cues[-1].follow is not None:
            following = self.next(cues[-1].number)
            if following is None:
                break
            cues.append(following)
        return cues

    def chain_time(self, number: CueNumber) -> float:
        """Return the seconds from the start of a cue until its chain is complete."""
        start = 0.0
        end = 0.0
        for cue in self.chain(number):
            end = max(end, start + cue.duration())
            start += cue.follow or 0.0
        return end

    def buttons(self) -> list[CueNumber]:
        """Return the cues for which somebody has to press the button."""
        numbers = []
        earlier: Cue | None = None
        for cue in self.cues():
            if earlier is None or earlier.follow is None:
                numbers.append(cue.number)
            earlier = cue
        return numbers

    def blackouts(self) -> list[CueNumber]:
        """Return the cues after which no channel is on."""
        return [cue.number for cue, state in self.states() if not state]

    def unused_channels(self) -> tuple[int, ...]:
        """Return the channels that are never on."""
        used: set[int] = set()
        for _, state in self.states():
            used.update(state)
        return tuple(channel for channel in range(1, self.n_channels + 1) if channel not in used)

    def peak(self) -> int:
        """Return the largest number of channels that are on at once."""
        return max((len(state) for _, state in self.states()), default=0)

    def find(self, words: str) -> list[Cue]:
        """Return the cues whose label or note contains `words`, in any case."""
        wanted = words.casefold()
        return [
            cue
            for cue in self.cues()
            if wanted in cue.label.casefold() or wanted in cue.note.casefold()
        ]

    def _check_channels(self, channels: Iterable[int], where: str) -> None:
        for channel in channels:
            if not 1 <= channel <= self.n_channels:
                raise CueError(f"{where}: channel {channel} is not one of 1-{self.n_channels}")


def _apply(cue: Cue, state: dict[int, int]) -> dict[int, int]:
    """Return the levels after `cue`, from those before; channels that are out are left out."""
    levels = {} if cue.block else dict(state)
    levels.update(cue.levels())
    return {channel: level for channel, level in levels.items() if level != OUT}


def _without(change: Change, channels: set[int]) -> Change | None:
    """Return a change without some channels, or None if nothing is left of it."""
    kept = tuple(channel for channel in change.channels if channel not in channels)
    if kept == change.channels:
        return change
    return Change(kept, change.level) if kept else None


def _renamed(change: Change, names: dict[int, int]) -> Change:
    channels = tuple(sorted(names.get(channel, channel) for channel in change.channels))
    return replace(change, channels=channels)


def _scaled(change: Change, channels: set[int], percent: int) -> list[Change]:
    """Return what becomes of a change when some channels are scaled."""
    level = min(FULL, (change.level * percent + 50) // 100)
    touched = tuple(channel for channel in change.channels if channel in channels)
    if not touched or level == change.level:
        return [change]
    rest = _without(change, channels)
    if rest is None:
        return [replace(change, level=level)]
    return [rest, Change(touched, level)]


# Checking


def check(sheet: CueSheet) -> list[Problem]:
    """Return what is probably not meant, in the order of the cues."""
    problems: list[Problem] = []
    if not len(sheet):
        problems.append(Problem(None, "the sheet has no cues"))
    for cue in sheet:
        problems.extend(_check_cue(sheet, cue))
    return problems


def _check_cue(sheet: CueSheet, cue: Cue) -> Iterator[Problem]:
    if not cue.label:
        yield Problem(cue.number, "has no label")
    if not cue.block and not sheet.moves(cue.number):
        yield Problem(cue.number, "moves nothing")
    if cue.follow is not None:
        if sheet.next(cue.number) is None:
            yield Problem(cue.number, "follow, but there is no next cue")
        elif cue.follow < sheet.fade_time(cue.number):
            yield Problem(cue.number, "the next cue starts before this one is complete")
    repeated = _repeated_channels(cue)
    if repeated:
        yield Problem(cue.number, f"sets channels twice: {format_channels(repeated)}")


def _repeated_channels(cue: Cue) -> list[int]:
    seen: set[int] = set()
    repeated: set[int] = set()
    for change in cue.changes:
        repeated.update(seen.intersection(change.channels))
        seen.update(change.channels)
    return sorted(repeated)


# Comparing


def compare(old: CueSheet, new: CueSheet) -> list[str]:
    """Return a line for each cue that was added, removed or changed, in the order of the cues."""
    lines = []
    for number in sorted(set(old.numbers()) | set(new.numbers())):
        if number not in old:
            lines.append(f"cue {number}: added")
        elif number not in new:
            lines.append(f"cue {number}: removed")
        elif old.cue(number) != new.cue(number):
            parts = _differences(old.cue(number), new.cue(number))
            lines.append(f"cue {number}: {', '.join(parts)}")
    return lines


def _differences(old: Cue, new: Cue) -> list[str]:
    """Return the names of the parts in which two cues differ."""
    names = ["label", "up", "down", "follow", "delay", "block", "note"]
    parts = [name for name in names if getattr(old, name) != getattr(new, name)]
    if old.levels() != new.levels():
        parts.append("levels")
    return parts or ["written differently"]


# Reading


_GROUP_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_HEADER = re.compile(r"(show|channels|group [^:]*):(.*)")
_CUE = re.compile(r'cue\s+(\S+)(?:\s+"([^"]*)")?(.*)')
_CHANGE = re.compile(r"(.+?)\s*@\s*(\S+)")


def parse(text: str) -> CueSheet:
    """Read a cue sheet.

    Raises SheetSyntaxError with the number of the line that cannot be understood.
    """
    return _Reader().read(text)


class _Reader:
    """Reads a sheet line by line; holds the cue that is being read."""

    def __init__(self) -> None:
        self._show = ""
        self._n_channels = 0
        self._sheet: CueSheet | None = None
        self._cue: Cue | None = None

    def read(self, text: str) -> CueSheet:
        number = 0
        for number, line in enumerate(text.splitlines(), start=1):
            content = line.rstrip()
            if not content or content.lstrip().startswith("#"):
                continue
            self._located(number, content)
        if self._sheet is None:
            raise SheetSyntaxError(number, "the sheet does not say how many channels there are")
        return self._sheet

    def _located(self, number: int, content: str) -> None:
        try:
            self._line(content)
        except SheetSyntaxError:
            raise
        except CueError as error:
            raise SheetSyntaxError(number, str(error)) from error

    def _line(self, content: str) -> None:
        if content[0].isspace():
            self._detail(content.strip())
        elif header := _HEADER.fullmatch(content):
            self._header(header[1], header[2].strip())
        elif cue := _CUE.fullmatch(content):
            self._begin(cue[1], cue[2] or "", cue[3].split())
        else:
            raise CueError(f"not understood: {content}")

    def _header(self, name: str, value: str) -> None:
        if self._cue is not None:
            raise CueError(f"{name} has to come before the first cue")
        if name == "show":
            self._show = value
            if self._sheet is not None:
                self._sheet.show = value
        elif name == "channels":
            if not value.isdigit():
                raise CueError(f"not a number of channels: {value}")
            self._sheet = CueSheet(self._show, int(value))
        else:
            self._opened().define_group(name.removeprefix("group").strip(), parse_channels(value))

    def _begin(self, number: str, label: str, words: list[str]) -> None:
        cue = Cue(parse_number(number), label)
        options = iter(words)
        for word in options:
            if word == "block":
                cue = replace(cue, block=True)
            elif word == "up":
                cue = replace(cue, up=parse_seconds(next(options, "")))
            elif word == "down":
                cue = replace(cue, down=parse_seconds(next(options, "")))
            elif word == "follow":
                cue = replace(cue, follow=parse_seconds(next(options, "")))
            elif word == "delay":
                cue = replace(cue, delay=parse_seconds(next(options, "")))
            else:
                raise CueError(f"unknown option: {word}")
        self._opened().add(cue)
        self._cue = cue

    def _detail(self, content: str) -> None:
        if self._cue is None:
            raise CueError("an indented line belongs to a cue")
        if content.startswith("note:"):
            self._replace(replace(self._cue, note=content.removeprefix("note:").strip()))
        elif change := _CHANGE.fullmatch(content):
            made = self._change(change[1], change[2])
            self._replace(replace(self._cue, changes=(*self._cue.changes, made)))
        else:
            raise CueError(f"not understood: {content}")

    def _change(self, channels: str, level: str) -> Change:
        groups = self._opened().groups
        if channels in groups:
            return Change(groups[channels], parse_level(level), channels)
        return Change(parse_channels(channels), parse_level(level))

    def _replace(self, cue: Cue) -> None:
        self._opened().update(cue)
        self._cue = cue

    def _opened(self) -> CueSheet:
        if self._sheet is None:
            raise CueError("the number of channels has to come first")
        return self._sheet


# Writing


def render(sheet: CueSheet) -> str:
    """Write a sheet so that `parse` reads the same again."""
    lines = [f"show: {sheet.show}", f"channels: {sheet.n_channels}"]
    lines += [f"group {name}: {format_channels(sheet.groups[name])}" for name in sheet.groups]
    for cue in sheet:
        lines.append("")
        lines += _render_cue(sheet, cue)
    return "\n".join(lines) + "\n"


def _render_cue(sheet: CueSheet, cue: Cue) -> list[str]:
    lines = [" ".join(_header_words(cue))]
    if cue.note:
        lines.append(f"  note: {cue.note}")
    for change in cue.changes:
        lines.append(f"  {_channels_or_group(sheet, change)} @ {format_level(change.level)}")
    return lines


def _header_words(cue: Cue) -> list[str]:
    """Return the words of a cue's first line; what is as usual is left out."""
    words = ["cue", str(cue.number)]
    if cue.label:
        words.append(f'"{cue.label}"')
    if cue.up != DEFAULT_FADE:
        words += ["up", format_seconds(cue.up)]
    if cue.down is not None:
        words += ["down", format_seconds(cue.down)]
    if cue.follow is not None:
        words += ["follow", format_seconds(cue.follow)]
    if cue.delay:
        words += ["delay", format_seconds(cue.delay)]
    if cue.block:
        words.append("block")
    return words


def _channels_or_group(sheet: CueSheet, change: Change) -> str:
    """Return the name of the change's group if it still stands for the same channels."""
    if change.group is not None and sheet.groups.get(change.group) == change.channels:
        return change.group
    return format_channels(change.channels)
