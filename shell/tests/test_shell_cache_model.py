"""The cache against a model that remembers everything, whatever happens in whatever order."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from jogakbo_shell.composition.cache import Entry, FragmentCache
from jogakbo_shell.composition.freshness import NOT_STATED, NOT_STORABLE, Freshness
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.instance import Instance

MAX_BYTES = 9_000
INSTANCES = [Instance.parse(name) for name in ("menu/list", "orders/board", "orders/queue")]


@dataclass(frozen=True)
class Ask:
    """A fetch begins."""


@dataclass(frozen=True)
class GiveUp:
    """A fetch ends without an answer; `which` of those under way, or one that has only just begun."""

    which: int


@dataclass(frozen=True)
class Store:
    which: int
    instance: Instance
    keys: frozenset[str]
    freshness: Freshness
    etag: str
    length: int


@dataclass(frozen=True)
class Confirm:
    which: int
    instance: Instance
    keys: frozenset[str]
    freshness: Freshness


@dataclass(frozen=True)
class Purge:
    keys: frozenset[str]
    servers: frozenset[str]
    soft: bool

    def hits(self, instance: Instance, keys: frozenset[str]) -> bool:
        return instance.server in self.servers or not self.keys.isdisjoint(keys)


@dataclass(frozen=True)
class Find:
    instance: Instance


@dataclass(frozen=True)
class Wait:
    seconds: float


_which = st.integers(0, 2)
_instances = st.sampled_from(INSTANCES)
_keys = st.frozensets(st.sampled_from("ab"))
_none: st.SearchStrategy[frozenset[str]] = st.just(frozenset())
_storable = st.builds(
    Freshness,
    storable=st.just(True),
    fresh=st.sampled_from([-5.0, 10.0, 60.0]),
    while_revalidate=st.sampled_from([0.0, 30.0]),
    if_error=st.sampled_from([0.0, 600.0]),
)
_answered = _storable | st.sampled_from([NOT_STORABLE, NOT_STATED])
_etags = st.sampled_from(["", '"1"'])
_lengths = st.sampled_from([10, 10, 3_000, 20_000])
_steps = st.one_of(
    st.builds(Ask),
    st.builds(GiveUp, _which),
    st.builds(Store, _which, _instances, _keys, _storable, _etags, _lengths),
    st.builds(Store, _which, _instances, _keys, _answered, _etags, _lengths),
    st.builds(Confirm, _which, _instances, _keys, _answered),
    st.builds(Purge, _keys, _none, st.booleans()),
    st.builds(Purge, _none, st.sets(st.sampled_from(["menu", "orders"])).map(frozenset), st.booleans()),
    st.builds(Find, _instances),
    st.builds(Wait, st.sampled_from([1.0, 10.0, 100.0])),
)


@dataclass
class Known:
    """What the model holds an entry to be; `asked` counts the purges before its answer was asked for."""

    entry: Entry
    keys: frozenset[str]
    freshness: Freshness
    asked: int
    came_at: float


class Model:
    """Takes each step itself, lets the cache take it, and compares."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.cache = FragmentCache(MAX_BYTES, lambda: self.now)
        self.known: OrderedDict[Instance, Known] = OrderedDict()
        self.gone: list[Entry] = []
        self.purges: list[tuple[Purge, float]] = []
        self.under_way: list[int] = []

    def take(self, step: object) -> None:
        match step:
            case Ask():
                self.under_way.append(self.cache.take_ticket())
            case GiveUp(which):
                self.cache.return_ticket(self._ticket(which))
            case Store():
                self._store(step, self._ticket(step.which))
            case Confirm():
                self._confirm(step, self._ticket(step.which))
            case Purge(keys, servers, soft) as purge:
                self.purges.append((purge, self.now))
                if servers:
                    self.cache.purge_servers(servers, soft=soft)
                else:
                    self.cache.purge(keys, soft=soft)
            case Find(instance):
                known = self.known.get(instance)
                assert self.cache.find(instance) is (known.entry if known else None)
                if known:
                    self.known.move_to_end(instance)
            case Wait(seconds):
                self.now += seconds

    def compare(self) -> None:
        self._compare_what_is_held()
        for instance, known in self.known.items():
            self._compare_entry(instance, known)
        assert not any(entry.current for entry in self.gone)
        if not self.under_way:
            assert len(self.cache._tickets) == 0

    def _compare_what_is_held(self) -> None:
        cache, alive = self.cache, {known.entry for known in self.known.values()}
        assert dict(cache._entries) == {instance: known.entry for instance, known in self.known.items()}
        assert cache.bytes == sum(entry.size for entry in alive) <= MAX_BYTES
        for index in (cache._by_key, cache._by_server):
            assert all(entries and entries <= alive for entries in index.values())
        for entry in alive:
            if not entry.purged:
                assert entry in cache._by_server[entry.instance.server]
                assert all(entry in cache._by_key[key] for key in entry.rendered.keys)

    def _compare_entry(self, instance: Instance, known: Known) -> None:
        since = [(purge, at) for purge, at in self.purges[known.asked :] if purge.hits(instance, known.keys)]
        hard = any(not purge.soft for purge, _ in since)
        assert (known.entry.purged, known.entry.current) == (hard, not since)
        if not hard:
            ends = [max(at, known.came_at) for _, at in since]
            assert known.entry.fresh_until == min([known.came_at + known.freshness.fresh, *ends])
            assert self.cache.age(known.entry) >= self.now - known.came_at

    def _store(self, step: Store, ticket: int) -> None:
        what = Rendered(bytes(step.length), "fresh", 200, "", step.keys, False, "", 0.0)
        overtaken = step.instance in self.known and self.known[step.instance].asked > ticket
        entry = self.cache.store(step.instance, what, step.freshness, step.etag, ticket)
        self.cache.return_ticket(ticket)
        useful = step.freshness.storable and (step.etag or step.freshness.until_error > 0) and step.length < MAX_BYTES
        assert (entry is not None) == (useful and not overtaken)
        if not overtaken:
            self._forget(step.instance)
        if entry is not None:
            self._remember(step.instance, Known(entry, step.keys, step.freshness, ticket, self.now))

    def _confirm(self, step: Confirm, ticket: int) -> None:
        entry = self.cache.confirm(step.instance, step.freshness, ticket, keys=step.keys)
        self.cache.return_ticket(ticket)
        known = self.known.get(step.instance)
        assert (entry is None) == (known is None)
        if known is None or entry is None or known.asked > ticket:
            return
        said = step.freshness if step.freshness.stated else known.freshness
        self._forget(step.instance)
        if entry is not known.entry:
            self._remember(step.instance, Known(entry, step.keys or known.keys, said, ticket, self.now))

    def _ticket(self, which: int) -> int:
        return self.under_way.pop(which) if which < len(self.under_way) else self.cache.take_ticket()

    def _remember(self, instance: Instance, known: Known) -> None:
        self.known[instance] = known
        while sum(known.entry.size for known in self.known.values()) > MAX_BYTES:
            self._forget(next(iter(self.known)))

    def _forget(self, instance: Instance) -> None:
        known = self.known.pop(instance, None)
        if known is not None:
            self.gone.append(known.entry)


@given(st.lists(_steps, min_size=20, max_size=60))
@settings(max_examples=200, deadline=None)
def test_the_cache_does_what_a_model_of_it_does(steps: list[object]) -> None:
    model = Model()
    for step in steps:
        model.take(step)
        model.compare()
