"""The pages of the running system: readiness of the API, compression, metrics."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import urllib3

from angel_x.domain.operations.check import Check, CheckStatus, Measured
from angel_x.domain.operations.metric import Metric
from angel_x.entrypoints.up.addresses import running_addresses, web_addresses
from angel_x.entrypoints.up.preparation import KEY_FILE

if TYPE_CHECKING:
    from angel_x.bootstrap import Application
    from config.settings import Settings

_PATIENCE = urllib3.Timeout(connect=2.0, read=10.0)
_OK = 200
#: The document of the API is large enough to be compressed.
_LARGE_PAGE = "/openapi.json"
_LEAST_RATIO = 5.0
_ROUNDS = 20
#: The targets of the guide, in milliseconds.
_LONGEST_ANSWER = 200.0
_LONGEST_SCRAPE = 1000.0
_WARNING = CheckStatus.WARNING


class _Answer(NamedTuple):
    status: int
    body: bytes
    encoding: str
    milliseconds: float


class Pages:
    """Reads the pages over one connection each."""

    def __init__(self, settings: Settings) -> None:
        found = {**web_addresses(settings), **running_addresses(settings.home_path)}
        self.api = settings.api_url or found["api_url"]
        self.metrics = found["metrics_url"]
        self._http = urllib3.PoolManager(retries=False, timeout=_PATIENCE)

    def read(self, url: str, **headers: str) -> _Answer:
        """Return the undecoded answer.

        Raises:
            HTTPError: No one listens, or the answer takes too long.
        """
        started = perf_counter()
        answer = self._http.request("GET", url, headers=headers, decode_content=False)
        spent = 1000 * (perf_counter() - started)
        return _Answer(
            answer.status, answer.data, answer.headers.get("content-encoding", ""), spent
        )


def checks(app: Application) -> Iterator[Check]:
    """Yield the checks of the API and of the page of metrics."""
    settings = app.base.settings
    pages = Pages(settings)
    yield from _api_checks(pages, settings)
    yield from _metrics_checks(pages, settings)


def _api_checks(pages: Pages, settings: Settings) -> Iterator[Check]:
    try:
        ready = pages.read(f"{pages.api}/readyz")
    except urllib3.exceptions.HTTPError as error:
        fault = f"{pages.api} does not answer: {error}"
        yield Check.of_fault("readiness of the API", fault, detail="", fix="Start `angel-x api`.")
        return
    yield Check.of_fault(
        "readiness of the API",
        None if ready.status == _OK else _unready(ready.body),
        detail=f"{pages.api} is ready",
        fix=f"See {pages.api}/healthz.",
    )
    yield _compression(pages, settings)
    yield _speed(pages, settings)


def _unready(body: bytes) -> str:
    """Return the parts that are not ready, of an answer of the API."""
    try:
        parts = msgspec.json.decode(body)["parts"]
        return "; ".join(f"{n}: {p['detail']}" for n, p in parts.items() if not p["ready"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return "it answers something else"


def _compression(pages: Pages, settings: Settings) -> Check:
    name = "compression of answers"
    if not settings.gzip_enabled:
        fix = "Set ANGEL_X_GZIP_ENABLED=true, unless a proxy compresses."
        return Check.of_fault(name, "it is off", detail="", fix=fix, otherwise=_WARNING)
    plain = pages.read(pages.api + _LARGE_PAGE)
    packed = pages.read(pages.api + _LARGE_PAGE, **{"accept-encoding": "gzip"})
    ratio = len(plain.body) / max(1, len(packed.body)) if packed.encoding else 1.0
    return Check.of_limit(
        name,
        Measured(round(ratio, 1), _LEAST_RATIO, "times smaller", is_floor=True),
        detail=f"{_LARGE_PAGE} of {len(plain.body):,} bytes",
        fix="Look at the proxy before the API: it may remove Accept-Encoding.",
        otherwise=_WARNING,
    )


def _speed(pages: Pages, settings: Settings) -> Check:
    """Time the portfolio of the demo account, or readiness where its key is not at hand."""
    key, headers, page = settings.home_path / KEY_FILE, {}, "/readyz"
    if key.is_file():
        page = "/v1/portfolio"
        headers = {"authorization": f"Bearer {key.read_text(encoding='utf-8').strip()}"}
    times = sorted(pages.read(pages.api + page, **headers).milliseconds for _ in range(_ROUNDS))
    return Check.of_limit(
        "time of an API answer",
        Measured(round(times[-1], 1), _LONGEST_ANSWER, "ms"),
        detail=f"longest of {_ROUNDS}, GET {page}, median {times[_ROUNDS // 2]:.1f} ms",
        fix="See angel_x_http_request_duration_seconds by route, and `angel-x db slow-queries`.",
        otherwise=_WARNING,
    )


def _metrics_checks(pages: Pages, settings: Settings) -> Iterator[Check]:
    name = "page of metrics"
    off = [n for n in ("metrics_enabled", "prometheus_enabled") if not getattr(settings, n)]
    if off:
        fix = f"Set ANGEL_X_{off[0].upper()}=true."
        yield Check.of_fault(name, "it is off", detail="", fix=fix, otherwise=_WARNING)
        return
    fix = "Start `angel-x metrics`."
    try:
        page = pages.read(pages.metrics)
    except urllib3.exceptions.HTTPError as error:
        yield Check.of_fault(name, f"{pages.metrics} does not answer: {error}", detail="", fix=fix)
        return
    if page.status != _OK or Metric.SERVER_UP.encode() not in page.body:
        yield Check.of_fault(name, f"{pages.metrics} answers something else", detail="", fix=fix)
        return
    yield Check.of_limit(
        name,
        Measured(round(page.milliseconds, 1), _LONGEST_SCRAPE, "ms"),
        detail=f"{len(page.body):,} bytes at {pages.metrics}",
        fix="Look at the servers: a scrape asks each of them.",
        otherwise=_WARNING,
    )
