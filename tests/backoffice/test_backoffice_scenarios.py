"""Every message of the saga in every trouble, and what has a name of its own."""

from __future__ import annotations

import pytest

from tests.backoffice.cafe import Cafe
from tests.backoffice.scenarios import SCENARIOS, Scenario
from tests.backoffice.ways import ORDER, Trouble, Way, cases, walk


@pytest.mark.parametrize(
    ("way", "reader", "type", "trouble"), list(cases()), ids=lambda part: part.name if isinstance(part, Way) else part
)
def test_a_message_in_trouble_changes_nothing(cafe: Cafe, way: Way, reader: str, type: str, trouble: Trouble) -> None:
    walk(cafe, way, reader, type, trouble)

    state = cafe.books().orders[ORDER].state
    assert state == way.ends or (trouble == "late" and state in ("CONFIRMED", "CANCELLED"))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_it_ends_well_when(cafe: Cafe, scenario: Scenario) -> None:
    scenario(cafe)
