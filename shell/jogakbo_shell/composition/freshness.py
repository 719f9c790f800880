"""How long a fragment may be used: HTTP caching (RFC 9111) with its extensions for stale content (RFC 5861).

The shell is a shared cache, and a surrogate in the words of the W3C's Edge Architecture:

- `Surrogate-Control` with `max-age` or `no-store` is for the shell and wins over `Cache-Control`, which is then left to
  browsers; but what is `private` stays so. `max-age=60+30` is fresh for 60 s and may be shown for 30 more while it is
  renewed. A directive with a target (`max-age=9;abc`) is for another surrogate.
- `s-maxage` wins over `max-age`, that over `Expires`; without any of these headers nothing is kept.
- What must be asked for again (`no-cache`, `must-revalidate`, `proxy-revalidate`) is never shown stale, whatever else
  the header says. `s-maxage` alone would forbid it too, but beside a window for stale content that window is meant.
- A directive given twice counts at its strictest, one that cannot be read as 0 s. `private="x"` and `no-cache="x"`
  count as if they were said of the whole answer.
- `Vary` may name what the cache key covers (the locale) and what the shell sends alike for everybody. `*` and all else,
  such as the trace or a cookie, makes one visitor's answer another's: not kept.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Protocol, TypeAlias

from jogakbo.contract import context as names

_MAX_SECONDS = 365 * 24 * 3600.0
# A Date has whole seconds and is written anew once a second: as much of a difference says nothing.
_DATE_TOLERANCE_SECONDS = 2
_MAX_DATE_LENGTH = 64
_PART = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')

_Directives: TypeAlias = Mapping[str, Sequence[str]]

COVERED = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-language",
        "authorization",  # that of a guest, for every public fragment
        names.DEBUG,
        names.DEVICE_TYPE,
        names.LOCALE,
        names.MOUNT_ORIGIN,
        names.MOUNT_PATHNAME,
        names.PUBLIC_PATHNAME,
        names.REQUESTED_BY,
    }
)
"""What an answer may vary with and be kept: equal for all requests for one fragment in one locale."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """Seconds since the answer came: fresh for so long (negative if it came stale), then usable while it is renewed,
    or when that fails. `stated` is False where no header said anything."""

    storable: bool = False
    fresh: float = 0.0
    while_revalidate: float = 0.0
    if_error: float = 0.0
    stated: bool = True

    @property
    def until_error(self) -> float:
        """The age up to which it may stand in when the server fails."""
        return self.fresh + max(self.if_error, self.while_revalidate) if self.storable else 0.0


NOT_STORABLE = Freshness()
NOT_STATED = Freshness(stated=False)


class Headers(Protocol):
    """`upstream.port.Answer`."""

    def header(self, name: str) -> str: ...


def freshness_of(answer: Headers, *, delay: float = 0.0) -> Freshness:
    """The freshness of an answer that has just come, `delay` seconds after it was asked for."""
    header = answer.header
    return read_freshness(
        header("cache-control"),
        surrogate_control=header("surrogate-control"),
        expires=header("expires"),
        vary=header("vary"),
        age=header("age"),
        date=header("date"),
        delay=delay,
    )


def read_freshness(
    cache_control: str,
    *,
    surrogate_control: str = "",
    expires: str = "",
    vary: str = "",
    age: str = "",
    date: str = "",
    delay: float = 0.0,
    received_at: float | None = None,
) -> Freshness:
    """`max-age=30, stale-if-error=600` for a shared cache, less the age that the answer already has.

    `received_at` is in Unix seconds, now unless told. Ages are whole seconds, as in `Age`; so `delay` counts from 1 s.
    """
    received = int(time.time() if received_at is None else received_at)
    sent = _unix_time(date) if date else None
    lasts = _lasts_until(expires, received if sent is None else sent) if expires else None
    stated = _stated(cache_control, surrogate_control, lasts, vary)
    if not stated.storable:
        return stated
    apparent = received - sent if sent is not None else 0
    if not age and delay < 1 and apparent <= _DATE_TOLERANCE_SECONDS:
        return stated
    told = _seconds(age.partition(",")[0].strip()) + int(delay)
    initial = max(told, apparent if apparent > _DATE_TOLERANCE_SECONDS else 0)
    return replace(stated, fresh=stated.fresh - initial)


@lru_cache(maxsize=1024)
def _stated(cache_control: str, surrogate_control: str, by_expires: int | None, vary: str) -> Freshness:
    """What the headers say of an answer of age 0."""
    directives = _directives(_PART.findall(cache_control))
    surrogate = _directives(part for part in _PART.findall(surrogate_control) if ";" not in part)
    for_surrogate = "max-age" in surrogate or "no-store" in surrogate
    if not directives and not for_surrogate and by_expires is None:
        return NOT_STATED
    ruling = surrogate if for_surrogate else directives
    if "private" in directives or "no-store" in ruling or not _covered(vary):
        return NOT_STORABLE
    if for_surrogate:
        fresh, extension = _with_extension(ruling["max-age"])
    else:
        fresh, extension = _lifetime(ruling, by_expires), 0.0
    if "no-cache" in ruling:
        return Freshness(storable=True)
    if "must-revalidate" in ruling or "proxy-revalidate" in ruling:
        return Freshness(storable=True, fresh=fresh)
    return Freshness(
        storable=True,
        fresh=fresh,
        while_revalidate=max(extension, _least(ruling.get("stale-while-revalidate", ()))),
        if_error=_least(ruling.get("stale-if-error", ())),
    )


def _lifetime(directives: _Directives, by_expires: int | None) -> float:
    for name in ("s-maxage", "max-age"):
        if name in directives:
            return _least(directives[name])
    return float(by_expires or 0)


def _with_extension(max_ages: Sequence[str]) -> tuple[float, float]:
    """`["60+30"]` is (60, 30)."""
    pairs = [value.partition("+") for value in max_ages]
    return _least([fresh for fresh, _, _ in pairs]), _least([extension for _, _, extension in pairs])


def _directives(parts: Iterable[str]) -> _Directives:
    """`{"max-age": ["60"], "private": ["x, y"]}`, names in lower case."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for part in parts:
        name, _, value = part.partition("=")
        if name.strip():
            found[name.strip().lower()].append(value.strip().strip('"'))
    return found


def _least(values: Sequence[str]) -> float:
    return min(map(_seconds, values), default=0.0)


def _seconds(value: str) -> float:
    # The length is bounded before the value: int() of a million digits takes its time.
    return min(float(value[:20]), _MAX_SECONDS) if value.isascii() and value.isdigit() else 0.0


def _lasts_until(expires: str, sent: int) -> int:
    """Seconds; 0 for a date in the past and for what is none, such as `0`."""
    until = _unix_time(expires)
    return 0 if until is None else min(max(until - sent, 0), int(_MAX_SECONDS))


@lru_cache(maxsize=256)
def _unix_time(date: str) -> int | None:
    try:
        moment = parsedate_to_datetime(date[:_MAX_DATE_LENGTH])
    except (ValueError, OverflowError):
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _covered(vary: str) -> bool:
    return all(not name.strip() or name.strip() in COVERED for name in vary.lower().split(","))
