"""A whole system with passwords, in the format of production, through an outage and hostile requests.

No secret that it was given stands in a file that it wrote or in the arguments of its processes.
"""

from __future__ import annotations

import json
import re
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote, unquote

import psutil
import pytest
import urllib3
from celery import Celery

from angel_x.adapters.servers.places import POSTGRES_SOCKET
from angel_x.adapters.servers.urls import RedisAddress
from angel_x.domain.records.signature import sign
from angel_x.rehearsal.chaos.proxy import Proxy
from config.addresses import kombu_address
from config.loading import RUN_FILE
from tests.e2e.processes import eventually
from tests.e2e.whole.instance import Instance, environment_of
from tests.plugins.servers import RedisUrls, temporary_home

pytestmark = pytest.mark.e2e

#: Passwords by their place; percent-encoded in addresses.
SECRETS = {
    name: f"5ec7e7/{name}@a11ce" for name in ("database", "broker", "cache", "results", "flower")
}
#: Hold addresses and keys, and are readable by their owner only.
CREDENTIALS = {RUN_FILE, "demo.key"}
LONGEST_LINE = 24_000


@dataclass(frozen=True)
class Guarded:
    """A running system, its servers behind proxies, and all that it must not tell."""

    instance: Instance
    proxies: tuple[Proxy, ...]
    api_url: str
    broker_url: str

    def outage(self) -> None:
        """Take all servers away until readiness and the workers know, and bring them back."""
        for proxy in self.proxies:
            proxy.refuse(refuses=True)
            proxy.cut_all()
        eventually(lambda: self.status("/readyz") == 503, "the API is not ready", 300)
        for program in ("relay", "worker-orders", "worker-monitor", "feed", "beat"):
            log = self.instance.home / "logs" / f"{program}.log"
            eventually(partial(has_warned, log), f"{log} tells of it", 300)
        for proxy in self.proxies:
            proxy.refuse(refuses=False)
        eventually(lambda: self.status("/readyz") == 200, "the API is ready again", 600)

    def status(self, path: str, **headers: str) -> int:
        try:
            found = urllib3.request(
                "GET", self.api_url + path, headers=headers, retries=False, timeout=60
            )
        except urllib3.exceptions.HTTPError:
            return 0
        return found.status

    def abort_upload(self, key: str) -> None:
        host, port = self.api_url.removeprefix("http://").split(":")
        head = f"POST /v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        with socket.create_connection((host, int(port))) as client:
            client.sendall(f"{head}Content-Length: 1000\r\n\r\n".encode() + b'{"a": ')

    def files(self) -> Iterator[Path]:
        return (path for path in self.instance.home.rglob("*") if path.is_file())


@pytest.fixture
def guarded(migrated_url: str, redis_urls: RedisUrls) -> Iterator[Guarded]:
    with ExitStack() as stack:
        home = stack.enter_context(temporary_home())

        def behind(upstream: Path) -> tuple[Proxy, str]:
            proxy = stack.enter_context(Proxy(("127.0.0.1", 0), upstream))
            assert isinstance(proxy.listen, tuple)
            return proxy, f"127.0.0.1:{proxy.listen[1]}"

        def redis_behind(url: str, name: str) -> tuple[Proxy, str]:
            address = RedisAddress.parse(url)
            proxy, place = behind(Path(address.path))
            # The servers of tests take any password.
            credentials = f"default:{quote(SECRETS[name], safe='')}"
            return proxy, f"redis://{credentials}@{place}/{address.database}"

        address, _, folder = migrated_url.partition("?host=")
        role, name = address.partition("://")[2].split("@/")
        database, place = behind(Path(unquote(folder)) / POSTGRES_SOCKET)
        password = quote(SECRETS["database"], safe="")
        broker, broker_url = redis_behind(redis_urls.broker_redis_url, "broker")
        cache, cache_url = redis_behind(redis_urls.cache_url, "cache")
        results, result_url = redis_behind(redis_urls.cache_url, "results")
        environment = environment_of(home) | {
            "ANGEL_X_ENV": "production",
            "ANGEL_X_NODE": "test",
            "ANGEL_X_DATABASE_URL": f"postgresql://{role}:{password}@{place}/{name}",
            "ANGEL_X_BROKER_URL": broker_url,
            "ANGEL_X_CACHE_URL": cache_url,
            "ANGEL_X_RESULT_URL": result_url,
            "ANGEL_X_FLOWER_PASSWORD": SECRETS["flower"],
            "ANGEL_X_ORDER_PROCESSING_WORKERS": "1",
            "ANGEL_X_PARALLEL_GREEK_WORKERS": "1",
            "ANGEL_X_PRICING_BACKEND": "numpy",
            "ANGEL_X_WARM_CACHE_ON_STARTUP": "false",
            "ANGEL_X_THREAD_POOL_SIZE": "4",
            "ANGEL_X_DB_POOL_SIZE": "2",
            "ANGEL_X_DB_MAX_POOL_SIZE": "7",
        }
        instance = Instance(home, environment)
        stack.callback(instance.stop)
        instance.start()
        yield Guarded(
            instance,
            (database, broker, cache, results),
            f"http://127.0.0.1:{environment['ANGEL_X_API_PORT']}",
            broker_url,
        )


