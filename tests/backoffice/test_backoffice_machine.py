from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.backoffice.cafe import Cafe
from tests.backoffice.machine import BackOffice


def test_whatever_happens_nothing_is_lost_and_nothing_happens_twice(
    back_office: Cafe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In any order: losses, repeats, deaths, waits, moods of the gateway, guests who change their minds."""
    monkeypatch.setattr(BackOffice, "cafe", back_office, raising=False)

    run_state_machine_as_test(
        BackOffice,
        settings=settings(
            max_examples=30,
            stateful_step_count=30,
            deadline=None,
            phases=(Phase.generate,),  # a story is told as it was found: to shrink it takes minutes
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
