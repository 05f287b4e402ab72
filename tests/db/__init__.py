"""The rules of the claims business, on SQLite and on PostgreSQL."""
