"""The environment each member is started with: portal.toml turned into variables.

What the user has set wins, so that any part can be replaced by one that runs elsewhere; only HOST and PORT are
decided here for every member but the shell, because one value cannot serve many.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jogakbo.cli.portal import Member, Portal

JWKS_PATH = "/.well-known/jwks.json"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What holds for all members of one run."""

    portal: Portal
    ports: Mapping[str, int]
    started: frozenset[str]
    redis_url: str
    data: Path
    log_format: str
    outer: Mapping[str, str]


def environment_of(member: Member, around: Surroundings) -> dict[str, str]:
    """All variables of one member."""
    derived = {
        "REDIS_URL": around.redis_url,
        **_addresses(member, around),
        **_storage(member, around),
        **member.env,
    }
    fixed = {
        "PORT": str(around.ports[member.name]),
        "HOST": around.outer.get("HOST", "127.0.0.1") if member.kind == "shell" else "127.0.0.1",
        "LOG_FORMAT": around.log_format,
        "PYTHONUNBUFFERED": "1",
    }
    return {**derived, **around.outer, **fixed}


def url_of(name: str, around: Surroundings) -> str:
    """Where a member answers."""
    return f"http://127.0.0.1:{around.ports[name]}"


def variable(name: str, suffix: str) -> str:
    """`orders-service`, `URL` → `ORDERS_SERVICE_URL`."""
    return f"{name}_{suffix}".replace("-", "_").upper()


def _addresses(member: Member, around: Surroundings) -> dict[str, str]:
    if member.kind == "shell":
        servers = [need for need in around.portal.members if need.name in member.needs and need.kind == "fragment"]
        return {"FRAGMENT_SERVERS": " ".join(f"{need.short_name}={url_of(need.name, around)}" for need in servers)}
    urls = {variable(need, "URL"): url_of(need, around) for need in member.needs}
    shell = around.portal.shell()
    # Without a shell nobody signs: members then take every caller for the anonymous guest of development.
    signed = shell is not None and shell.name in around.started
    return {**urls, "JWKS_URL": url_of(shell.name, around) + JWKS_PATH if shell and signed else ""}


def _storage(member: Member, around: Surroundings) -> dict[str, str]:
    if member.kind == "shell":
        return {"SHELL_DATA_DIR": str(around.data / member.name)}
    if member.database is None:
        return {}
    file = around.data / f"{member.database}.db"
    return {variable(member.database, "DATABASE_URL"): f"sqlite:///{file}"}
