"""The account of a message: of the key that has signed it, or the one that it names."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from angel_x.domain.records.access import Scope
from angel_x.domain.records.signature import sign
from angel_x.errors import InvalidInput, SignatureRefused
from angel_x.services.accounts.access import Access
from tests.builders.message_ids import new_id
from tests.builders.reception import CALL, LOT, Reception

ORDER: dict[str, object] = {
    "client_order_id": "a",
    "symbol": CALL,
    "side": "BUY",
    "quantity": LOT,
}


@pytest.fixture
def reception() -> Reception:
    """Two accounts of a system that takes signed messages only."""
    made = Reception(signed_only=True, default_user="other")
    made.open("other")
    made.open("desk")
    return made


def signed(
    reception: Reception, scope: Scope = Scope.TRADE, age: timedelta = timedelta(0)
) -> tuple[str, str]:
    """Issue a key of the account ``desk``; return its prefix and its signature of the order."""
    key = Access(reception.keys).issue(2, [scope])
    return key.split("_")[1], sign(ORDER, key, (reception.clock() - age).timestamp())


@pytest.mark.parametrize("user", [None, "desk"])
def test_a_signed_message_is_for_the_account_of_its_key(
    reception: Reception, user: str | None
) -> None:
    _, signature = signed(reception)

    reception.messaging.submit(new_id(), ORDER, user, signature)
    reception.messaging.resubmit("m1", ORDER, user, signature)

    assert reception.stored == {(2, "a"): 1}


def refused(reception: Reception, match: str, user: str | None, signature: str | None) -> None:
    for submit in (
        partial(reception.messaging.submit, "m1"),
        partial(reception.messaging.resubmit, "m1"),
    ):
        with pytest.raises(SignatureRefused, match=match):
            submit(ORDER, user, signature)
    assert (reception.stored, reception.rung) == ({}, [])
    assert reception.refusals.refusals == {}


@pytest.mark.parametrize("user", [None, "desk", "other", "nobody"])
def test_a_message_without_a_signature_is_refused_where_one_is_needed(
    reception: Reception, user: str | None
) -> None:
    refused(reception, "a signature is required, was none", user, None)


@pytest.mark.parametrize("user", ["other", "nobody"])
def test_a_key_signs_for_its_own_account_only(reception: Reception, user: str) -> None:
    _, signature = signed(reception)

    with pytest.raises(InvalidInput, match=user):
        reception.messaging.submit(new_id(), ORDER, user, signature)
    assert reception.stored == {}


@pytest.mark.parametrize("scope", [Scope.READ, Scope.ADMIN])
def test_a_key_that_does_not_trade_signs_nothing(reception: Reception, scope: Scope) -> None:
    _, signature = signed(reception, scope)

    refused(reception, "scope trade", None, signature)


def test_a_key_that_is_not_valid_any_more_signs_nothing(reception: Reception) -> None:
    revoked, signature = signed(reception)
    Access(reception.keys).revoke(revoked)
    refused(reception, "not valid", None, signature)

    expired, signature = signed(reception)
    record = reception.keys.records[expired]
    reception.keys.records[expired] = replace(record, has_expired=True)
    refused(reception, "has expired", None, signature)


@pytest.mark.parametrize("age", [timedelta(days=1, seconds=1), timedelta(minutes=-6)])
def test_a_signature_ends(reception: Reception, age: timedelta) -> None:
    _, signature = signed(reception, age=age)

    refused(reception, "valid for 1 day", None, signature)


@pytest.mark.parametrize("age", [timedelta(hours=23, minutes=59), timedelta(minutes=-4)])
def test_a_message_that_waited_and_a_clock_that_is_off_are_taken(
    reception: Reception, age: timedelta
) -> None:
    _, signature = signed(reception, age=age)

    reception.messaging.submit(new_id(), ORDER, None, signature)

    assert reception.stored == {(2, "a"): 1}


@pytest.mark.parametrize("change", ["request", "prefix", "form", "secret"])
def test_a_forged_signature_is_refused(reception: Reception, change: str) -> None:
    _, signature = signed(reception)
    prefix, seconds, mac = signature.split(".")
    forged = {
        "request": sign({**ORDER, "quantity": 2 * LOT}, f"ax_{prefix}_0", int(seconds)),
        "prefix": f"{'0' * 12}.{seconds}.{mac}",
        "form": f"{signature} ",
        "secret": f"{prefix}.{seconds}.{'0' * 64}",
    }[change]

    refused(reception, "signature", None, forged)


def test_a_signature_is_verified_where_none_is_needed(reception: Reception) -> None:
    open_to_all = Reception()
    open_to_all.open("desk")

    refused(open_to_all, "not valid", "desk", signed(reception)[1])
