"""What is sent: the same bytes through every system."""

from __future__ import annotations

BYTES = 1_024
FRAGMENTS = 6
"""On the page of our shell; message `n` is the new version of fragment `n % FRAGMENTS`."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def body(number: int) -> str:
    """`<p>@00000042@nopqr…@00000042@</p>`: `BYTES` bytes that neither HTML, JSON nor event streams have to escape."""
    first, last = f"<p>@{number:08}@", f"@{number:08}@</p>"
    letters = _LETTERS * (BYTES // len(_LETTERS) + 1)
    return f"{first}{letters[len(first) : BYTES - len(last)]}{last}"
