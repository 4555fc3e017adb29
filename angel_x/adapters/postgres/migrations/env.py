"""Alembic's entry: runs the migrations on the connection that the caller hands over."""

from __future__ import annotations

from alembic import context


def run() -> None:
    """Run the migrations inside one transaction: they apply as a whole or not at all."""
    if context.is_offline_mode():
        # The statements are written out and not run.
        context.configure(dialect_name="postgresql")
    else:
        context.configure(connection=context.config.attributes["connection"])
    with context.begin_transaction():
        context.run_migrations()


run()
