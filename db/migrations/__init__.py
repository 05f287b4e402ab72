"""The database's schema over time: Alembic revisions, each all or nothing."""
