"""The parts between a request and a fragment server, put together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from jogakbo_shell.composition.cache import FragmentCache, TooManyKeys
from jogakbo_shell.composition.fallbacks import Fallbacks
from jogakbo_shell.composition.fetching import Fetcher
from jogakbo_shell.composition.fragments import Fragments
from jogakbo_shell.composition.healing import Healing
from jogakbo_shell.composition.lone import LoneFragments
from jogakbo_shell.composition.nesting import Nesting
from jogakbo_shell.composition.parsing import Parser
from jogakbo_shell.composition.results import LastResort
from jogakbo_shell.composition.templates import Templates
from jogakbo_shell.context import Context
from jogakbo_shell.edges.edges import EdgedCache, Edges
from jogakbo_shell.identity.keys import SigningKeys
from jogakbo_shell.identity.tokens import Tokens
from jogakbo_shell.instance import Instance
from jogakbo_shell.proxy.keeping import KeptAssets
from jogakbo_shell.registry.registry import Registry
from jogakbo_shell.registry.shelf import Shelf
from jogakbo_shell.settings import Settings
from jogakbo_shell.upstream.create import create_upstream
from jogakbo_shell.upstream.port import Upstream
from jogakbo_shell.web.metrics import FRAGMENTS

_PARSED_BYTES = 8_388_608


@dataclass(frozen=True, slots=True)
class Core:
    upstream: Upstream
    context: Context
    registry: Registry
    cache: FragmentCache
    fallbacks: Fallbacks
    assets: KeptAssets
    fetcher: Fetcher
    fragments: Fragments
    nesting: Nesting
    lone: LoneFragments
    healing: Healing
    edges: Edges

    async def start(self) -> None:
        await self.edges.start()
        await self.registry.start()
        self.assets.begin(self.registry.servers.values())

    async def stop(self) -> None:
        await self.edges.stop()
        await self.healing.stop()
        await self.registry.stop()
        await self.fallbacks.stop()
        await self.assets.stop()
        self.fragments.stop()
        await self.upstream.close()


def _note(registry: Registry, instance: Instance, error: TooManyKeys) -> None:
    if (server := registry.servers.get(instance.server)) is not None:
        server.note_fault(instance.text, error)


def build_core(settings: Settings, keys: SigningKeys, templates: Templates) -> Core:
    upstream = create_upstream(settings)
    context = Context(settings.public_origin or f"http://{settings.host}:{settings.port}", Tokens(keys))
    registry = Registry(
        settings.servers,
        upstream=upstream,
        shelf=Shelf(settings.shell_data_dir / "manifests"),
        interval_seconds=settings.manifest_interval_ms / 1000,
        deadline_seconds=settings.fragment_deadline_ms / 1000,
        breaker_failures=settings.breaker_failures,
    )
    edges = Edges(settings.edge_purge_urls.split(), upstream)
    cache = EdgedCache(settings.cache_bytes, edges, refused=partial(_note, registry))
    fallbacks = Fallbacks(upstream, context, Shelf(settings.shell_data_dir / "fallbacks"))
    fetcher = Fetcher(
        upstream,
        context,
        Parser(_PARSED_BYTES),
        max_running=settings.max_running_fragments,
        max_waiting=settings.max_waiting_fragments,
    )
    fragments = Fragments(
        registry,
        cache=cache,
        fetcher=fetcher,
        last_resort=LastResort(cache, fallbacks, templates.placeholder, registry),
        outcomes=FRAGMENTS,
        max_seconds=settings.fragment_deadline_ms / 1000,
    )
    healing = Healing(fragments, retry_seconds=settings.breaker_retry_ms / 1000)
    fragments.healed_by(healing)
    kept, nesting = KeptAssets(upstream, registry), Nesting(registry)
    return Core(
        upstream=upstream,
        context=context,
        registry=registry,
        cache=cache,
        fallbacks=fallbacks,
        assets=kept,
        fetcher=fetcher,
        fragments=fragments,
        nesting=nesting,
        lone=LoneFragments(fragments, nesting),
        healing=healing,
        edges=edges,
    )
