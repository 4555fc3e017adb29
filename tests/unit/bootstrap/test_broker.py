from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic

import pytest
import trustme

from angel_x.adapters.angel_one.market_frames import Instrument, Mode
from angel_x.adapters.angel_one.order_updates import Event
from angel_x.adapters.angel_one.wire import Turn
from angel_x.bootstrap.broker import build_broker, build_market_stream, build_order_updates
from angel_x.errors import BrokerLoginRefused, BrokerUnavailable, BudgetSpent
from angel_x.rehearsal.fake_exchange.faults import Fault
from angel_x.rehearsal.fake_exchange.updates import PATH
from config.loading import load
from config.market import table
from config.settings import SettingsError
from tests.builders.broker import BID, CALL, Broker, broker, order


@pytest.fixture(scope="module")
def at_broker() -> Iterator[Broker]:
    with broker() as found:
        yield found


def environ(at_broker: Broker, **changes: str) -> dict[str, str]:
    client = at_broker.exchange.sessions.client
    given = {f"ANGEL_X_{name}": value for name, value in changes.items()}
    return {
        "ANGEL_X_ENV": "testing",
        "ANGEL_X_ANGEL_ONE_URL": at_broker.server.url,
        "ANGEL_X_ANGEL_ONE_CLIENT_CODE": client.code,
        "ANGEL_X_ANGEL_ONE_API_KEY": client.api_key,
        "ANGEL_X_ANGEL_ONE_PIN": client.pin,
        "ANGEL_X_ANGEL_ONE_TOTP_SECRET": client.totp_secret,
        **given,
    }


def test_the_broker_is_at_angel_one_url_under_the_configured_credentials(at_broker: Broker) -> None:
    client = build_broker(load(environ(at_broker)))
    assert client.profile().client_code == "A12345"
    client.close()

    for name, other in (
        ("ANGEL_ONE_CLIENT_CODE", "B1"),
        ("ANGEL_ONE_API_KEY", "other"),
        ("ANGEL_ONE_PIN", "0000"),
        ("ANGEL_ONE_TOTP_SECRET", "A" * 32),
    ):
        refused = build_broker(load(environ(at_broker, **{name: other})))
        with pytest.raises(BrokerLoginRefused):
            refused.login()
        refused.close()


@pytest.mark.parametrize("name", ["CLIENT_CODE", "API_KEY", "PIN", "TOTP_SECRET"])
def test_without_a_credential_there_is_no_client(at_broker: Broker, name: str) -> None:
    with pytest.raises(SettingsError, match=f"ANGEL_ONE_{name}"):
        build_broker(load(environ(at_broker, **{f"ANGEL_ONE_{name}": ""})))


@pytest.mark.parametrize("url", ["http://broker.example", "ftp://127.0.0.1", "broker", "https://"])
def test_credentials_are_sent_over_tls_or_to_this_machine_only(at_broker: Broker, url: str) -> None:
    with pytest.raises(SettingsError, match="ANGEL_ONE_URL"):
        build_broker(load(environ(at_broker, ANGEL_ONE_URL=url)))


def test_an_answer_is_waited_for_no_longer_than_angel_one_timeout_seconds(
    at_broker: Broker,
) -> None:
    client = build_broker(load(environ(at_broker, ANGEL_ONE_TIMEOUT_SECONDS="0.3")))
    client.login()
    at_broker.exchange.faults.slow_seconds = 5.0
    at_broker.plan(Fault.SLOW, "placeOrder")

    with pytest.raises(BrokerUnavailable, match="Timeout"):
        client.place(order())

    client.close()


def test_requests_leave_from_angel_one_source_address_and_say_the_other_addresses(
    at_broker: Broker,
) -> None:
    seen = at_broker.exchange.callers
    given = environ(
        at_broker,
        ANGEL_ONE_SOURCE_ADDRESS="127.0.0.9",
        ANGEL_ONE_PUBLIC_ADDRESS="203.0.113.7",
        ANGEL_ONE_MAC_ADDRESS="02:00:00:00:00:01",
    )
    client = build_broker(load(given))
    client.profile()
    client.close()

    assert seen[-1] == ("127.0.0.9", "127.0.0.9", "203.0.113.7", "02:00:00:00:00:01")


def test_order_updates_come_from_angel_one_updates_url(at_broker: Broker) -> None:
    url = f"ws://{at_broker.server.address}{PATH}"
    given = load(environ(at_broker, ANGEL_ONE_UPDATES_URL=url))
    client = build_broker(given)
    events = build_order_updates(given, client).events()

    assert next(events) is Event.CONNECTED
    events.close()  # type: ignore[attr-defined]
    refused = load(environ(at_broker, ANGEL_ONE_UPDATES_URL="ws://broker.example/"))
    with pytest.raises(SettingsError, match="ANGEL_ONE_UPDATES_URL"):
        build_order_updates(refused, client)
    client.close()


def test_without_the_message_broker_a_process_keeps_to_its_part_of_angel_one_processes(
    at_broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("angel_x.bootstrap.broker._QUIET_SECONDS", 0.0)
    limits = table("broker_limits")
    limits["limits"]["orders"] = [{"from": "2024-01-01", "second": 9, "minute": 4}]
    (tmp_path / "broker_limits.json").write_text(json.dumps(limits))
    given = {"BROKER_URL": "redis://127.0.0.1:1/0", "MARKET_TABLES": str(tmp_path)}
    client = build_broker(load(environ(at_broker, ANGEL_ONE_PROCESSES="2", **given)))
    now = Turn(until=monotonic() + 1)

    for _ in range(2):
        client.place(order(price="95.00"), now)
    with pytest.raises(BudgetSpent):
        client.place(order(price="95.00"), now)

    client.close()


def test_a_server_of_another_authority_gets_no_request(at_broker: Broker) -> None:
    certificate = trustme.CA().issue_cert("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    listener = socket.create_server(("127.0.0.1", 0))
    received: list[bytes] = []

    def serve() -> None:
        with suppress(OSError), context.wrap_socket(listener.accept()[0], server_side=True) as peer:
            received.append(peer.recv(100))

    thread = threading.Thread(target=serve)
    thread.start()
    url = f"https://localhost:{listener.getsockname()[1]}"
    client = build_broker(load(environ(at_broker, ANGEL_ONE_URL=url)))

    with pytest.raises(BrokerUnavailable, match="ConnectError"):
        client.login()

    thread.join(60)
    client.close()
    listener.close()
    assert received == []


def test_market_data_comes_from_angel_one_stream_url(at_broker: Broker) -> None:
    url = f"ws://{at_broker.server.address}/smart-stream"
    settings = load(environ(at_broker, ANGEL_ONE_STREAM_URL=url))

    instrument = Instrument(2, CALL.token)
    with build_market_stream(settings, [instrument]) as stream:
        stream.want([(Mode.SNAP_QUOTE, instrument)])
        (ticks,) = stream.take(60).ticks

    assert ticks.quotes["bid"].tolist() == [BID * 100]


@pytest.mark.parametrize("url", ["ws://example.com/stream", "http://127.0.0.1/", "wss:///stream"])
def test_tokens_do_not_leave_the_machine_without_tls(at_broker: Broker, url: str) -> None:
    settings = load(environ(at_broker, ANGEL_ONE_STREAM_URL=url))

    with pytest.raises(SettingsError, match="ANGEL_ONE_STREAM_URL: expected wss"):
        build_market_stream(settings, [])
