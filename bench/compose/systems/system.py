"""A system under measurement, as the harness sees it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from bench.compose.load import Query, Target
from bench.compose.origin import Origin
from bench.processes import Process


class Mode(StrEnum):
    """What a system may reuse, and how it sends the page."""

    UNCACHED = "uncached"
    DIFFERING = "uncached, no two answers alike"
    UNSHARED = "uncached, no two requests alike"
    FRAGMENTS = "fragments cached, page not"
    PAGE = "page cached"
    GZIP = "uncached, gzip"
    GZIP_PAGE = "cached, gzip"

    @property
    def reads_cache(self) -> bool:
        return self in (Mode.FRAGMENTS, Mode.PAGE, Mode.GZIP_PAGE)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a system is set up: a folder for all, our shell's tree, the fragments, and who ends what was started."""

    folder: Path
    tree: Path
    origin: Origin
    stack: ExitStack


@dataclass(frozen=True, slots=True)
class System:
    """`modes` maps each mode that the system has to the folder of its pages' addresses, as in `/p/f-6`.

    `seconds` is how long one of its rounds takes: a slow system needs longer for enough pages. One that is not
    `wide` is measured with six fragments and 16 connections only.
    """

    name: str
    label: str
    version: str
    process: Process
    address: str
    modes: Mapping[Mode, str]
    warm_up_seconds: int = 1
    seconds: int = 1
    wide: bool = True

    def target(self, page: str, mode: Mode = Mode.UNCACHED) -> Target:
        compressed = {"accept-encoding": "gzip, br"} if mode in (Mode.GZIP, Mode.GZIP_PAGE) else {}
        queries: dict[Mode, Query] = {Mode.FRAGMENTS: "count", Mode.UNSHARED: "visitor"}
        return Target(
            f"{self.address}{self.modes[mode]}{page}", {"accept": "text/html", **compressed}, queries.get(mode, "")
        )


class Start(Protocol):
    def __call__(self, name: str, ground: Ground) -> System:
        """Return when it answers. Raises Missing."""
