"""Services that reach people: no failure of the library tells an address."""

from __future__ import annotations

from typing import Any

import pytest

from angel_x.adapters import apprise_services
from angel_x.adapters.apprise_services import AppriseServices
from angel_x.domain.operations.notice import Notification
from angel_x.errors import AlertsOff, NoticeNotSent

ADDRESS = "json://127.0.0.1/secret"
TEXT = Notification("title", "body")


class FailingPlugin:
    def notify(self, **_: object) -> bool:
        raise ValueError(ADDRESS)


def test_an_error_of_the_library_is_told_without_its_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def plugin(_: str) -> Any:
        return FailingPlugin()

    monkeypatch.setattr(apprise_services, "_plugin", plugin)

    with pytest.raises(NoticeNotSent, match="failed with ValueError") as failed:
        AppriseServices().send(ADDRESS, TEXT)
    assert "secret" not in repr(failed.value)
    assert failed.value.__suppress_context__


def test_without_the_library_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apprise_services, "is_installed", lambda: False)
    apprise_services._library.cache_clear()

    with pytest.raises(AlertsOff, match="pip install"):
        AppriseServices().check(ADDRESS)
