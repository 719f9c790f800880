"""Whoever asks for a page that somebody else is asking for at this very moment gets the same one."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from jogakbo_shell.composition.asker import Asker
from jogakbo_shell.composition.composition import Composition
from jogakbo_shell.composition.compositions import Compositions
from jogakbo_shell.composition.ports import Arrived, FragmentSeat
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.composition.segments import FragmentSlot
from jogakbo_shell.composition.slots import Placed
from jogakbo_shell.instance import Instance

BOARD = Placed.of(FragmentSlot("orders/board"), Instance.of("orders/board"))


@dataclass
class Kitchen:
    """Stands where the fragments are, and counts purges as the cache does."""

    sequence: int = 0
    asked: list[Arrived] = field(default_factory=list)
    left: int = 0

    def ready(self, instance: Instance) -> Rendered | None:
        return None

    def ask(self, instance: Instance, asker: Asker, then: Arrived) -> Rendered | FragmentSeat:
        self.asked.append(then)
        return self

    def overdue(self, instance: Instance, asker: Asker, seconds: float) -> Rendered:
        raise AssertionError("nothing here is overdue")

    def leave(self) -> None:
        self.left += 1

    def give_up(self) -> None:
        raise AssertionError("nothing here is given up")


class View:
    def __init__(self, composition: Composition) -> None:
        self.composition = composition
        self.told = 0
        composition.watch(self)

    def advance(self) -> None:
        self.told += 1


@pytest.fixture
def kitchen() -> Kitchen:
    return Kitchen()


@pytest.fixture
def compositions(kitchen: Kitchen) -> Compositions:
    return Compositions(kitchen, kitchen)


def view(compositions: Compositions, page: str = "/") -> View:
    return View(compositions.begin(page, [BOARD], Asker()))


def board() -> Rendered:
    return Rendered(b"<p>", "fresh", 200, "1", frozenset(), False, "", 0.0)


def test_a_page_under_way_is_asked_for_once_and_all_are_told(kitchen: Kitchen, compositions: Compositions) -> None:
    views = [view(compositions) for _ in range(3)]
    assert len(kitchen.asked) == 1
    kitchen.asked[0](board())
    assert [one.told for one in views] == [1, 1, 1]


def test_another_page_is_another(kitchen: Kitchen, compositions: Compositions) -> None:
    view(compositions, "/")
    view(compositions, "/board")
    assert len(kitchen.asked) == 2


def test_a_page_from_before_a_purge_is_not_joined(kitchen: Kitchen, compositions: Compositions) -> None:
    old = view(compositions)
    kitchen.sequence += 1
    new = view(compositions)
    assert new.composition is not old.composition
    compositions.end("/", old.composition)  # must not take the newer one away
    assert view(compositions).composition is new.composition


def test_a_page_of_which_something_was_sent_is_not_joined(kitchen: Kitchen, compositions: Compositions) -> None:
    held = view(compositions)
    held.composition.eager = True
    assert view(compositions).composition is not held.composition


def test_the_fetch_goes_on_until_the_last_client_has_gone(kitchen: Kitchen, compositions: Compositions) -> None:
    first, second = view(compositions), view(compositions)
    first.composition.leave(first)
    assert kitchen.left == 0
    kitchen_told = second.told
    second.composition.leave(second)
    assert (kitchen.left, kitchen_told) == (1, 0)


def test_nothing_is_left_of_pages_that_have_ended(kitchen: Kitchen, compositions: Compositions) -> None:
    one = view(compositions)
    kitchen.asked[0](board())
    compositions.end("/", one.composition)
    assert len(compositions) == 0
