"""Alembic's environment for every service: runs in the connection and transaction that ``migrate`` holds."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table=context.config.attributes["version_table"],
    transactional_ddl=True,
)
context.run_migrations()
