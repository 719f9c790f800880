"""What a fragment's way needs around it, with a fake at the port to fragment servers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jogakbo.contract.manifest_reader import read_manifest
from jogakbo_shell.composition.cache import FragmentCache
from jogakbo_shell.composition.fallbacks import Fallbacks
from jogakbo_shell.composition.fetching import Fetcher
from jogakbo_shell.composition.fragments import Fragments
from jogakbo_shell.composition.parsing import Parser
from jogakbo_shell.composition.results import LastResort
from jogakbo_shell.context import Context
from jogakbo_shell.identity.keys import SigningKeys
from jogakbo_shell.identity.tokens import Tokens
from jogakbo_shell.instance import Instance
from jogakbo_shell.registry.registry import Registry
from jogakbo_shell.registry.shelf import Shelf
from jogakbo_shell.upstream.errors import UpstreamError
from jogakbo_shell.upstream.location import locate
from jogakbo_shell.upstream.port import Answer, Done, HeaderLines, Prepared, Request
from shell.tests.harness import manifest


@dataclass(eq=False)
class FakeCall:
    url: str
    deadline: float
    done: Done
    cancelled: int = 0
    over: bool = False

    def cancel(self) -> None:
        self.cancelled += 1
        self.over = True

    def end(self, outcome: Answer | UpstreamError) -> None:
        """As the port has it: once, and not at all after it was cancelled."""
        if not self.over:
            self.over = True
            self.done(outcome)

    def show(self, html: str, **headers: str) -> None:
        fields = {"content-type": "text/html"} | {name.replace("_", "-"): value for name, value in headers.items()}
        self.end(Answer(200, fields.items(), html.encode()))


@dataclass
class FakeUpstream:
    """Begins whatever it is told to; a test ends it."""

    calls: list[FakeCall] = field(default_factory=list)
    fails: Exception | None = None

    @property
    def running(self) -> list[FakeCall]:
        return [call for call in self.calls if not call.over]

    def prepare(self, request: Request) -> Prepared:
        return Prepared(request, locate(request.url), b"", b"")

    def begin(self, prepared: Prepared, more: Sequence[HeaderLines], *, deadline: float, done: Done) -> FakeCall:
        if self.fails is not None:
            raise self.fails
        call = FakeCall(prepared.request.url, deadline, done)
        self.calls.append(call)
        return call

    async def fetch(self, request: Request, *, deadline: float) -> Answer:
        raise UpstreamError("nobody answers")

    async def close(self) -> None:
        return


class Counted:
    """The metrics."""

    def __init__(self) -> None:
        self.outcomes: list[str] = []

    def count(self, instance: Instance, outcome: str, slots: int = 1) -> None:
        self.outcomes += [outcome] * slots


class Rig:
    """`Fragments` of one server, `cafe`, with these fragments; everything real but the port to it."""

    def __init__(
        self,
        folder: Path,
        *names: str,
        max_running: int = 48,
        max_waiting: int = 256,
        max_seconds: float = 5.0,
        private: frozenset[str] = frozenset(),
        parser: Parser | None = None,
    ) -> None:
        self.upstream = FakeUpstream()
        self.cache = FragmentCache(1_000_000)
        self.counted = Counted()
        context = Context("http://portal.example", Tokens(SigningKeys.load(folder / "keys")))
        self.registry = Registry(
            {"cafe": "http://127.0.0.1:1"},
            upstream=self.upstream,
            shelf=Shelf(folder / "manifests"),
            interval_seconds=60,
            deadline_seconds=1,
            breaker_failures=5,
        )
        declared: dict[str, dict[str, object]] = {
            name: {"audience": "private" if name in private else "public"} for name in names
        }
        self.server = self.registry.servers["cafe"]
        self.server.manifest, _ = read_manifest(manifest("cafe", "1", **declared).encode())
        self.fetcher = Fetcher(
            self.upstream, context, parser or Parser(100_000), max_running=max_running, max_waiting=max_waiting
        )
        fallbacks = Fallbacks(self.upstream, context, Shelf(folder / "fallbacks"))
        self.fragments = Fragments(
            self.registry,
            cache=self.cache,
            fetcher=self.fetcher,
            last_resort=LastResort(self.cache, fallbacks, lambda _, title: f"<p>no {title}</p>", self.registry),
            outcomes=self.counted,
            max_seconds=max_seconds,
        )
