"""The results as Markdown and plots."""

from __future__ import annotations

from pathlib import Path

from bench.changes import percentile
from bench.live import plots
from bench.live.bounds import verdicts
from bench.live.results import Results
from bench.tables import table, verdict_table, write_between

_KIB = 1024


def write(results: Results, docs: Path) -> None:
    """Into docs/performance.md between its markers, with the plots beside it."""
    for name, drawing in plots.drawings(results).items():
        (docs / name).write_text(drawing, "utf-8")
    write_between(docs / "performance.md", "bench-live", markdown(results, plotted=True))


def markdown(results: Results, *, plotted: bool = False) -> str:
    """`plotted`: as it stands in the docs, with the plots, and with what should have been measured and was not."""
    sections = [
        _verdicts(results, missing=plotted),
        _fanout(results),
        _plot(plotted, "live-latency.svg", "Time until the last client has a message, by connections"),
        _plot(plotted, "live-throughput.svg", "Deliveries per CPU-second of each system"),
        _idle(results),
        _plot(plotted, "live-memory.svg", "Memory of an idle connection in each system"),
        _plot(plotted, "live-idle.svg", "Memory while connections are idle"),
        _stalled(results),
        _reconnect(results),
        _changes(results),
        _machine(results),
    ]
    return "\n".join(section for section in sections if section)


def _plot(plotted: bool, name: str, words: str) -> str:
    return f"![{words}]({name})\n" if plotted else ""


def _verdicts(results: Results, *, missing: bool) -> str:
    return verdict_table("live", [one for one in verdicts(results) if missing or one.reached is not None])


def _fanout(results: Results) -> str:
    rows = [
        (
            f"{results.label(one.system)}, {one.connections:,}",
            f"{one.median_ms:.0f} / {one.last_ms:.0f}",
            f"{one.burst_last_ms:.0f}",
            f"{1e6 / one.alone_us:,.0f}",
            f"{one.alone_us:.1f}",
            f"{one.burst_us:.1f}",
            f"{one.opened_ms / 1000:.1f}",
            f"{one.missed}",
        )
        for one in results.fanout
    ]
    head = (
        "message of 1 KB, connections",
        "median / last client, ms",
        "burst of six, last, ms",
        "deliveries per CPU-second",
    )
    return table((*head, "CPU µs per delivery", "in a burst", "opened in, s", "missed"), rows)


def _idle(results: Results) -> str:
    rows = [
        (
            f"{results.label(one.system)}, {one.connections:,}",
            f"{one.bytes_each / _KIB:.1f}",
            f"{one.without_bytes / 1e6:.0f}",
            f"{one.with_bytes / 1e6:.0f}",
            f"{one.memory[-1][1] / 1e6:.0f}" if one.memory else "–",
            f"{one.core_share:.1%}",
            f"{one.lost:,}",
        )
        for one in results.idle
    ]
    minutes = results.idle[0].seconds / 60 if results.idle else 0
    head = ("idle connections", "KiB each", "MB without them", "MB with them", f"MB after {minutes:.1f} minutes")
    return table((*head, "of a core", "came again"), rows)


def _stalled(results: Results) -> str:
    rows = [
        (
            results.label(one.system),
            f"{one.before.median_ms:.0f} / {one.before.last_ms:.0f}",
            f"{one.during.median_ms:.0f} / {one.during.last_ms:.0f}",
            f"{one.longest_ms:.0f}",
            f"{(one.most_bytes - one.before_bytes) / 1e6:+.1f} MB",
            f"{one.cut} of {one.stalled}",
            f"{one.messages}",
            f"{one.back:,} of {one.connections:,}",
        )
        for one in results.stalled
    ]
    head = ("5 % stop reading, 1,000 connections", "median / last of others before, ms", "with them", "longest")
    return table((*head, "memory", "cut", "messages", "current once they read"), rows)


def _reconnect(results: Results) -> str:
    rows = [
        (
            f"{results.label(one.system)}, {one.connections:,}",
            f"{one.opened_ms / 1000:.1f}",
            f"{one.all_current_ms / 1000:.1f}" if one.current == one.connections else "never: it keeps nothing",
            f"{one.current:,}",
            f"{one.renders}" if one.system == "shell" else "–",
            f"{one.refused:,}",
            f"{one.cpu_seconds:.1f}",
        )
        for one in results.reconnect
    ]
    head = ("all come back at once", "all open, s", "all current, s", "current", "renders", "refused at first")
    return table((*head, "CPU, s"), rows)


def _changes(results: Results) -> str:
    if results.changes is None:
        return ""
    found = results.changes.found
    parts = (0.5, 0.9, 0.99, 1.0)
    kinds = {
        "since the event was written, just before the commit": [one.since_commit_ms for one in found],
        "since the form was sent": [one.since_sent_ms for one in found],
    }
    rows = [(what, *(f"{percentile(taken, part):.1f}" for part in parts)) for what, taken in kinds.items()]
    what = f"{len(found)} changes → DOM of an open page in {results.changes.browser}, ms"
    return table((what, "p50", "p90", "p99", "longest"), rows)


def _machine(results: Results) -> str:
    rows = [(one.label, one.version) for one in results.systems]
    rows += [(name, f"left out: {why}") for name, why in results.left_out.items()]
    told = ""
    if results.machine is not None and results.surroundings is not None:
        machine, around = results.machine, results.surroundings
        told = (
            f"\nMeasured on {machine.date} in {around.minutes:.0f} minutes on {machine.processor},"
            f" {machine.cores} cores, {machine.memory_gb:.0f} GB, {machine.system}, Linux {machine.kernel},"
            f" {results.bus}; load average {around.load_before:.1f} before and {around.load_after:.1f} after,"
            f" {around.stolen:.1%} of the cores' time taken by the host.\n"
        )
    return table(("system", "version"), rows) + told
