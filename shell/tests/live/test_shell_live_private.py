"""Which private fragments a change concerns: what the indexes find is what a look at every page would."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from jogakbo_shell.instance import Instance
from jogakbo_shell.live.connection import Connection
from jogakbo_shell.live.private import Change, PrivateWatch

SUBJECTS = [f"guest-{number:012x}" for number in range(3)]
CARTS = [Instance.parse(name) for name in ("orders/cart", "orders/mine", "menu/favourites")]
KEYS = ["cart", "menu", *(f"cart-{subject}" for subject in SUBJECTS)]

subjects, carts = st.sampled_from(SUBJECTS), st.sampled_from(CARTS)
keys = st.frozensets(st.sampled_from(KEYS), max_size=3)
servers = st.frozensets(st.sampled_from(["orders", "menu"]), max_size=2)


class Watching(RuleBasedStateMachine):
    """Keys of so few are remembered that some are forgotten again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.watch = PrivateWatch(max_remembered=3)
        self.connections: list[Connection] = []

    @rule(subject=subjects, shows=st.lists(carts, unique=True, max_size=3))
    def join(self, subject: str, shows: list[Instance]) -> None:
        connection = Connection(shows, shows, subject)
        self.connections.append(connection)
        self.watch.join(connection)

    @precondition(lambda self: self.connections)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        connection = data.draw(st.sampled_from(self.connections))
        self.connections.remove(connection)
        self.watch.leave(connection)

    @rule(instance=carts, subject=subjects, keys=keys)
    def show(self, instance: Instance, subject: str, keys: frozenset[str]) -> None:
        self.watch.showed(instance, subject, keys)

    @rule(keys=keys, servers=servers)
    def change(self, keys: frozenset[str], servers: frozenset[str]) -> None:
        change = Change(keys, servers)
        found = list(self.watch.concerned(change))
        looked = [
            (connection, instance, sure)
            for connection in self.connections
            for instance in connection.private
            if (sure := self.watch.concerns(change, instance, connection.subject)) is not None
        ]
        assert len(found) == len(set(found))
        assert set(found) == set(looked)

    @invariant()
    def nothing_is_left_of_who_has_gone(self) -> None:
        if not self.connections:
            assert not self.watch.has_pages


TestWatching = Watching.TestCase
TestWatching.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
