"""Sealed texts: read with their key only, and with former keys after a change."""

from __future__ import annotations

import pytest

from angel_x.adapters.sealing import Seal, new_key
from angel_x.errors import AlertsOff

ADDRESS = "tgram://123456789:secret/42"


def test_a_sealed_text_is_opened_and_does_not_show() -> None:
    seal = Seal(new_key())
    sealed = seal.seal(ADDRESS)

    assert seal.open(sealed) == ADDRESS
    assert b"secret" not in sealed
    assert seal.seal(ADDRESS) != sealed


def test_a_former_key_opens_what_it_has_sealed() -> None:
    former, newest = new_key(), new_key()
    sealed = Seal(former).seal(ADDRESS)

    assert Seal(f"{newest},{former}").open(sealed) == ADDRESS
    with pytest.raises(AlertsOff, match="no key of ANGEL_X_ALERTS_KEY opens"):
        Seal(newest).open(sealed)


def test_without_a_key_the_remedy_is_named() -> None:
    with pytest.raises(AlertsOff, match="angel-x alerts key"):
        Seal(None).seal(ADDRESS)
