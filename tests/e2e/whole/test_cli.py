from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.builders.shells import Shell
from tests.e2e.processes import eventually
from tests.e2e.whole.instance import Answer, Instance

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def symbol(_instance: Instance) -> str:
    """A contract at the money that has a quote."""
    _instance.start()

    def quoted() -> str | None:
        rows = _instance.cli("chain", "NIFTY", "--json").document["rows"]
        near = [r["symbol"] for r in rows if r["delta"] and abs(r["delta"] - 0.5) < 0.1]
        return near[0] if near else None

    return eventually(quoted, "Greeks at the money", 300)


def order(symbol: str, client_order_id: str, **changes: object) -> dict[str, object]:
    order: dict[str, object] = {"symbol": symbol, "side": "BUY", "quantity": 65}
    return {**order, "client_order_id": client_order_id, **changes}


def await_filled(whole: Instance, order_id: str) -> dict[str, Any]:
    def filled() -> dict[str, Any] | None:
        found: dict[str, Any] = whole.cli("orders", order_id, "--json").document
        return found if found["status"] == "filled" else None

    return eventually(filled, f"order {order_id} is filled")


def test_a_fresh_system_has_a_user_with_cash_a_key_and_a_chain(whole: Instance) -> None:
    (demo,) = [u for u in whole.cli("users", "list", "--json").document["users"] if u["id"] == 1]
    chain = whole.cli("chain", "NIFTY", "--json").document

    assert (demo["name"], demo["cash"]) == ("demo", "10000000.00")
    assert (chain["underlying"], chain["lot_size"]) == ("NIFTY", 65)
    assert chain["rows"][0]["symbol"].startswith("NIFTY_")
    key_file = whole.home / "demo.key"
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert answer(whole, "/v1/margin", key_file.read_text().strip()) == 200


def test_orders_of_a_file_trade_once_however_often_it_is_handed_in(
    whole: Instance, symbol: str, tmp_path: Path
) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(f"symbol,side,quantity\n{symbol},BUY,65\n{symbol},BUY,130\n")

    first = whole.cli("submit", str(file), "--user", "demo", "--json").document["orders"]
    again = whole.cli("submit", str(file), "--user", "demo", "--json").document["orders"]

    assert [o["order_id"] for o in first] == [o["order_id"] for o in again]
    assert [o["replayed"] for o in (*first, *again)] == [False, False, True, True]
    assert await_filled(whole, first[1]["order_id"])["filled_quantity"] == 130


def test_what_was_traded_shows_in_orders_positions_and_portfolio(
    whole: Instance, symbol: str
) -> None:
    whole.cli("users", "create", "asha", "--cash", "1000000")
    submitted = whole.cli(
        "submit", "-", "--user", "asha", "--json", stdin=json.dumps(order(symbol, "a-1"))
    )
    order_id = submitted.document["orders"][0]["order_id"]
    filled = await_filled_of(whole, order_id, "asha")

    listed = whole.cli("orders", "--user", "asha", "--status", "filled", "--json").document
    (position,) = whole.cli("positions", "--user", "asha", "--json").document["positions"]
    portfolio = whole.cli("portfolio", "--user", "asha", "--json").document

    assert [o["order_id"] for o in listed["orders"]] == [order_id]
    assert [e["status"] for e in filled["events"]] == ["received", "filled"]
    assert (position["symbol"], position["quantity"]) == (symbol, 65)
    assert position["delta"] == pytest.approx(0.5, abs=0.2)
    assert portfolio["open_positions"] == 1
    assert position["average_price"] == filled["fills"][0]["price"]


def await_filled_of(whole: Instance, order_id: str, user: str) -> dict[str, Any]:
    def filled() -> dict[str, Any] | None:
        found: dict[str, Any] = whole.cli("orders", order_id, "--user", user, "--json").document
        return found if found["status"] == "filled" else None

    return eventually(filled, f"order {order_id} is filled")


