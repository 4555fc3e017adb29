"""Trading states in memory, under the contract of those on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from angel_x.domain.book.control import Control, ControlScope
from angel_x.domain.book.risk import TradingState
from tests.fakes.tables import NOW

_SCOPES = [ControlScope.SYSTEM, ControlScope.USER, ControlScope.UNDERLYING]


@dataclass(frozen=True)
class Audited:
    """An entry of the audit: who set what, and the state before."""

    actor: str
    subject: str
    before: TradingState
    state: TradingState
    reason: str | None


@dataclass
class MemoryControls:
    """The trading states, by scope and name."""

    now: Callable[[], datetime] = lambda: NOW
    stored: dict[tuple[ControlScope, str], Control] = field(default_factory=dict)
    audit: list[Audited] = field(default_factory=list)
    #: Whether a transaction is open that may have read older states.
    is_read: bool = False
    #: How long each answer has waited at most.
    waits: list[float] = field(default_factory=list)

    def put(
        self, scope: ControlScope, name: str, state: TradingState, *, actor: str, reason: str | None
    ) -> Control:
        known = self.stored.get((scope, name))
        before = TradingState.ACTIVE if known is None else known.state
        subject = f"{scope}:{name}" if name else scope.value
        self.audit.append(Audited(actor, subject, before, state, reason))
        self.stored[scope, name] = control = Control(
            scope=scope, name=name, state=state, actor=actor, reason=reason, changed_at=self.now()
        )
        return control

    def all(self) -> list[Control]:
        return sorted(self.stored.values(), key=lambda c: (_SCOPES.index(c.scope), c.name))

    def settle(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return not self.is_read
