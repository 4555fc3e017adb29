"""The proof that stored accounts equal the fold of their history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from angel_x.domain.operations.check import Check, Diagnosis
from angel_x.domain.portfolios.history import AccountMove, History
from angel_x.domain.portfolios.rebuild import StoredAccount, StoredPosition, differences

_FIX = "Stop trading in the account, and restore a backup or correct the row by hand."


class Histories(Protocol):
    """The history and the stored state of accounts."""

    def accounts(self) -> list[StoredAccount]: ...
    def positions(self, user_id: int) -> list[StoredPosition]: ...
    def moves(self, user_id: int) -> Iterator[AccountMove]: ...


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Rebuilds accounts from fills, settlements and ledger; nothing is changed."""

    histories: Histories

    def check(self) -> Diagnosis:
        """Compare every stored account with its rebuilt state.

        An account that trades meanwhile may differ for a moment; a second call shows it.
        """
        return Diagnosis.of(map(self._check, self.histories.accounts()))

    def _check(self, stored: StoredAccount) -> Check:
        history = History()
        moves = sum(1 for _ in history.fold(self.histories.moves(stored.id)))
        held = self.histories.positions(stored.id)
        found = list(differences(stored, held, history))
        return Check.of_fault(
            f"rebuild {stored.name}",
            "; ".join(found) or None,
            detail=f"{moves} moves and {len(held)} positions agree",
            fix=_FIX,
        )
