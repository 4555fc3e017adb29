"""The contracts that a rehearsal trades: the ones around the money."""

from __future__ import annotations

from angel_x.bootstrap import Application
from angel_x.domain.chains.chain_record import ContractGreeks, OptionChain
from angel_x.entrypoints.presentation.chains import around_the_money
from angel_x.entrypoints.presentation.positions import mark_price
from angel_x.rehearsal.orders import Instrument

_STRIKES = 6


def current_chain(application: Application) -> OptionChain:
    """Return the nearest chain of the first underlying."""
    return application.analytics.option_chains.chain(
        application.market.universes.current().underlyings[0]
    )


def near_the_money(chain: OptionChain) -> list[ContractGreeks]:
    """Return the rows of the strikes around the spot."""
    pairs = around_the_money(chain.rows, chain.spot, _STRIKES)
    return [row for _, call, put in pairs for row in (call, put) if row is not None]


def instruments(application: Application, chain: OptionChain) -> list[Instrument]:
    """Return the contracts around the money that have a mark price."""
    universe, found = application.market.universes.current(), []
    for row in near_the_money(chain):
        contract, mark = universe.contracts[universe.rows[row.symbol]], mark_price(row)
        if mark is not None:
            found.append(Instrument(row.symbol, contract.lot_size, contract.tick_size, mark))
    return found


def live_instruments(application: Application) -> list[Instrument]:
    """Return the contracts around the money; none while one of them has no mark price."""
    chain = current_chain(application)
    found = instruments(application, chain)
    return found if len(found) == len(near_the_money(chain)) else []
