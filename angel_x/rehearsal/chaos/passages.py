"""The proxies between our processes and their servers."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from angel_x.adapters.servers.places import POSTGRES_SOCKET
from angel_x.adapters.servers.postgres import DATABASE, ROLE
from angel_x.adapters.servers.urls import RedisAddress, socket_database_url
from angel_x.rehearsal.chaos.environment import Passage
from angel_x.rehearsal.chaos.proxy import Proxy
from config.settings import PREFIX


@dataclass(frozen=True, slots=True)
class Passages:
    """Every proxy, and the address that leads through it."""

    proxies: Mapping[Passage, Proxy]
    addresses: Mapping[Passage, str]

    def environment(self, *passages: Passage) -> dict[str, str]:
        """Return the settings of a process whose connections use these proxies."""
        return {_SETTINGS[passage]: self.addresses[passage] for passage in passages}


_SETTINGS = {
    Passage.API_TO_DATABASE: f"{PREFIX}DATABASE_URL",
    Passage.WORKERS_TO_DATABASE: f"{PREFIX}DATABASE_URL",
    Passage.SENDERS_TO_BROKER: f"{PREFIX}BROKER_URL",
    Passage.WORKERS_TO_BROKER: f"{PREFIX}BROKER_URL",
}


def open_passages(database_url: str, broker_url: str, folder: Path, closing: ExitStack) -> Passages:
    """Open a proxy for every passage, with its socket in ``folder``, until ``closing`` is left."""
    proxies, addresses = {}, {}
    for number, passage in enumerate(Passage):
        place = folder / str(number)
        place.mkdir(mode=0o700)
        leads_to_database = _SETTINGS[passage].endswith("DATABASE_URL")
        opening = _to_database if leads_to_database else to_broker
        proxy, addresses[passage] = opening(
            database_url if leads_to_database else broker_url, place
        )
        proxies[passage] = closing.enter_context(proxy)
    return Passages(proxies, addresses)


def _to_database(url: str, place: Path) -> tuple[Proxy, str]:
    (directory,) = parse_qs(urlsplit(url).query)["host"]
    proxy = Proxy(place / POSTGRES_SOCKET, Path(directory) / POSTGRES_SOCKET)
    return proxy, socket_database_url(place, DATABASE, ROLE)


def to_broker(url: str, place: Path) -> tuple[Proxy, str]:
    address = RedisAddress.parse(url)
    socket = place / "broker.sock"
    proxy = Proxy(socket, Path(unquote(address.path)))
    return proxy, replace(address, path=quote(str(socket))).redis_url