def test_the_doctor_finds_nothing_failed_in_a_running_system(whole: Instance, symbol: str) -> None:
    def passed() -> list[dict[str, Any]] | None:
        found = whole.cli("doctor", "--json")
        return found.document["checks"] if found.code == 0 else None

    checks = {each["name"]: each for each in eventually(passed, "no check fails", 300)}

    for name in ("readiness of the API", "page of metrics", "quotes in the cache", "processes"):
        assert checks[name]["status"] in {"ok", "warning"}, checks[name]
    # The document of the API shrinks to less than a fifth.
    assert checks["compression of answers"]["value"] > 5
    assert checks["time of an API answer"]["value"] > 0


def test_people_see_tables(whole: Instance, symbol: str) -> None:
    commands = (
        ["orders"],
        ["positions"],
        ["portfolio"],
        ["users", "list"],
        ["keys", "list", "--user", "demo"],
        ["greeks", symbol],
        ["chain", "NIFTY"],
        ["chain", "NIFTY", "--greeks"],
        ["chain", "NIFTY", "--summary"],
    )

    for arguments, shown in zip(commands, whole.cli_many(*commands), strict=True):
        assert (shown.code, shown.error) == (0, ""), arguments
        assert len(shown.out.splitlines()) >= 2, arguments


def test_greeks_of_one_contract_are_shown_with_their_age(whole: Instance, symbol: str) -> None:
    found = whole.cli("greeks", symbol, "--json").document

    assert found["symbol"] == symbol
    assert found["status"] == "ok"
    assert 0 <= found["age_seconds"] < 60


def test_the_summary_of_a_chain_tells_its_volatility_at_the_money(whole: Instance) -> None:
    found = whole.cli("chain", "NIFTY", "--summary", "--json").document

    near = found["expiries"][0]
    assert 0.01 < near["atm_vol"] < 2.0
    assert near["forward_source"] in {"parity", "futures", "spot_carry"}
    assert len(near["smile"]) > 10
    refused = whole.cli("chain", "NIFTY", "--summary", "--greeks")
    assert (refused.code, refused.out) == (2, "")


def test_a_key_opens_what_its_scopes_say_until_it_is_revoked(whole: Instance) -> None:
    whole.cli("users", "create", "reader")
    created = whole.cli("keys", "create", "--user", "reader", "--scope", "read", "--json")
    key = created.document["key"]
    assert list(created.document) == ["key"]
    assert answer(whole, "/v1/orders", key) == 200
    assert answer(whole, "/v1/orders", key, method="POST") == 403

    (listed,) = whole.cli("keys", "list", "--user", "reader", "--json").document["keys"]
    assert listed["scopes"] == ["read"]
    assert key not in json.dumps(listed)
    assert whole.cli("keys", "revoke", listed["prefix"]).code == 0

    eventually(lambda: answer(whole, "/v1/orders", key) == 401, "the key opens nothing")


def answer(whole: Instance, path: str, key: str, method: str = "GET") -> int:
    url = f"{whole.run_file['api_url']}{path}"
    return urllib3.request(method, url, headers={"Authorization": f"Bearer {key}"}).status


def test_a_bad_order_is_named_with_its_value_and_nothing_is_stored(
    whole: Instance, symbol: str, tmp_path: Path
) -> None:
    cases: dict[str, dict[str, object]] = {
        "symbol must be a listed contract, was NOSUCH": {"symbol": "NOSUCH_01JAN30_100CE"},
        "quantity must be a multiple of the lot size 65, was 66": {"quantity": 66},
        "multiple of the tick size 0.05, was 1.01": {"order_type": "LIMIT", "price": "1.01"},
    }
    for number, changes in enumerate(cases.values()):
        bad = {**order(symbol, "mixed-bad"), **changes}
        content = json.dumps([bad, order(symbol, "mixed-good")])
        (tmp_path / f"{number}.json").write_text(content)

    answers = whole.cli_many(
        *(["submit", str(file), "--user", "demo"] for file in sorted(tmp_path.iterdir()))
    )

    for fault, refused in zip(cases, answers, strict=True):
        assert refused.code == 2
        assert f"orders[0].{fault}" in refused.error or fault in refused.error
    orders = whole.cli("orders", "--limit", "1000", "--json").document["orders"]
    assert not [o for o in orders if o["client_order_id"].startswith("mixed")]


