"""What a run has found: kept as JSON, and what the report is made from."""

from __future__ import annotations

from pathlib import Path

import msgspec

from bench.compose.faults import Fault
from bench.compose.late import Lateness
from bench.compose.memory import Growth
from bench.compose.readings import Reading
from bench.compose.slow_readers import Slowness
from bench.machine import Machine, Surroundings


class Measured(msgspec.Struct, frozen=True):
    """A system that took part; `resident_mb` after the throughput of all its modes."""

    name: str
    label: str
    version: str
    resident_mb: float


class Results(msgspec.Struct):
    quick: bool = False
    systems: list[Measured] = []
    left_out: dict[str, str] = {}
    readings: list[Reading] = []
    late: list[Lateness] = []
    faults: list[Fault] = []
    memory: Growth | None = None
    slow: list[Slowness] = []
    origin_per_second: float = 0.0
    machine: Machine | None = None
    surroundings: Surroundings | None = None

    def label(self, system: str) -> str:
        return next((one.label for one in self.systems if one.name == system), system)

    def reading(self, system: str, mode: str, page: str, connections: int = 16) -> Reading | None:
        wanted = (system, mode, page, connections)
        return next((one for one in self.readings if (one.system, one.mode, one.page, one.connections) == wanted), None)

    @classmethod
    def read(cls, file: Path) -> Results:
        return msgspec.json.decode(file.read_bytes(), type=cls)

    def write(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1))
