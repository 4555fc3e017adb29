from __future__ import annotations

from benchmarks.margin import ANEW, RUNNING, anew, make_batch, margin_row, running


def test_both_variants_require_the_same_after_every_order() -> None:
    batch = make_batch(40, 10)

    found = running(batch)

    assert found == anew(batch)
    assert len(set(found)) > 2


def test_the_batch_holds_and_trades_contracts_of_several_expiries_some_of_them_in_both() -> None:
    batch = make_batch(40, 10)
    held = {exposure.symbol for exposure in batch.exposures}
    traded = {symbol for symbol, _ in batch.orders}

    assert (len(held), len(traded), len(held & traded)) == (40, 10, 5)
    assert len({batch.sheet[symbol].expiry for symbol in held}) > 1


def test_a_batch_is_measured_once_a_round() -> None:
    row = margin_row(2)

    assert {name: len(samples) for name, samples in row.samples.items()} == {ANEW: 2, RUNNING: 2}