def test_the_same_id_with_other_content_is_an_error(whole: Instance, symbol: str) -> None:
    assert (
        whole.cli("submit", "-", "--user", "demo", stdin=json.dumps(order(symbol, "twice"))).code
        == 0
    )

    refused = whole.cli(
        "submit", "-", "--user", "demo", stdin=json.dumps(order(symbol, "twice", quantity=130))
    )

    assert refused.code == 1
    assert "twice" in refused.error


def test_an_expected_error_is_one_line_and_an_exit_code(whole: Instance) -> None:
    cases: list[tuple[list[str], int, str]] = [
        (["orders", "999999999"], 1, "no order of this account has the id 999999999"),
        (["orders", "--after", "garbage"], 2, "garbage"),
        (["positions", "--user", "nobody"], 1, "no account has this name: nobody"),
        (
            ["greeks", "NOSUCH"],
            2,
            "symbol must be UNDERLYING_DDMMMYY_(STRIKE(CE|PE)|FUT), was NOSUCH",
        ),
        (["chain", "NOSUCH"], 1, "underlying must be listed, was NOSUCH"),
        (["chain", "NIFTY", "--expiry", "2020-01-01"], 1, "expiry must be listed, was 2020-01-01"),
        (["users", "create", "demo"], 2, "exists already: demo"),
        (["users", "create", "no spaces"], 2, "was 'no spaces'"),
        (["users", "create", "rich", "--cash", "NaN"], 2, "was NaN"),
        (["keys", "create", "--user", "nobody"], 1, "nobody"),
        (["keys", "create", "--user", "demo", "--scope", "root"], 2, "root"),
        (["keys", "revoke", "000000000000"], 2, "000000000000"),
        (["contracts", "load"], 2, "--generate"),
        (["contracts", "load", "/nowhere.csv"], 2, "nowhere.csv"),
    ]

    first, *rest = cases
    shell = Shell({**whole.environment})
    answers = [whole.cli(*first[0])]
    # A process of its own for each would cost most of this test's time.
    for arguments, _, _ in rest:
        result = shell.run(*arguments)
        answers.append(Answer(result.exit_code, result.stdout, result.stderr))

    for (arguments, code, words), failed in zip(cases, answers, strict=True):
        assert (failed.code, failed.out) == (code, ""), arguments
        assert words in failed.error
    names = [u["name"] for u in whole.cli("users", "list", "--json").document["users"]]
    assert "rich" not in names


def test_a_chain_file_with_a_fault_is_refused_with_its_place(
    whole: Instance, tmp_path: Path
) -> None:
    before = whole.cli("chain", "NIFTY", "--json").document["expiries"]
    file = tmp_path / "chain.csv"
    file.write_text("timestamp,symbol\n202608191127,NIFTY\n")

    refused = whole.cli("contracts", "load", str(file))

    assert refused.code == 2
    assert "chain.csv, row 1" in refused.error
    assert whole.cli("chain", "NIFTY", "--json").document["expiries"] == before


def test_the_schema_of_a_running_system_is_up_to_date(whole: Instance) -> None:
    upgraded = whole.cli("db", "upgrade", "--json").document

    assert upgraded["from"] == upgraded["to"]


def test_generating_the_same_contracts_again_changes_nothing(whole: Instance) -> None:
    listing = whole.cli("contracts", "load", "--generate", "--json").document

    assert listing["listed"] > 100
    assert listing["unlisted"] == 0
