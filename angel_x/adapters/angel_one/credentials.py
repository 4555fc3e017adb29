"""The credentials of a client at Angel One, and the tokens of its session.  Neither is ever printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import pyotp

from angel_x.errors import BrokerLoginRefused


@dataclass(frozen=True, slots=True)
class Credentials:
    """The secrets with which a client logs in."""

    client_code: str
    api_key: str = field(repr=False)
    pin: str = field(repr=False)
    #: The shared secret of the one-time passwords, in base 32.
    totp_secret: str = field(repr=False)

    def totp(self, now: datetime) -> str:
        """Return the one-time password of a moment (RFC 6238: six digits, 30 seconds).

        Raises:
            BrokerLoginRefused: The shared secret is none; it is not shown.
        """
        try:
            return pyotp.TOTP(self.totp_secret).at(now)
        except ValueError:
            raise BrokerLoginRefused(
                "the shared secret of one-time passwords must be base 32 of at least 112 bits"
            ) from None


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one session, all renewed together."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    #: Of the market data socket.
    feed: str = field(repr=False)


#: Yields the present time, UTC.
Now = Callable[[], datetime]
