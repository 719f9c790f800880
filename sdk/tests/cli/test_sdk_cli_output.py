"""The one log of many processes."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from jogakbo.cli.output import LOG_FILE_BYTES, Output


@pytest.fixture
def terminal() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def output(terminal: io.StringIO, tmp_path: Path) -> Output:
    output = Output(terminal, tmp_path, colour=False)
    output.add("tea-service")
    output.add("shell")
    return output


def test_a_line_is_printed_when_it_is_whole(output: Output, terminal: io.StringIO) -> None:
    output.feed("shell", b"half ")
    assert terminal.getvalue() == ""
    output.feed("shell", "a line\nand 조각\n".encode())
    assert terminal.getvalue() == "shell       │ half a line\nshell       │ and 조각\n"


def test_what_a_process_left_unfinished_is_printed_when_it_ends(output: Output, terminal: io.StringIO) -> None:
    output.feed("shell", b"last words")
    output.finish("shell")
    assert terminal.getvalue() == "shell       │ last words\n"


def test_a_line_without_end_is_cut(output: Output, terminal: io.StringIO) -> None:
    output.feed("shell", b"x" * 70_000)
    assert terminal.getvalue().count("\n") == 1


def test_colours_are_for_the_terminal_not_for_the_file(terminal: io.StringIO, tmp_path: Path) -> None:
    output = Output(terminal, tmp_path, colour=True)
    output.add("shell")
    output.feed("shell", b"\x1b[31mred\x1b[0m\n")
    assert "\x1b[31mred\x1b[0m" in terminal.getvalue()
    assert (tmp_path / "shell.log").read_text() == "red\n"


def test_a_quiet_process_writes_to_its_file_alone(terminal: io.StringIO, tmp_path: Path) -> None:
    output = Output(terminal, tmp_path, colour=False)
    output.add("valkey", quiet=True)
    output.feed("valkey", b"loading\n")
    assert terminal.getvalue() == ""
    assert (tmp_path / "valkey.log").read_text() == "loading\n"


def test_json_lines_stay_as_they_are(terminal: io.StringIO, tmp_path: Path) -> None:
    output = Output(terminal, tmp_path, colour=False, prefixes=False)
    output.add("shell")
    output.feed("shell", b'{"event": "request"}\n')
    assert terminal.getvalue() == '{"event": "request"}\n'


def test_a_log_file_is_put_aside_when_it_is_full(output: Output, tmp_path: Path) -> None:
    line = b"x" * 60_000 + b"\n"
    for _ in range(LOG_FILE_BYTES // len(line) + 2):
        output.feed("shell", line)
    sizes = {file.name: file.stat().st_size for file in tmp_path.glob("shell.log*")}
    assert set(sizes) == {"shell.log", "shell.log.1"}
    assert max(sizes.values()) < LOG_FILE_BYTES + len(line)
