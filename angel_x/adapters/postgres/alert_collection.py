"""One transaction of a collector: new events, begun conditions, their notices, and the cursors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from angel_x.adapters.postgres.alert_sources import new_events
from angel_x.adapters.postgres.alert_targets import all_targets
from angel_x.adapters.postgres.arrays import array
from angel_x.domain.operations.notice import Notice, Topic
from angel_x.domain.orders.step import Passing, Step, unhindered

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from angel_x.domain.operations.alert_target import AlertTarget

_KEPT_DAYS = 30
#: Rows that one call forgets.
_FORGOTTEN = 5_000

# Of two collectors one reads; it holds the lock until it commits.
_ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended('alerts', 0))"
_BEGUN = """
WITH given AS (
    SELECT subject FROM unnest(%(subjects)s::text[]) AS subject
), ended AS (
    DELETE FROM alert_conditions c WHERE topic = %(topic)s
        AND NOT EXISTS (SELECT FROM given g WHERE g.subject = c.subject)
)
INSERT INTO alert_conditions (topic, subject) SELECT %(topic)s, subject FROM given
ON CONFLICT DO NOTHING RETURNING subject
"""
# A target that was removed meanwhile gets nothing.
_ADD = """
INSERT INTO alert_notices (target_id, topic, subject, text, due_at)
SELECT g.target_id, g.topic, g.subject, g.text, g.due_at
FROM unnest(%(targets)s::bigint[], %(topics)s::text[], %(subjects)s::text[], %(texts)s::text[],
    %(dues)s::timestamptz[]) WITH ORDINALITY AS g (target_id, topic, subject, text, due_at, place)
JOIN (SELECT id FROM alert_targets FOR KEY SHARE) t ON t.id = g.target_id
WHERE NOT EXISTS (
    SELECT FROM alert_notices n WHERE n.target_id = g.target_id AND n.topic = g.topic
        AND n.subject = g.subject
        AND n.created_at > clock_timestamp() - make_interval(secs => %(repeat)s))
ORDER BY g.place
"""
_FORGET = f"""
DELETE FROM alert_notices WHERE id IN (
    SELECT id FROM alert_notices
    WHERE created_at < clock_timestamp() - interval '{_KEPT_DAYS} days' AND status <> 'waiting'
    ORDER BY created_at LIMIT {_FORGOTTEN})
"""


class CollectionUnit:
    """An open collection.  Leaving it with an error keeps nothing, no cursor either."""

    def __init__(self, connection: Connection, targets: Sequence[AlertTarget]) -> None:
        self._connection = connection
        self.targets = targets

    def events(self) -> Iterator[Notice]:
        """Yield a notice for each event since the last collection; where there is no target, none."""
        return new_events(self._connection, tells=bool(self.targets))

    def begun(self, topic: Topic, conditions: Sequence[Notice]) -> list[Notice]:
        """Store the conditions of a topic that hold now; return those that did not hold before."""
        parameters = {"topic": topic.value, "subjects": array(n.subject for n in conditions)}
        subjects = set(self._connection.exec_driver_sql(_BEGUN, parameters).scalars())
        return [notice for notice in conditions if notice.subject in subjects]

    def add(
        self, notices: Mapping[tuple[int, Topic, str], tuple[str, datetime]], repeat_seconds: float
    ) -> int:
        """Write notices by target, topic and subject, except those of the last ``repeat_seconds``."""
        if not notices:
            return 0
        parameters = {
            "targets": array(target for target, _, _ in notices),
            "topics": array(topic.value for _, topic, _ in notices),
            "subjects": array(subject for _, _, subject in notices),
            "texts": array(text for text, _ in notices.values()),
            "dues": array(due for _, due in notices.values()),
            "repeat": repeat_seconds,
        }
        return self._connection.exec_driver_sql(_ADD, parameters).rowcount


class PostgresCollections:
    """Opens collections, one at a time in the whole system."""

    def __init__(self, engine: Engine, *, at: Passing = unhindered) -> None:
        self._engine = engine
        self._at = at

    @contextmanager
    def collecting(self) -> Iterator[CollectionUnit | None]:
        """Open a collection, which is committed when it is left; None while another process collects."""
        with self._engine.begin() as connection:
            if not connection.exec_driver_sql(_ALONE).scalar_one():
                yield None
                return
            yield CollectionUnit(connection, all_targets(connection))
            self._at(Step.ALERTS_COLLECTED)

    def forget(self) -> int:
        """Delete notices of former months that are sent or dead; return their number."""
        with self._engine.begin() as connection:
            return connection.exec_driver_sql(_FORGET).rowcount
