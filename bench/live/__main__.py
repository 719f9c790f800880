"""`make bench-live`: open pages of this shell and subscribers of its peers, the same messages to all, in one run."""

from __future__ import annotations

import argparse
import resource
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import get_args

from bench.installs import Missing
from bench.live import report
from bench.live.checks import Different
from bench.live.results import Results
from bench.live.run import Part, Plan, run
from bench.live.systems import STARTS
from bench.processes import LOAD_CORE, Broken, bind_to
from bench.progress import Progress

_ROOT = Path(__file__).parents[2]
_FOLDER = _ROOT / "var" / "bench"
_KEPT = _FOLDER / "live.json"
_OTHER_FILES = 1_000


def main() -> int:
    options = _options()
    if options.report:
        report.write(Results.read(_KEPT), _ROOT / "docs")
        return 0
    minutes = options.idle_minutes if options.idle_minutes is not None else 0.25 if options.quick else 2.0
    plan = Plan(options.only, options.parts, options.quick, minutes, options.tree.absolute(), _FOLDER / "live")
    signal.signal(signal.SIGTERM, _leave)
    bind_to(LOAD_CORE)
    progress = Progress()
    try:
        _allow_files(plan.most + _OTHER_FILES)
        results = run(plan, progress)
    except KeyboardInterrupt:
        progress.say("ended early: nothing is kept")
        return 130
    except (Broken, Different, Missing) as fault:
        progress.say(str(fault))
        return 1
    print(report.markdown(results))
    if plan.is_whole:
        results.write(_KEPT)
        report.write(results, _ROOT / "docs")
    else:
        results.write(_KEPT.with_stem("live-part"))
        progress.say("a part only: docs/performance.md stays as it is")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-live ARGS=…", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="four minutes: fewer rounds, some parts of this shell alone"
    )
    parser.add_argument("--only", type=_words, default=list(STARTS), help=f"some of {','.join(STARTS)}")
    parser.add_argument(
        "--parts", type=_words, default=list(get_args(Part)), help=f"some of {','.join(get_args(Part))}"
    )
    parser.add_argument(
        "--idle-minutes", type=float, help="how long 10,000 connections stay idle; 2 unless told, or 10"
    )
    parser.add_argument("--tree", type=Path, default=_ROOT, help="measure the shell of another work tree")
    parser.add_argument("--report", action="store_true", help="only write docs/performance.md from the last whole run")
    options = parser.parse_args()
    for given, known in ((options.only, tuple(STARTS)), (options.parts, get_args(Part))):
        if strangers := set(given) - set(known):
            parser.error(f"{', '.join(sorted(strangers))}: expected some of {', '.join(known)}")
    return options


def _allow_files(wanted: int) -> None:
    """For us and whatever we start. Raises Broken."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < wanted:
        raise Broken(f"{wanted:,} open files are needed, and the hard limit is {most:,}: raise it (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _words(text: str) -> list[str]:
    return text.split(",")


def _leave(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
