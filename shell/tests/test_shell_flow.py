"""A page's bytes: in order while they come in time, and what is late at the end."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jogakbo_shell.composition.asker import Asker
from jogakbo_shell.composition.composition import Composition
from jogakbo_shell.composition.flow import Flow
from jogakbo_shell.composition.ports import Arrived, FragmentSeat
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.composition.segments import FragmentSlot, LateSlot, Part
from jogakbo_shell.composition.slots import Placed
from jogakbo_shell.instance import Instance

END = b'<hr class="late-end" hidden>'


def rendered(text: str) -> Rendered:
    return Rendered(text.encode(), "fresh", 200, "", frozenset(), False, "", 0.0)


class Seat:
    def __init__(self, then: Arrived) -> None:
        self.then = then
        self.left = False

    def leave(self) -> None:
        self.left = True

    def give_up(self) -> None:
        self.left = True


class Kitchen:
    """Stands where `Fragments` is: a fragment comes when the test says so; `at_hand` are there at once."""

    def __init__(self, at_hand: str) -> None:
        self.at_hand = at_hand
        self.seats: dict[str, Seat] = {}

    def ready(self, instance: Instance) -> Rendered | None:
        name = instance.fragment
        return rendered(name.upper()) if name in self.at_hand else None

    def ask(self, instance: Instance, asker: Asker, then: Arrived) -> Rendered | FragmentSeat:
        if (hit := self.ready(instance)) is not None:
            return hit
        self.seats[instance.fragment] = seat = Seat(then)
        return seat

    def overdue(self, instance: Instance, asker: Asker, seconds: float) -> Rendered:
        return rendered(f"({instance.fragment})")

    def serve(self, *names: str) -> None:
        for name in names:
            self.seats.pop(name).then(rendered(name.upper()))


class Words:
    """`Late`."""

    script = b"!"

    def place(self, instance: Instance) -> bytes:
        return b"[%b]" % instance.fragment.encode()

    def opening(self, locale: str) -> bytes:
        return b"{"

    def closing(self) -> bytes:
        return b"}"


class Sheet:
    """A page such as `<a-b>|`: letters are fragments, `|` is where late ones go, all else is text."""

    def __init__(self, page: str, ready: str = "") -> None:
        self.kitchen = Kitchen(ready)
        parts: list[Part] = []
        for kind, run in itertools.groupby(page, key=lambda sign: sign if sign.isalpha() or sign == "|" else ""):
            text = "".join(run)
            if kind == "|":
                parts += [LateSlot()] * len(text)
            else:
                parts.append(FragmentSlot(f"cafe/{kind}") if kind else text.encode())
        slots = [part for part in parts if isinstance(part, FragmentSlot)]
        placed = [Placed.of(slot, Instance.of(slot.name)) for slot in slots]
        self.composition = Composition(self.kitchen, placed, Asker())
        self.composition.watch(self)
        self.flow = Flow(parts, self.composition, Words())

    def advance(self) -> None:
        """Each test takes for itself."""

    def take(self) -> str:
        return self.flow.take().decode().replace(END.decode(), ";")


def test_what_is_all_there_leaves_in_one_piece_without_any_places() -> None:
    sheet = Sheet("<a-b>|.", ready="ab")
    assert sheet.take() == "<A-B>."
    assert sheet.flow.ended


def test_each_leaves_when_it_is_next_and_those_behind_it_that_came_before() -> None:
    sheet = Sheet("<a-b-c>|.", ready="b")
    assert sheet.take() == "<"
    assert sheet.take() == ""
    sheet.kitchen.serve("a")
    assert sheet.take() == "A-B-"
    assert not sheet.flow.ended
    sheet.kitchen.serve("c")
    assert sheet.take() == "C>."
    assert sheet.flow.ended
    assert sheet.take() == ""


def test_what_is_late_leaves_a_place_and_follows_in_the_order_in_which_it_comes() -> None:
    sheet = Sheet("<a-b-c-d>|.", ready="b")
    assert sheet.take() == "<"
    sheet.flow.overdue = True
    assert sheet.take() == "![a]-B-[c]-[d]>{"
    sheet.kitchen.serve("d")
    assert sheet.take() == "D;"
    assert sheet.take() == ""
    sheet.kitchen.serve("a")
    assert sheet.take() == "A;"
    assert not sheet.flow.ended
    sheet.kitchen.serve("c")
    assert sheet.take() == "C;}."
    assert sheet.flow.ended


def test_all_may_be_late() -> None:
    sheet = Sheet("<a-b>|.")
    sheet.flow.overdue = True
    assert sheet.take() == "<![a]-[b]>{"
    sheet.kitchen.serve("b", "a")
    assert sheet.take() == "A;B;}."


def test_nothing_is_said_of_late_ones_where_there_are_none() -> None:
    sheet = Sheet("<a-b>|.")
    assert sheet.take() == "<"
    sheet.kitchen.serve("a", "b")
    sheet.flow.overdue = True
    assert sheet.take() == "A-B>."


def test_without_a_place_for_late_ones_each_is_waited_for_where_it_stands() -> None:
    sheet = Sheet("<a-b>.")
    sheet.flow.overdue = True
    assert sheet.take() == "<"
    sheet.kitchen.serve("b")
    assert sheet.take() == ""
    sheet.kitchen.serve("a")
    assert sheet.take() == "A-B>."


def test_what_stands_behind_the_place_for_late_ones_is_waited_for_where_it_stands() -> None:
    sheet = Sheet("<a>|-b.")
    sheet.flow.overdue = True
    assert sheet.take() == "<![a]>{"
    sheet.kitchen.serve("a")
    assert sheet.take() == "A;}-"
    assert not sheet.flow.ended
    sheet.kitchen.serve("b")
    assert sheet.take() == "B."


def test_a_second_place_for_late_ones_takes_those_that_are_late_for_it() -> None:
    sheet = Sheet("<a>|-b|.")
    sheet.flow.overdue = True
    assert sheet.take() == "<![a]>{"
    sheet.kitchen.serve("a")
    assert sheet.take() == "A;}-[b]{"
    sheet.kitchen.serve("b")
    assert sheet.take() == "B;}."


def test_the_place_for_late_ones_may_stand_twice_without_being_closed_twice() -> None:
    sheet = Sheet("<a>||.")
    sheet.flow.overdue = True
    assert sheet.take() == "<![a]>{"
    sheet.kitchen.serve("a")
    assert sheet.take() == "A;}."


def test_at_the_deadline_every_place_gets_something() -> None:
    sheet = Sheet("<a-b-c>|.")
    assert sheet.take() == "<"
    sheet.flow.overdue = True
    assert sheet.take() == "![a]-[b]-[c]>{"
    sheet.kitchen.serve("b")
    seats = list(sheet.kitchen.seats.values())
    sheet.composition.give_up(1.0)
    assert sheet.take() == "(a);B;(c);}."
    assert sheet.composition.complete
    assert all(seat.left for seat in seats)


def test_whoever_goes_leaves_every_seat_once() -> None:
    sheet = Sheet("<a-b>|.", ready="b")
    seat = sheet.kitchen.seats["a"]
    sheet.composition.leave(sheet)
    assert seat.left
    seat.left = False
    sheet.composition.leave(sheet)
    assert not seat.left


_pages = st.text("abcdefgh-|", max_size=12).filter(lambda page: all(page.count(name) <= 1 for name in "abcdefgh"))


@given(_pages, st.data())
@settings(max_examples=300, deadline=None)
def test_every_fragment_leaves_once_whatever_comes_when(page: str, data: st.DataObject) -> None:
    names = [sign for sign in page if sign.isalpha()]
    sheet = Sheet(page, ready="".join(data.draw(st.sets(st.sampled_from(names))) if names else ""))
    came = ""
    steps = [*data.draw(st.permutations(list(sheet.kitchen.seats))), *data.draw(st.sampled_from(["", "!"]))]
    for step in data.draw(st.permutations(steps)):
        if data.draw(st.booleans()):
            came += sheet.take()
        if step == "!":
            sheet.flow.overdue = True
        else:
            sheet.kitchen.serve(step)
    came += sheet.take()
    assert sheet.flow.ended
    assert sorted(sign for sign in came if sign.isupper()) == sorted(name.upper() for name in names)
    assert came.count("-") == page.count("-")
    assert came.count("{") == came.count("}")
    assert (came.count("!") == 1) == ("{" in came) == ("[" in came)
    assert came.count("[") == came.count(";")


@pytest.mark.parametrize("ready", ["", "a"])
def test_a_page_may_begin_with_a_fragment(ready: str) -> None:
    sheet = Sheet("a.", ready=ready)
    if not ready:
        assert sheet.take() == ""
        assert not sheet.flow.ended
        sheet.kitchen.serve("a")
    assert sheet.take() == "A."
    assert sheet.flow.ended
