"""The storm sees what it should: this shell passes it, and a hub that forgets does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_HANGS_SECONDS = 240.0


def chaos(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chaos.live", "--seeds", "1", *words]
    return subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=_HANGS_SECONDS, check=False)


def test_every_open_page_equals_a_fresh_load_after_a_storm() -> None:
    ended = chaos("--seconds", "12", "--from", "1")

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_same_storm_finds_a_hub_that_forgets() -> None:
    ended = chaos("--seconds", "8", "--from", "1", "--lossy")

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "should be version" in ended.stdout


def test_the_hub_that_forgets_is_faultless_without_faults() -> None:
    ended = chaos("--seconds", "3", "--from", "1", "--lossy", "--calm")

    assert ended.returncode == 0, ended.stdout + ended.stderr
