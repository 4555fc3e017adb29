"""The commands `kill-switch`, `square-off` and `orders cancel` against the servers of a system."""

from __future__ import annotations

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.orders.order import Side
from tests.builders.orders import Market
from tests.builders.shells import Shell


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


@pytest.fixture
def shell(environ: dict[str, str], market: Market) -> Shell:
    market.account("demo")
    return Shell(environ)


def place(market: Market, side: Side = Side.BUY, limit: str | None = None) -> int:
    (accepted,) = market.accept(market.accounts["demo"], market.request(side, limit=limit))
    market.application.trading.execution.run([accepted.order_id])
    return accepted.order_id


def test_the_system_an_account_and_an_underlying_are_halted_and_shown(shell: Shell) -> None:
    system = shell.json("kill-switch", "on", "--system", "--yes", "--reason", "drill")
    reducing = shell.json("kill-switch", "on", "--reducing", "--user", "demo")
    shell.json("kill-switch", "on", "--underlying", "NIFTY")
    shell.json("kill-switch", "off", "--underlying", "NIFTY")

    assert (system["scope"], system["state"], system["settled"]) == ("system", "halted", True)
    assert (reducing["scope"], reducing["name"]) == ("user", "demo")
    shown = shell.json("kill-switch", "status")["controls"]
    assert [c["name"] for c in shown] == ["", "demo", "NIFTY"]
    assert [(c["scope"], c["state"], c["reason"]) for c in shown] == [
        ("system", "halted", "drill"),
        ("user", "reducing", None),
        ("underlying", "active", None),
    ]
    assert all(c["actor"].startswith("cli:") for c in shown)


def test_people_read_what_is_halted(shell: Shell) -> None:
    assert (
        "Trading of the system is halted."
        in shell.run("kill-switch", "on", "--system", "--yes").output
    )
    shell.run("kill-switch", "on", "--user", "demo")

    assert "demo" in shell.run("kill-switch", "status").output


@pytest.mark.parametrize(
    "arguments",
    [
        ("kill-switch", "on", "--user", "demo", "--underlying", "NIFTY"),
        ("kill-switch", "on", "--system", "--yes", "--underlying", "NIFTY"),
        ("kill-switch", "on", "--user", "demo", "--reason", "x" * 201),
        ("orders", "cancel", "--user", "demo"),
        ("orders", "cancel", "1", "--system", "--yes"),
        ("orders", "cancel", "1", "--all", "--user", "demo"),
        ("orders", "cancel", "1", "--symbol", "NIFTY", "--user", "demo"),
    ],
)
def test_what_makes_no_sense_changes_nothing(shell: Shell, arguments: tuple[str, ...]) -> None:
    assert shell.run(*arguments).exit_code == 2
    assert shell.json("kill-switch", "status")["controls"] == []


def test_an_underlying_that_is_not_listed_cannot_be_halted(shell: Shell) -> None:
    result = shell.run("kill-switch", "on", "--underlying", "NIFTTY")

    assert (result.exit_code, "NIFTTY" in result.output) == (1, True)
    assert shell.json("kill-switch", "status")["controls"] == []


def test_a_square_off_tells_scripts_whether_the_account_is_flat(
    shell: Shell, market: Market
) -> None:
    place(market, Side.SELL)

    pending = shell.json("square-off", "--user", "demo", "--key", "out", "--wait", "0", code=1)
    market.application.workflows.advance.run(int(pending["id"]))
    over = shell.json("square-off", "--user", "demo", "--key", "out", "--wait", "0")

    assert (pending["status"], pending["flat"], pending["left"][0]["quantity"]) == (
        "running",
        False,
        -65,
    )
    assert (over["id"], over["status"], over["flat"]) == (pending["id"], "done", True)
    assert "filled" in shell.run("square-off", "--user", "demo", "--key", "out").output


