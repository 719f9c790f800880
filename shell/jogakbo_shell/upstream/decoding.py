"""Decompression that stops at a bound: a few kilobytes may unpack to gigabytes."""

from __future__ import annotations

import zlib

from jogakbo_shell.upstream.errors import Malformed, TooLarge

_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class BodyReader:
    """Collects a body of at most `max_bytes`, counted before and after decompression."""

    def __init__(self, encoding: str, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._size = 0
        self._chunks: list[bytes] = []
        self._inflate = None if encoding in ("", "identity") else _inflater(encoding)

    def feed(self, chunk: bytes) -> None:
        if self._inflate is not None:
            chunk = self._unpack(chunk)
        self._size += len(chunk)
        if self._size > self._max_bytes:
            raise TooLarge(f"the body has more than {self._max_bytes} bytes")
        self._chunks.append(chunk)

    def body(self) -> bytes:
        if self._inflate is not None and not self._inflate.eof:
            raise Malformed("the compressed body is cut short")
        return b"".join(self._chunks)

    def _unpack(self, chunk: bytes) -> bytes:
        assert self._inflate is not None  # noqa: S101 - narrows the type for the reader above
        try:
            return self._inflate.decompress(chunk, self._max_bytes - self._size + 1)
        except zlib.error as error:
            raise Malformed(f"the body is not in its content-encoding: {error}") from error


def _inflater(encoding: str) -> zlib._Decompress:
    # The shell asks for identity; gzip and deflate are what servers send all the same.
    if encoding not in _WINDOW_BITS:
        raise Malformed(f"content-encoding {encoding[:40]!r} was not asked for")
    return zlib.decompressobj(_WINDOW_BITS[encoding])
