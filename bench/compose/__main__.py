"""`make bench-compose`: this shell and its peers, the same pages and the same load, in one run."""

from __future__ import annotations

import argparse
import resource
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from bench.compose import report, throughput
from bench.compose.origin import start_origin
from bench.compose.processes import LOAD_CORE, bind_to
from bench.compose.progress import Progress
from bench.compose.results import Measured, Results
from bench.compose.systems import STARTS
from bench.compose.systems.system import Ground, Missing, System
from bench.compose.systems.varnish import layouts

_ROOT = Path(__file__).parents[2]
_FOLDER = _ROOT / "var" / "bench"


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, _leave)
    bind_to(LOAD_CORE)
    _open_many_files()
    results, progress = Results(), Progress()
    try:
        with ExitStack() as stack:
            systems = _start(options.only, options.tree, stack, results, progress)
            _measure(systems, options.quick, results, progress)
    except KeyboardInterrupt:
        progress.say("ended early: nothing is kept")
        return 130
    results.write(_FOLDER / "compose.json")
    print(report.tables(results))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-compose ARGS=…", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two minutes: six fragments and 16 connections only")
    parser.add_argument(
        "--only", type=lambda words: words.split(","), default=list(STARTS), help=f"some of {','.join(STARTS)}"
    )
    parser.add_argument("--tree", type=Path, default=_ROOT, help="measure the shell of another work tree")
    options = parser.parse_args()
    if strangers := set(options.only) - set(STARTS):
        parser.error(f"--only knows {', '.join(STARTS)}; not {', '.join(sorted(strangers))}")
    return options


def _start(names: Sequence[str], tree: Path, stack: ExitStack, results: Results, progress: Progress) -> list[System]:
    origin = start_origin(_FOLDER / "compose" / "origin", layouts(), stack)
    ground = Ground(_FOLDER / "compose", tree, origin, stack)
    systems = []
    for name in names:
        progress.step(f"starting {name}", 0)
        try:
            systems.append(STARTS[name](name, ground))
        except Missing as missing:
            results.left_out[name] = str(missing)
            progress.say(f"left out: {missing}")
    return systems


def _measure(systems: Sequence[System], quick: bool, results: Results, progress: Progress) -> None:
    pace = throughput.Pace(rounds=4, seconds=1)
    found = throughput.cases(systems, wide=not quick)
    progress.plan(throughput.planned_seconds(found, pace))
    results.readings = throughput.measure(found, pace, progress)
    results.systems = [
        Measured(system.name, system.label, system.version, system.process.rss_bytes() / 1e6) for system in systems
    ]


def _open_many_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _leave(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
