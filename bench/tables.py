"""Tables in Markdown, and what has to be reached."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of the table; `reached` is None where nothing was measured."""

    what: str
    measured: str
    bound: str
    reached: bool | None


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Nothing where there are no rows."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n" if len(lines) > 2 else ""


def verdict_table(title: str, verdicts: Iterable[Verdict]) -> str:
    rows = [(one.what, one.measured, one.bound, _reached(one)) for one in verdicts]
    return table((title, "measured", "bound", ""), rows)


def write_between(file: Path, name: str, words: str) -> None:
    """Put `words` between the markers `<!-- name -->` and `<!-- /name -->`, each on a line of its own."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
    before, found, rest = file.read_text("utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{file} has no place for {name}: expected the lines {begin.strip()} and {end.strip()}")
    file.write_text(f"{before}{begin}{words}{end}{after}", "utf-8")


def _reached(verdict: Verdict) -> str:
    return {True: "reached", False: "**not reached**", None: "not measured"}[verdict.reached]
