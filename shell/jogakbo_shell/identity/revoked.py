"""Sessions that are over before their time: remembered in memory, and in a file for the next start."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import structlog

from jogakbo_shell.identity.session import LIFETIME_SECONDS, is_subject

_MOST = 100_000
_LINE_BYTES = 32

Clock = Callable[[], float]
Ended = Callable[[str], None]


class RevokedSessions:
    """Subjects with the second of their revocation, for as long as a browser keeps a cookie; of more than `most` the
    oldest are forgotten.

    Workers may share the file. Each adds its lines, and whoever finds it too long writes it anew.
    """

    def __init__(self, file: Path, *, most: int = _MOST, clock: Clock = time.time) -> None:
        self._file = file
        self._most = most
        self._clock = clock
        self._listeners: list[Ended] = []
        self._log = structlog.get_logger()
        self._at: dict[str, int] = {}
        self._load()

    def __contains__(self, subject: object) -> bool:
        return subject in self._at

    def __len__(self) -> int:
        return len(self._at)

    def on_revoked(self, listener: Ended) -> None:
        """Called with every subject whose session is over from now on."""
        self._listeners.append(listener)

    def revoke(self, subject: str, at: float) -> bool:
        """End a session, revoked `at` (seconds since 1970). Returns whether that was news here."""
        if subject in self._at or self._is_past(at):
            return False
        self._at[subject] = int(at)
        self._bound()
        self._keep(subject, int(at))
        for listener in self._listeners:
            listener(subject)
        return True

    def _is_past(self, at: float) -> bool:
        return at < self._clock() - LIFETIME_SECONDS

    def _bound(self) -> None:
        forgotten = 0
        while len(self._at) > self._most or (self._at and self._is_past(next(iter(self._at.values())))):
            forgotten += len(self._at) > self._most
            del self._at[next(iter(self._at))]
        if forgotten:
            self._log.warning("revocations_forgotten", count=forgotten, most=self._most)

    # The file: `1763816400 guest-1a2b3c4d5e6f` per line.

    def _load(self) -> None:
        try:
            with self._locked() as file:
                lines = tuple(_read(file))
                self._take(lines)
                if len(lines) > len(self._at):
                    self._write_anew()
        except OSError as error:
            raise RevocationsUnreadable(f"{self._file} cannot be read: {error}") from error

    def _keep(self, subject: str, at: int) -> None:
        try:
            with self._locked() as file:
                # The line break comes first: what a crash cut short must not spoil what follows it.
                file.write(f"\n{at} {subject}".encode())
                file.flush()
                if file.tell() > 2 * self._most * _LINE_BYTES:
                    file.seek(0)
                    self._take(_read(file))
                    self._write_anew()
        except OSError as error:
            self._log.error("revocation_not_kept", subject=subject, error=str(error))

    def _take(self, lines: Iterable[tuple[str, int]]) -> None:
        """Beside what is known, what others have written."""
        known = self._at | dict(lines)
        self._at = dict(sorted(known.items(), key=lambda one: one[1]))
        self._bound()

    def _write_anew(self) -> None:
        draft = self._file.with_suffix(f".{os.getpid()}")
        draft.write_text("".join(f"{at} {subject}\n" for subject, at in self._at.items()), "ascii")
        draft.chmod(0o600)
        draft.replace(self._file)

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        """The file, to be read from its beginning and added to, while no other worker does either."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        while True:
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "r+b", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                if _is_still(self._file, descriptor):
                    yield file
                    return


class RevocationsUnreadable(Exception):
    """The file cannot be used. Mend its rights or its disk: without it, sessions that are over were let in again."""


def _read(lines: Iterable[bytes]) -> Iterator[tuple[str, int]]:
    for line in lines:
        at, _, subject = line.decode("ascii", "replace").strip().partition(" ")
        if at.isdigit() and is_subject(subject):
            yield subject, int(at)


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether nobody has put another file in its place while we waited for the lock."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
