"""The scrip master is fetched where it has changed, gone on with, and checked before it counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from angel_x.adapters.angel_one.instrument_tokens import read_broker_contracts
from angel_x.adapters.angel_one.master_download import Downloaded, MasterDownload
from angel_x.errors import BrokerUnavailable, InvalidScripMaster
from angel_x.rehearsal.fake_exchange.faults import Fault
from tests.builders.broker import CALL, Broker, broker

NAME = "OpenAPIScripMaster.json"
PATH = f"/OpenAPI_File/files/{NAME}"


@pytest.fixture
def at_broker() -> Iterator[Broker]:
    with broker() as found:
        yield found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "master.json"


def download(at_broker: Broker, file: Path) -> Downloaded:
    pauses: list[float] = []
    with httpx.Client() as http:
        url = at_broker.server.url + PATH
        return MasterDownload(
            http, url, file, check=read_broker_contracts, sleep=pauses.append
        ).run()


def list_another(at_broker: Broker) -> None:
    """List one contract more."""
    more = replace(CALL, token="40009", strike=Decimal(25_000))
    at_broker.server.do(lambda each: each.listings.update({"40009": more}))


def beside(file: Path) -> set[str]:
    return {each.name for each in file.parent.iterdir()}


def test_a_master_is_fetched_once_and_again_when_it_has_changed(
    at_broker: Broker, file: Path
) -> None:
    first = download(at_broker, file)
    again = download(at_broker, file)
    list_another(at_broker)
    changed = download(at_broker, file)

    assert (first.is_new, again.is_new, changed.is_new) == (True, False, True)
    assert first.size == again.size < changed.size
    assert len(read_broker_contracts(file)) == 3
    assert beside(file) == {"master.json", "master.json.etag"}


def test_one_that_breaks_off_is_gone_on_with(at_broker: Broker, file: Path) -> None:
    whole = download(at_broker, file.with_name("other.json")).size
    at_broker.plan(Fault.DROP, NAME, times=4)
    with pytest.raises(BrokerUnavailable):
        download(at_broker, file)
    assert not file.exists()
    left = file.with_name("master.json.part").stat().st_size
    assert 0 < left < whole

    found = download(at_broker, file)

    assert found == Downloaded(is_new=True, size=whole, resumed_from=left)
    assert file.read_bytes() == file.with_name("other.json").read_bytes()


def test_the_beginning_of_another_version_is_not_gone_on_with(
    at_broker: Broker, file: Path
) -> None:
    at_broker.plan(Fault.DROP, NAME, times=4)
    with pytest.raises(BrokerUnavailable):
        download(at_broker, file)
    list_another(at_broker)

    assert download(at_broker, file).is_new
    assert len(read_broker_contracts(file)) == 3


def test_one_that_is_not_sound_is_dropped_and_the_old_one_stays(
    at_broker: Broker, file: Path
) -> None:
    download(at_broker, file)
    old = file.read_bytes()
    bad = replace(CALL, token="no number")
    at_broker.server.do(lambda each: each.listings.update({"no number": bad}))

    with pytest.raises(InvalidScripMaster):
        download(at_broker, file)

    assert file.read_bytes() == old
    assert beside(file) == {"master.json", "master.json.etag"}


def test_half_of_a_master_does_not_replace_it(at_broker: Broker, file: Path) -> None:
    download(at_broker, file)
    file.write_bytes(file.read_bytes() + b" " * 10_000)
    list_another(at_broker)

    with pytest.raises(InvalidScripMaster, match="half"):
        download(at_broker, file)


def test_a_server_that_is_away_leaves_the_old_one(file: Path) -> None:
    file.write_text("old")
    http = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(503)))

    with pytest.raises(BrokerUnavailable):
        MasterDownload(
            http, "http://127.0.0.1/x", file, check=read_broker_contracts, sleep=lambda _: None
        ).run()

    assert file.read_text() == "old"
