"""The contracts that the fake exchange lists, named as the broker names them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from angel_x.domain.contracts.contract import FUTURE, MONTHS, Contract

#: The exchanges of index options, by underlying; every other underlying is NSE's.
_BSE = frozenset({"SENSEX", "BANKEX"})
_FIRST_TOKEN = 40_000


@dataclass(frozen=True, slots=True)
class Listing:
    """One contract."""

    token: str
    trading_symbol: str
    exchange: str
    underlying: str
    expiry: date
    strike: Decimal
    #: CE, PE or FUT.
    right: str
    lot_size: int
    tick_size: Decimal
    freeze_quantity: int

    def scrip(self) -> dict[str, str]:
        """Return its row of the scrip master, in which prices are times 100."""
        return {
            "token": self.token,
            "symbol": self.trading_symbol,
            "name": self.underlying,
            "expiry": _written(self.expiry, "%d{}%Y"),
            "strike": f"{self.strike * 100:.6f}",
            "lotsize": str(self.lot_size),
            "instrumenttype": "FUTIDX" if self.right == FUTURE else "OPTIDX",
            "exch_seg": self.exchange,
            "tick_size": f"{self.tick_size * 100:.6f}",
            "freeze_qty": str(self.freeze_quantity),
        }


def listings(contracts: Iterable[Contract]) -> list[Listing]:
    """Return contracts under the broker's names and tokens, which are numbers in their order."""
    return [_listing(str(_FIRST_TOKEN + n), contract) for n, contract in enumerate(contracts)]


def _listing(token: str, contract: Contract) -> Listing:
    exchange = "BFO" if contract.underlying in _BSE else "NFO"
    day = _written(contract.expiry, "%d{}%y")
    strike = "" if contract.right is None else f"{contract.strike.normalize():f}"
    right = contract.right or FUTURE
    return Listing(
        token,
        f"{contract.underlying}{day}{strike}{right}",
        exchange,
        contract.underlying,
        contract.expiry,
        contract.strike,
        str(right),
        contract.lot_size,
        contract.tick_size,
        contract.freeze_quantity,
    )


def _written(day: date, form: str) -> str:
    return day.strftime(form.format(MONTHS[day.month - 1]))
