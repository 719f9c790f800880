"""Sessions that an operator ends: what is remembered, who is let in, and what the operator is told."""

from __future__ import annotations

import asyncio
import base64
import json
import multiprocessing
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.synchronize import Barrier
from pathlib import Path

import httpx2
import pytest
from starlette.requests import Request
from starlette.types import Message

from jogakbo_shell.identity.keys import SigningKeys
from jogakbo_shell.identity.revoked import RevocationsUnreadable, RevokedSessions
from jogakbo_shell.identity.session import LIFETIME_SECONDS, Sessions
from jogakbo_shell.live.revocations import Revocations
from jogakbo_shell.web.revoking import Revoking
from shell.tests.harness import FakeFragmentServer, Portal, answer, portal

pytestmark = pytest.mark.anyio

NOW = 1_763_816_400.0
DAY = 24 * 3600


def subject(number: int) -> str:
    return f"guest-{number:012x}"


@dataclass
class FakeClock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Folder:
    """Where the file is, and a clock that a test sets."""

    path: Path
    clock: FakeClock = field(default_factory=FakeClock)

    @property
    def file(self) -> Path:
        return self.path / "revoked-sessions"

    def revoked(self, most: int = 1000) -> RevokedSessions:
        return RevokedSessions(self.file, most=most, clock=self.clock)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "shell")


def test_a_revoked_session_is_not_let_in_and_a_new_one_begins(tmp_path: Path, folder: Folder) -> None:
    revoked = folder.revoked()
    sessions = Sessions(SigningKeys.load(tmp_path), revoked)
    one, other = (sessions.visitor({}, secure=False) for _ in range(2))
    assert revoked.revoke(one.subject, NOW)
    again = sessions.visitor({"jogakbo": one.session_id}, secure=False)
    assert again.is_new
    assert again.subject != one.subject
    assert not sessions.visitor({"jogakbo": other.session_id}, secure=False).is_new


def test_it_is_told_once_to_those_who_want_to_know(folder: Folder) -> None:
    revoked, told = folder.revoked(), list[str]()
    revoked.on_revoked(told.append)
    assert [revoked.revoke(subject(1), NOW) for _ in range(2)] == [True, False]
    assert told == [subject(1)]


def test_a_restart_forgets_nothing(folder: Folder) -> None:
    for number in range(3):
        folder.revoked().revoke(subject(number), NOW)
    assert all(subject(number) in folder.revoked() for number in range(3))
    assert folder.file.stat().st_mode & 0o777 == 0o600


def test_after_the_life_of_a_session_its_revocation_is_forgotten(folder: Folder) -> None:
    revoked = folder.revoked()
    revoked.revoke(subject(1), NOW)
    folder.clock.now += LIFETIME_SECONDS - DAY
    revoked.revoke(subject(2), folder.clock.now)
    assert subject(1) in revoked
    folder.clock.now += 2 * DAY
    revoked.revoke(subject(3), folder.clock.now)
    assert [subject(number) in revoked for number in (1, 2, 3)] == [False, True, True]
    assert len(folder.revoked()) == 2
    assert subject(1) not in folder.file.read_text()
    assert not revoked.revoke(subject(4), NOW), "as old as that, it is no news"


def test_of_more_than_the_bound_the_oldest_are_forgotten(folder: Folder) -> None:
    revoked = folder.revoked(most=3)
    for number in range(5):
        revoked.revoke(subject(number), NOW + number)
    kept = [False, False, True, True, True]
    assert [subject(number) in revoked for number in range(5)] == kept
    assert [subject(number) in folder.revoked(most=3) for number in range(5)] == kept


def test_the_file_does_not_grow_for_ever(folder: Folder) -> None:
    revoked = folder.revoked(most=3)
    for number in range(100):
        revoked.revoke(subject(number), NOW + number)
    assert folder.file.stat().st_size <= 7 * 32
    assert subject(99) in folder.revoked(most=3)


def test_a_line_that_a_crash_cut_short_spoils_no_other(folder: Folder) -> None:
    folder.revoked().revoke(subject(1), NOW)
    with folder.file.open("ab") as file:
        file.write(b"\n1763816400 guest-00\xff")
    folder.revoked().revoke(subject(2), NOW)
    assert len(folder.revoked()) == 2


def test_a_file_that_cannot_be_read_is_not_taken_for_an_empty_one(folder: Folder) -> None:
    folder.file.mkdir(parents=True)
    with pytest.raises(RevocationsUnreadable, match="revoked-sessions"):
        folder.revoked()


def test_what_cannot_be_written_is_in_force_all_the_same(folder: Folder) -> None:
    revoked = folder.revoked()
    folder.file.unlink()
    folder.file.mkdir()
    assert revoked.revoke(subject(1), NOW)
    assert subject(1) in revoked


SHARED, EACH = 5_000, 150


