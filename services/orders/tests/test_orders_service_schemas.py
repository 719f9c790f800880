from __future__ import annotations

import json

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from jsonschema import Draft202012Validator

from jogakbo.service import Database
from orders_service.adapters.tables import metadata
from orders_service.handlers import messages

from .conftest import SCHEMAS

TYPES = {
    message.type
    for message in vars(messages).values()
    if isinstance(message, type) and issubclass(message, messages.Message) and "type" in vars(message)
}


def test_every_message_has_a_schema_and_every_schema_a_message() -> None:
    assert {path.stem for path in SCHEMAS.glob("*.json")} == TYPES
    assert len(TYPES) == 15


def test_the_schemas_are_schemas() -> None:
    for path in SCHEMAS.glob("*.json"):
        schema = json.loads(path.read_text())
        Draft202012Validator.check_schema(schema)
        assert schema["title"] == path.stem


def test_the_migrations_make_the_tables_that_the_code_knows(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": _is_ours})
        assert compare_metadata(context, metadata) == []


def _is_ours(name: str | None, kind: str, parents: object) -> bool:
    return kind != "table" or name in metadata.tables
