"""Backups of the database: made, verified, described and restored by PostgreSQL's own programs."""
