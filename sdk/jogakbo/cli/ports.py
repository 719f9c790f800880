"""Which port each member listens on, and whether it is free."""

import random
import socket
from collections.abc import Iterable, Iterator, Mapping

from jogakbo.cli.errors import PortsTaken
from jogakbo.cli.portal import Portal

VALKEY = "valkey"

# Below the range from which the kernel takes ports for outgoing connections, so that none of those sits on a
# port between our look at it and the member's bind.
_FREE_RANGE = range(18_000, 32_000)


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError:
            return False
        return True


def choose_ports(portal: Portal, started: Iterable[str], shell_port: int | None, *, free: bool) -> dict[str, int]:
    """Ports of all members and of Valkey: as in portal.toml, or any free ones for those that are started."""
    ports = {member.name: member.port for member in portal.members}
    if portal.valkey is not None:
        ports[VALKEY] = portal.valkey.port
    if free:
        ports.update(zip(started, _free_ports(), strict=False))
    shell = portal.shell()
    if shell is not None and shell_port is not None:
        ports[shell.name] = shell_port
    return ports


def require_free(ports: Mapping[str, int], started: Iterable[str]) -> None:
    """Raise PortsTaken, naming every member whose port something else holds."""
    taken = [name for name in started if not is_free(ports[name])]
    if not taken:
        return
    lines = [f"  {name:<20} port {ports[name]} is in use" for name in taken]
    raise PortsTaken(
        "\n".join(
            [
                "nothing was started, because these ports are taken:",
                *lines,
                "End what holds them (`ss -ltnp` shows it), or move: `PORT=9000 make up` or `jogak up --port 9000`"
                " moves the shell, `jogak up --free-ports` moves everything.",
            ]
        )
    )


def _free_ports() -> Iterator[int]:
    candidates = list(_FREE_RANGE)
    random.shuffle(candidates)
    return (port for port in candidates if is_free(port))
