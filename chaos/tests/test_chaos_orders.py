"""A short storm over the back office, in processes of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_HANGS_SECONDS = 240.0


def test_nothing_is_lost_in_a_storm_and_every_order_comes_to_its_end() -> None:
    words = ["--seeds", "1", "--seconds", "4", "--orders", "60", "--from", "3"]
    command = [sys.executable, "-m", "chaos.orders", *words]
    ended = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, timeout=_HANGS_SECONDS, check=False)

    assert ended.returncode == 0, ended.stdout + ended.stderr