def has_warned(log: Path) -> bool:
    return re.search(r'"level": ?"(warning|error|critical)"', log.read_text()) is not None


def arguments_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def spellings(secret: str) -> set[str]:
    return {secret, quote(secret, safe=""), quote(secret)}


def is_open_to_others(path: Path) -> bool:
    status = path.stat()
    return bool(status.st_size and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def test_no_secret_is_in_a_file_or_an_argument(guarded: Guarded) -> None:
    instance = guarded.instance
    key = (instance.home / "demo.key").read_text().strip()
    wrong = f"{key[:-8]}{'0' * 8}"
    secrets = {key, key.rpartition("_")[2], wrong, *SECRETS.values()}

    assert guarded.status("/v1/baskets/%00", authorization=f"Bearer {key}") == 400
    assert guarded.status("/v1/orders", authorization=f"Bearer {wrong}") == 401
    guarded.abort_upload(key)
    order = {"client_order_id": "a"}
    with Celery(broker=kombu_address(guarded.broker_url), set_as_current=False) as sender:
        for signature in (None, "x", sign(order, key, 0), sign(order, wrong, 2e9)):
            sender.send_task("orders.submit", args=[order], kwargs={"signature": signature})
        shown = sender.control.inspect(timeout=60, limit=1)
        replies = str([shown.conf(with_defaults=True), shown.stats()])
    guarded.outage()
    arguments = " ".join(map(arguments_of, instance.family()))
    kinds = set(instance.pids)
    open_to_others = [path for path in guarded.files() if is_open_to_others(path)]
    written = {path: path.read_bytes().decode(errors="replace") for path in guarded.files()}
    assert instance.stop() == 0
    written |= {path: path.read_text(errors="replace") for path in guarded.files()}
    written[Path("screen")] = instance.screen

    assert kinds >= {
        "api", "beat", "relay", "feed", "flower", "metrics", "worker-orders", "worker-emergency",
        "worker-matching", "worker-greeks", "worker-portfolio", "worker-monitor",
    }  # fmt: skip
    assert "angel_x.entrypoints.cli" in arguments
    assert "broker_url" in replies
    assert open_to_others == []
    for place, text in [*written.items(), ("arguments", arguments), ("replies", replies)]:
        if isinstance(place, Path) and place.name in CREDENTIALS:
            continue
        found = {s for secret in secrets for s in spellings(secret) if s in text}
        assert found == set(), place
    logs = [text for path, text in written.items() if path.suffix == ".log"]
    lines = [line for log in logs for line in log.splitlines()]
    assert len(lines) > 20
    assert max(map(len, lines)) < LONGEST_LINE
    assert sum(line.startswith("{") and "level" in json.loads(line) for line in lines) > 20
