"""From the first release's tables, filled, to the newest."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text

from jogakbo.database import Database
from jogakbo.testing.databases import FreshDatabase
from till_service.app import MIGRATIONS
from till_service.domain.closing import CloseState

from .conftest import Till

_AT = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
_STARTED = '{"order_id":"order-1","payment_id":"pay-order-1","amount_won":4500,"method":"cash","payment":"cash"}'
_CHARGED = (
    '{"order_id":"order-1","payment_id":"pay-order-1","amount_won":4500,"method":"cash","reference":"cash-order-1"}'
)


def test_the_money_of_the_first_release_is_there_after_the_upgrade(
    fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    url = fresh_database()
    shutil.copy(MIGRATIONS / "0001_till.py", tmp_path)
    first = Database(url, migrations=tmp_path)
    first.migrate()
    with first.write() as connection:
        for version, (name, data) in enumerate([("charge-started", _STARTED), ("charged", _CHARGED)], 1):
            connection.execute(
                text(
                    "INSERT INTO till_events VALUES"
                    " ('till/2026-03-02', :version, 'till', '2026-03-02', :name, :data, :at)"
                ),
                {"version": version, "name": name, "data": data, "at": _AT.isoformat()},
            )
        connection.execute(
            text(
                "INSERT INTO payments VALUES ('order-1', 'pay-order-1', '2026-03-02', 4500, 'cash', 'cash', 'charged',"
                " 'cash-order-1', '', :at)"
            ),
            {"at": _AT.isoformat()},
        )
        connection.execute(text("INSERT INTO days VALUES ('2026-03-02', 4500, 0, 1, 0)"))
    first.close()

    database = Database(url, migrations=MIGRATIONS)
    database.migrate()
    till = Till(database)
    till.charges("order-2", 1000, "cash")
    till.refunds("order-1")
    assert till.closes_wholly().state is CloseState.CLOSED
    assert till.told("till.DayClosed")[0]["closing_cash_won"] == 1000
    till.check()
    database.close()
