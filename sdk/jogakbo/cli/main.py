"""The command line `jogak`."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from jogakbo.cli.errors import CliError

_EXIT_CODES = """\
exit codes:
  0  done (`up`: stopped as asked, by Ctrl-C, SIGTERM or `jogak stop`)
  1  could not be done, or something is wrong; the message says what
  2  there is nothing to ask (no portal runs, no answer), or the command line is wrong
"""

_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = _parser().parse_args(words)
    try:
        # Imported by name so that `jogak --help` and `jogak status` do not wait for what `jogak up` needs.
        command = getattr(importlib.import_module(arguments.module), arguments.function)
        return int(command(arguments))
    except CliError as error:
        print(f"jogak: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jogak",
        description="Run a Jogakbo portal and look after it.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_up(commands)
    _add_remote(commands)
    _add_check(commands)
    _add_events(commands)
    return parser


def _add_up(commands: _Commands) -> None:
    up = _command(commands, "up", "up:run", "run the portal, or some of its members, in the foreground")
    _add_folders(up)
    up.add_argument(
        "--only", nargs="+", action="extend", default=[], metavar="NAME",
        help="run these members alone (`orders` means orders-fragment and orders-service); while another"
        " `jogak up` runs with the same data folder, take them over from it and give them back at the end",
    )  # fmt: skip
    up.add_argument(
        "--except", nargs="+", action="extend", default=[], metavar="NAME", dest="excluded",
        help="run all members but these",
    )  # fmt: skip
    up.add_argument(
        "--port", type=int, default=int(os.environ.get("PORT") or 0) or None,
        help="the shell's port (default: $PORT, else portal.toml)",
    )  # fmt: skip
    up.add_argument(
        "--with-parent",
        action="store_true",
        help="stop when the process that started this one ends (Linux)",
    )
    up.add_argument("--free-ports", action="store_true", help="give every member any free port")
    up.add_argument(
        "--log-format", choices=["console", "json"], default=os.environ.get("LOG_FORMAT") or "console",
        help="how members write their log (default: $LOG_FORMAT, else console)",
    )  # fmt: skip


def _add_remote(commands: _Commands) -> None:
    restart = _command(commands, "restart", "remote:restart", "restart members of a running portal by name")
    _add_folders(restart)
    restart.add_argument("names", nargs="+", metavar="NAME", help="a member, `orders` for its pair, or `valkey`")
    _add_folders(_command(commands, "status", "remote:status", "show what runs; 0 when all of it is ready"))
    _add_folders(_command(commands, "stop", "remote:stop", "end a running portal"))


def _add_check(commands: _Commands) -> None:
    check = _command(commands, "check", "check:run", "is there a correct fragment server at this address?")
    check.add_argument("url", metavar="URL", help="its address, such as http://127.0.0.1:8102")
    check.add_argument("--format", choices=["text", "json"], default="text", help="how findings are printed")


def _add_events(commands: _Commands) -> None:
    events = commands.add_parser("events", help="look at the event streams", description="Look at the event streams.")
    kinds = events.add_subparsers(title="commands", metavar="COMMAND", required=True)
    tail = _command(kinds, "tail", "events:tail", "print events as they come")
    _add_folders(tail)
    tail.add_argument("streams", nargs="*", metavar="STREAM", help="such as `orders` (default: all)")
    tail.add_argument(
        "--from", dest="start", default="$", metavar="ID",
        help="print what follows: 0 for all there is, or a position such as 1719292800000-42 (default: only new)",
    )  # fmt: skip
    tail.add_argument("--no-follow", dest="follow", action="store_false", help="print what is there and end")
    tail.add_argument("--redis-url", default=os.environ.get("REDIS_URL"), help="(default: the running portal's)")
    tail.add_argument("--format", choices=["text", "json"], default="text", help="lines for people, or the envelopes")
    parked = _command(
        kinds, "parked", "parked:parked", "show events that a service could not handle; 0 when there is none"
    )
    _add_folders(parked)
    parked.add_argument("members", nargs="*", metavar="MEMBER", help="such as `orders` (default: every service)")
    retry = _command(kinds, "retry", "parked:retry", "have a parked event handled after all")
    _add_folders(retry)
    retry.add_argument("member", metavar="MEMBER", help="who parked it, such as `orders`")
    retry.add_argument("stream", metavar="STREAM", help="whose event it is, such as `till`")
    retry.add_argument("position", metavar="POSITION", help="as `jogak events parked` shows it")


def _command(commands: _Commands, name: str, where: str, summary: str) -> argparse.ArgumentParser:
    module, _, function = where.partition(":")
    parser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(module=f"jogakbo.cli.{module}", function=function)
    return parser


def _add_folders(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--portal", type=Path, default=Path("portal.toml"), help="the list of what runs (default: ./portal.toml)"
    )
    parser.add_argument("--var", type=Path, default=Path("var"), help="the data folder (default: ./var)")
