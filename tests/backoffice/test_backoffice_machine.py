from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.backoffice.machine import BackOffice


def test_whatever_happens_nothing_is_lost_and_nothing_happens_twice(template: Path) -> None:
    """In any order: losses, repeats, deaths, waits, moods of the gateway, guests who change their minds."""
    run_state_machine_as_test(
        BackOffice,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            phases=(Phase.generate,),
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
