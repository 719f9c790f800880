"""What commands and a running supervisor say to each other: one JSON line each way over var/run/jogak.sock."""

import msgspec

from jogakbo.cli.state import PortalState


class Restart(msgspec.Struct, frozen=True, tag="restart"):
    """Stop these members and start them with the code that is on disk; answered when they are ready."""

    names: tuple[str, ...]


class Status(msgspec.Struct, frozen=True, tag="status"):
    """Answered with a Report at once."""


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """End the portal; answered by closing the connection when all is gone."""


class Borrow(msgspec.Struct, frozen=True, tag="borrow"):
    """Stop these members and leave them to the asking process for as long as it keeps the connection."""

    names: tuple[str, ...]
    pid: int


class Done(msgspec.Struct, frozen=True, tag="done"):
    """It has happened."""

    text: str = ""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """It has not happened, and why."""

    text: str


class Report(msgspec.Struct, frozen=True, tag="report"):
    """What runs."""

    state: PortalState


class Lent(msgspec.Struct, frozen=True, tag="lent"):
    """The members have ended; run them with these ports and this bus."""

    ports: dict[str, int]
    redis_url: str
