"""`jogak events parked` and `jogak events retry`: events that no handler could take."""

import argparse
import json
import time
from collections.abc import Iterable
from pathlib import Path

import httpx2
import msgspec
from joserfc import jwt
from joserfc.jwk import OKPKey

from jogakbo.cli.errors import CliError, NoAnswer, NoPortal
from jogakbo.cli.portal import Member, load_portal
from jogakbo.cli.state import read_state
from jogakbo.cli.table import table
from jogakbo.contract.problem import decode_problem

_TIMEOUT_SECONDS = 5.0
_LIFETIME_SECONDS = 60
_HEADING = ("member", "stream", "position", "type", "subject", "tries", "reason")


class ParkedEvent(msgspec.Struct, frozen=True):
    """One event that waits for a person."""

    stream: str
    position: str
    type: str
    subject: str
    reason: str
    attempts: int


def parked(arguments: argparse.Namespace) -> int:
    """Show what waits; 0 when nothing does."""
    found = [
        (member, event) for member in _members(arguments.portal, arguments.members) for event in _of(member, arguments)
    ]
    if not found:
        print("nothing is parked")
        return 0
    rows = [
        (member.short_name, e.stream, e.position, e.type or "–", e.subject or "–", str(e.attempts), e.reason)
        for member, e in found
    ]
    print(table(_HEADING, rows))
    return 1


def retry(arguments: argparse.Namespace) -> int:
    """Have one tried again; 0 when it has been handled."""
    [member] = _members(arguments.portal, [arguments.member])
    answer = _ask(member, arguments, "POST", f"/-/parked/{arguments.stream}/{arguments.position}/retry")
    if answer.is_error:
        problem = decode_problem(answer.content, answer.status_code)
        raise CliError(f"{member.name}: {problem.detail or problem.title}")
    print(f"{member.name} has handled {arguments.position} of {arguments.stream}")
    return 0


def _members(portal: Path, words: Iterable[str]) -> list[Member]:
    loaded = load_portal(portal)
    chosen = loaded.select(words)
    return [member for member in loaded.members if member.kind == "service" and member.name in chosen]


def _of(member: Member, arguments: argparse.Namespace) -> list[ParkedEvent]:
    answer = _ask(member, arguments, "GET", "/-/parked")
    if answer.status_code == 404:  # a service that reads no events
        return []
    if answer.is_error:
        problem = decode_problem(answer.content, answer.status_code)
        raise CliError(f"{member.name}: {problem.detail or problem.title}")
    return msgspec.json.decode(answer.content, type=list[ParkedEvent])


def _ask(member: Member, arguments: argparse.Namespace, method: str, path: str) -> httpx2.Response:
    url = f"http://127.0.0.1:{_port(member, arguments.var)}"
    headers = _authorization(arguments.var, member.short_name)
    try:
        with httpx2.Client(base_url=url, timeout=_TIMEOUT_SECONDS, trust_env=False, headers=headers) as client:
            return client.request(method, path)
    except httpx2.HTTPError as error:
        raise NoAnswer(f"{member.name} does not answer at {url}: {error}") from error


def _port(member: Member, var: Path) -> int:
    try:
        return read_state(var).members[member.name].port
    except (OSError, KeyError):
        raise NoPortal(f"{member.name} does not run with the data folder {var}; start it with `jogak up`") from None


def _authorization(var: Path, audience: str) -> dict[str, str]:
    """Whoever may read the shell's key on this machine runs the portal, and signs for themselves."""
    try:
        key = OKPKey.import_key(json.loads((var / "data" / "shell" / "signing-key.json").read_text("utf-8")))
    except OSError:
        return {}  # no shell: the service asks for no token
    now = int(time.time())
    claims = {"iss": "jogak", "sub": "operator", "aud": audience, "iat": now, "exp": now + _LIFETIME_SECONDS}
    header = {"alg": "Ed25519", "kid": key.kid or ""}
    return {"authorization": "Bearer " + jwt.encode(header, claims, key, algorithms=["Ed25519"])}
