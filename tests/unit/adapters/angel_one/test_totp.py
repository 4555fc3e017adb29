from __future__ import annotations

from datetime import UTC, datetime

import pytest

from angel_x.adapters.angel_one.credentials import Credentials

#: The shared secret of RFC 6238, appendix B, in base 32.
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.mark.parametrize(
    ("seconds", "digits"),
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_234_567_890, "005924"),
        (20_000_000_000, "353130"),
    ],
)
def test_one_time_passwords_are_those_of_rfc_6238(seconds: int, digits: str) -> None:
    credentials = Credentials("A1", "key", "1234", SECRET)

    assert credentials.totp(datetime.fromtimestamp(seconds, UTC)) == digits
