"""Cash and margin of an account at the market of now."""

from __future__ import annotations

from collections.abc import Mapping

from angel_x.domain.book.account import Account
from angel_x.domain.book.book import Book
from angel_x.domain.book.margin_pool import MarginPool, Risks
from angel_x.domain.calendar.session import IST
from angel_x.domain.contracts.contract import underlying_of
from angel_x.domain.margin.unit_risk import to_rupees
from angel_x.domain.records.margin_record import Balance, MarginParts
from angel_x.domain.values.money import ZERO, to_paisa
from angel_x.errors import UnknownAccount
from angel_x.services.ports import Clock
from angel_x.services.units import Units


class Balances:
    """Reads cash and margin; nothing is stored or locked."""

    def __init__(self, *, units: Units, risks: Risks, market_clock: Clock) -> None:
        self._units = units
        self._risks = risks
        self._market_clock = market_clock

    def of(self, user_id: int) -> Balance:
        """Return cash and margin of an account, with the parts of its margin.

        Raises:
            UnknownAccount: There is no such account.
        """
        with self._units.begin() as unit:
            book = unit.holdings(user_id, ())
        account = book.accounts.get(user_id)
        if account is None:
            raise UnknownAccount(f"no account has the id {user_id}")
        book.begin_day(self._market_clock().astimezone(IST).date())
        book.take_risks(self._risks(book.margins.symbols))
        return _balance(book, account)


def _balance(book: Book, account: Account) -> Balance:
    parts = _parts_by_underlying(book, account.id)
    required = sum((of.required for of in parts.values()), ZERO)
    reserved = account.margin_used - book.margins.held_by(account.id)
    free = account.funds - required - reserved
    return Balance(
        cash=account.cash,
        collateral=account.collateral,
        margin_used=account.margin_used,
        free_balance=free,
        realised_pnl=account.realised_pnl,
        held={name: held for (_, name), held in sorted(book.margins.stored.items())},
        unrealised_pnl=to_paisa(account.unrealised),
        day_pnl=to_paisa(account.day_result),
        required=required,
        shortfall=max(-free, ZERO),
        underlyings=parts,
    )


def margin_parts(pool: MarginPool) -> MarginParts:
    """Return the requirement of an underlying in rupees."""
    needs = pool.requirement()
    required = to_rupees(needs.total) if pool.is_known else pool.held
    return MarginParts(
        scan=to_rupees(needs.scan),
        calendar=to_rupees(needs.calendar),
        net_option_value=to_rupees(needs.net_option_value),
        exposure=to_rupees(needs.exposure),
        expiry_day=to_rupees(needs.expiry_day),
        required=required,
        held=pool.held,
        hedge_benefit=pool.unhedged() - required if pool.is_known else ZERO,
    )


def _parts_by_underlying(book: Book, user_id: int) -> Mapping[str, MarginParts]:
    names = sorted({underlying_of(symbol) for symbol in book.margins.symbols})
    return {name: margin_parts(book.pool(user_id, name)) for name in names}
