"""The kill switch: setting the trading state of the system, an account or an underlying.

A state is a row that every claim reads, so it holds from its commit on; open orders that it does not
allow are canceled afterwards, by a message on the emergency queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from angel_x.domain.book.control import Control, ControlList, ControlReceipt, ControlScope
from angel_x.domain.book.risk import TradingRules, TradingState
from angel_x.errors import InvalidInput, UnknownContract
from angel_x.services.controls.risk_limits import AccountNames
from angel_x.services.ports import Dispatcher, Publish, UniverseSource

log = structlog.get_logger()

#: The longest wait for transactions that may have read the former state.
_PATIENCE_SECONDS = 2.0
#: The ``user_id`` of events for all accounts.
_EVERYBODY = 0
_LONGEST_REASON = 200
#: States by the words of the command line.
_WORDS = {"on": TradingState.HALTED, "off": TradingState.ACTIVE}


class ControlStore(Protocol):
    """The store of trading states, with an audit of their changes."""

    def put(
        self, scope: ControlScope, name: str, state: TradingState, *, actor: str, reason: str | None
    ) -> Control:
        """Store a state and its audit entry in one transaction; each later claim reads it."""

    def all(self) -> Sequence[Control]:
        """Return every stored state."""

    def settle(self, seconds: float) -> bool:
        """Wait for open transactions that may have read older states; return False after a timeout."""


class TradingControls:
    """Sets trading states.

    Store and claims identify accounts by id; receipts and lists show their names.
    """

    def __init__(
        self,
        *,
        store: ControlStore,
        account_names: AccountNames,
        universes: UniverseSource,
        dispatcher: Dispatcher,
        publish: Publish,
        unreachable: tuple[type[Exception], ...],
    ) -> None:
        self._store = store
        self._account_names = account_names
        self._universes = universes
        self._dispatcher = dispatcher
        self._publish = publish
        #: The exceptions that mean an unavailable cache.
        self._unreachable = unreachable

    def turn(
        self,
        scope: ControlScope,
        name: str,
        state: TradingState,
        *,
        actor: str,
        reason: str | None = None,
    ) -> ControlReceipt:
        """Set a state; ``name`` is an account's id or an underlying, empty for the system.

        A second call sets it again, with an audit entry of its own.

        Raises:
            UnknownContract: No contract on that underlying is listed.
            InvalidInput: The reason is too long.
        """
        self._check(scope, name, reason)
        control = self._store.put(scope, name, state, actor=actor, reason=reason)
        (shown,) = self._by_name([control])
        log.warning("trading_state.set", scope=scope.value, name=shown.name, state=state.value)
        self._dispatcher.cancel_all()
        self._tell(control, shown.name)
        settled = self._store.settle(_PATIENCE_SECONDS)
        return ControlReceipt(
            scope=control.scope,
            name=shown.name,
            state=control.state,
            actor=control.actor,
            reason=control.reason,
            changed_at=control.changed_at,
            settled=settled,
        )

    def restrict(self, user_id: int, *, actor: str, reason: str) -> None:
        """Let an account only reduce, unless its own state is as strict already."""
        own = str(user_id)
        states = {
            c.state for c in self._store.all() if (c.scope, c.name) == (ControlScope.USER, own)
        }
        if states <= {TradingState.ACTIVE}:
            self.turn(ControlScope.USER, own, TradingState.REDUCING, actor=actor, reason=reason)

    def of(self, user_id: int, *, with_others: bool = False) -> ControlList:
        """Return the state in force for an account, and the stored states of its scopes.

        With ``with_others`` the states of all accounts are included.
        """
        own, controls = str(user_id), self._store.all()
        rules = TradingRules.from_rows(((c.scope, c.name, c.state) for c in controls), ())
        concerned = [
            c for c in controls if with_others or c.scope is not ControlScope.USER or c.name == own
        ]
        return ControlList(
            state=rules.state(user_id, underlying=""), controls=tuple(self._by_name(concerned))
        )

    def all(self) -> list[Control]:
        """Return every stored state, that of the system first."""
        return self._by_name(self._store.all())

    def _by_name(self, controls: Sequence[Control]) -> list[Control]:
        """Replace account ids by names."""
        ids = {int(c.name) for c in controls if c.scope is ControlScope.USER}
        names = self._account_names(ids) if ids else {}
        return [
            replace(c, name=names[int(c.name)]) if c.scope is ControlScope.USER else c
            for c in controls
        ]

    def _check(self, scope: ControlScope, name: str, reason: str | None) -> None:
        if scope is ControlScope.UNDERLYING and name not in self._universes.current().underlyings:
            raise UnknownContract("underlying", name)
        if reason is not None and len(reason) > _LONGEST_REASON:
            raise InvalidInput(
                f"reason must be at most {_LONGEST_REASON} characters, was {len(reason)}",
                field="reason",
                value=reason[:40],
            )

    def _tell(self, control: Control, name: str) -> None:
        """Publish the change to its account, or to all; a lost event changes no state."""
        is_own = control.scope is ControlScope.USER
        event = {
            "user_id": int(control.name) if is_own else _EVERYBODY,
            "kind": "trading_state",
            "scope": control.scope.value,
            "name": name,
            "state": control.state.value,
            "reason": control.reason,
        }
        try:
            self._publish([event])
        except self._unreachable as error:
            log.warning("trading_state.unpublished", error=str(error))


def read_state(word: str) -> TradingState:
    """Parse a trading state; ``on`` is halted and ``off`` active.

    Raises:
        InvalidInput: The word is not a state.
    """
    if word in _WORDS:
        return _WORDS[word]
    try:
        return TradingState(word)
    except ValueError:
        expected = ", ".join([*_WORDS, *TradingState])
        raise InvalidInput(
            f"state must be one of {expected}, was {word[:40]}", field="state", value=word[:40]
        ) from None
