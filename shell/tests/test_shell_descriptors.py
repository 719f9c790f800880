"""A process takes as many descriptors as it may, and says when they are too few for its streams."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from shell.tests.shell_process import shell_process

TELL = """
import resource, sys
from jogakbo_shell.descriptors import raise_descriptor_limit
print(raise_descriptor_limit(int(sys.argv[1])), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def limit(streams: int, soft: int, hard: int) -> str:
    """What a process with such limits says."""
    return subprocess.run(
        [sys.executable, "-c", TELL, str(streams)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)),
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    assert limit(100, 256, 1_500).splitlines() == ["1500 1500 1500"]


def test_a_limit_below_what_the_streams_need_is_told() -> None:
    said = limit(600, 256, 1_500)
    assert "descriptors_scarce" in said
    assert "1624" in said


@pytest.mark.anyio
async def test_a_shell_does_so_when_it_starts(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, hard), hard))
    try:
        async with shell_process(tmp_path, {}) as shell:
            assert psutil.Process(shell.process.pid).rlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
