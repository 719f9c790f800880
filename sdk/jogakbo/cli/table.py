"""Aligned columns for people."""

from collections.abc import Sequence


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows under a heading, each column as wide as its widest cell; figures are right-aligned."""
    columns = [list(column) for column in zip(heading, *rows, strict=True)]
    return "\n".join("  ".join(_aligned(cells, place) for cells in columns).rstrip() for place in range(len(rows) + 1))


def _aligned(cells: Sequence[str], place: int) -> str:
    width = max(map(len, cells))
    figures = all(cell[:1].isdigit() or cell in ("", "–") for cell in cells[1:])
    return cells[place].rjust(width) if figures else cells[place].ljust(width)
