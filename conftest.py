"""What holds for all tests, in whatever order and company they run."""

from __future__ import annotations

from contextlib import suppress

import pytest
import structlog

with suppress(ImportError):  # a member that is tested alone may do without it
    from hypothesis import settings

    # None of them is timed: a busy machine must not look like a fault.
    settings.register_profile("untimed", deadline=None)
    settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _logs_as_they_come() -> None:
    """Whatever a test before this one told its logs, those of this one are where it can read them."""
    structlog.reset_defaults()
