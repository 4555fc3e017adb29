"""What holds of any kernels."""

from __future__ import annotations

import numpy as np

from angel_x.domain.pricing.kernels import Kernels
from tests.builders.pricing import ROWS, prices, solved, values, wide_market


def test_a_price_alone_is_the_price_among_the_greeks(kernels: Kernels) -> None:
    contracts = wide_market(11)

    np.testing.assert_array_equal(prices(kernels, contracts), values(kernels, contracts, 6)[0])


def test_computing_again_gives_the_same_bytes(kernels: Kernels) -> None:
    contracts = wide_market(17)
    price = contracts._replace(given=prices(kernels, contracts))

    assert values(kernels, contracts).tobytes() == values(kernels, contracts).tobytes()
    assert solved(kernels, price)[0].tobytes() == solved(kernels, price)[0].tobytes()


def test_columns_may_be_scattered_repeated_or_read_only(kernels: Kernels) -> None:
    plain = wide_market(23).rows(slice(0, 999))
    wanted, wanted_prices = values(kernels, plain), prices(kernels, plain)
    table = np.column_stack([plain.spot, plain.strike, plain.given])
    strike = np.frombuffer(plain.strike.tobytes())
    odd = plain._replace(spot=table[:, 0], strike=strike, given=table[:, 2])
    out, price = np.full((999, 10), np.nan).T, np.full((999, 2), np.nan)[:, 0]

    kernels.value(odd, out)
    kernels.price(odd, price)

    np.testing.assert_array_equal(out, wanted)
    np.testing.assert_array_equal(price, wanted_prices)


def test_what_is_not_asked_for_is_not_written(kernels: Kernels) -> None:
    contracts = wide_market(29)
    wide = np.full((10, ROWS), 7.0)

    kernels.value(contracts, wide[:6])

    assert (wide[6:] == 7.0).all()
    assert np.isfinite(wide[:6]).all()
