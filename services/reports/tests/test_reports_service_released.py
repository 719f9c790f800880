from __future__ import annotations

from pathlib import Path

import reports_service
from jogakbo.testing.schemas import breaking_changes

SCHEMAS = Path(reports_service.__file__).parent / "schemas"


def test_no_event_has_changed_so_that_its_readers_would_trip_over_it() -> None:
    assert breaking_changes(SCHEMAS, SCHEMAS / "released") == []
