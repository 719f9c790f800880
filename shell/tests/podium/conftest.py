"""Podlets made with the real packages of Podium, and pages that place them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from sdk.tests.podium.node import Program, running

_HERE = Path(__file__).parent


@dataclass
class Seen:
    """A request as it reached the podlet, and the context that `@podium/podlet` made of it."""

    method: str
    url: str
    headers: dict[str, str]
    version: str
    context: dict[str, str]


class Podlet:
    def __init__(self, program: Program) -> None:
        self._program = program
        self.address = f"http://127.0.0.1:{program.ready['port']}"

    def now(self, **state: object) -> None:
        """`manifest`, `content`: answers, waits, hangs, fails, stalls or a path to go to; `turns`: whose turn it is."""
        self._program.tell(**state)

    def forget(self) -> None:
        self.now(turns=["1.0.0"], manifest="answers", content="answers", forget=True)

    def seen(self, path: str) -> list[Seen]:
        received = self._program.tell()["received"]
        assert isinstance(received, list)
        return [Seen(**request) for request in received if request["url"].partition("?")[0] == path]


@contextmanager
def podlet_of(**options: object) -> Iterator[Podlet]:
    with running(_HERE / "podlet.mjs", **options) as program:
        yield Podlet(program)


@pytest.fixture(scope="module")
def shared_podlet() -> Iterator[Podlet]:
    with podlet_of(versions=["1.0.0", "2.0.0"]) as made:
        yield made


@pytest.fixture
def podlet(shared_podlet: Podlet) -> Podlet:
    """As new: release 1.0.0, well, and nothing asked for yet."""
    shared_podlet.forget()
    return shared_podlet
