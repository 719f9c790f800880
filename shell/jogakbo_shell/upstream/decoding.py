"""Decompression that stops at a bound: a few kilobytes may unpack to gigabytes."""

from __future__ import annotations

import zlib
from typing import Protocol, cast

import brotli  # type: ignore[import-untyped]

from jogakbo_shell.upstream.errors import Malformed, TooLarge

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
        self._unpacker = _unpacker(encoding.lower()) if encoding else None

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


class _Unpacker(Protocol):
    @property
    def complete(self) -> bool:
        """Whether the compressed stream came to its own end."""

    def unpack(self, packed: bytes, max_bytes: int) -> bytes:
        """All that `packed` holds, or at least `max_bytes` of it and not much more. Raises Malformed."""


def _unpacker(encoding: str) -> _Unpacker | None:
    if encoding == "identity":
        return None
    # It is what the shell asks for; these are what servers send all the same.
    if encoding == "br":
        return _Brotli()
    if encoding in _WINDOW_BITS:
        return _Deflated(_WINDOW_BITS[encoding])
    raise Malformed(f"content-encoding {encoding[:40]!r} was not asked for")


class _BrotliStream(Protocol):
    """The part of brotli.Decompressor that is used."""

    def is_finished(self) -> bool: ...

    def process(self, data: bytes, output_buffer_limit: int) -> bytes: ...


class _Brotli:
    def __init__(self) -> None:
        self._stream = cast(_BrotliStream, brotli.Decompressor())

    @property
    def complete(self) -> bool:
        return self._stream.is_finished()

    def unpack(self, packed: bytes, max_bytes: int) -> bytes:
        try:
            # Its buffer grows by 32 KiB and more at a time until the limit is reached; what is left then stays packed.
            return self._stream.process(packed, output_buffer_limit=max_bytes)
        except brotli.error as error:
            raise _not_packed(error) from error


class _Deflated:
    def __init__(self, window_bits: int) -> None:
        self._window_bits = window_bits
        self._stream = zlib.decompressobj(window_bits)

    @property
    def complete(self) -> bool:
        return self._stream.eof

    def unpack(self, packed: bytes, max_bytes: int) -> bytes:
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
            raise _not_packed(error) from error
        return b"".join(unpacked)


def _not_packed(error: Exception) -> Malformed:
    return Malformed(f"the body is not in its content-encoding: {error}")