def _revoke_many(folder: Path, first: int, together: Barrier) -> None:
    revoked = RevokedSessions(folder / "revoked-sessions", clock=FakeClock())
    together.wait(60)
    for number in range(EACH):
        revoked.revoke(subject(first + number), NOW)
        revoked.revoke(subject(SHARED + number), NOW)
        RevokedSessions(folder / "revoked-sessions", clock=FakeClock())  # writes it anew without what is in it twice


def test_workers_share_the_file_without_losing_lines(folder: Folder) -> None:
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(2)
    workers = [context.Process(target=_revoke_many, args=(folder.path, first, together)) for first in (0, 1000)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    after = folder.revoked()
    assert len(after) == 3 * EACH
    assert all(subject(first + number) in after for first in (0, 1000, SHARED) for number in range(EACH))


TOKEN = "let-them-go"
MAY = {"authorization": f"Bearer {TOKEN}"}
PLACE = "/-/sessions/revoke"


async def revoke(shell: Portal, body: bytes, headers: Mapping[str, str] = MAY) -> httpx2.Response:
    return await shell.client.post(PLACE, content=body, headers=dict(headers))


def named(subject: str) -> bytes:
    return b'{"subject": "%b"}' % subject.encode()


async def test_an_operator_ends_a_session(tmp_path: Path, cafe: FakeFragmentServer) -> None:
    cafe.declare(cart={"audience": "private"})
    cafe.at["/cart"] = answer("<p>mine")
    async with portal(tmp_path, {"cafe": cafe.address}, operator_token=TOKEN) as shell:
        first = await shell.get("/cafe")
        session = {"cookie": first.headers["set-cookie"].partition(";")[0]}
        assert "set-cookie" not in (await shell.get("/cafe", **session)).headers
        mine = asked_by(cafe)
        ended = await revoke(shell, named(mine))
        assert (ended.status_code, ended.json()) == (202, {"status": "ok"})
        assert ended.headers["cache-control"] == "no-store"
        shell.client.cookies.clear()
        after = await shell.get("/cafe", **session)
        assert after.headers["set-cookie"].startswith("jogakbo=")
        assert asked_by(cafe) != mine
        assert (await revoke(shell, named(mine))).status_code == 202
    assert mine in RevokedSessions(tmp_path / "revoked-sessions")


def asked_by(cafe: FakeFragmentServer) -> str:
    """The subject of the token that came last."""
    payload = cafe.requests("/cart")[-1].header("authorization").split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"])


@pytest.mark.parametrize("authorization", ["", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN, "Bearer \xe9"])
async def test_without_the_token_nobody_is_sent_away(tmp_path: Path, authorization: str) -> None:
    async with portal(tmp_path, {}, operator_token=TOKEN) as shell:
        fields = [(b"authorization", authorization.encode("latin-1"))]
        refused = await shell.client.post(PLACE, content=named(subject(1)), headers=fields)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert refused.headers["content-type"] == "application/problem+json"
    assert TOKEN not in refused.text
    assert subject(1) not in RevokedSessions(tmp_path / "revoked-sessions")


async def test_where_no_token_is_set_there_is_no_such_place(tmp_path: Path) -> None:
    async with portal(tmp_path, {}) as shell:
        for authorization in ("Bearer", "Bearer x"):
            assert (await revoke(shell, named(subject(1)), {"authorization": authorization})).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "subject"),
        (b"{", 400, "truncated"),
        (b"[]", 400, "array"),
        (b'{"subject": 1}', 400, "str"),
        (b'{"subject": "guest-000000000001", "all": true}', 400, "all"),
        (b'{"subject": ""}', 422, "''"),
        (b'{"subject": "guest"}', 422, "'guest'"),
        (b'{"subject": "guest-00000000000g"}', 422, "guest-00000000000g"),
        (b'{"subject": "guest-0000000000001"}', 422, "guest-0000000000001"),
        (b'{"subject": "guest-000000000001\\n"}', 422, "guest-000000000001"),
        (b'{"subject": "' + b"x" * 1_024 + b'"}', 413, "1024"),
    ],
)
async def test_what_is_no_revocation_is_a_problem(tmp_path: Path, body: bytes, status: int, says: str) -> None:
    async with portal(tmp_path, {}, operator_token=TOKEN) as shell:
        refused = await revoke(shell, body)
    assert (refused.status_code, refused.json()["status"]) == (status, status)
    assert refused.headers["content-type"] == "application/problem+json"
    assert says in refused.json()["detail"]
    assert not len(RevokedSessions(tmp_path / "revoked-sessions"))


async def test_a_body_that_does_not_end_is_not_waited_for(tmp_path: Path) -> None:
    async def silence() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    revoked = RevokedSessions(tmp_path / "revoked-sessions")
    revoking = Revoking(revoked, Revocations(revoked, None), TOKEN, max_seconds=0.05)
    headers = [(b"authorization", f"Bearer {TOKEN}".encode())]
    assert (await revoking.serve(Request({"type": "http", "headers": headers}, silence))).status_code == 408
