"""Error codes of SmartAPI, and the kind of failure that each one is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from angel_x.errors import (
    BrokerError,
    BrokerLoginRefused,
    BrokerRefused,
    BrokerSessionEnded,
    BrokerUnavailable,
)


class Failure(StrEnum):
    """Kinds of failure of a request that was answered."""

    SESSION = "session"
    """The token is missing, invalid or expired; the request had no effect."""

    LOGIN = "login"
    """The credentials are wrong, or the client may not log in."""

    REFUSED = "refused"
    """The request itself is refused; it had no effect."""

    UNCLEAR = "unclear"
    """The broker failed; a read may be repeated, the effect of a write is unknown."""


@dataclass(frozen=True, slots=True)
class Code:
    """One row of the table."""

    failure: Failure
    meaning: str


_S, _L, _R, _U = Failure.SESSION, Failure.LOGIN, Failure.REFUSED, Failure.UNCLEAR

#: Every published code.
CODES: Mapping[str, Code] = MappingProxyType(
    {
        "AG8001": Code(_S, "invalid token"),
        "AG8002": Code(_S, "token expired"),
        "AG8003": Code(_S, "token missing"),
        "AB8050": Code(_S, "invalid refresh token"),
        "AB8051": Code(_S, "refresh token expired"),
        "AB1010": Code(_S, "session expired"),
        "AB1011": Code(_S, "client not logged in"),
        "AB1000": Code(_L, "invalid email or password"),
        "AB1001": Code(_L, "invalid email"),
        "AB1002": Code(_L, "invalid length of the password"),
        "AB1005": Code(_L, "user type must be USER"),
        "AB1006": Code(_L, "client is blocked"),
        "AB1031": Code(_L, "old password does not match"),
        "AB1032": Code(_L, "user not found"),
        "AB1003": Code(_R, "client exists"),
        "AB1008": Code(_R, "invalid variety"),
        "AB1009": Code(_R, "symbol not found"),
        "AB1012": Code(_R, "invalid product"),
        "AB1013": Code(_R, "order not found"),
        "AB1014": Code(_R, "trade not found"),
        "AB1015": Code(_R, "holding not found"),
        "AB1016": Code(_R, "position not found"),
        "AB1017": Code(_R, "conversion of the position failed"),
        "AB1018": Code(_R, "details of the symbol not found"),
        "AB2002": Code(_R, "bracket orders are blocked"),
        "AB4008": Code(_R, "order tag is too long"),
        "AB4018": Code(_R, "token of the symbol is empty"),
        "AB1004": Code(_U, "something went wrong"),
        # Also the answer to a wrong password, which the message tells.
        "AB1007": Code(_U, "error of the order system"),
        "AB2000": Code(_U, "unspecified error"),
        "AB2001": Code(_U, "internal error"),
        **{f"AB90{n:02d}": Code(_R, "order with a lasting trigger is refused") for n in range(19)},
    }
)

_ERRORS: Mapping[Failure, type[BrokerError]] = {
    Failure.SESSION: BrokerSessionEnded,
    Failure.LOGIN: BrokerLoginRefused,
    Failure.REFUSED: BrokerRefused,
    Failure.UNCLEAR: BrokerUnavailable,
}


def error_of(code: str, message: str) -> BrokerError:
    """Return the error of a failure that the broker has explained.

    A code that is not published is a refusal: the broker has answered that the request failed.
    """
    known = CODES.get(code)
    failure = known.failure if known else Failure.REFUSED
    if code == "AB1007" and "password" in message.lower():
        failure = Failure.LOGIN
    return _ERRORS[failure](message or (known.meaning if known else "no reason given"), code=code)
