"""Services that reach people, by Apprise (https://appriseit.com).

An address holds tokens.  It is in memory here only: Apprise and its HTTP library write no log at all,
because they log addresses, and no error of theirs is passed on.
"""

from __future__ import annotations

import logging
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from angel_x.errors import AlertsOff, InvalidInput, NoticeNotSent

if TYPE_CHECKING:
    from angel_x.domain.operations.notice import Notification

#: Seconds to connect, and to wait for an answer; an address may ask for less.
_CONNECT_SECONDS = 3.0
_READ_SECONDS = 5.0
_SILENT = logging.CRITICAL + 1


def is_installed() -> bool:
    """Return whether the extra ``alerts`` is installed."""
    return find_spec("apprise") is not None


class AppriseServices:
    """Checks addresses, and sends to them."""

    def check(self, address: str) -> None:
        """Refuse an address that Apprise cannot read; nothing is sent.

        Raises:
            InvalidInput: Its service is unknown, or a part is missing.  The address is not repeated.
            AlertsOff: The extra ``alerts`` is not installed.
        """
        if _plugin(address) is None:
            raise InvalidInput(
                "the address must be one of https://appriseit.com/services/ with all of its parts",
                field="url",
            )

    def send(self, address: str, text: Notification) -> None:
        """Send a text.

        Raises:
            NoticeNotSent: The service refused it, or gave no answer.
            AlertsOff: The extra ``alerts`` is not installed.
        """
        plugin = _plugin(address)
        if plugin is None:
            raise NoticeNotSent("the address cannot be read any more")
        try:
            is_sent = plugin.notify(title=text.title, body=text.body)
        except Exception as error:  # noqa: BLE001 - its message may hold the address
            raise NoticeNotSent(f"the library failed with {type(error).__name__}") from None
        if not is_sent:
            raise NoticeNotSent("the service refused it, or gave no answer")


def _plugin(address: str) -> Any:  # noqa: ANN401 - Apprise's plugins have no common type
    """Return the plugin of an address with bounded waits, None where there is none."""
    library = _library()
    asset = library.AppriseAsset(async_mode=False, http_redirects=False)
    plugin = library.Apprise.instantiate(address, asset=asset)
    if plugin is not None:
        plugin.socket_connect_timeout = min(plugin.socket_connect_timeout, _CONNECT_SECONDS)
        plugin.socket_read_timeout = min(plugin.socket_read_timeout, _READ_SECONDS)
    return plugin


@cache
def _library() -> Any:  # noqa: ANN401 - a module
    """Import Apprise, which takes half a second, and silence it and its HTTP library."""
    if not is_installed():
        raise AlertsOff("alerts need the extra `alerts`: pip install 'angel-x[alerts]'")
    import apprise  # noqa: PLC0415 - as said above

    for name in ("apprise", "urllib3", "requests"):
        logger = logging.getLogger(name)
        logger.setLevel(_SILENT)
        logger.propagate = False
    return apprise
