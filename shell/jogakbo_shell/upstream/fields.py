"""Header fields of an answer, left as the bytes they came as: most are never looked at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

Line: TypeAlias = tuple[bytes, bytes]
"""One field as it came: `(b"Content-Type", b"text/html ")`."""

Fields: TypeAlias = dict[bytes, bytes]
"""Values by name in lower case, joined with a comma as RFC 9110 section 5.3 has it."""


def fields_of(lines: Iterable[Line]) -> Fields:
    fields: Fields = {}
    for name, value in lines:
        key = name.lower()
        fields[key] = b", ".join((fields[key].strip(b" \t"), value)) if key in fields else value
    return fields


def text_of(value: bytes) -> str:
    """Without the white space that may stand around a value."""
    return str(value, "latin-1").strip(" \t")
