"""`make bench-compose`: this shell and its peers, the same pages and the same load, in one run."""

from __future__ import annotations

import argparse
import resource
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import get_args

from bench.compose import report
from bench.compose.checks import Different
from bench.compose.results import Results
from bench.compose.run import Part, Plan, run
from bench.compose.systems import STARTS
from bench.processes import LOAD_CORE, Broken, bind_to
from bench.progress import Progress

_ROOT = Path(__file__).parents[2]
_FOLDER = _ROOT / "var" / "bench"
_KEPT = _FOLDER / "compose.json"


def main() -> int:
    options = _options()
    plan = Plan(options.only, options.parts, options.quick, options.tree.absolute(), _FOLDER / "compose")
    if options.report:
        report.write(Results.read(_KEPT), _ROOT / "docs")
        return 0
    signal.signal(signal.SIGTERM, _leave)
    bind_to(LOAD_CORE)
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    progress = Progress()
    try:
        results = run(plan, progress)
    except KeyboardInterrupt:
        progress.say("ended early: nothing is kept")
        return 130
    except (Broken, Different) as fault:
        progress.say(str(fault))
        return 1
    print(report.markdown(results))
    if plan.is_whole:
        results.write(_KEPT)
        report.write(results, _ROOT / "docs")
    else:
        results.write(_KEPT.with_stem("compose-part"))
        progress.say("a part only: docs/performance.md stays as it is")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-compose ARGS=…", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="three minutes: six fragments, 16 connections, fewer modes"
    )
    parser.add_argument("--only", type=_words, default=list(STARTS), help=f"some of {','.join(STARTS)}")
    parser.add_argument(
        "--parts", type=_words, default=list(get_args(Part)), help=f"some of {','.join(get_args(Part))}"
    )
    parser.add_argument("--tree", type=Path, default=_ROOT, help="measure the shell of another work tree")
    parser.add_argument("--report", action="store_true", help="only write docs/performance.md from the last whole run")
    options = parser.parse_args()
    for given, known in ((options.only, tuple(STARTS)), (options.parts, get_args(Part))):
        if strangers := set(given) - set(known):
            parser.error(f"{', '.join(sorted(strangers))}: expected some of {', '.join(known)}")
    return options


def _words(text: str) -> list[str]:
    return text.split(",")


def _leave(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
