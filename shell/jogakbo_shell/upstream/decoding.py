"""Decompression that stops at a bound: a few kilobytes may unpack to gigabytes."""

from __future__ import annotations

import zlib

from jogakbo_shell.upstream.errors import Malformed, TooLarge

_AS_IT_IS = frozenset({"", "identity"})
_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class BodyReader:
    """Collects a body of at most `max_bytes`, counted before and after decompression.

    `received` counts the bytes as they came. Raises Malformed for an encoding that is none of ours.
    """

    __slots__ = ("_chunks", "_max_bytes", "_size", "_unpacker", "received")

    def __init__(self, encoding: str, max_bytes: int) -> None:
        self.received = 0
        self._max_bytes = max_bytes
        self._size = 0
        self._chunks: list[bytes] = []
        self._unpacker = None if encoding.lower() in _AS_IT_IS else _Unpacker(encoding.lower())

    def feed(self, chunk: bytes) -> None:
        self.received += len(chunk)
        if self.received > self._max_bytes:
            raise self._too_large()
        if self._unpacker is not None:
            chunk = self._unpack(self._unpacker, chunk)
        self._chunks.append(chunk)

    def body(self) -> bytes:
        # An empty body (a 304 keeps the Content-Encoding of what it confirms) has no end of stream either.
        if self._unpacker is not None and self.received and not self._unpacker.complete:
            raise Malformed("the compressed body is cut short")
        return b"".join(self._chunks)

    def _unpack(self, unpacker: _Unpacker, chunk: bytes) -> bytes:
        unpacked = unpacker.unpack(chunk, self._max_bytes - self._size + 1)
        self._size += len(unpacked)
        if self._size > self._max_bytes:
            raise self._too_large()
        return unpacked

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the body has more than {self._max_bytes} bytes")


class _Unpacker:
    def __init__(self, encoding: str) -> None:
        # The shell asks for identity; gzip and deflate are what servers send all the same.
        if encoding not in _WINDOW_BITS:
            raise Malformed(f"content-encoding {encoding[:40]!r} was not asked for")
        self._window_bits = _WINDOW_BITS[encoding]
        self._stream = zlib.decompressobj(self._window_bits)

    @property
    def complete(self) -> bool:
        return self._stream.eof

    def unpack(self, packed: bytes, max_bytes: int) -> bytes:
        """At most `max_bytes`; what does not fit is not unpacked."""
        unpacked: list[bytes] = []
        try:
            while packed and max_bytes > 0:
                # A gzip body may be several gzip streams in a row (RFC 1952, section 2.2).
                if self._stream.eof:
                    self._stream = zlib.decompressobj(self._window_bits)
                unpacked.append(self._stream.decompress(packed, max_bytes))
                max_bytes -= len(unpacked[-1])
                packed = self._stream.unused_data
        except zlib.error as error:
            raise Malformed(f"the body is not in its content-encoding: {error}") from error
        return b"".join(unpacked)
