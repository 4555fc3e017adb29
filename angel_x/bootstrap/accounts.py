"""Accounts, their keys, limits and read models."""

from __future__ import annotations

from dataclasses import dataclass

from angel_x.adapters.postgres.account_history import AccountHistory
from angel_x.adapters.postgres.equity import PostgresEquity
from angel_x.adapters.postgres.exports import Exports
from angel_x.adapters.postgres.notes import PostgresNotes
from angel_x.adapters.postgres.portfolio_stops import PostgresPortfolioStops
from angel_x.adapters.postgres.reading import PostgresStatements
from angel_x.adapters.postgres.risk_limits import PostgresRiskLimits
from angel_x.adapters.postgres.shadow_orders import PostgresShadowOrders
from angel_x.adapters.postgres.users import PostgresUsers
from angel_x.bootstrap.foundation import Foundation
from angel_x.domain.exchange.charges import Tariff
from angel_x.services.accounts.access import Access
from angel_x.services.accounts.accounts import Accounts
from angel_x.services.accounts.contract_notes import ContractNotes
from angel_x.services.accounts.equity import EquityCurves
from angel_x.services.accounts.past import PastPortfolios
from angel_x.services.accounts.profit import Profit
from angel_x.services.accounts.reading import Reading
from angel_x.services.accounts.shadow_reports import ShadowReports
from angel_x.services.controls.risk_limits import RiskLimits


@dataclass(frozen=True, kw_only=True)
class AccountParts:
    """Accounts, their keys, limits and read models."""

    users: PostgresUsers
    accounts: Accounts
    access: Access
    limits: RiskLimits
    stops: PostgresPortfolioStops
    statements: PostgresStatements
    reading: Reading
    notes: ContractNotes
    profit: Profit
    shadow: ShadowReports
    equity: EquityCurves
    past: PastPortfolios
    exports: Exports


def build_accounts(base: Foundation) -> AccountParts:
    """Put together accounts and their read models."""
    users, statements = PostgresUsers(base.engine), PostgresStatements(base.engine)
    stops = PostgresPortfolioStops(base.engine)
    accounts = Accounts(users)
    tariff = base.tables.rule(Tariff.from_tables, "charges", "contracts")
    twins = PostgresShadowOrders(base.engine)
    return AccountParts(
        users=users,
        accounts=accounts,
        access=Access(users),
        limits=RiskLimits(
            PostgresRiskLimits(base.engine),
            accounts.names,
            stops.read,
            holds_rate=base.settings.rate_limit_enabled,
        ),
        stops=stops,
        statements=statements,
        reading=Reading(statements, base.market_clock),
        notes=ContractNotes(
            read_rows=PostgresNotes(base.engine).of,
            names=users.names,
            tariff=tariff,
        ),
        exports=Exports(base.engine),
        equity=EquityCurves(PostgresEquity(base.engine)),
        past=PastPortfolios(AccountHistory(base.engine), base.clock),
        shadow=ShadowReports(twins.on_day, twins.without_twin, base.clock),
        profit=Profit(moves=AccountHistory(base.engine).moves, tariff=tariff),
    )