@pytest.mark.parametrize(
    ("option", "value"), [("--key", "mis 2026-11-23"), ("--key", ""), ("--symbol", "nifty")]
)
def test_a_square_off_that_makes_no_sense_starts_nothing(
    shell: Shell, market: Market, option: str, value: str
) -> None:
    refused = shell.run("square-off", "--user", "demo", option, value)

    assert refused.exit_code == 2
    assert f"was {value or 'none'}" in refused.stderr
    with market.application.base.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM workflows").scalar_one() == 0


def test_a_square_off_of_nothing_listed_starts_nothing(shell: Shell, market: Market) -> None:
    assert shell.run("square-off", "--user", "demo", "--underlying", "NIFTTY").exit_code == 1
    with market.application.base.engine.connect() as connection:
        assert not connection.exec_driver_sql("SELECT 1 FROM workflows").first()


def test_one_order_or_all_are_canceled(shell: Shell, market: Market) -> None:
    first, second, third = (place(market, limit="80.00") for _ in range(3))

    one = shell.json("orders", "cancel", str(first), "--user", "demo")["orders"]
    filtered = ("--all", "--underlying", "NIFTY", "--user", "demo")
    rest = shell.json("orders", "cancel", *filtered)["orders"]

    assert [(o["order_id"], o["status"]) for o in one] == [(str(first), "canceled")]
    assert [o["order_id"] for o in rest] == [str(second), str(third)]
    assert set(market.statuses().values()) == {"canceled"}
    assert shell.run("orders", "cancel", str(first), "--user", "demo").exit_code == 1


SCOPED = [
    ("kill-switch", "on"),
    ("kill-switch", "off"),
    ("limits", "set", "max_open_orders=5"),
    ("limits", "clear"),
    ("square-off",),
    ("orders", "cancel", "--all"),
]


@pytest.mark.parametrize("command", SCOPED, ids=" ".join)
def test_no_command_has_a_silent_scope_and_the_system_is_confirmed(
    shell: Shell, market: Market, command: tuple[str, ...]
) -> None:
    place(market, limit="80.00")
    market.application.people.limits.put(None, {"max_open_orders": 7}, "cli")

    silent, both, unconfirmed = (
        shell.run(*command, *scope)
        for scope in ((), ("--user", "demo", "--system", "--yes"), ("--system",))
    )

    for refused in (silent, both, unconfirmed):
        assert refused.exit_code == 2
    assert "--user NAME or --system" in silent.output
    assert "--user NAME or --system" in both.output
    assert "--yes" in unconfirmed.output
    assert shell.json("kill-switch", "status")["controls"] == []
    assert market.application.people.limits.sheet(None).own.max_open_orders == 7
    assert set(market.statuses().values()) == {"working"}


@pytest.mark.parametrize(("answer", "code", "controls"), [("n", 1, 0), ("y", 0, 1)])
def test_an_operator_at_a_terminal_is_asked(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, controls: int
) -> None:
    monkeypatch.setattr("angel_x.entrypoints.cli.target.at_terminal", lambda: True)

    result = shell.run("kill-switch", "on", "--system", text=f"{answer}\n")

    assert "Set trading to halted for all accounts?" in result.stderr
    assert result.exit_code == code
    assert len(shell.json("kill-switch", "status")["controls"]) == controls


def test_the_system_is_every_account_that_has_something_open(shell: Shell, market: Market) -> None:
    place(market, Side.SELL)
    market.account("asha")
    (resting,) = market.accept(market.accounts["asha"], market.request(Side.BUY, limit="80.00"))
    market.account("idle")

    canceled = shell.json("orders", "cancel", "--all", "--system", "--yes")["orders"]
    off = shell.json("square-off", "--system", "--yes", "--wait", "0", code=1)["square_offs"]

    assert [order["order_id"] for order in canceled] == [str(resting.order_id)]
    assert [(each["user"], each["square_off"]["flat"]) for each in off] == [("demo", False)]
