"""What holds for all tests: none of them is timed, for a busy machine must not look like a fault."""

from __future__ import annotations

from contextlib import suppress

with suppress(ImportError):  # a member that is tested alone may do without it
    from hypothesis import settings

    settings.register_profile("untimed", deadline=None)
    settings.load_profile("untimed")
