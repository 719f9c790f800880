"""One supervised process and its limits: slow starts, deaths in a row, deaf ears."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from socket import SO_REUSEADDR, SOL_SOCKET, socket

import pytest

from jogakbo.cli.loop import Loop
from jogakbo.cli.probe import http_question
from jogakbo.cli.unit import Pace, Program, State, Unit

# Newer Pythons warn of forks beside threads; the threads here are other tests' and the children touch none of theirs.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

QUICK = Pace(probe=0.01, slow=60, grace=0.2, first_pause=0.01, longest_pause=0.04, settled=10)


class Notes:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.heard_text = ""
        self.remarks: list[str] = []
        self.states: list[State] = []

    def heard(self, unit: Unit, output: bytes) -> None:
        self.heard_text += output.decode()

    def changed(self, unit: Unit) -> None:
        self.states.append(unit.state)

    def remarked(self, unit: Unit, text: str) -> None:
        self.remarks.append(text)


class Stage:
    """A loop, one unit on it, and a watcher."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.notes = Notes()
        self.unit: Unit | None = None

    def put(self, run: Callable[[], None], port: int = 1, pace: Pace = QUICK) -> Unit:
        question = http_question(port, "/readyz")
        self.unit = Unit(Program("tea", run, dict(os.environ), question), self.loop, self.notes, pace)
        self.unit.start()
        return self.unit

    def until(self, condition: Callable[[], bool], seconds: float = 15.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, (self.notes.states, self.notes.remarks)
            self.loop.after(0.01, lambda: None)
            self.loop.turn()
            if self.unit is not None:
                self.unit.reap()


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    unit = stage.unit
    if unit is not None:
        unit.stop()
        unit.kill()
        stage.until(lambda: unit.state is State.STOPPED)


def wait_for_ever() -> None:
    while True:
        signal.pause()


def ignore_sigterm() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("deaf now")
    wait_for_ever()


def answer_with(status: str, port: int) -> None:
    with closing(socket()) as listener:
        listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        while True:
            peer, _ = listener.accept()
            peer.recv(4096)
            peer.sendall(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n".encode())
            peer.close()


@pytest.fixture
def port() -> int:
    with closing(socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_process_is_ready_when_its_health_path_answers_200(stage: Stage, port: int) -> None:
    unit = stage.put(lambda: answer_with("200 OK", port), port)
    stage.until(lambda: unit.state is State.READY)
    assert unit.ready_after is not None


def test_a_process_that_is_not_ready_is_remarked_upon_with_what_it_answers(stage: Stage, port: int) -> None:
    pace = Pace(probe=0.01, slow=1, grace=0.2, first_pause=0.01, longest_pause=0.04, settled=10)
    stage.put(lambda: answer_with("503 Service Unavailable", port), port, pace)
    stage.until(lambda: bool(stage.notes.remarks))
    assert stage.notes.remarks == ["not ready after 1 s: its health path answers '503 Service Unavailable'"]


def test_a_process_that_ignores_sigterm_is_killed_after_the_grace(stage: Stage) -> None:
    unit = stage.put(ignore_sigterm)
    stage.until(lambda: "deaf now" in stage.notes.heard_text)
    unit.stop()
    stage.until(lambda: unit.state is State.STOPPED)
    assert stage.notes.remarks == ["has not left within 0.2 s; killing it"]


def test_deaths_in_a_row_wait_longer_and_longer_up_to_the_limit(stage: Stage) -> None:
    stage.put(lambda: os._exit(7))
    stage.until(lambda: len(stage.notes.remarks) == 4)
    pauses = [remark.rsplit(" in ", 1)[1] for remark in stage.notes.remarks]
    assert pauses == ["0.01 s", "0.02 s", "0.04 s", "0.04 s"]


def test_after_a_long_life_a_death_is_mended_at_once(stage: Stage) -> None:
    pace = Pace(probe=0.01, slow=60, grace=1, first_pause=0.01, longest_pause=5, settled=0)
    stage.put(lambda: os._exit(7), pace=pace)
    stage.until(lambda: len(stage.notes.remarks) == 3)
    assert all(remark.endswith("in 0.01 s") for remark in stage.notes.remarks)


def test_stopping_while_it_waits_to_be_started_again_keeps_it_stopped(stage: Stage) -> None:
    pace = Pace(first_pause=60)
    unit = stage.put(lambda: os._exit(7), pace=pace)
    stage.until(lambda: unit.state is State.PAUSED)
    unit.stop()
    assert unit.state is State.STOPPED


def test_an_exit_with_words_is_a_failure_that_says_them(stage: Stage) -> None:
    def leave() -> None:
        raise SystemExit("ORDERS_DATABASE_URL is wrong")

    stage.put(leave, pace=Pace(slow=60))
    stage.until(lambda: bool(stage.notes.remarks))
    assert "ORDERS_DATABASE_URL is wrong" in stage.notes.heard_text
    assert stage.notes.remarks[0].startswith("exited with code 1")
