"""Whatever happens to a stream, in any order: once all is told and read, every page shows the truth.

Two workers read a real Valkey. Pages look on, leave with a cursor and come back, to the other worker too.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ClassVar, cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from redis import Redis, ResponseError

from jogakbo.contract.streams import START, Position
from jogakbo_shell.composition.purges import Purge
from jogakbo_shell.live.bus import BUS_ERRORS, Bus, connect
from jogakbo_shell.live.changelog import ChangeLog
from jogakbo_shell.live.reader import LiveReader, Track
from shell.tests.live.reading import KEY, FakeCatalog, Server

_RING_LENGTH = 6
_PATIENCE_SECONDS = 60.0
_MOST_LOOKS = 10

# Many that change seldom: a later change of the same must not hide that an earlier one was lost.
changes = st.lists(st.sampled_from([f"order-{number}" for number in range(20)]), min_size=1, max_size=3)
places = st.integers(min_value=0, max_value=1)
few = st.integers(min_value=1, max_value=8)

Truth = dict[str, int]


@dataclass(eq=False)
class Page:
    """What it shows, and where it was when its stream ended."""

    truth: Truth
    shown: Truth = field(default_factory=dict)
    cursor: str = ""

    def load(self) -> None:
        self.shown = dict(self.truth)

    def render(self, changed: frozenset[str]) -> None:
        for key in changed:
            if key in self.truth:
                self.shown[key] = self.truth[key]
            else:
                self.shown.pop(key, None)


class Worker:
    """A reader with a change log, and pages that do what they are told."""

    def __init__(self, redis: Bus) -> None:
        self.log = ChangeLog(max_keys=_RING_LENGTH)
        self.pages: set[Page] = set()
        self.reader = LiveReader(redis, self, FakeCatalog("orders"), patience_seconds=_PATIENCE_SECONDS)

    def changed(self, stream: str, position: Position, keys: frozenset[str], happened_at: float) -> None:
        self.log.append(stream, position, keys)
        for page in self.pages:
            page.render(keys)

    def purged(self, stream: str, position: Position, purge: Purge) -> None:
        raise AssertionError("nobody purges here")

    def resynced(self, stream: str, position: Position) -> None:
        self.log.restart(stream, position)
        for page in self.pages:
            page.load()

    def dropped(self, streams: frozenset[str]) -> None:
        self.log.keep(streams)

    def open(self, page: Page) -> None:
        since = self.log.since(page.cursor)
        page.render(since.keys)
        if since.streams:
            page.load()
        self.pages.add(page)

    def leave(self, page: Page) -> None:
        page.cursor = self.log.cursor
        self.pages.discard(page)


class Portal(RuleBasedStateMachine):
    """What both kinds of streams have in common."""

    valkey: ClassVar[Server]

    def __init__(self) -> None:
        super().__init__()
        self.truth: Truth = {}
        self.count = 0
        self.loop = asyncio.Runner()
        self.redis = Redis(port=self.valkey.port)
        self.redis.flushall()
        self.bus = connect(self.valkey.url)
        self.workers = [Worker(self.bus), Worker(self.bus)]
        self.away: list[Page] = []

    @initialize(changed=changes)
    def begin(self, changed: list[str]) -> None:
        """With a stream that holds something, and an open page at each worker."""
        self.change(changed, told=True)
        for place, _ in enumerate(self.workers):
            self.look(place)
            self.open_a_page(place)

    @rule(changed=changes, told=st.booleans())
    def change(self, changed: list[str], told: bool) -> None:
        for key in changed:
            self.count += 1
            self.truth[key] = self.count
            self.note(key)
        if told:
            self.tell()

    def note(self, key: str) -> None:
        """Let the owner of the stream know what there is to tell."""

    def entries(self) -> list[tuple[bytes, dict[bytes, bytes]]]:
        return cast(list[tuple[bytes, dict[bytes, bytes]]], self.redis.xrange(KEY))

    def top(self) -> Position:
        entries = self.entries()
        return Position.parse(entries[-1][0].decode()) if entries else START

    @rule(place=places)
    def look(self, place: int) -> None:
        with suppress(*BUS_ERRORS):
            self.loop.run(self.workers[place].reader.look())

    @rule(place=places)
    def open_a_page(self, place: int) -> None:
        page = Page(self.truth, cursor=self.workers[place].log.cursor)
        page.load()
        self.workers[place].open(page)

    @rule(place=places)
    def leave(self, place: int) -> None:
        """All pages at once, as when a worker ends."""
        for page in tuple(self.workers[place].pages):
            self.workers[place].leave(page)
            self.away.append(page)

    @rule(place=places)
    def come_back(self, place: int) -> None:
        for page in self.away:
            self.workers[place].open(page)
        self.away.clear()

    @rule(place=places)
    def restart(self, place: int) -> None:
        self.leave(place)
        self.workers[place] = Worker(self.bus)
        self.redis.client_kill_filter(_type="normal", skipme=True)

    @rule(place=places)
    def wait_for_long(self, place: int) -> None:
        """Longer than a stream that is behind is waited for."""
        for track in self.workers[place].reader.tracks.values():
            if track.behind_since is not None:
                track.behind_since -= 2 * _PATIENCE_SECONDS

    @rule(count=st.integers(min_value=1, max_value=2))
    def trim(self, count: int) -> None:
        self.redis.xtrim(KEY, maxlen=count, approximate=False)

    @rule()
    def wipe(self) -> None:
        self.redis.flushall()

    def tell(self) -> None:
        """Let the stream hold all that its owner has to tell."""

    @rule()
    def settle(self) -> None:
        self.tell()
        for place, worker in enumerate(self.workers):
            for _ in range(_MOST_LOOKS):
                self.look(place)
                self.wait_for_long(place)
            for page in worker.pages:
                assert page.shown == self.truth
        for page in self.away:
            for worker in self.workers:
                back = Page(self.truth, dict(page.shown), page.cursor)
                worker.open(back)
                worker.leave(back)
                assert back.shown == self.truth

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            self.redis.close()
            self.loop.run(self.bus.aclose())
            self.loop.close()


class PortalOfAnOutbox(Portal):
    """Ids that a relay gives: nothing that was told may be missed."""

    def __init__(self) -> None:
        super().__init__()
        self.epoch = 5
        self.outbox: list[tuple[str, int]] = []
        self.told = START

    def note(self, key: str) -> None:
        self.outbox.append((key, self.truth[key]))

    @rule()
    def tell(self) -> None:
        """As the relay does: what the stream does not hold, under the same ids."""
        top = self.top()
        if top > Position(self.epoch, len(self.outbox)) or not self._is_ours(top):
            self.epoch = top.epoch + 1
        known = top.seq if top.epoch == self.epoch else 0
        try:
            self._append(known)
        except ResponseError:  # ids that were used and deleted
            self.redis.delete(KEY)
            self._append(0)

    def _is_ours(self, top: Position) -> bool:
        if top.epoch != self.epoch:
            return True
        [*_, (_, fields)] = self.entries()
        return fields[b"event"] == _event(str(top), *self.outbox[top.seq - 1]).encode()

    def _append(self, known: int) -> None:
        for seq, (key, version) in enumerate(self.outbox[known:], known + 1):
            position = Position(self.epoch, seq)
            self.redis.xadd(KEY, {"event": _event(str(position), key, version)}, id=str(position))
            self.told = max(self.told, position)

    @rule(count=few)
    def lose_the_newest(self, count: int) -> None:
        """A failover to a replica that was behind."""
        kept = self.entries()[:-count]
        self.redis.delete(KEY)
        for entry, fields in kept:
            self.redis.xadd(KEY, cast(Mapping[bytes, bytes], fields), id=entry)  # type: ignore[arg-type]

    @precondition(lambda self: self.entries())
    @rule(number=few)
    def delete_one_by_hand(self, number: int) -> None:
        """Counted from the newest: what is old has been read."""
        entries = self.entries()
        self.redis.xdel(KEY, entries[-min(number, len(entries))][0])

    @rule(count=few, changed=st.one_of(st.just([]), changes))
    def restore_a_backup(self, count: int, changed: list[str]) -> None:
        """Of the service's database, without its newest events; its first is still there. A relay that finds lost ones
        in the stream begins a new epoch; where the stream did not hold them, the operator has to (docs/operations.md).
        Something may have changed before the relay looks."""
        if self.top() != Position(self.epoch, len(self.outbox)):
            self.epoch = max(self.epoch, self.told.epoch) + 1
        del self.outbox[max(1, len(self.outbox) - count) :]
        self.truth.clear()
        self.truth.update(self.outbox)
        self.change(changed, told=True)


class PortalOfRedisIds(Portal):
    """Ids that Redis makes: whatever the stream lost of what was read, or trimmed before it was, is noticed."""

    def note(self, key: str) -> None:
        self.redis.xadd(KEY, {"event": _event(f"by-hand-{self.count}", key, self.truth[key])})

    @precondition(lambda self: self.is_known_of())
    @rule()
    def wipe(self) -> None:
        """Who waits for the first entry cannot know that there ever was one."""
        super().wipe()

    def is_known_of(self) -> bool:
        waiting = [track for track in self.tracks() if track.position == START or track.behind_since is not None]
        left_then = [page for page in self.away if page.cursor.endswith(f":{START}")]
        return not ((waiting or left_then) and self.entries())

    @precondition(lambda self: self.is_read())
    @rule(count=few)
    def lose_the_newest(self, count: int) -> None:
        """What a failover loses is noticed by those who have read it, and by nobody else."""
        kept = self.entries()[:-count]
        self.redis.delete(KEY)
        for entry, fields in kept:
            self.redis.xadd(KEY, cast(Mapping[bytes, bytes], fields), id=entry)  # type: ignore[arg-type]
        for place, _ in enumerate(self.workers):
            self.look(place)

    def is_read(self) -> bool:
        return not self.away and [track.position for track in self.tracks()] == [self.top()] * len(self.workers)

    def tracks(self) -> list[Track]:
        return [track for worker in self.workers for track in worker.reader.tracks.values()]


def _event(id: str, key: str, version: int) -> str:
    return (
        f'{{"specversion":"1.0","id":"{id}","source":"orders","type":"orders.Changed","data":{{"version":{version}}},'
        f'"time":"2026-01-01T00:00:00Z","keys":"{key}"}}'
    )


@pytest.fixture
def model(valkey: Server) -> Iterator[type[Portal]]:
    Portal.valkey = valkey
    yield Portal
    gc.collect()


@pytest.mark.parametrize("portal", [PortalOfAnOutbox, PortalOfRedisIds])
@pytest.mark.usefixtures("model")
def test_pages_show_the_truth_whatever_happened_to_the_stream(portal: type[Portal]) -> None:
    run_state_machine_as_test(
        portal,
        settings=settings(
            max_examples=60,
            stateful_step_count=30,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
