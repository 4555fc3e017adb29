"""The envelope of SmartAPI's answers, read leniently.

``{"status": true, "message": "SUCCESS", "errorcode": "", "data": …}``; failures of tokens and quotes
say ``success`` and ``errorCode``, a status may be the text "false", and a throttled request is
answered in plain text.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from angel_x.adapters.angel_one.codes import error_of
from angel_x.errors import BrokerSessionEnded, BrokerThrottled, BrokerUnavailable

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_UNAUTHORIZED, _FORBIDDEN, _TOO_MANY, _SERVER_ERROR = 401, 403, 429, 500
_NO = frozenset({"", "false", "0", "no", "failure", "error", "none", "null"})
#: Characters of an unreadable answer in an error.
_SAMPLE = 80


def unwrap(status: int, body: bytes) -> object:
    """Return the data of a successful answer: any JSON value, None where there is none.

    Raises:
        BrokerThrottled: The rate limit was exceeded.
        BrokerSessionEnded: The token is missing, invalid or expired.
        BrokerRefused: The broker refused the request.
        BrokerUnavailable: The answer cannot be read, so the outcome is unknown.
    """
    if _is_throttled(status, body):
        raise BrokerThrottled("more requests than the broker allows", code=str(status))
    document = _decoded(status, body)
    if not isinstance(document, dict):
        raise _unreadable(status, body)
    succeeded = document.get("status", document.get("success"))
    if succeeded is None or status >= _SERVER_ERROR:
        raise _unreadable(status, body)
    if not _is_true(succeeded):
        raise _explained(status, document)
    return document.get("data")


def _is_throttled(status: int, body: bytes) -> bool:
    text = body[:1000].lower()
    says_rate = b"exceeding" in text and b"rate" in text
    return status == _TOO_MANY or (status == _FORBIDDEN and says_rate)


def _decoded(status: int, body: bytes) -> object:
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError, ArithmeticError):
        if status in {_UNAUTHORIZED, _FORBIDDEN}:
            raise BrokerSessionEnded(
                "the broker forbids the request without a reason", code=str(status)
            ) from None
        raise _unreadable(status, body) from None


def _is_true(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().lower() not in _NO
    return bool(value)


def _explained(status: int, document: dict[str, object]) -> Exception:
    code = str(document.get("errorcode") or document.get("errorCode") or "").strip().upper()
    message = str(document.get("message") or "")
    if not code and status == _UNAUTHORIZED:
        return BrokerSessionEnded(message, code=str(status))
    return error_of(code, message)


def _unreadable(status: int, body: bytes) -> BrokerUnavailable:
    sample = body[:_SAMPLE].decode("utf-8", "replace")
    return BrokerUnavailable(f"the answer cannot be read: {sample!r}", code=str(status))
