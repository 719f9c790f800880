"""`make chaos-orders`: is anything ever lost, or done twice? Broken on purpose, from a seed; see docs/operations.md."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from contextlib import suppress
from pathlib import Path

from chaos.live.processes import NotWithin
from chaos.orders.storm import weather

_FOLDER = Path(__file__).parents[2] / "var" / "chaos"
_SPARE_SECONDS = 240.0
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
        prog="python -m chaos.orders",
        description=__doc__,
        epilog="Exit status: 0 all green, 1 a seed failed, 2 wrong use, 130 interrupted. "
        "Each seed takes its seconds and about 20 more.",
    )
    parser.add_argument("--seeds", type=_positive, default=10, help="how many back offices, one after the other (10)")
    parser.add_argument("--seconds", type=_positive, default=20, help="how long a storm lasts (20)")
    parser.add_argument("--orders", type=_positive, default=300, help="how many orders come in a storm (300)")
    parser.add_argument("--from", dest="from_seed", type=int, default=1, metavar="SEED", help="the first seed (1)")
    parser.add_argument("--calm", action="store_true", help="orders but no faults")
    parser.add_argument("--keep", action="store_true", help="go on after a seed that failed")
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, not {number}")
    return number


async def _run(options: argparse.Namespace) -> int:
    failed: list[int] = []
    seeds, started = range(options.from_seed, options.from_seed + options.seeds), time.monotonic()
    for seed in seeds:
        print(f"seed {seed}: {options.seconds} s of it …", file=sys.stderr, flush=True)
        folder = _FOLDER / f"orders-{seed}"
        try:
            async with asyncio.timeout(options.seconds + _SPARE_SECONDS):
                outcome = await weather(seed, options.seconds, options.orders, folder, calm=options.calm)
        except (NotWithin, TimeoutError) as error:
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
