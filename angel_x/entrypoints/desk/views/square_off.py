"""The progress of a square-off in words."""

from __future__ import annotations

from dataclasses import dataclass

from angel_x.domain.workflows.square_off import SquareOffRecord
from angel_x.domain.workflows.workflow import WorkflowStatus
from angel_x.entrypoints.desk.views.words import Tone, price, status_words, units


@dataclass(frozen=True, slots=True)
class ExitStanding:
    """A headline with its tone, and a line for each contract."""

    title: str
    tone: Tone
    lines: tuple[str, ...]


def progress(title: str, record: SquareOffRecord) -> ExitStanding:
    """Return the state that the server has reported, and no later one."""
    lines = [
        f"{leg.symbol}: {leg.side} {units(leg.filled_quantity)} at {price(leg.average_price)}, "
        f"{status_words(leg.status)}{_because(leg.reason)}"
        for leg in record.legs
    ]
    lines += [
        f"{rest.symbol}: {units(rest.quantity)} left{_because(rest.reason)}" for rest in record.left
    ]
    words, tone = _standing(record)
    return ExitStanding(f"Square-off of {title}: {words}", tone, tuple(lines))


def _standing(record: SquareOffRecord) -> tuple[str, Tone]:
    if record.status is WorkflowStatus.RUNNING:
        waiting = f", {record.open_orders} orders to cancel" if record.open_orders else ""
        return f"running, {len(record.left)} positions left{waiting}", Tone.WARNING
    if record.flat:
        return "done, flat", Tone.GAIN
    return f"{status_words(record.status)}, {len(record.left)} positions left", Tone.LOSS


def _because(reason: str | None) -> str:
    return f" ({reason})" if reason else ""
