"""What a run has found: kept as JSON, and what the report is made from."""

from __future__ import annotations

from pathlib import Path

import msgspec

from bench.changes import Changes
from bench.live.fanout import Fanout
from bench.live.idle import Idle
from bench.live.reconnect import Reconnect
from bench.live.stalled import Stalled
from bench.machine import Machine, Surroundings


class Measured(msgspec.Struct, frozen=True):
    """A system that took part."""

    name: str
    label: str
    version: str


class Results(msgspec.Struct):
    """`lead_ms` is how long our shell waits for further changes before it renders a lone one."""

    quick: bool = False
    systems: list[Measured] = []
    left_out: dict[str, str] = {}
    idle: list[Idle] = []
    fanout: list[Fanout] = []
    stalled: list[Stalled] = []
    reconnect: list[Reconnect] = []
    changes: Changes | None = None
    lead_ms: float = 0.0
    bus: str = ""
    machine: Machine | None = None
    surroundings: Surroundings | None = None

    def label(self, system: str) -> str:
        return next((one.label for one in self.systems if one.name == system), system)

    def of(self, system: str, connections: int) -> Fanout | None:
        return next((one for one in self.fanout if (one.system, one.connections) == (system, connections)), None)

    @classmethod
    def read(cls, file: Path) -> Results:
        return msgspec.json.decode(file.read_bytes(), type=cls)

    def write(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1))
