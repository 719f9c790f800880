"""The fragment servers: looked at in the background, so that no request ever waits for a manifest twice."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

import msgspec
import structlog

from jogakbo.contract.manifest import ManifestError
from jogakbo.contract.manifest_reader import read_manifest
from jogakbo_shell.instance import Instance
from jogakbo_shell.registry.looking import NewManifest, look_at_health, look_at_manifest
from jogakbo_shell.registry.server import FragmentServer
from jogakbo_shell.registry.shelf import Shelf
from jogakbo_shell.resilience import Breaker
from jogakbo_shell.upstream.errors import UpstreamError
from jogakbo_shell.upstream.port import Upstream


class Listener(Protocol):
    """Told by the registry; must return at once."""

    def released(self, server: FragmentServer) -> None:
        """The server has a new manifest."""

    def answers_again(self, server: FragmentServer) -> None:
        """The server was away, or not itself as its manifest showed, and is back."""


class Registry:
    def __init__(
        self,
        addresses: Mapping[str, str],
        *,
        upstream: Upstream,
        shelf: Shelf,
        interval_seconds: float,
        deadline_seconds: float,
        breaker_failures: int,
    ) -> None:
        self.servers = {
            name: FragmentServer(name, address, Breaker(breaker_failures)) for name, address in addresses.items()
        }
        self.generation = 0
        self._upstream = upstream
        self._shelf = shelf
        self._interval_seconds = interval_seconds
        self._deadline_seconds = deadline_seconds
        self._listeners: list[Listener] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._first_look = {name: asyncio.Event() for name in addresses}
        self._log = structlog.get_logger()
        for server in self.servers.values():
            self._recall(server)

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    async def start(self) -> None:
        self._tasks = [asyncio.create_task(self._watch(server)) for server in self.servers.values()]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def known(self, name: str, seconds: float) -> FragmentServer | None:
        """The server; where nothing is known of it yet, after the first look at it. Raises TimeoutError."""
        server = self.servers.get(name)
        if server is not None and server.manifest is None and not server.looked:
            await asyncio.wait_for(self._first_look[name].wait(), seconds)
        return server

    def streams(self) -> frozenset[str]:
        """The event streams that some fragment depends on."""
        manifests = (server.manifest for server in self.servers.values())
        return frozenset(stream for manifest in manifests if manifest for stream in manifest.streams)

    def servers_of(self, stream: str) -> frozenset[str]:
        """The servers whose fragments may change with an event of this stream."""
        return frozenset(
            server.name for server in self.servers.values() if server.manifest and stream in server.manifest.streams
        )

    def is_private(self, instance: Instance) -> bool:
        """Whether the instance differs from person to person; what is not known is taken to."""
        server = self.servers.get(instance.server)
        declared = server.manifest.fragments.get(instance.fragment) if server and server.manifest else None
        return declared is None or declared.audience == "private"

    def has_presence(self, instance: Instance) -> bool:
        """Whether open pages show who else looks at it."""
        server = self.servers.get(instance.server)
        declared = server.manifest.fragments.get(instance.fragment) if server and server.manifest else None
        return declared is not None and declared.presence

    async def _watch(self, server: FragmentServer) -> None:
        while True:
            try:
                await self._look(server)
            except Exception:  # the watch over one server must not end with one odd answer of it
                self._log.exception("look_failed", server=server.name)
            with suppress(TimeoutError):
                await asyncio.wait_for(server.look_soon.wait(), self._interval_seconds)
            server.look_soon.clear()

    async def _look(self, server: FragmentServer) -> None:
        before, refused_before, sent_at = server.health, _is_refused(server), server.breaker.now()
        silent = await self._look_at_manifest(server)
        server.checked_at = datetime.now(UTC)
        server.health, server.checks = await look_at_health(self._upstream, server, self._deadline_seconds)
        # Both must be silent: a manifest alone that hangs is no reason to leave working fragments out.
        server.breaker.looked(silent=silent and server.health == "down", sent_at=sent_at)
        if server.health != before:
            self._log.info("fragment_server", server=server.name, health=server.health, was=before)
        answers = before in ("down", "failing") and server.health == "ok"
        if answers or (refused_before and not _is_refused(server)):
            for listener in self._listeners:
                listener.answers_again(server)

    async def _look_at_manifest(self, server: FragmentServer) -> bool:
        """Whether the server was silent."""
        try:
            new = await look_at_manifest(self._upstream, server, self._deadline_seconds)
        except (UpstreamError, ManifestError) as error:
            self._keep_last_good(server, error)
            return isinstance(error, UpstreamError) and error.silent
        finally:
            server.looked = True
            self._first_look[server.name].set()
        server.manifest_state = "current"
        if new is None:
            server.heard(server.version)
        elif server.rollout.is_release(new.manifest.version, server.version):
            self._adopt(server, new)
        server.manifest_fault = "; ".join(server.left_out)
        return False

    def _keep_last_good(self, server: FragmentServer, error: Exception) -> None:
        if server.manifest_fault != str(error):
            self._log.warning("manifest_refused", server=server.name, error=str(error), kept=server.version)
        server.note_fault("manifest", error)
        server.manifest_fault = str(error)
        server.manifest_state = "kept" if server.manifest else "missing"

    def _adopt(self, server: FragmentServer, new: NewManifest) -> None:
        server.rollout.adopted(new.manifest.version, server.version)
        server.manifest, server.manifest_etag, server.left_out = new.manifest, new.etag, new.left_out
        self.generation += 1
        self._shelf.write(server.name, _encode(new))
        self._log.info("manifest_adopted", server=server.name, version=server.version)
        if new.left_out:
            self._log.warning("manifest_fields_left_out", server=server.name, faults=new.left_out)
        for listener in self._listeners:
            listener.released(server)

    def _recall(self, server: FragmentServer) -> None:
        payload = self._shelf.read(server.name)
        if payload is None:
            return
        try:
            kept = msgspec.json.decode(payload, type=_Kept)
            server.manifest, server.left_out = read_manifest(bytes(kept.manifest))
        except (msgspec.DecodeError, ManifestError) as error:
            server.note_fault("kept manifest", error)
            return
        server.manifest_etag, server.manifest_state = kept.etag, "kept"
        self.generation += 1


def _is_refused(server: FragmentServer) -> bool:
    return server.manifest_state == "kept" and server.manifest_fault != ""


class _Kept(msgspec.Struct, frozen=True):
    manifest: msgspec.Raw
    etag: str = ""


def _encode(new: NewManifest) -> bytes:
    return msgspec.json.encode(_Kept(msgspec.Raw(new.payload), new.etag))
