"""The basket builder: legs, payoff and margin before anything is sent, and progress afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from nicegui import ui

from angel_x.domain.workflows.workflow import WorkflowStatus
from angel_x.entrypoints.desk.elements.live_chart import LiveChart
from angel_x.entrypoints.desk.elements.live_table import Empty
from angel_x.entrypoints.desk.pages.order_dialogs import confirm
from angel_x.entrypoints.desk.pages.parts import box, button, heading
from angel_x.entrypoints.desk.views.basket import (
    Standing,
    estimate_figures,
    leg_text,
    payoff_chart,
    standing,
)
from angel_x.entrypoints.desk.views.legs import STRATEGIES, ChosenLeg, added, clicked, strategy
from angel_x.entrypoints.desk.views.payoff import figures, payoff
from angel_x.errors import ApiError

if TYPE_CHECKING:
    from angel_x.domain.chains.chain_record import OptionChain
    from angel_x.domain.workflows.basket import BasketRecord
    from angel_x.entrypoints.desk.pages.frame import Frame

_LOOK_SECONDS = 0.5
_NO_PAYOFF = Empty("No payoff.", "A leg gives one.")
_SENT = "Hedges trade first. If a leg is refused, the legs that have traded are closed again."


class BasketBuilder:
    """The legs of this page; they stay with the login until they are sent or cleared."""

    def __init__(self, frame: Frame, shown: Callable[[], OptionChain | None]) -> None:
        self._frame, self._shown = frame, shown
        self._asked = 0
        with box("ax-section ax-builder", "section"):
            with box("ax-bar"):
                heading("Basket")
                self._strategy = (
                    ui.select([*STRATEGIES], label="Strategy by name", on_change=self._choose)
                    .props("outlined dense options-dense")
                    .classes("ax-strategy")
                )
            self._body = box("")
            self._progress = box("").props("role=status")
        self._draw()

    @property
    def _legs(self) -> tuple[ChosenLeg, ...]:
        return self._frame.session.legs

    def add(self, strike: str, act: str) -> None:
        """Add the leg of a click on a quote."""
        if (found := self._shown()) is not None:
            leg = clicked(found, strike, act)
            self._take(leg if isinstance(leg, str) else added(self._legs, leg))

    def _choose(self) -> None:
        found, name = self._shown(), self._strategy.value
        if found is not None and name:
            self._take(strategy(found, str(name)))
            self._strategy.set_value(None)

    def _take(self, legs: tuple[ChosenLeg, ...] | str) -> None:
        if isinstance(legs, str):
            self._frame.complain(legs)
            return
        self._frame.session.legs = legs
        self._draw()

    def _draw(self) -> None:
        self._body.clear()
        with self._body:
            if not self._legs:
                ui.label(
                    "No legs yet. A click on an ask buys, a click on a bid sells; or choose a strategy."
                    if self._frame.session.may_trade
                    else "This key only reads: its baskets can be estimated, and not sent."
                ).classes("ax-empty")
                return
            self._draw_legs()
            self._draw_payoff()
            self._estimate = box("ax-estimate").props("aria-live=polite")
            with box("ax-actions"):
                button("Clear", lambda: self._take(()))
                if self._frame.session.may_trade:
                    button("Send basket", self._ask, kind="main")
        ui.timer(0, self._ask_margin, once=True)

    def _draw_legs(self) -> None:
        for place, leg in enumerate(self._legs):
            with box("ax-leg"):
                ui.label(leg_text(leg)).classes("ax-leg-name")
                ui.number("Lots", value=leg.lots, min=1, max=500, precision=0).props(
                    "outlined dense"
                ).classes("ax-lots").on(
                    "change", lambda event, at=place: self._set_lots(at, event.sender.value)
                )
                button("✕", lambda at=place: self._remove(at)).props(
                    f'aria-label="Remove {leg.symbol}"'
                )

    def _set_lots(self, place: int, lots: float | None) -> None:
        if lots is not None and lots >= 1:
            legs = list(self._legs)
            legs[place] = replace(legs[place], lots=int(lots))
            self._take(tuple(legs))

    def _remove(self, place: int) -> None:
        self._take(self._legs[:place] + self._legs[place + 1 :])

    def _draw_payoff(self) -> None:
        found, shown = payoff(self._legs), self._shown()
        with box("ax-pairs"):
            for name, text in figures(found):
                ui.label(name).classes("ax-muted")
                ui.label(text.text).classes(text.tone.value)
        LiveChart(empty=_NO_PAYOFF).show(payoff_chart(found, shown.spot if shown else None))

    async def _ask_margin(self) -> None:
        self._asked += 1
        asked, client = self._asked, self._frame.account.client
        orders = [leg.as_order() for leg in self._legs]
        try:
            estimate = await self._frame.call(lambda: client.margin(orders))
            lines = estimate_figures(estimate)
        except ApiError as error:
            lines = [("Margin", f"not estimated: {error}", "ax-loss")]
        if asked == self._asked and not self._estimate.is_deleted:
            self._estimate.clear()
            with self._estimate:
                for name, text, tone in lines:
                    ui.label(name).classes("ax-muted")
                    ui.label(text).classes(tone)

    def _ask(self) -> None:
        legs = self._legs

        async def send() -> None:
            client = self._frame.account.client
            orders = [leg.as_order() for leg in legs]
            record = await self._frame.attempt(lambda: client.basket(orders, on_refusal="flatten"))
            if record is not None:
                self._take(())
                _BasketProgress(self._frame, self._progress, record)

        confirm(self._frame, f"Send {len(legs)} legs?", _SENT, "Send basket", send)


class _BasketProgress:
    """One basket that was sent, until it is closed by hand."""

    def __init__(self, frame: Frame, place: ui.element, record: BasketRecord) -> None:
        self._frame, self._record = frame, record
        with place, box("ax-note") as self._note:
            self._text = ui.label()
            self._lines = box("ax-muted")
            button("Close", self._note.delete)
            self._timer = ui.timer(_LOOK_SECONDS, self._look)
        self._show(standing(record))

    async def _look(self) -> None:
        client = self._frame.account.client
        try:
            self._record = await self._frame.call(client.read_basket, self._record.basket_id)
        except ApiError as error:
            self._text.set_text(f"The progress of the basket is not known ({error})")
            return
        self._show(standing(self._record))
        if self._record.status is not WorkflowStatus.RUNNING:
            self._timer.deactivate()
            self._frame.account.hasten()

    def _show(self, told: Standing) -> None:
        self._text.set_text(told.title)
        self._text.classes(replace=told.tone.value)
        self._lines.clear()
        with self._lines:
            for line in told.lines:
                ui.label(line)
