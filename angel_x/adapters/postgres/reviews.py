"""Reviews in the audit, where every operator finds them and none can change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from angel_x.domain.operations.review import Review, ReviewKind

if TYPE_CHECKING:
    from sqlalchemy import Engine

ACTION = "review.written"
_ACTOR = "review"
_SUBJECTS = {kind: f"review:{kind}" for kind in ReviewKind}
_ADD = """
INSERT INTO audit_entries (actor, action, subject, detail) VALUES (%(actor)s, %(action)s, %(subject)s, %(detail)s)
"""
_NEWEST = """
SELECT detail FROM audit_entries WHERE subject = ANY(%(subjects)s) AND action = %(action)s
ORDER BY id DESC LIMIT %(limit)s
"""


class PostgresReviews:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, review: Review) -> None:
        """Store a review as an entry of the audit."""
        with self._engine.begin() as connection:
            connection.exec_driver_sql(
                _ADD,
                {
                    "actor": _ACTOR,
                    "action": ACTION,
                    "subject": _SUBJECTS[review.kind],
                    "detail": msgspec.json.encode(review).decode(),
                },
            )

    def newest(self, kind: ReviewKind | None, limit: int) -> list[Review]:
        """Return the reviews of a kind, or of all, the newest first."""
        subjects = list(_SUBJECTS.values()) if kind is None else [_SUBJECTS[kind]]
        parameters = {"subjects": subjects, "action": ACTION, "limit": limit}
        with self._engine.connect() as connection:
            found = connection.exec_driver_sql(_NEWEST, parameters).scalars().all()
        return [msgspec.convert(detail, Review) for detail in found]
