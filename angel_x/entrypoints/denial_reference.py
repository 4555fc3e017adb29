"""The reference of reasons and limits, generated from their enums.

``python -m angel_x.entrypoints.denial_reference`` prints it.  A member is explained by the string
behind it, which is read from the source.
"""

from __future__ import annotations

import ast
import inspect
import sys
from enum import StrEnum

from angel_x.domain.book.limits import LimitKind
from angel_x.domain.orders.denial import CancelReason, DenialReason, MoveReason

_HEAD = """\
# Reasons and limits

Made by `python -m angel_x.entrypoints.denial_reference`; do not edit.

An order that was accepted carries the reason for which it was denied, rejected or taken off the
market, and so does the event of that move. Nothing else changes with a denial: cash, margin,
positions, fills and the ledger stay as they were.
"""
_LIMITS = """\
A limit is set for everyone or for one account (`angel-x limits`, `PUT /v1/limits`); of the two the
stricter holds. None is set to begin with. A change needs no restart: orders claimed after it are
decided under it, and the rate of acceptance follows within a second.

An order *closes* if the account's position covers all of it beside what already rests on its side: a
sale what is long, a purchase what is short. Reduced to closing, by a control or by a daily loss, an
account's closing orders pass. Halted, they do not, with one exception: an order of priority
`emergency` that closes passes all of these: `TRADING_HALTED`, `REDUCING_ONLY`, `DAILY_LOSS`,
`QUANTITY_LIMIT`, `NOTIONAL_LIMIT`, `OPEN_ORDERS_LIMIT`, `FAT_FINGER`, so that a position can always be
squared off. An emergency order that does not close is checked like any other. No emergency order is
held to be a duplicate, because a square-off repeats itself until the position is flat. An order that was
let in by these rules rests and trades under them too: a control takes off the market (`KILL_SWITCH`)
only orders that it would not let in, and the orders of a square-off never.

`trigger_at_once` of 1 lets a stop whose trigger the last price has reached before it came in trade at once
as a limit order; without it the stop is denied with `TRIGGER_PASSED`, as the exchange refuses it, and so is
an amendment to such a trigger. Stops that wait are triggered as before.

`max_orders_per_second` turns orders away before they are stored, with 429 and `Retry-After`; a Celery
message is refused, and `GET /v1/submissions/{client_order_id}` says why. Orders that were stored
before are still answered with, emergency orders are neither counted nor turned away, and while the
cache is away each process counts for itself. It is held where `ANGEL_X_RATE_LIMIT_ENABLED` is on.
"""


def explanations(enum: type[StrEnum]) -> dict[str, str]:
    """Return the sentence behind each member, by the member's value.

    Raises:
        LookupError: A member has none.
    """
    (definition,) = ast.parse(inspect.getsource(enum)).body
    assert isinstance(definition, ast.ClassDef)
    found: dict[str, str] = {}
    for statement, following in zip(definition.body, definition.body[1:], strict=False):
        match statement, following:
            case (
                ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[enum[name].value] = " ".join(text.split())
    if missing := [member for member in enum if member.value not in found]:
        raise LookupError(f"a sentence must explain every member, was missing for {missing}")
    return found


def reference() -> str:
    """Return the whole document."""
    return (
        "\n".join(
            [
                _HEAD,
                _section("Denied or rejected", DenialReason),
                _section("Taken off the market", CancelReason),
                _section("Moved on", MoveReason),
                _section("Limits", LimitKind),
                _LIMITS,
            ]
        ).rstrip("\n")
        + "\n"
    )


def _section(title: str, enum: type[StrEnum]) -> str:
    rows = "\n".join(f"| `{name}` | {text} |" for name, text in explanations(enum).items())
    return f"## {title}\n\n| name | means |\n| --- | --- |\n{rows}\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
