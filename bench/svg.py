"""Small drawings as SVG text, in the colours of docs/architecture.svg."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

PAPER, INK, QUIET, THREAD = "#f4eee1", "#24221e", "#5d564a", "#bfae8f"
COLOURS = ("#94352c", "#48709f", "#d0a544", "#57534b", "#b85f55", "#a3977e", "#6d8a4f", "#7a5c86")

_STYLE = (
    'text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;'
    f" fill: {INK}; font-size: 14px; }} .quiet {{ fill: {QUIET}; font-size: 13px; }}"
    " .title { font-size: 15px; font-weight: 650; }"
)


def drawing(title: str, width: int, height: int, parts: Iterable[str]) -> str:
    """A whole file; `title` is also what a screen reader says."""
    body = "\n  ".join([text(20, 30, title, "title"), *parts])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="title">\n'
        f'  <title id="title">{escape(title)}</title>\n  <style>{_STYLE}</style>\n'
        f'  <rect width="{width}" height="{height}" rx="10" fill="{PAPER}"/>\n  {body}\n</svg>\n'
    )


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{named} text-anchor="{anchor}">{escape(words)}</text>'


def bar(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{height:.1f}" rx="2" fill="{colour}"/>'


def line(points: Iterable[tuple[float, float]], colour: str, width: float = 2.2) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"/>'


def dot(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4" fill="{colour}"/>'
