"""`make bench-orders`: the back office, measured from outside; see docs/performance.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from bench.changes import percentile
from bench.machine import Watch, this_machine
from bench.orders import measure
from bench.orders.office import Office
from bench.progress import Progress
from bench.tables import Verdict, verdict_table, write_between

_ROOT = Path(__file__).parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.orders", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--docs", action="store_true", help="write the table into docs/performance.md")
    options = parser.parse_args()
    began, watch, progress = time.monotonic(), Watch(), Progress()
    with tempfile.TemporaryDirectory(prefix="jogakbo-bench-") as folder:
        verdicts = _measure(Path(folder), 10 if options.quick else 1, progress)
    machine, around = this_machine(), watch.surroundings(time.monotonic() - began)
    told = (
        f"\nMeasured on {machine.date} in {around.minutes:.0f} minutes on {machine.processor}, {machine.cores} cores, "
        f"{machine.system}, SQLite with `synchronous=FULL`; load average {around.load_before:.1f} before and "
        f"{around.load_after:.1f} after, {around.stolen:.1%} of the cores' time taken by the host.\n"
    )
    words = verdict_table("the back office", verdicts) + told
    if options.docs:
        write_between(_ROOT / "docs" / "performance.md", "bench-orders", words)
    print(words)
    return 0


def _measure(folder: Path, part: int, progress: Progress) -> list[Verdict]:
    """`part` 10: a tenth of everything."""
    progress.step("orders are accepted", 15)
    accepted = measure.accepted(folder / "accepted", 3000 // part)
    progress.note(f"{accepted.per_second:.0f} a second")
    with Office(folder / "office") as office:
        measure.stock_up(office)
        progress.step("orders one at a time", 20)
        taken = measure.quiet_latency_ms(office, 200 // part)
        progress.note(f"p50 {percentile(taken, 0.5):.0f} ms")
        progress.step("orders until they are confirmed", 20)
        confirmed = measure.confirmed(office, 2000 // part)
        progress.note(f"{confirmed.per_second:.0f} a second")
        progress.step("a day is closed", 60)
        closed = measure.closed(office, 5000 // part - 2200 // part)
        progress.note(f"{closed.seconds:.1f} s")
    progress.step("the reports are rebuilt", 120)
    rebuilt = measure.rebuilt(folder / "reports", 100_000 // part)
    progress.note(f"{rebuilt.seconds:.1f} s")
    progress.step("stock is read", 20)
    read = measure.read(folder / "stock", 100, 100_000 // part)
    p50 = percentile(taken, 0.5)
    return [
        Verdict(
            f"orders accepted per second, one process ({accepted.cpu_ms:.1f} ms of CPU each)",
            f"{accepted.per_second:.0f}",
            "≥ 300",
            accepted.per_second >= 300,
        ),
        Verdict(
            f"end to end, {confirmed.confirmed:,} of {confirmed.orders:,} cards confirmed, per second",
            f"{confirmed.per_second:.0f}",
            "≥ 100",
            confirmed.per_second >= 100,
        ),
        Verdict(
            f"accepted → CONFIRMED, one at a time, p50 of {len(taken)} (p99 {percentile(taken, 0.99):.0f} ms)",
            f"{p50:.0f} ms",
            "≤ 150 ms",
            p50 <= 150,
        ),
        Verdict(
            f"close of a day with {closed.orders:,} orders, from the button to `{closed.state}`",
            f"{closed.seconds:.1f} s",
            "≤ 10 s",
            closed.seconds <= 10 and closed.state == "closed",
        ),
        Verdict(
            f"rebuild of the reports from {rebuilt.events:,} events ({rebuilt.reads:,} reads meanwhile, "
            f"{rebuilt.refused} refused, the slowest {rebuilt.slowest_read_ms:.0f} ms)",
            f"{rebuilt.seconds:.1f} s",
            "≤ 60 s, reads go on",
            rebuilt.seconds <= 60 and not rebuilt.refused,
        ),
        Verdict(
            f"state of an ingredient with {read.many:,} events on its day against {read.few}, p50 over HTTP",
            f"{read.many_ms / read.few_ms:.2f} × ({read.many_ms:.1f} and {read.few_ms:.1f} ms)",
            "≤ 2 ×",
            read.many_ms <= 2 * read.few_ms,
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
