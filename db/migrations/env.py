"""Alembic's entry: runs the revisions on the connection that db/schema.py hands over, in one transaction."""

from alembic import context

from db import session  # noqa: F401 - imports every model
from db.base import Base

connection = context.config.attributes['connection']
context.configure(
    connection=connection, target_metadata=Base.metadata, render_as_batch=connection.dialect.name == 'sqlite'
)
with context.begin_transaction():
    context.run_migrations()
