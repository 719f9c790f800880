"""What the tables say, as pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, floor, log10

from bench.fields import TOP, Field, apart
from bench.live.fanout import SIZES
from bench.live.idle import Idle
from bench.live.results import Results
from bench.svg import COLOURS, THREAD, bar, dot, drawing, line, text

_WIDTH = 860
_LEFT, _RIGHT, _ROW = 230, 90, 24
_BOUND_KIB = 16


def drawings(results: Results) -> dict[str, str]:
    """By file name; only those that there are figures for."""
    found = {}
    if results.fanout:
        found["live-latency.svg"] = _latency(results)
        found["live-throughput.svg"] = _throughput(results)
    if results.idle:
        found["live-memory.svg"] = _memory(results)
        found["live-idle.svg"] = _idle(results)
    return found


def _latency(results: Results) -> str:
    measured = {one.name: [found for size in SIZES if (found := results.of(one.name, size))] for one in results.systems}
    curves = {name: found for name, found in measured.items() if len(found) > 1}
    values = [log10(ms) for taken in curves.values() for one in taken for ms in (one.median_ms, one.last_ms)]
    lowest, highest = log10(SIZES[0]), log10(SIZES[-1])
    field = Field(80, _WIDTH - 240, 400, (lowest, floor(min(values) * 2) / 2), (highest, ceil(max(values) * 2) / 2))
    parts: list[str] = []
    for ms in (5, 10, 20, 50, 100, 200, 500, 1_000, 2_000):
        if field.low[1] <= log10(ms) <= field.high[1]:
            parts += field.rule(log10(ms), f"{ms:,} ms")
    parts += [text(field.at(log10(size), 0)[0], 424, f"{size:,}", "quiet", "middle") for size in SIZES]
    ends = {}
    for name, taken in curves.items():
        colour = _colour(results, name)
        last = [field.at(log10(one.connections), log10(one.last_ms)) for one in taken]
        middle = [field.at(log10(one.connections), log10(one.median_ms)) for one in taken]
        parts += [line(middle, colour, 1), line(last, colour), *(dot(x, y, colour) for x, y in last)]
        ends[name] = last[-1][1]
    parts += [text(field.right + 14, y + 5, results.label(name)) for name, y in apart(ends)]
    title = "From publish until the last client (dots) and the median one has it, by connections"
    return drawing(title, _WIDTH, 440, parts)


def _throughput(results: Results) -> str:
    groups = {size: [one for one in results.fanout if one.connections == size] for size in SIZES}
    most = max(1e6 / one.alone_us for one in results.fanout)
    parts, y = [], float(TOP)
    for size, group in groups.items():
        if not group:
            continue
        parts.append(text(_LEFT, y + 14, f"{size:,} connections", "quiet"))
        y += _ROW
        rows = [(one.system, 1e6 / one.alone_us) for one in group]
        parts += _bars(results, rows, most, y)
        y += _ROW * len(rows)
    title = "Deliveries per CPU-second of the system: 1 KB, one message at a time"
    return drawing(title, _WIDTH, int(y) + 14, parts)


def _memory(results: Results) -> str:
    rows = [(one.system, one.bytes_each / 1024) for one in results.idle]
    most = max([_BOUND_KIB, *(kib for _, kib in rows)])
    bound = _LEFT + _BOUND_KIB * (_WIDTH - _LEFT - _RIGHT) / most
    bottom = TOP + _ROW * len(rows)
    parts = [*_bars(results, rows, most, TOP), line([(bound, TOP - 4), (bound, bottom)], THREAD, 1)]
    parts.append(text(bound, bottom + 14, f"{_BOUND_KIB} KiB", "quiet", "middle"))
    title = f"Memory of each of {results.idle[0].connections:,} idle connections, KiB"
    return drawing(title, _WIDTH, bottom + 30, parts)


def _idle(results: Results) -> str:
    """Memory by the time."""
    most = max(memory for one in results.idle for _, memory in one.memory) / 1e6 * 1.1
    seconds = max(one.seconds for one in results.idle) or 1
    field = Field(80, _WIDTH - 240, 300, (0, 0), (seconds, most))
    step = 100 if most < 700 else 200
    parts: list[str] = []
    for megabytes in range(0, int(most) + 1, step):
        parts += field.rule(megabytes, f"{megabytes} MB" if megabytes else "0")
    for one in results.idle:
        points = [field.at(at, memory / 1e6) for at, memory in one.memory]
        parts.append(line(points, _colour(results, one.system)))
    ends = {one.system: _end(field, one) for one in results.idle}
    parts += [text(field.right + 14, y + 5, results.label(name)) for name, y in apart(ends)]
    parts.append(text(field.right, 324, f"{seconds / 60:.1f} minutes", "quiet", "end"))
    return drawing("Memory while 10,000 connections are idle", _WIDTH, 340, parts)


def _end(field: Field, one: Idle) -> float:
    return field.at(one.seconds, one.memory[-1][1] / 1e6)[1]


def _bars(results: Results, rows: Sequence[tuple[str, float]], most: float, top: float) -> Iterator[str]:
    for place, (system, value) in enumerate(rows):
        y, width = top + place * _ROW, value * (_WIDTH - _LEFT - _RIGHT) / most
        yield text(_LEFT - 10, y + 14, results.label(system), "", "end")
        yield bar(_LEFT, y, width, _ROW - 6, _colour(results, system))
        yield text(_LEFT + width + 8, y + 14, f"{value:,.0f}" if value >= 100 else f"{value:.1f}")


def _colour(results: Results, system: str) -> str:
    names = [one.name for one in results.systems]
    return COLOURS[names.index(system) % len(COLOURS)]
