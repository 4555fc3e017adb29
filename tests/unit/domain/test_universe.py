from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import numpy as np
import pytest

from angel_x.domain.universe import Universe
from tests.builders.chains import make_universe

UNIVERSE = make_universe(("NIFTY", "BANKNIFTY"), strikes=(24_000, 23_900))


def test_rows_are_sorted_by_underlying_expiry_strike_and_call_before_put() -> None:
    assert UNIVERSE.symbols[:5] == (
        "BANKNIFTY_25AUG26_23900CE",
        "BANKNIFTY_25AUG26_23900PE",
        "BANKNIFTY_25AUG26_24000CE",
        "BANKNIFTY_25AUG26_24000PE",
        "BANKNIFTY_01SEP26_23900CE",
    )
    assert UNIVERSE.underlyings == ("BANKNIFTY", "NIFTY")


def test_strikes_are_sorted_as_numbers() -> None:
    universe = make_universe(strikes=(10_000, 9_000))

    assert universe.strike[:4].tolist() == [9_000, 9_000, 10_000, 10_000]


def test_a_symbol_leads_to_its_row_and_an_unknown_one_to_none() -> None:
    for row, symbol in enumerate(UNIVERSE.symbols):
        assert UNIVERSE.row(symbol) == row
    assert UNIVERSE.row("NIFTY_25AUG26_1CE") is None


def test_a_chain_is_the_rows_of_one_underlying_and_expiry() -> None:
    chains = [(c.underlying, c.expiry, c.start, c.stop) for c in UNIVERSE.chains]

    assert chains == [
        ("BANKNIFTY", date(2026, 8, 25), 0, 4),
        ("BANKNIFTY", date(2026, 9, 1), 4, 8),
        ("NIFTY", date(2026, 8, 25), 8, 12),
        ("NIFTY", date(2026, 9, 1), 12, 16),
    ]
    assert UNIVERSE.chain_index.tolist() == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4


def test_columns_say_what_the_contracts_say() -> None:
    for row, contract in enumerate(UNIVERSE.contracts):
        assert UNIVERSE.underlyings[UNIVERSE.underlying_index[row]] == contract.underlying
        assert UNIVERSE.strike[row] == float(contract.strike)
        assert UNIVERSE.is_call[row] == (contract.right == "CE")
        assert UNIVERSE.lot_size[row] == contract.lot_size
        assert UNIVERSE.tick_paise[row] == 5
        assert UNIVERSE.expires_at[row] == contract.expires_at.timestamp()


def test_columns_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        UNIVERSE.strike[0] = 1.0


def test_the_version_does_not_depend_on_the_order() -> None:
    contracts = list(UNIVERSE.contracts)
    Random(1).shuffle(contracts)

    assert Universe(contracts).version == UNIVERSE.version
    assert len(UNIVERSE.version) == 16


def test_the_version_depends_on_every_rule_of_a_contract() -> None:
    first, *others = UNIVERSE.contracts
    changed = [
        replace(first, lot_size=75),
        replace(first, tick_size=Decimal("0.10")),
        replace(first, freeze_quantity=900),
        replace(first, expires_at=first.expires_at + timedelta(minutes=10)),
    ]

    versions = {Universe([c, *others]).version for c in changed}

    assert len(versions | {UNIVERSE.version, Universe(others).version}) == 6


def test_an_empty_universe_has_no_rows() -> None:
    empty = Universe([])

    assert (len(empty), empty.chains, empty.underlyings) == (0, (), ())
    assert np.array_equal(empty.strike, [])
