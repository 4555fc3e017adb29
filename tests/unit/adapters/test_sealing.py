"""Sealed texts: read with their key only, and with former keys after a change."""

from __future__ import annotations

import pytest

from angel_x.adapters.sealing import Seal, SecretSeal, new_key
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


def test_the_same_secrets_open_what_they_have_sealed_and_no_others_do() -> None:
    sealed = SecretSeal(("JBSWY3DPEHPK3PXP", "1234"), "session").seal("token-1")

    assert b"token-1" not in sealed
    assert SecretSeal(("JBSWY3DPEHPK3PXP", "1234"), "session").open(sealed) == "token-1"
    assert SecretSeal(("JBSWY3DPEHPK3PXP", "1235"), "session").open(sealed) is None
    assert SecretSeal(("JBSWY3DPEHPK3PXP", "1234"), "other").open(sealed) is None
    assert SecretSeal(("JBSWY3DPEHPK3PXP", "1234"), "session").open(sealed[:-4] + b"AAAA") is None
