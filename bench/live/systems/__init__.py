"""The systems by the names that `--only` takes."""

from __future__ import annotations

from collections.abc import Mapping

from bench.live.systems.naive import start_naive
from bench.live.systems.nchan import start_nchan
from bench.live.systems.node import start_node
from bench.live.systems.shell import start_shell
from bench.live.systems.system import Start

STARTS: Mapping[str, Start] = {
    "shell": start_shell,
    "nchan": start_nchan,
    "naive": start_naive,
    "node": start_node,
}
