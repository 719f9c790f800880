"""The results as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.compose.results import Results
from bench.compose.throughput import CONNECTIONS


def tables(results: Results) -> str:
    return _six(results)


def _six(results: Results) -> str:
    """Six fragments of 2 KB, 16 connections: every system in every mode."""
    labels = {system.name: system.label for system in results.systems}
    head = ("6 fragments of 2 KB, 16 connections", "pages per CPU-second", "CPU µs per page", "pages/s", "p50 ms")
    rows = [
        (
            f"{labels[one.system]}, {one.mode}",
            f"{one.pages_per_cpu_second:,.0f}",
            f"{one.cpu_us:,.0f}",
            f"{one.pages_per_second:,.0f}",
            f"{one.p50_ms:.2f}",
            f"{one.p99_ms:.2f}",
            f"{one.busy:.0%}",
            f"{one.page_bytes:,}",
            f"{one.failed}",
        )
        for one in results.readings
        if one.connections == CONNECTIONS and one.page.endswith("-6")
    ]
    return table((*head, "p99 ms", "of its core", "page bytes", "failed"), rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
