"""Changed keys in, frames out: each open instance is rendered once, and the same bytes go to all who show it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import Protocol

import structlog

from jogakbo.contract.streams import Position
from jogakbo_shell.composition.purges import Purge
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.instance import Instance
from jogakbo_shell.live import frames, metrics
from jogakbo_shell.live.changelog import ChangeLog
from jogakbo_shell.live.connection import Connection
from jogakbo_shell.live.pace import Pace
from jogakbo_shell.live.ports import Catalog, Purges, Renders
from jogakbo_shell.live.private import Change, PrivateWatch
from jogakbo_shell.live.shown import Mark, Shown

_RENDERS_PER_SERVER = 4
_SPREAD_MS = 1_500
_SLACK_SECONDS = 0.05  # the loop's clock goes in steps
_NOT_THERE = (404, 410)


class Notes(Protocol):
    def note(self, frame: bytes, happened_at: float) -> None:
        """The oldest change that a frame shows happened then (seconds since 1970)."""


class Hub:
    """One per worker; everything but a render is synchronous, so a change is one step for all that looks at it.

    The order within a step matters: first the cache forgets, then the cursor moves, then instances become dirty. A
    page that reads the cursor and then its fragments can so never hold older fragments than its cursor says.
    """

    def __init__(
        self, log: ChangeLog, fragments: Renders, cache: Purges, catalog: Catalog, pace: Pace | None = None
    ) -> None:
        self._log = log
        self._fragments = fragments
        self._cache = cache
        self._catalog = catalog
        self._pace = pace or Pace()
        self._private = PrivateWatch()
        self._shown: dict[Instance, Shown] = {}
        self._by_key: dict[str, set[Shown]] = defaultdict(set)
        self._unsettled: set[Shown] = set()
        self._gates: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(_RENDERS_PER_SERVER))
        self._unlearned: set[Shown] = set()
        self._count = 0
        self._connections: set[Connection] = set()
        self._post: Notes | None = None
        self._behind = False
        self._logger = structlog.get_logger()

    def frames_go_by(self, post: Notes) -> None:
        """Tell it how old what is in a frame is."""
        self._post = post

    @property
    def connections(self) -> frozenset[Connection]:
        return frozenset(self._connections)

    @property
    def instances(self) -> frozenset[Instance]:
        return frozenset(self._shown)

    def settled(self) -> str:
        """The cursor up to which every change has been rendered and put into the mailboxes."""
        oldest = min((mark for shown in self._unsettled if (mark := shown.since)), default=None)
        return oldest.cursor if oldest else self._log.cursor

    # What the reader of the bus says.

    def changed(self, stream: str, position: Position, keys: frozenset[str], happened_at: float | None = None) -> None:
        if keys:
            self._cache.purge(keys)
        self._moved(stream, position, keys, happened_at)

    def _moved(self, stream: str, position: Position, keys: frozenset[str], happened_at: float | None = None) -> None:
        mark = self._mark(happened_at)
        self._log.append(stream, position, keys)
        for shown in self._touched(keys):
            self._soil(shown, mark)
        change = Change(keys, self._catalog.servers_of(stream))
        for connection, instance, sure in self._private.concerned(change):
            connection.notify(instance, 0 if sure else _SPREAD_MS)

    def resynced(self, stream: str, position: Position) -> None:
        """What happened before `position` cannot be known: whatever depends on the stream is taken up anew."""
        servers = self._catalog.servers_of(stream)
        self._cache.purge_servers(servers)
        mark = self._mark()
        self._log.restart(stream, position)
        self._renew(servers, mark)

    def purged(self, stream: str, position: Position, purge: Purge) -> None:
        """Softly only where no page is open: an open one must be given the new version, not the old one once more."""
        soft = (
            purge.soft and not self._touched(purge.keys) and purge.servers.isdisjoint(one.server for one in self._shown)
        )
        if purge.keys:
            self._cache.purge(purge.keys, soft=soft)
        if purge.servers:
            self._cache.purge_servers(purge.servers, soft=soft)
        mark = self._mark()
        self._moved(stream, position, purge.keys)
        if purge.servers:
            self._log.forget(stream)
            self._renew(purge.servers, mark)

    def dropped(self, streams: frozenset[str]) -> None:
        self._log.keep(streams)

    def say_behind(self, behind: bool) -> None:
        """While it is, what is kept here may be older than what another worker has sent."""
        self._behind = behind

    # What the rest of the shell says.

    def recovered(self, server: str) -> None:
        """The server answers again or has a new release: its instances may be rendered, or look different, now."""
        self._renew(frozenset({server}), self._mark())

    def showed(self, instance: Instance, subject: str, keys: frozenset[str]) -> None:
        self._private.showed(instance, subject, keys)

    # What connections say.

    def join(self, connection: Connection, cursors: tuple[str, ...], ailing: Iterable[str]) -> None:
        """Take part from now on, and get what may have changed since the lowest of `cursors`.

        `ailing` are ids of elements that show an old or a stand-in version; only those of the grant count.
        """
        self._count += 1
        connection.joined = self._count
        self._connections.add(connection)
        self._private.join(connection)
        since = self._log.since(*cursors)
        unknown = frozenset(server for stream in since.streams for server in self._catalog.servers_of(stream))
        ahead = frozenset(server for stream in since.ahead for server in self._catalog.servers_of(stream))
        ids = frozenset(ailing)
        for instance in connection.instances:
            shown = self._shown.get(instance) or self._show(instance)
            shown.connections.add(connection)
            if instance.server in unknown or (since.keys and (shown.keys is None or shown.keys & since.keys)):
                connection.owed |= {instance}
            if ids and instance.dom_id in ids:
                connection.ailing |= {instance}
            if not connection.wants(instance):
                continue
            if self._behind or instance.server in ahead or _may_surpass(connection, shown):
                # Its page may have got a newer one from another worker, and must not go back.
                shown.doubted = True
                self._soil(shown, self._mark())
            elif shown.current:
                metrics.FRAMES.inc(connection.offer(instance, shown.frame, shown.etag))
            elif shown.idle:
                connection.ail(instance)
        for instance in connection.private:
            change = Change(since.keys, frozenset({instance.server}))
            sure = self._private.concerns(change, instance, connection.subject)
            if sure or (ids and instance.dom_id in ids):
                connection.notify(instance, 0)
            elif sure is False or instance.server in unknown:
                connection.notify(instance, _SPREAD_MS)

    def leave(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._private.leave(connection)
        for instance in connection.instances:
            shown = self._shown[instance]
            shown.connections.discard(connection)
            if not shown.connections:
                self._forget(shown)

    # Rendering.

    def _mark(self, happened_at: float | None = None) -> Mark:
        self._count += 1
        return Mark(self._count, self._log.cursor, happened_at)

    def _touched(self, keys: frozenset[str]) -> set[Shown]:
        if not keys:
            return set()
        return self._unlearned.union(*(self._by_key[key] for key in keys if key in self._by_key))

    def _renew(self, servers: frozenset[str], mark: Mark) -> None:
        for shown in self._shown.values():
            if shown.instance.server in servers:
                self._soil(shown, mark)
        for connection, instance in self._private.all():
            if instance.server in servers:
                connection.notify(instance, _SPREAD_MS)

    def _soil(self, shown: Shown, mark: Mark) -> None:
        if shown.dirty:
            metrics.COALESCED.inc()
        else:
            shown.dirty = mark
            self._unsettled.add(shown)
        now = asyncio.get_running_loop().time()
        self._schedule(shown, self._pace.next_at(now, shown.began_at, shown.took_seconds))

    def _show(self, instance: Instance) -> Shown:
        shown = self._shown[instance] = Shown(instance)
        self._unlearned.add(shown)
        self._schedule(shown, asyncio.get_running_loop().time())
        return shown

    def _schedule(self, shown: Shown, at: float) -> None:
        if shown.task is not None:
            return  # at its end it looks for what has become dirty meanwhile
        if shown.timer is not None:
            if shown.due_at <= at:
                return
            shown.timer.cancel()
        shown.due_at = at
        shown.timer = asyncio.get_running_loop().call_at(at, self._begin, shown)

    def _begin(self, shown: Shown) -> None:
        shown.timer = None
        shown.task = asyncio.create_task(self._run(shown), name=f"live {shown.instance.text}")

    async def _run(self, shown: Shown) -> None:
        loop = asyncio.get_running_loop()
        rendered = None
        try:
            async with self._gates[shown.instance.server]:
                # From here a further change makes it dirty again: this render may be too early to show it.
                shown.rendering, shown.dirty = shown.dirty, None
                self._count += 1
                shown.began, shown.began_at = self._count, loop.time()
                if self._behind or shown.doubted:
                    shown.doubted = False
                    self._cache.purge_servers([shown.instance.server])
                rendered = await self._fragments.render(shown.instance)
        except Exception:
            self._logger.exception("live_render_failed", fragment=shown.instance.text)
        shown.task = None
        shown.took_seconds = loop.time() - shown.began_at
        self._finish(shown, rendered)
        now = loop.time()
        if shown.dirty:
            self._schedule(shown, self._pace.next_at(now, shown.began_at, shown.took_seconds))
        elif shown.failures:
            self._schedule(shown, now + self._pace.retry_in(shown.failures))

    def _finish(self, shown: Shown, rendered: Rendered | None) -> None:
        state = rendered.state if rendered else "failed"
        metrics.RENDERS.labels(state).inc()
        changed = shown.rendering is not None
        if rendered and state == "fresh":
            shown.failures = 0
            shown.etag = rendered.etag
            shown.frame = frames.fragment(shown.instance, rendered.html, shown.etag)
            self._index(shown, rendered.keys)
            if self._post and shown.rendering and shown.rendering.happened_at is not None:
                self._post.note(shown.frame, shown.rendering.happened_at)
            self._hand_over(shown, shown.connections, changed=changed)
        else:
            # What is not there at all will not come by asking again; a new release is told by `recovered`.
            shown.frame = b""
            shown.failures = shown.failures + 1 if not rendered or rendered.status not in _NOT_THERE else 0
            for connection in shown.connections:
                connection.ail(shown.instance)
        shown.rendering = None
        if not shown.dirty:
            self._unsettled.discard(shown)

    def _hand_over(self, shown: Shown, connections: Iterable[Connection], *, changed: bool) -> None:
        instance, frame, etag, began, late, sent = shown.instance, shown.frame, shown.etag, shown.began, False, 0
        for connection in connections:
            wanted = bool(connection.owed or connection.ailing) and connection.wants(instance)
            if connection.joined > began and connection.unchanged_since > shown.began_at - _SLACK_SECONDS:
                # Its page may be newer than this render, and must not go back.
                late = late or wanted
            elif changed or wanted:
                sent += connection.offer(instance, frame, etag)
        metrics.FRAMES.inc(sent)
        if late and not shown.dirty:
            shown.dirty = self._mark()
            self._unsettled.add(shown)

    def _index(self, shown: Shown, keys: frozenset[str]) -> None:
        self._unlearned.discard(shown)
        known = shown.keys or frozenset()
        for key in known - keys:
            self._unindex(key, shown)
        for key in keys - known:
            self._by_key[key].add(shown)
        shown.keys = keys

    def _unindex(self, key: str, shown: Shown) -> None:
        self._by_key[key].discard(shown)
        if not self._by_key[key]:
            del self._by_key[key]

    def _forget(self, shown: Shown) -> None:
        shown.rest()
        for key in shown.keys or ():
            self._unindex(key, shown)
        self._unsettled.discard(shown)
        self._unlearned.discard(shown)
        del self._shown[shown.instance]


def _may_surpass(connection: Connection, shown: Shown) -> bool:
    """Whether its page may show something newer than the last render, for what it shows came after that. It is owed the
    instance nevertheless where a page in another tab of the same stream has missed more.
    """
    since = connection.unchanged_since
    return (
        shown.current and shown.instance in connection.owed and shown.began_at - _SLACK_SECONDS < since < float("inf")
    )
