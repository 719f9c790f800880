"""portal.toml: the one list of what runs."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from jogakbo.cli.errors import PortalFileError, UnknownMember

Kind = Literal["shell", "fragment", "service"]


class ValkeyEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The embedded bus server, started unless REDIS_URL names another."""

    port: int = 8379


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One process of the portal.

    `needs` names the members it calls; `database` is the base name of its SQLite file and, in capitals, of the
    variable that replaces it (`orders` → `ORDERS_DATABASE_URL`); `env` is set as it stands.
    """

    name: str
    kind: Kind
    module: str
    port: int
    health: str = "/readyz"
    needs: tuple[str, ...] = ()
    database: str | None = None
    env: dict[str, str] = {}

    @property
    def short_name(self) -> str:
        """The name without its kind: `orders` for `orders-fragment`."""
        return self.name.removesuffix(f"-{self.kind}")


class Portal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole portal.toml. `preload` overrides the modules imported once, before members are forked."""

    members: tuple[Member, ...] = msgspec.field(name="member")
    valkey: ValkeyEntry | None = None
    preload: tuple[str, ...] | None = None

    def names(self) -> tuple[str, ...]:
        """Every member's name in the order of the file."""
        return tuple(member.name for member in self.members)

    def shell(self) -> Member | None:
        """The member that people's browsers talk to, if there is one."""
        return next((member for member in self.members if member.kind == "shell"), None)

    def select(self, only: Iterable[str], excluded: Iterable[str] = ()) -> tuple[str, ...]:
        """Names meant by `--only` and `--except`; a short name such as `orders` means each of its members.

        Raises UnknownMember, naming what there is.
        """
        wanted = {name for word in only for name in self._meant_by(word)} or set(self.names())
        unwanted = {name for word in excluded for name in self._meant_by(word)}
        return tuple(name for name in self.names() if name in wanted - unwanted)

    def _meant_by(self, word: str) -> tuple[str, ...]:
        meant = tuple(m.name for m in self.members if word in (m.name, m.short_name))
        if not meant:
            raise UnknownMember(f"no member is called {word!r}; portal.toml has {', '.join(self.names())}")
        return meant


def load_portal(path: Path) -> Portal:
    """Read and check a portal.toml. Raises PortalFileError saying where it is wrong."""
    try:
        portal = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Portal)
    except FileNotFoundError:
        raise PortalFileError(f"there is no {path}; run this in the project's folder or give --portal") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise PortalFileError(f"{path}: {error}") from error
    _check(portal, path)
    return portal


def _check(portal: Portal, path: Path) -> None:
    names = portal.names()
    for member in portal.members:
        if names.count(member.name) > 1:
            raise PortalFileError(f"{path}: two members are called {member.name!r}")
        if missing := [need for need in member.needs if need not in names]:
            raise PortalFileError(f"{path}: {member.name!r} needs {missing[0]!r}, which is not a member")
