"""Response headers as they go over the wire, and as ASGI has them."""

from __future__ import annotations

from collections.abc import Iterable

Header = tuple[bytes, bytes]


class HeaderBlock:
    """Some lines of a response's head; names are lower case."""

    __slots__ = ("encoded",)

    def __init__(self, encoded: bytes) -> None:
        self.encoded = encoded

    @classmethod
    def of(cls, pairs: Iterable[Header]) -> HeaderBlock:
        """Raises ValueError for a value that would end its line before its time."""
        pairs = list(pairs)
        return cls.checked(b"".join([b"%b: %b\r\n" % pair for pair in pairs]), len(pairs))

    @classmethod
    def checked(cls, encoded: bytes, lines: int) -> HeaderBlock:
        """The same of what is written already. Raises ValueError if it is not so many lines."""
        if encoded.count(b"\n") != lines or encoded.count(b"\r") != lines:
            raise ValueError("a header's value has a line end in it")
        return cls(encoded)

    @property
    def pairs(self) -> list[Header]:
        lines = (line.partition(b": ") for line in self.encoded.split(b"\r\n") if line)
        return [(name, value) for name, _, value in lines]
