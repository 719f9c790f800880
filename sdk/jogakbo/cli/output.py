"""One readable log of many processes: each line behind the name of who wrote it."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

SELF = "jogak"
LOG_FILE_BYTES = 5_000_000
"""A member's log file is put aside (`.log.1`) when it reaches this size; two of them are kept at most."""

_LONGEST_LINE_BYTES = 65_536
_HUES = (36, 33, 35, 32, 34, 31, 96, 93, 95, 92, 94, 91)
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(slots=True)
class _Writer:
    """What one process has written: the unfinished line, and its file."""

    file: Path
    hue: int
    quiet: bool = False
    unfinished: bytearray = field(default_factory=bytearray)


class Output:
    """The terminal and var/log, written to by the supervisor alone."""

    def __init__(self, terminal: TextIO, folder: Path, *, colour: bool, prefixes: bool = True) -> None:
        self._terminal = terminal
        self._folder = folder
        self._colour = colour
        self._prefixes = prefixes
        self._writers: dict[str, _Writer] = {}
        self._width = len(SELF)
        self.lost = False
        """Nobody reads the terminal any more."""
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, *, quiet: bool = False) -> None:
        """Expect lines of a process; a quiet one is written to its file only."""
        hue = _HUES[len(self._writers) % len(_HUES)]
        self._writers[name] = _Writer(self._folder / f"{name}.log", hue, quiet)
        self._width = max(self._width, len(name))

    def say(self, text: str, *, bold: bool = False) -> None:
        """A line (or several) of the supervisor's own."""
        for line in text.splitlines() or [""]:
            self._print(SELF, 1, self._paint(line, 1) if bold else line)

    def feed(self, name: str, received: bytes) -> None:
        """What a process wrote; whole lines are printed, the rest waits for its end."""
        writer = self._writers[name]
        writer.unfinished += received
        *lines, rest = writer.unfinished.split(b"\n")
        if len(rest) > _LONGEST_LINE_BYTES:
            lines, rest = [*lines, rest], bytearray()
        writer.unfinished = bytearray(rest)
        self._publish(name, writer, [line.decode("utf-8", "replace") for line in lines])

    def finish(self, name: str) -> None:
        """A process has ended: print what it left unfinished."""
        if self._writers[name].unfinished:
            self.feed(name, b"\n")

    def _publish(self, name: str, writer: _Writer, lines: list[str]) -> None:
        if not lines:
            return
        _append(writer.file, lines)
        if not writer.quiet:
            for line in lines:
                self._print(name, writer.hue, line)

    def _print(self, name: str, hue: int, line: str) -> None:
        if self._prefixes or name == SELF:
            line = f"{self._paint(f'{name:<{self._width}} │', hue)} {line}"
        try:
            self._terminal.write(f"{line}\n")
            self._terminal.flush()
        except OSError:  # `jogak up | head`, a closed window
            self._hang_up()

    def _hang_up(self) -> None:
        self.lost = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._terminal.fileno())  # what the stream still holds must go somewhere when it is closed
        os.close(nowhere)

    def _paint(self, text: str, hue: int) -> str:
        return f"\x1b[{hue}m{text}\x1b[0m" if self._colour else text


def _append(file: Path, lines: list[str]) -> None:
    with file.open("a", encoding="utf-8") as log:
        log.writelines(_ESCAPES.sub("", line) + "\n" for line in lines)
        full = log.tell() >= LOG_FILE_BYTES
    if full:
        file.replace(file.with_suffix(".log.1"))
