"""`jogak restart`, `status`, `stop`: talk to the `jogak up` that runs with a data folder."""

import argparse

from jogakbo.cli.control import dial, send
from jogakbo.cli.errors import CliError
from jogakbo.cli.memory import megabytes, resident_bytes
from jogakbo.cli.messages import Done, Report, Restart, Status, Stop
from jogakbo.cli.portal import load_portal
from jogakbo.cli.ports import VALKEY
from jogakbo.cli.state import PortalState
from jogakbo.cli.table import table


def restart(arguments: argparse.Namespace) -> int:
    """Restart members by name and wait until they are ready."""
    words = [word for word in arguments.names if word != VALKEY]
    names = load_portal(arguments.portal).select(words) if words else ()
    bus = (VALKEY,) if VALKEY in arguments.names else ()
    with dial(arguments.var.resolve() / "run") as peer:
        answer = send(peer, Restart(bus + names))
    if not isinstance(answer, Done):
        raise CliError("the portal ended before the members were ready")
    print(answer.text)
    return 0


def status(arguments: argparse.Namespace) -> int:
    """Show what runs; 0 when all of it is ready."""
    with dial(arguments.var.resolve() / "run") as peer:
        answer = send(peer, Status())
    if not isinstance(answer, Report):
        raise CliError("the portal ended while it was asked")
    print(_described(answer.state))
    return 0 if answer.state.ready else 1


def stop(arguments: argparse.Namespace) -> int:
    """End the portal and wait until nothing of it is left."""
    with dial(arguments.var.resolve() / "run") as peer:
        send(peer, Stop())
    print("stopped")
    return 0


def _described(state: PortalState) -> str:
    rows = [
        (
            name,
            running.state,
            str(running.port),
            str(running.pid or "–"),
            "–" if running.ready_seconds is None else f"{running.ready_seconds:.2f} s",
            str(running.restarts),
            megabytes(resident_bytes(running.pid) if running.pid else None),
        )
        for name, running in state.members.items()
    ]
    heading = ("", "state", "port", "pid", "ready", "restarts", "memory")
    return f"{table(heading, rows)}\n\n{state.url} (process {state.pid})"
