"""The results as Markdown and plots."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median

from bench.compose import plots
from bench.compose.bounds import verdicts
from bench.compose.faults import Fault
from bench.compose.load import Sample
from bench.compose.readings import Reading
from bench.compose.results import Measured, Results
from bench.compose.systems.system import Mode
from bench.compose.throughput import CONNECTIONS, SHAPES, page_of
from bench.tables import table, verdict_table, write_between

_GRID = (Mode.UNCACHED, Mode.FRAGMENTS, Mode.PAGE)


def write(results: Results, docs: Path) -> None:
    """Into docs/performance.md between its markers, with the plots beside it."""
    for name, drawing in plots.drawings(results).items():
        (docs / name).write_text(drawing, "utf-8")
    write_between(docs / "performance.md", "bench-compose", markdown(results, plotted=True))


def markdown(results: Results, *, plotted: bool = False) -> str:
    """`plotted`: as it stands in the docs, with the plots, and with what should have been measured and was not."""
    sections = [
        _verdicts(results, missing=plotted),
        _six(results),
        _said(results),
        _plot(plotted, "compose-throughput.svg", "Pages per CPU-second of each system, uncached and cached"),
        _grid(results),
        _plot(plotted, "compose-fragments.svg", "Pages per CPU-second by the number of fragments on the page"),
        _connections(results),
        _late(results),
        _plot(plotted, "compose-late.svg", "What a visitor sees when, with one fragment 200 ms late"),
        _faults(results),
        _memory(results),
        _plot(plotted, "compose-memory.svg", "Memory of this shell by the pages served"),
        _slow(results),
        _machine(results),
    ]
    return "\n".join(section for section in sections if section)


def _plot(plotted: bool, name: str, words: str) -> str:
    return f"![{words}]({name})\n" if plotted else ""


def _verdicts(results: Results, *, missing: bool) -> str:
    kept = [one for one in verdicts(results) if missing or one.reached is not None]
    return verdict_table("six fragments of 2 KB, 16 connections, pages per CPU-second", kept)


def _six(results: Results) -> str:
    head = ("6 fragments of 2 KB, 16 connections", "pages per CPU-second", "CPU µs per page", "pages/s")
    rows = [
        (
            f"{results.label(one.system)}, {one.mode}",
            f"{one.pages_per_cpu_second:,.0f}",
            f"{one.cpu_us:,.1f}",
            f"{one.pages_per_second:,.0f}",
            f"{one.p50_ms:.2f}",
            f"{one.p99_ms:.2f}",
            f"{one.busy:.0%}",
            f"{one.fetched_per_page:.2f}",
            f"{one.page_bytes / 1000:.1f}",
            f"{one.failed}",
        )
        for one in results.readings
        if one.connections == CONNECTIONS and one.page.endswith("-6")
    ]
    return table((*head, "p50 ms", "p99 ms", "of its core", "fetches per page", "page KB", "failed"), rows)


def _said(results: Results) -> str:
    """The proof that a mode is what it is called."""
    rows = [
        (one.mode, f"`{one.said_of_cache}`")
        for one in results.readings
        if one.system == "shell" and one.connections == CONNECTIONS and one.page.endswith("-6")
    ]
    return table(("what this shell's answers say of themselves", "Cache-Status, Content-Encoding"), rows)


def _grid(results: Results) -> str:
    columns = [(shape, CONNECTIONS) for shape in SHAPES]
    titles = ["6, 0.2 to 60 KB" if shape == "sizes" else shape for shape in SHAPES]
    return _by_case(results, ("pages per CPU-second by fragments", *titles), columns, _pages_per_cpu_second)


def _connections(results: Results) -> str:
    columns = [("6", 1), ("6", CONNECTIONS), ("6", 64)]
    head = ("p50 / p99 ms by connections, pages per CPU-second", "1", "16", "64")
    return _by_case(results, head, columns, _latency)


def _by_case(
    results: Results,
    head: Sequence[str],
    columns: Sequence[tuple[str, int]],
    say: Callable[[Reading], str],
) -> str:
    rows = []
    for system in results.systems:
        for mode in _GRID:
            found = [results.reading(system.name, mode, page_of(mode, shape), many) for shape, many in columns]
            if all(found):
                rows.append((f"{system.label}, {mode}", *(say(one) for one in found if one)))
    return table(head, rows)


def _pages_per_cpu_second(one: Reading) -> str:
    return f"{one.pages_per_cpu_second:,.0f}"


def _latency(one: Reading) -> str:
    return f"{one.p50_ms:.2f} / {one.p99_ms:.2f}, {one.pages_per_cpu_second:,.0f}"


def _late(results: Results) -> str:
    head = ("one fragment of six late, ms, p50 of 21 views", "first byte", "end of the fragment before it", "last byte")
    rows = [
        (
            f"{results.label(one.system)}, {one.delay_ms} ms",
            f"{one.first_ms:.2f}",
            "–" if one.useful_ms is None else f"{one.useful_ms:.2f}",
            f"{one.last_ms:.1f}",
        )
        for one in results.late
    ]
    return table(head, rows)


def _faults(results: Results) -> str:
    head = ("ms until the last byte, one view at a time", "first view", "p50 after it", "longest", "healthy page")
    kinds = {"hung": "one fragment hung", "away": "one origin refusing"}
    rows = [
        (
            f"{results.label(one.system)}, {kinds[one.kind]}",
            f"{one.first_ms:,.1f}",
            f"{one.later_ms:,.2f}",
            f"{one.longest_ms:,.1f}",
            f"{one.healthy_ms:.2f}",
        )
        for one in results.faults
    ]
    loaded = [(f"this shell, {kinds[one.kind]}", *_under_load(one)) for one in results.faults if one.under_load]
    titles = ("at 16 connections, ms", "p50 healthy", "p50", "p99 healthy", "p99", "longest healthy", "longest")
    return "\n".join(part for part in (table(head, rows), table(titles, loaded)) if part)


def _under_load(fault: Fault) -> Iterable[str]:
    for value in ("p50_ms", "p99_ms", "longest_ms"):
        for side in (0, 1):
            taken = [float(getattr(pair[side], value)) for pair in fault.under_load]
            yield f"{max(taken) if value == 'longest_ms' else median(taken):.2f}"


def _memory(results: Results) -> str:
    if results.memory is None:
        return ""
    points = results.memory.resident_mb
    every = max(1, len(points) // 8)
    kept = [*points[:-1:every], points[-1]]
    head = ("this shell, pages of 1,000 variants", *(f"{pages:,}" for pages, _ in kept))
    return table(head, [("memory, MB", *(f"{megabytes:.0f}" for _, megabytes in kept))])


def _slow(results: Results) -> str:
    head = ("200 clients reading 1 byte per second", "memory before", "with them", "later", "in the kernel")
    rows = [
        (
            results.label(one.system),
            f"{one.before_mb:.0f} MB",
            f"{one.during_mb:.0f} MB",
            f"{one.later_mb:.0f} MB",
            f"{one.kernel_mb:.0f} MB",
            _p50_and_p99(one.others_before),
            _p50_and_p99(one.others_during),
        )
        for one in results.slow
    ]
    return table((*head, "p50 / p99 ms of others before", "with them"), rows)


def _p50_and_p99(sample: Sample) -> str:
    return f"{sample.p50_ms:.2f} / {sample.p99_ms:.2f}" if sample.pages else "none answered"


def _machine(results: Results) -> str:
    head = ("system", "version", "memory after the throughput, MB")
    rows = [(one.label, one.version, _resident(one)) for one in results.systems]
    rows += [(name, f"left out: {why}", "") for name, why in results.left_out.items()]
    told = ""
    if results.machine is not None and results.surroundings is not None:
        machine, around = results.machine, results.surroundings
        told = (
            f"\nMeasured on {machine.date} in {around.minutes:.0f} minutes on {machine.processor},"
            f" {machine.cores} cores, {machine.memory_gb:.0f} GB, {machine.system}, Linux {machine.kernel};"
            f" load average {around.load_before:.1f} before and {around.load_after:.1f} after,"
            f" {around.stolen:.1%} of the cores' time taken by the host."
            f" The fragment servers and wrk by themselves: {results.origin_per_second:,.0f} fragments per second.\n"
        )
    return table(head, rows) + told


def _resident(system: Measured) -> str:
    return f"{system.resident_mb:.0f}"
