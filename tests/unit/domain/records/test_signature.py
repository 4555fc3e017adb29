"""Signatures of requests: one key, one request and one time each."""

from __future__ import annotations

import json
from decimal import Decimal
from hashlib import sha256

import pytest

from angel_x.domain.records.signature import Signature, sign

KEY = f"ax_0123456789ab_{'5e' * 32}"
DIGEST = sha256(KEY.encode()).digest()
ORDER: dict[str, object] = {
    "client_order_id": "naïve ₹ \u2028",
    "symbol": "NIFTY_25AUG26_24050CE",
    "side": "BUY",
    "quantity": 65,
    "price": 101.05,
    "tag": None,
}


def test_a_signature_fits_its_request_in_any_order_of_names() -> None:
    signature = Signature.parse(sign(ORDER, KEY, 1_800_000_000.9))

    assert (signature.prefix, signature.signed_at) == ("0123456789ab", 1_800_000_000)
    assert signature.fits(ORDER, DIGEST)
    assert signature.fits(dict(reversed(ORDER.items())), DIGEST)
    assert signature.fits(json.loads(json.dumps(ORDER)), DIGEST)


def test_a_decimal_is_signed_as_its_text() -> None:
    signature = Signature.parse(sign({"price": Decimal("101.50")}, KEY, 0))

    assert signature.fits({"price": "101.50"}, DIGEST)
    assert signature.fits({"price": Decimal("101.50")}, DIGEST)
    assert not signature.fits({"price": Decimal("101.5")}, DIGEST)


@pytest.mark.parametrize(
    "changes",
    [{"quantity": 130}, {"quantity": "65"}, {"side": "SELL"}, {"priority": "low"}, {"tag": ""}],
)
def test_a_signature_fits_no_other_request(changes: dict[str, object]) -> None:
    signature = Signature.parse(sign(ORDER, KEY, 7))

    assert not signature.fits({**ORDER, **changes}, DIGEST)


def test_a_signature_fits_no_other_key_and_no_other_time() -> None:
    prefix, seconds, mac = sign(ORDER, KEY, 7).split(".")

    assert not Signature(prefix, int(seconds), mac).fits(ORDER, bytes(32))
    assert not Signature(prefix, 8, mac).fits(ORDER, DIGEST)
    assert not Signature("f" * 12, int(seconds), mac).fits(ORDER, DIGEST)


def test_the_form_of_a_signature_is_the_published_one() -> None:
    assert sign({"b": 1, "a": "é"}, KEY, 7) == (
        "0123456789ab.7.8a861f8ba4611664d8b7b17ff57fc4c5afe3c98ae53445d1bf5e10375bbf6507"
    )


@pytest.mark.parametrize(
    "text",
    ["", "x", "0123456789ab.7", f"0123456789ab.-7.{'0' * 64}", f"0123456789AB.7.{'0' * 64}",
     f"0123456789ab.{'9' * 11}.{'0' * 64}", f"0123456789ab.7.{'0' * 64}\n", f"0123456789ab.\u0667.{'0' * 64}"],
)  # fmt: skip
def test_a_text_of_another_form_is_no_signature(text: str) -> None:
    with pytest.raises(ValueError, match="a signature is"):
        Signature.parse(text)


def test_a_request_that_is_no_json_fits_no_signature() -> None:
    request: dict[str, object] = {}
    request["orders"] = request

    assert not Signature("0123456789ab", 7, "0" * 64).fits(request, DIGEST)
