"""Slicing: an order above the freeze quantity becomes several that the exchange takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from angel_x.domain.calendar.session import IST
from angel_x.domain.contracts.contract import Contract
from angel_x.domain.contracts.contract_rules import ContractRules
from angel_x.errors import InvalidInput

#: Into how many orders one may be cut.
MAX_SLICES = 200


@dataclass(frozen=True, slots=True)
class Slicing:
    """Cuts orders by the freeze quantities of the trading day."""

    read_rules: Callable[[], ContractRules]

    @property
    def rules(self) -> ContractRules:
        """The rules in force."""
        return self.read_rules()

    def largest(self, contract: Contract, now: datetime) -> int:
        """Return the units that one order may ask for at the market's time: whole lots.

        The contract has the freeze quantity of its listing, the table that of today.  The smaller one
        is never refused.
        """
        freeze = contract.freeze_quantity
        try:
            today = self.rules.freeze_quantity(contract.underlying, now.astimezone(IST).date())
        except InvalidInput:
            # The table does not know this underlying; its listing does.
            today = freeze
        return max(1, min(freeze, today) // contract.lot_size) * contract.lot_size

    def sizes(self, quantity: int, contract: Contract, now: datetime) -> tuple[int, ...]:
        """Return the units of each slice, the smallest last; nothing where one order is enough."""
        largest = self.largest(contract, now)
        if quantity <= largest:
            return ()
        full, rest = divmod(quantity, largest)
        return (largest,) * full + ((rest,) if rest else ())
