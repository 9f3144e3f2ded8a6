"""The controller of a drainage pit with several pumps."""

from dataclasses import dataclass, field
from enum import Enum


class State(Enum):
    """What a pump is doing."""

    READY = "ready"
    RUNNING = "running"
    RESTING = "resting"
    TRIPPED = "tripped"


class PumpError(Exception):
    """A pump does not exist or cannot do what is asked for."""


@dataclass
class Pump:
    """One pump; ``rest_left`` counts the minutes until it may start again."""

    name: str
    state: State = State.READY
    rest_left: int = 0
    starts: int = 0


@dataclass(frozen=True)
class Levels:
    """Heights of the water in centimetres."""

    stop: int
    start: int
    alarm: int

    def __post_init__(self) -> None:
        if not self.stop < self.start < self.alarm:
            raise ValueError("levels have to rise from stop over start to alarm")


@dataclass
class PumpStation:
    """Starts and stops the pumps by the height of the water."""

    levels: Levels
    names: tuple[str, ...]
    rest_minutes: int = 3
    minute: int = 0
    history: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.rest_minutes < 1:
            raise ValueError("rest_minutes must be at least 1")
        self._pumps = {name: Pump(name) for name in self.names}

    def tick(self, level: int) -> list[str]:
        """Let a minute pass and return the names of the pumps that run now."""
        self.minute += 1
        self._count_rest()
        if level <= self.levels.stop:
            self._stop_all()
        elif level >= self.levels.alarm:
            self._start(len(self._pumps))
        elif level >= self.levels.start:
            self._start(1)
        return self.running()

    def trip(self, name: str) -> None:
        """Take a pump out of service until it is reset."""
        self._change(self._pump(name), State.TRIPPED)

    def reset(self, name: str) -> None:
        """Put a tripped pump back into service; it has to rest first."""
        pump = self._pump(name)
        if pump.state is not State.TRIPPED:
            raise PumpError(f"pump {name} is not tripped")
        self._rest(pump)

    def state_of(self, name: str) -> State:
        """Return what a pump is doing."""
        return self._pump(name).state

    def running(self) -> list[str]:
        """Return the names of the pumps that run now."""
        return self._names_in(State.RUNNING)

    def out_of_service(self) -> list[str]:
        """Return the names of the pumps that are tripped."""
        return self._names_in(State.TRIPPED)

    def starts_of(self, name: str) -> int:
        """Return how often a pump has been started."""
        return self._pump(name).starts

    def _names_in(self, state: State) -> list[str]:
        return sorted(pump.name for pump in self._pumps.values() if pump.state is state)

    def _pump(self, name: str) -> Pump:
        try:
            return self._pumps[name]
        except KeyError:
            raise PumpError(f"no pump {name}") from None

    def _change(self, pump: Pump, state: State) -> None:
        if pump.state is state:
            return
        pump.state = state
        self.history.append(f"{self.minute} {pump.name} {state.value}")

    def _rest(self, pump: Pump) -> None:
        pump.rest_left = self.rest_minutes
        self._change(pump, State.RESTING)

    def _count_rest(self) -> None:
        for pump in self._pumps.values():
            if pump.rest_left == 0:
                continue
            pump.rest_left -= 1
            if pump.rest_left == 0:
                self._change(pump, State.READY)

    def _stop_all(self) -> None:
        for name in self.running():
            self._rest(self._pump(name))

    def _start(self, wanted: int) -> None:
        """Start pumps until ``wanted`` of them run or none is ready."""
        ready = [self._pump(name) for name in self._names_in(State.READY)]
        ready.sort(key=lambda pump: pump.starts)
        for pump in ready[: max(0, wanted - len(self.running()))]:
            pump.starts += 1
            self._change(pump, State.RUNNING)
