"""The pages, made of NiceGUI's elements."""

from __future__ import annotations

from angel_x.entrypoints.desk.pages.book import book
from angel_x.entrypoints.desk.pages.chain import chain
from angel_x.entrypoints.desk.pages.charts import charts
from angel_x.entrypoints.desk.pages.day import day
from angel_x.entrypoints.desk.pages.machine import machine
from angel_x.entrypoints.desk.pages.registration import Places, register
from angel_x.entrypoints.desk.sessions import LoginSessions

_PAGES = (
    ("/", "Book", book),
    ("/chain", "Chain", chain),
    ("/charts", "Charts", charts),
    ("/day", "Day", day),
    ("/machine", "Machine", machine),
)
#: Pages that other keys have no link to; what they show, the API refuses to them.
_OF_OPERATORS = frozenset({"/machine"})


def install(sessions: LoginSessions) -> None:
    """Register every page with NiceGUI."""
    places = Places({path: title for path, title, _ in _PAGES}, _OF_OPERATORS)
    for path, title, build in _PAGES:
        register(sessions, path, title, build, places)
