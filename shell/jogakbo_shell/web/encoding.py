"""Compressed pages: whole ones at once, streamed ones chunk by chunk so that nothing waits for what comes later."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Literal, Protocol

import brotli  # type: ignore[import-untyped]

Encoding = Literal["", "gzip", "br"]

# What a page saves costs CPU per view; what is kept is compressed once and pays off at higher levels.
_GZIP_LEVEL, _GZIP_KEPT_LEVEL = 4, 9
_BROTLI_QUALITY, _BROTLI_KEPT_QUALITY = 3, 9
_WORTH_COMPRESSING = 860
_GZIP_WINDOW = 31


@lru_cache(maxsize=512)
def negotiated(accept_encoding: str) -> Encoding:
    """The best that the client takes (RFC 9110, section 12.5.3); brotli before gzip where both are welcome alike."""
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        name, _, parameter = part.strip().partition(";")
        weights[name.strip()] = _weight(parameter)
    anything = weights.get("*", 0.0)
    br, gzip = weights.get("br", anything), weights.get("gzip", weights.get("x-gzip", anything))
    if max(br, gzip) <= 0 or weights.get("identity", 0.0) > max(br, gzip):
        return ""
    return "br" if br >= gzip else "gzip"


def compressed(body: bytes, encoding: Encoding, *, kept: bool = False) -> bytes:
    """`kept` is for what will be sent many times."""
    if encoding == "br":
        packed: bytes = brotli.compress(body, quality=_BROTLI_KEPT_QUALITY if kept else _BROTLI_QUALITY)
        return packed
    packer = zlib.compressobj(_GZIP_KEPT_LEVEL if kept else _GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    return packer.compress(body) + packer.flush()


def is_worth(body: bytes) -> bool:
    return len(body) >= _WORTH_COMPRESSING


class Packer(Protocol):
    def pack(self, chunk: bytes) -> bytes:
        """All of the chunk, so that the client can read it at once."""

    def finish(self) -> bytes: ...


class _Plain:
    def pack(self, chunk: bytes) -> bytes:
        return chunk

    def finish(self) -> bytes:
        return b""


class _Gzip:
    def __init__(self) -> None:
        self._packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)

    def pack(self, chunk: bytes) -> bytes:
        return self._packer.compress(chunk) + self._packer.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._packer.flush()


class _Brotli:
    def __init__(self) -> None:
        self._packer = brotli.Compressor(quality=_BROTLI_QUALITY)

    def pack(self, chunk: bytes) -> bytes:
        packed: bytes = self._packer.process(chunk) + self._packer.flush()
        return packed

    def finish(self) -> bytes:
        rest: bytes = self._packer.finish()
        return rest


def packer(encoding: Encoding) -> Packer:
    if encoding == "br":
        return _Brotli()
    return _Gzip() if encoding == "gzip" else _Plain()


def _weight(parameter: str) -> float:
    name, equals, value = parameter.strip().partition("=")
    if not equals or name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
