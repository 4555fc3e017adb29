"""The naive backend's prices, positions and portfolios: a loop, a query and a call of Redis for each contract."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import redis
from sqlalchemy import text

from benchmarks.naive.work import session

_TTL_SECONDS = 30
_LOWEST, _HIGHEST, _HALVINGS = 0.001, 4.0, 40
_RATE = 0.065
_OPEN = "SELECT id, symbol, quantity, cost FROM positions WHERE user_id = :user AND status = 'OPEN'"
_GREEKS = "SELECT delta, gamma, vega, theta, as_of FROM greeks_snapshot WHERE symbol = :symbol"
_CONTRACT = "SELECT underlying, expiry, strike FROM contracts WHERE symbol = :symbol"
_ACCOUNT = "SELECT cash, margin_used FROM users WHERE id = :user"
_STORE = """
INSERT INTO portfolios (user_id, cash, margin_used, free_balance, realised_pnl, unrealised_pnl, equity, greeks,
    scenarios, updated_at)
VALUES (:user, :cash, :margin, :cash - :margin, 0, :unrealised, :cash + :unrealised, '{}', '{}', clock_timestamp())
ON CONFLICT (user_id) DO UPDATE SET cash = :cash, margin_used = :margin, unrealised_pnl = :unrealised,
    equity = :cash + :unrealised, updated_at = clock_timestamp()
"""


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract, and the price of its option and of its underlying in rupees."""

    symbol: str
    spot: float
    strike: float
    years: float
    is_call: bool
    price: float


class NaiveDesk:
    """Quotes as hashes by symbol, Greeks as JSON by symbol."""

    def __init__(self, cache: redis.Redis, contracts: Sequence[Contract]) -> None:
        self._cache = cache
        self._contracts = contracts

    def quote(self) -> None:
        """Store the quote of every contract."""
        pipeline = self._cache.pipeline(transaction=False)
        for each in self._contracts:
            pipeline.hset(
                f"naive:quote:{each.symbol}", mapping={"last": each.price, "spot": each.spot}
            )
        pipeline.execute()

    def compute_greeks(self) -> int:
        """Price one contract after the other; return their number."""
        for each in self._contracts:
            quote = self._read_quote(each.symbol)
            found = greeks_of(each, float(quote[b"last"]), float(quote[b"spot"]))
            self._cache.set(f"naive:greeks:{each.symbol}", json.dumps(found), ex=_TTL_SECONDS)
        return len(self._contracts)

    def positions(self, user_id: int) -> str:
        """Return the open positions of an account as JSON, with two queries and a quote for each."""
        shown = []
        with session() as s:
            for position in s.execute(text(_OPEN), {"user": user_id}):
                symbol = {"symbol": position.symbol}
                greeks = s.execute(text(_GREEKS), symbol).one_or_none()
                contract = s.execute(text(_CONTRACT), symbol).one()
                mark = float(self._read_quote(position.symbol)[b"last"])
                row = {
                    **symbol,
                    "quantity": position.quantity,
                    "strike": str(contract.strike),
                    "delta": greeks.delta if greeks else None,
                    "unrealised_pnl": str(mark * position.quantity - float(position.cost)),
                }
                shown.append(row)
        return json.dumps(shown)

    def update_portfolio(self, user_id: int) -> None:
        """Value an account position by position and store the result."""
        with session() as s:
            account = s.execute(text(_ACCOUNT), {"user": user_id}).one()
            unrealised = Decimal(0)
            for position in s.execute(text(_OPEN), {"user": user_id}):
                mark = Decimal(str(float(self._read_quote(position.symbol)[b"last"])))
                unrealised += mark * position.quantity - position.cost
            values = {"user": user_id, "cash": account.cash, "margin": account.margin_used}
            s.execute(text(_STORE), {**values, "unrealised": round(unrealised, 2)})
            s.commit()

    def _read_quote(self, symbol: str) -> Mapping[bytes, bytes]:
        found: Mapping[bytes, bytes] = self._cache.hgetall(f"naive:quote:{symbol}")  # type: ignore[assignment]
        return found


def greeks_of(contract: Contract, price: float, spot: float) -> dict[str, float]:
    """Return implied volatility, by bisection, and five Greeks of Black and Scholes."""
    low, high = _LOWEST, _HIGHEST
    for _ in range(_HALVINGS):
        sigma = (low + high) / 2
        if _price(contract, spot, sigma) > price:
            high = sigma
        else:
            low = sigma
    return {"implied_vol": sigma, **_derivatives(contract, spot, sigma)}


def _price(contract: Contract, spot: float, sigma: float) -> float:
    d1, d2, discount = _terms(contract, spot, sigma)
    sign = 1 if contract.is_call else -1
    return sign * (spot * _cdf(sign * d1) - contract.strike * discount * _cdf(sign * d2))


def _derivatives(contract: Contract, spot: float, sigma: float) -> dict[str, float]:
    d1, d2, discount = _terms(contract, spot, sigma)
    root, density = math.sqrt(contract.years), math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
    sign = 1 if contract.is_call else -1
    strike = contract.strike * discount
    return {
        "delta": sign * _cdf(sign * d1),
        "gamma": density / (spot * sigma * root),
        "vega": spot * density * root,
        "theta": -spot * density * sigma / (2 * root) - sign * _RATE * strike * _cdf(sign * d2),
        "rho": sign * strike * contract.years * _cdf(sign * d2),
    }


def _terms(contract: Contract, spot: float, sigma: float) -> tuple[float, float, float]:
    spread = sigma * math.sqrt(contract.years)
    drift = (_RATE + sigma * sigma / 2) * contract.years
    d1 = (math.log(spot / contract.strike) + drift) / spread
    return d1, d1 - spread, math.exp(-_RATE * contract.years)


def _cdf(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2
