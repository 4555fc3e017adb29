"""Signatures of submissions that travel over the message broker: who sent which request, and when.

A signature is ``<prefix of the key>.<seconds since 1970>.<HMAC-SHA-256 in hex>``.  The secret of the
HMAC is the SHA-256 digest of the whole API key, which the database holds; its text is
``orders.submit``, the prefix, the seconds and the request, joined by line feeds, where the request is
JSON with sorted names, without spaces, in ASCII.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

_TASK = "orders.submit"
_FORM = re.compile(r"(?P<prefix>[0-9a-f]{12})\.(?P<seconds>[0-9]{1,10})\.(?P<mac>[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature, not yet verified."""

    prefix: str
    #: Seconds since 1970, by the clock of the sender.
    signed_at: int
    mac: str

    @classmethod
    def parse(cls, text: str) -> Signature:
        """Read a signature.

        Raises:
            ValueError: The text is none.
        """
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError("a signature is <prefix>.<seconds>.<HMAC-SHA-256 in hex>")
        return cls(match["prefix"], int(match["seconds"]), match["mac"])

    def fits(self, request: Mapping[str, object], digest: bytes) -> bool:
        """Return whether the key with this digest has signed the request."""
        try:
            expected = _mac(request, digest, self.prefix, self.signed_at)
        # No JSON: no sender has signed it.
        except (TypeError, ValueError, RecursionError):
            return False
        return hmac.compare_digest(self.mac, expected)


def sign(request: Mapping[str, object], key: str, signed_at: float) -> str:
    """Return the signature of a request by an API key."""
    prefix = key.split("_")[1]
    mac = _mac(request, sha256(key.encode()).digest(), prefix, int(signed_at))
    return f"{prefix}.{int(signed_at)}.{mac}"


def _mac(request: Mapping[str, object], digest: bytes, prefix: str, signed_at: int) -> str:
    # Celery decodes the Decimal of a sender as a Decimal, and the API reads prices as strings.
    body = json.dumps(request, sort_keys=True, separators=(",", ":"), default=str)
    text = f"{_TASK}\n{prefix}\n{signed_at}\n{body}"
    return hmac.new(digest, text.encode(), sha256).hexdigest()
