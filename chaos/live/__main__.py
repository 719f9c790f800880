"""`make chaos-live`: is any open page ever wrong for long? Broken on purpose, from a seed; see docs/operations.md."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from contextlib import suppress
from pathlib import Path

from chaos.live.pages import PAGE_ERRORS, chromium
from chaos.live.processes import NotWithin
from chaos.live.storm import weather

_FOLDER = Path(__file__).parents[2] / "var" / "chaos"
_SPARE_SECONDS = 120.0
"""A seed that takes this much longer than its storm has hung."""


def main() -> int:
    options = _options()
    try:
        return asyncio.run(_run(options))
    except KeyboardInterrupt:
        print("ended early")
        return 130


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m chaos.live",
        description=__doc__,
        epilog="Exit status: 0 all green, 1 a seed failed, 2 wrong use, 130 interrupted. "
        "Each seed takes its seconds and about 15 more.",
    )
    parser.add_argument("--seeds", type=_positive, default=30, help="how many worlds, one after the other (30)")
    parser.add_argument("--seconds", type=_positive, default=40, help="how long a storm lasts (40)")
    parser.add_argument("--from", dest="from_seed", type=int, default=1, metavar="SEED", help="the first seed (1)")
    parser.add_argument("--lossy", action="store_true", help="with a hub that forgets: this must fail")
    parser.add_argument("--calm", action="store_true", help="changes but no faults: anything must pass this")
    parser.add_argument("--keep", action="store_true", help="go on after a seed that failed")
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, not {number}")
    return number


async def _run(options: argparse.Namespace) -> int:
    failed: list[int] = []
    seeds, seconds, lossy = range(options.from_seed, options.from_seed + options.seeds), options.seconds, options.lossy
    started = time.monotonic()
    async with chromium() as browser:
        for seed in seeds:
            print(f"seed {seed}: {seconds} s of it …", file=sys.stderr, flush=True)
            folder = _FOLDER / f"{'lossy' if lossy else 'seed'}-{seed}"
            try:
                async with asyncio.timeout(seconds + _SPARE_SECONDS):
                    outcome = await weather(browser, seed, seconds, folder, lossy=lossy, calm=options.calm)
            except (NotWithin, *PAGE_ERRORS) as error:
                print(f"seed {seed}: no verdict: {error or 'it hung'}; logs: {folder}", flush=True)
                failed.append(seed)
                continue
            print(outcome.line, flush=True)
            if outcome.faults:
                failed.append(seed)
                print(outcome.story, flush=True)
                if not options.keep:
                    break
    minutes = (time.monotonic() - started) / 60
    print(
        f"seeds {seeds[0]} to {seeds[-1]}, {minutes:.1f} minutes: " + (f"failed: {failed}" if failed else "all green")
    )
    return 1 if failed else 0


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        sys.exit(main())
