"""Answers the requests of other `jogak` commands: restart, status, stop, and lending members out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from jogakbo.cli.control import Connection, Request
from jogakbo.cli.messages import Borrow, Done, Failed, Lent, Report, Restart, Status, Stop
from jogakbo.cli.state import PortalState
from jogakbo.cli.unit import State, Unit


class House(Protocol):
    """The supervisor, as the desk sees it."""

    units: Mapping[str, Unit]
    stopping: bool

    def snapshot(self) -> PortalState:
        """What runs now."""

    def stop(self) -> None:
        """End everything."""

    def say(self, text: str) -> None:
        """A line in the log."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An answer that has to wait until something is so."""

    ripe: Callable[[], bool]
    answer: Callable[[], None]


class Desk:
    """Serves one supervisor's control socket."""

    def __init__(self, house: House, ports: Mapping[str, int], redis_url: str) -> None:
        self._house = house
        self._ports = ports
        self._redis_url = redis_url
        self._waiting: list[_Waiting] = []
        self._borrowers: dict[str, int] = {}

    def serve(self, request: Request, connection: Connection) -> None:
        """Answer now or as soon as it can be answered."""
        match request:
            case Status():
                connection.answer(Report(self._house.snapshot()))
            case Stop():
                self._house.say("asked to stop")
                self._house.stop()
            case Restart(names):
                self._restart(names, connection)
            case Borrow(names, pid):
                self._lend(names, pid, connection)

    def look(self) -> None:
        """Something changed: give the answers that have become possible."""
        ripe = [waiting for waiting in self._waiting if waiting.ripe()]
        self._waiting = [waiting for waiting in self._waiting if waiting not in ripe]
        for waiting in ripe:
            waiting.answer()

    def _restart(self, names: Iterable[str], connection: Connection) -> None:
        units = self._free_units(names, connection)
        if not units:
            return
        self._house.say(f"restarting {_listed(units)}")
        for unit in units:
            unit.stop(start_again=True)

        def answer() -> None:
            dead = [unit for unit in units if unit.state is not State.READY]
            connection.answer(
                Failed(f"{_listed(dead)} did not start; see the log in var/log")
                if dead
                else Done("\n".join(f"{u.name} is ready after {u.ready_after or 0:.2f} s" for u in units))
            )

        settled = (State.READY, State.PAUSED, State.STOPPED)
        self._wait(lambda: all(unit.state in settled for unit in units), answer)

    def _lend(self, names: Iterable[str], pid: int, connection: Connection) -> None:
        units = self._free_units(names, connection)
        if not units:
            return
        self._house.say(f"lending {_listed(units)} to process {pid}")
        self._borrowers.update({unit.name: pid for unit in units})
        connection.on_close = lambda: self._take_back(units)
        for unit in units:
            unit.stop()

        def answer() -> None:
            for unit in units:
                unit.lend()
            connection.answer(Lent(dict(self._ports), self._redis_url))

        self._wait(lambda: all(unit.state is State.STOPPED for unit in units), answer)

    def _take_back(self, units: list[Unit]) -> None:
        if self._house.stopping:
            return
        self._house.say(f"{_listed(units)} came back from process {self._borrowers[units[0].name]}")
        for unit in units:
            del self._borrowers[unit.name]
            unit.stop(start_again=True)

    def _free_units(self, names: Iterable[str], connection: Connection) -> list[Unit]:
        unknown = [name for name in names if name not in self._house.units]
        if unknown:
            running = ", ".join(self._house.units)
            connection.answer(Failed(f"{unknown[0]!r} is not among what runs here: {running}"))
            return []
        lent = [name for name in names if name in self._borrowers]
        if lent:
            connection.answer(Failed(f"{lent[0]} runs in the foreground of process {self._borrowers[lent[0]]}"))
            return []
        return [self._house.units[name] for name in names]

    def _wait(self, ripe: Callable[[], bool], answer: Callable[[], None]) -> None:
        self._waiting.append(_Waiting(ripe, answer))
        self.look()


def _listed(units: Iterable[Unit]) -> str:
    return ", ".join(unit.name for unit in units)
