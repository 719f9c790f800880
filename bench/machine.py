"""What the figures were measured on, and what else it did meanwhile."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import msgspec


class Machine(msgspec.Struct, frozen=True):
    processor: str
    cores: int
    memory_gb: float
    system: str
    kernel: str
    date: str


class Surroundings(msgspec.Struct, frozen=True):
    """`stolen` is the part of the cores' time that the host gave to others, 0 to 1."""

    minutes: float
    load_before: float
    load_after: float
    stolen: float


def this_machine() -> Machine:
    release = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    today = datetime.now(UTC).date().isoformat()
    return Machine(_processor(), os.cpu_count() or 1, memory / 1e9, release, platform.release(), today)


class Watch:
    """From its making until `surroundings`."""

    def __init__(self) -> None:
        self._load, self._times = os.getloadavg()[0], _cpu_times()

    def surroundings(self, seconds: float) -> Surroundings:
        spent = [now - then for now, then in zip(_cpu_times(), self._times, strict=True)]
        return Surroundings(seconds / 60, self._load, os.getloadavg()[0], spent[7] / (sum(spent[:8]) or 1))


def _cpu_times() -> list[int]:
    """`/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal, …"""
    return [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
