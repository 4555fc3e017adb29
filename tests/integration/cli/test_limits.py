"""The command `limits` against the servers of a system."""

from __future__ import annotations

from typing import Any

import pytest

from angel_x.bootstrap import Application
from tests.builders.shells import Shell

SYSTEM = ("--system", "--yes")


@pytest.fixture
def shell(environ: dict[str, str], application: Application) -> Shell:
    application.people.accounts.open("asha")
    return Shell(environ, "limits")


def values(limits: dict[str, Any]) -> dict[str, Any]:
    return {kind: value for kind, value in limits.items() if value is not None}


def test_limits_are_set_listed_and_cleared(shell: Shell) -> None:
    shell.json("set", "max_order_quantity=1800", "max_daily_loss=5000.50", *SYSTEM)
    own = shell.json("set", "max_order_quantity=650", "--user", "asha")

    assert own["user"] == "asha"
    assert values(own["own"]) == {"max_order_quantity": 650}
    assert values(own["effective"]) == {"max_order_quantity": 650, "max_daily_loss": "5000.50"}
    listed = shell.json("list")["limits"]
    assert [(limits["user"], values(limits["own"])) for limits in listed] == [
        (None, {"max_order_quantity": 1800, "max_daily_loss": "5000.50"}),
        ("asha", {"max_order_quantity": 650}),
    ]

    shell.json("clear", "max_daily_loss", *SYSTEM)
    assert values(shell.json("clear", *SYSTEM)["own"]) == {}
    assert values(shell.json("list", "--user", "asha")["limits"][0]["effective"]) == {
        "max_order_quantity": 650
    }


def test_people_read_whose_limit_it_is_and_whether_the_rate_is_held(shell: Shell) -> None:
    shell.run("set", "max_order_notional=250000", *SYSTEM)
    shell.run("set", "max_orders_per_second=10", "--user", "asha")

    shown = shell.run("list").output

    assert "everyone" in shown
    assert "250,000" in shown
    assert "asha" in shown
    assert "ANGEL_X_RATE_LIMIT_ENABLED is off" in shown


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        (("set", "max_order_quantity", *SYSTEM), "KIND=VALUE, was max_order_quantity", 2),
        (("set", "max_order_quantity=0", *SYSTEM), "was 0", 2),
        (("set", "max_everything=1", *SYSTEM), "was max_everything", 2),
        (("clear", "max_everything", *SYSTEM), "was max_everything", 2),
        (("set", "max_open_orders=1", "--user", "nobody"), "nobody", 1),
    ],
)
def test_what_makes_no_sense_is_refused_and_sets_nothing(
    shell: Shell, application: Application, arguments: tuple[str, ...], said: str, code: int
) -> None:
    result = shell.run(*arguments)

    assert result.exit_code == code
    assert said in result.output
    assert application.people.limits.rules().is_empty
