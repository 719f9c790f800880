"""The storm sees what it should: this shell passes it, and a hub that forgets does not."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

_ROOT = Path(__file__).parents[2]
_HANGS_SECONDS = 240.0


def chaos(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chaos.live", "--seeds", "1", *words]
    return subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=_HANGS_SECONDS, check=False)


def processes_of(command: int, members: int = 8) -> list[psutil.Process]:
    """What it has started, once that is the whole of the small world and a browser."""
    deadline = time.monotonic() + _HANGS_SECONDS
    while len(children := psutil.Process(command).children(recursive=True)) < members:
        assert time.monotonic() < deadline, children
    return children


def test_every_open_page_equals_a_fresh_load_after_a_storm() -> None:
    ended = chaos("--seconds", "12", "--from", "11")

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_same_storm_finds_a_hub_that_forgets() -> None:
    ended = chaos("--seconds", "8", "--from", "11", "--lossy")

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "should be version" in ended.stdout


def test_ctrl_c_leaves_nothing_behind() -> None:
    with subprocess.Popen([sys.executable, "-m", "chaos.live"], cwd=_ROOT, stderr=subprocess.DEVNULL) as command:
        started = processes_of(command.pid)
        command.send_signal(signal.SIGINT)
        ended = command.wait(_HANGS_SECONDS)

    assert ended == 130
    _, left = psutil.wait_procs(started, 10)
    assert left == []


def test_the_hub_that_forgets_is_faultless_without_faults() -> None:
    ended = chaos("--seconds", "3", "--from", "1", "--lossy", "--calm")

    assert ended.returncode == 0, ended.stdout + ended.stderr
