from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal

import pytest
from click.testing import CliRunner

from angel_x.entrypoints.cli.root import cli
from angel_x.rehearsal.fake_exchange.faults import Fault
from angel_x.rehearsal.fake_exchange.server import ExchangeServer
from angel_x.rehearsal.fake_exchange.serving import client_settings, prepared
from config.loading import load
from tests.builders.broker import order
from tests.builders.limits import unlimited


@pytest.fixture(scope="module")
def served() -> Iterator[ExchangeServer]:
    exchange, walk = prepared(
        load({"ANGEL_X_ENV": "testing"}),
        3,
        {"drop": 0.0},
        slow_seconds=1,
        token_seconds=None,
        cash=10_000_000,
    )
    walk.step()
    exchange.throttle.limits = unlimited
    with ExchangeServer(exchange) as server:
        yield server


def environ(served: ExchangeServer) -> dict[str, str]:
    lines = client_settings(served.exchange, served.url)
    pairs = (line.removeprefix("export ").split("=", 1) for line in lines)
    return {"ANGEL_X_ENV": "testing", **dict(pairs)}


def test_the_command_shows_profile_and_funds_of_the_client_whose_settings_are_printed(
    served: ExchangeServer,
) -> None:
    shown = CliRunner().invoke(cli, ["broker", "check", "--json", "--logout"], env=environ(served))

    assert shown.exit_code == 0, shown.output
    found = json.loads(shown.stdout)
    assert found["profile"]["client_code"] == "A12345"
    assert found["funds"]["net"] == "10000000.0000"
    assert found["positions"] == []


def test_orders_by_hand_are_shown_as_foreign_and_each_change_once(
    served: ExchangeServer,
) -> None:
    listing = next(iter(served.exchange.listings.values()))
    for tag in ("", "angel-x-7"):
        request = order(
            tradingsymbol=listing.trading_symbol,
            symboltoken=listing.token,
            ordertype="MARKET",
            ordertag=tag,
        )
        served.do(lambda each, request=request: each.place("A12345", request))  # type: ignore[misc]

    listed = CliRunner().invoke(cli, ["broker", "orders", "--json"], env=environ(served))
    watched = CliRunner().invoke(
        cli, ["broker", "orders", "--follow", "--seconds", "0"], env=environ(served)
    )

    assert [each["owner"] for each in json.loads(listed.stdout)] == ["foreign", "angel-x-7"]
    assert watched.stdout.count("complete") == 2, watched.output
    assert "foreign: BUY" in watched.stdout
    checked = CliRunner().invoke(cli, ["broker", "check"], env=environ(served))
    assert f"{listing.trading_symbol}  CARRYFORWARD" in checked.stdout


def test_a_refused_login_and_a_missing_credential_are_told_apart(served: ExchangeServer) -> None:
    wrong = {**environ(served), "ANGEL_X_ANGEL_ONE_PIN": "0000"}
    missing = {**environ(served), "ANGEL_X_ANGEL_ONE_PIN": ""}

    refused = CliRunner().invoke(cli, ["broker", "check"], env=wrong)
    invalid = CliRunner().invoke(cli, ["broker", "check"], env=missing)

    assert (refused.exit_code, invalid.exit_code) == (1, 2)
    assert "Login Id or password is invalid (AB1007)" in refused.stderr
    assert "ANGEL_X_ANGEL_ONE_PIN" in invalid.stderr


def test_every_contract_of_the_chain_is_quoted_on_its_ticks(served: ExchangeServer) -> None:
    exchange = served.exchange

    assert len(exchange.listings) > 400
    assert exchange.matching.quotes.keys() == exchange.listings.keys()
    for token, quote in exchange.matching.quotes.items():
        assert 0 < quote.bid < quote.ask
        assert quote.ask % exchange.listings[token].tick_size == 0


@pytest.mark.parametrize("fault", ["drop", "drop=2", "drop=x", "explode=0.5"])
def test_a_fault_has_a_known_name_and_a_rate(fault: str) -> None:
    refused = CliRunner().invoke(cli, ["fake-exchange", "--fault", fault])

    assert refused.exit_code == 2
    assert "throttle" in refused.stderr


def test_the_help_names_every_fault() -> None:
    shown = CliRunner().invoke(cli, ["fake-exchange", "--help"]).output

    assert [fault for fault in Fault if fault not in shown] == []


def test_the_ticks_of_instruments_are_watched(served: ExchangeServer) -> None:
    tokens = list(served.exchange.listings)[:2]

    shown = CliRunner().invoke(
        cli, ["broker", "watch", *tokens, "--seconds", "2", "--json"], env=environ(served)
    )

    assert shown.exit_code == 0, shown.output
    found = json.loads(shown.stdout)
    quote = served.exchange.matching.quotes[tokens[0]]
    assert [each["token"] for each in found["instruments"]] == tokens
    assert Decimal(found["instruments"][0]["bid"]) == quote.bid
    assert found["ticks"] == 2


def test_the_index_has_a_level(served: ExchangeServer) -> None:
    shown = CliRunner().invoke(
        cli,
        ["broker", "watch", "99926000", "--segment", "1", "--seconds", "1", "--json"],
        env=environ(served),
    )

    assert shown.exit_code == 0, shown.output
    (index,) = json.loads(shown.stdout)["instruments"]
    assert Decimal(index["last"]) == served.exchange.indices["99926000"].last


def test_a_token_that_is_none_is_refused_and_a_foreign_one_brings_no_tick(
    served: ExchangeServer,
) -> None:
    invalid = CliRunner().invoke(cli, ["broker", "watch", "x"], env=environ(served))
    silent = CliRunner().invoke(
        cli, ["broker", "watch", "1", "--seconds", "0.5"], env=environ(served)
    )

    assert (invalid.exit_code, silent.exit_code) == (2, 1)
    assert "token" in invalid.stderr
    assert "no tick came" in silent.stderr
