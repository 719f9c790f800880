"""The stories see what they should: each planted fault makes one of them fail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jogakbo.events.inbox import HandlerFailed
from tests.backoffice.cafe import SERVICES, Cafe
from tests.backoffice.mutants import MUTANTS, Mutant
from tests.backoffice.scenarios import Scenario


@pytest.fixture(params=MUTANTS, ids=lambda mutant: mutant.name)
def mutant(request: pytest.FixtureRequest) -> Mutant:
    found: Mutant = request.param
    return found


@pytest.fixture
def mutated(mutant: Mutant, cafe: Cafe, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cafe]:
    """The back office with the fault in it."""
    with monkeypatch.context() as patch:
        mutant.plant(patch, cafe)
        for name in SERVICES:
            cafe.start(name)
        yield cafe
    for name in SERVICES:
        cafe.start(name)


def test_a_planted_fault_is_found(mutant: Mutant, mutated: Cafe) -> None:
    assert any(_fails(story, mutated) for story in mutant.found_by)


def _fails(story: Scenario, cafe: Cafe) -> bool:
    cafe.open_anew()
    try:
        story(cafe)
    except (AssertionError, HandlerFailed):
        return True
    return False
