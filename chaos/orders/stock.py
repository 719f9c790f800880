"""Stock: never negative, never out of nothing, held and used once per order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from chaos.orders.books import Books, Json, Level, StockEvent


@dataclass
class Shelf:
    """An ingredient, told by its events alone."""

    on_hand: int = 0
    holds: dict[str, int] = field(default_factory=dict)

    @property
    def reserved(self) -> int:
        return sum(self.holds.values())

    def follow(self, event: StockEvent) -> Iterator[str]:
        """Raises nothing: what cannot have happened is told, and taken as it stands."""
        data, at = event.data, f"{event.stream} {event.version} ({event.name})"
        order_id = data.get("order_id", "")
        match event.name:
            case "opened":
                if event.version != 1:
                    yield f"{at}: a day is opened once"
                self.on_hand, self.holds = data["on_hand"], _holds(data)
            case "held":
                if order_id in self.holds:
                    yield f"{at}: {order_id} holds it already"
                self.holds[order_id] = data["amount"]
            case "committed" | "released":
                if self.holds.pop(order_id, 0) != data["amount"]:
                    yield f"{at}: {order_id} did not hold {data['amount']}"
                self.on_hand -= data["amount"] if event.name == "committed" else 0
            case "restocked":
                self.on_hand += data["amount"]
            case "counted":
                self.on_hand = data["counted"]
        if self.on_hand - self.reserved < 0:
            yield f"{at}: {self.on_hand} on hand, {self.reserved} held"

    def equals(self, state: Json) -> bool:
        return (self.on_hand, self.holds) == (state["on_hand"], _holds(state))


def conserved(books: Books) -> Iterator[str]:
    """Each day opens with what the last one left, and the shelf shows what its events say."""
    left: dict[str, Shelf] = {}
    for ingredient, events in groupby(books.stock_events, key=lambda event: event.ingredient):
        shelf = Shelf()
        for stream, of_day in groupby(events, key=lambda event: event.stream):
            before = shelf if ingredient in left else None
            shelf = left[ingredient] = Shelf()
            for version, event in enumerate(of_day, 1):
                if event.version != version:
                    yield f"{stream}: version {event.version} follows {version - 1}"
                yield from shelf.follow(event)
                if (
                    version == 1
                    and before is not None
                    and (shelf.on_hand, shelf.holds) != (before.on_hand, before.holds)
                ):
                    yield f"{stream}: opened with {shelf}, closed before with {before}"
    for ingredient, level in books.levels.items():
        shelf = left.get(ingredient, Shelf())
        if level != Level(shelf.on_hand, shelf.reserved):
            yield f"{ingredient} shows {level}, its events say {shelf}"


def snapshots_replayed(books: Books) -> Iterator[str]:
    """Every snapshot is the state that its events lead to."""
    streams: dict[str, dict[int, StockEvent]] = defaultdict(dict)
    for event in books.stock_events:
        streams[event.stream][event.version] = event
    for snapshot in books.stock_snapshots:
        shelf = Shelf()
        for version in range(1, snapshot.version + 1):
            then = streams[snapshot.stream].get(version)
            if then is None:
                yield f"{snapshot.stream}: a snapshot of version {snapshot.version}, but no event {version}"
                break
            list(shelf.follow(then))
        else:
            if not shelf.equals(snapshot.state):
                yield f"{snapshot.stream} {snapshot.version}: snapshot {snapshot.state}, events {shelf}"


def held_for_orders(books: Books) -> Iterator[str]:
    """What an order holds and has used, by ingredient, is what its reservation says, and the saga agrees."""
    moved: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for event in books.stock_events:
        if event.name in ("held", "released", "committed"):
            moved[event.name][event.data["order_id"]][event.ingredient] += event.data["amount"]
    for order_id in {*books.reservations, *moved["held"]}:
        reservation, order = books.reservations.get(order_id), books.orders.get(order_id)
        if order is None:
            yield f"order {order_id} has a reservation and was never accepted"
        state = reservation.state if reservation else "none"
        portions = dict(reservation.portions) if reservation else {}
        used, freed, held = (dict(moved[name][order_id]) for name in ("committed", "released", "held"))
        if held != (portions if state in ("reserved", "committed") or freed else {}):
            yield f"order {order_id} ({state}) has held {held}, not {portions}"
        if used != (portions if state == "committed" else {}):
            yield f"order {order_id} ({state}) has used {used}, of {portions}"
        if freed and (state != "released" or freed != held):
            yield f"order {order_id} ({state}) has given back {freed}, of {held}"
    for order in books.orders.values():
        reservation = books.reservations.get(order.id)
        state = reservation.state if reservation else "none"
        if state not in _RESERVATIONS[order.state]:
            yield f"order {order.id} is {order.state}, its reservation {state}"


def no_holds(books: Books) -> Iterator[str]:
    for ingredient, level in books.levels.items():
        if level.reserved:
            yield f"{level.reserved} of {ingredient} are still held"


# What inventory may say of an order in each state of its saga.
_RESERVATIONS: Mapping[str, Iterable[str]] = {
    "RESERVING": ("none", "waiting", "reserved", "refused"),
    "CHARGING": ("reserved",),
    "COMMITTING": ("reserved", "committed"),
    "CONFIRMED": ("committed",),
    "REFUNDING": ("committed",),
    "REFUNDED": ("committed",),
    "REJECTED": ("refused",),
    "VOIDING": ("reserved",),
    "RELEASING": ("none", "waiting", "reserved", "refused", "released"),
    "CANCELLED": ("refused", "released"),
}


def _holds(state: Json) -> dict[str, int]:
    return {hold["order_id"]: hold["amount"] for hold in state["holds"]}
