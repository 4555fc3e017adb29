"""The REST part of the fake exchange, on the paths of SmartAPI."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from angel_x.adapters.angel_one.calls import Rate
from angel_x.rehearsal.fake_exchange import account, answers
from angel_x.rehearsal.fake_exchange.exchange import Exchange, row_of
from angel_x.rehearsal.fake_exchange.faults import Fault
from angel_x.rehearsal.fake_exchange.greeks import greek_rows
from angel_x.rehearsal.fake_exchange.sessions import Refusal

_ROOT = "/rest/secure/angelbroking"
_MASTER = "/OpenAPI_File/files/OpenAPIScripMaster.json"
_MOST_QUOTES = 50

#: Carries out a call of a client; the content is what the request holds.
Act = Callable[[Exchange, str, Mapping[str, Any]], object]


@dataclass(frozen=True, slots=True)
class Service:
    """One call of the API."""

    path: str
    method: str
    rate: Rate
    act: Act

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.partition("{")[0].rstrip("/").rpartition("/")[2]


def routes(exchange: Exchange) -> list[Route]:
    """Return all routes."""
    return [
        Route(
            "/rest/auth/angelbroking/user/v1/loginByPassword", _login(exchange), methods=["POST"]
        ),
        Route(
            "/rest/auth/angelbroking/jwt/v1/generateTokens", _renewal(exchange), methods=["POST"]
        ),
        Route(f"{_ROOT}/user/v1/logout", _logout(exchange), methods=["POST"]),
        Route(_MASTER, _master(exchange)),
        *(
            Route(service.path, _served(exchange, service), methods=[service.method])
            for service in SERVICES
        ),
    ]


def _served(exchange: Exchange, service: Service) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        faults = exchange.faults
        exchange.callers.append(_addresses(request))
        if faults.befalls(Fault.LOSE, service.name):
            return answers.CutOff()
        try:
            client_code = exchange.sessions.of(_token(request)).client_code
            is_within = exchange.throttle.lets_in(client_code, service.rate)
            if not is_within or faults.befalls(Fault.THROTTLE, service.name):
                return answers.throttled()
            if faults.befalls(Fault.EXPIRE, service.name):
                exchange.sessions.expire(_token(request))
                return answers.refused("AG8002", "Token Expired")
            if faults.befalls(Fault.FAIL, service.name):
                return answers.failed()
            data = service.act(exchange, client_code, await _content(request))
        except Refusal as refusal:
            return answers.refused(refusal.code, refusal.message)
        return await _spoiled(exchange, service.name, answers.succeeded(data))

    return answer


async def _spoiled(exchange: Exchange, name: str, answer: Response) -> Response:
    faults = exchange.faults
    if faults.befalls(Fault.SLOW, name):
        await asyncio.sleep(faults.slow_seconds)
    if faults.befalls(Fault.DROP, name):
        return answers.CutOff()
    if faults.befalls(Fault.MALFORMED, name):
        return Response(bytes(answer.body)[:17], media_type="application/json")
    if faults.befalls(Fault.EMPTY, name):
        return Response(b"", media_type="application/json")
    return answer


def _login(exchange: Exchange) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        content = await _content(request)
        words = (str(content.get(name, "")) for name in ("clientcode", "password", "totp"))
        code, pin, totp = words
        if not exchange.throttle.lets_in(code, Rate.LOGIN):
            return answers.throttled()
        try:
            login = exchange.sessions.login(
                code, pin, totp, request.headers.get("x-privatekey", "")
            )
        except Refusal as refusal:
            return answers.refused(refusal.code, refusal.message)
        return await _spoiled(exchange, "loginByPassword", answers.succeeded(login.answer()))

    return answer


def _renewal(exchange: Exchange) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        content = await _content(request)
        if not exchange.throttle.lets_in(exchange.sessions.client.code, Rate.RENEWAL):
            return answers.throttled()
        try:
            login = exchange.sessions.renew(str(content.get("refreshToken", "")))
        except Refusal as refusal:
            return answers.refused(refusal.code, refusal.message)
        return await _spoiled(exchange, "generateTokens", answers.succeeded(login.answer()))

    return answer


def _logout(exchange: Exchange) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        exchange.sessions.end(_token(request))
        return answers.succeeded("")

    return answer


def _master(exchange: Exchange) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        rows = [listing.scrip() for listing in exchange.listings.values()]
        whole = answers.document(msgspec.json.encode(rows), request.headers)
        if exchange.faults.befalls(Fault.DROP, "OpenAPIScripMaster.json"):
            return answers.CutOff(bytes(whole.body)[: len(whole.body) // 2], whole)
        return whole

    return answer


def _addresses(request: Request) -> tuple[str, ...]:
    names = ("x-clientlocalip", "x-clientpublicip", "x-macaddress")
    peer = request.client.host if request.client else ""
    return (peer, *(request.headers.get(name, "") for name in names))


def _token(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ").strip()


async def _content(request: Request) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(await request.body() or b"{}")
    except msgspec.DecodeError:
        body = {}
    return {**(body if isinstance(body, dict) else {}), **request.path_params}


def _profile(exchange: Exchange, client_code: str, _content: Mapping[str, Any]) -> object:
    return {
        "clientcode": client_code,
        "name": "FAKE CLIENT",
        "email": "",
        "mobileno": "",
        "exchanges": '["NSE","NFO","BSE","BFO"]',
        "products": '["CARRYFORWARD","INTRADAY"]',
        "lastlogintime": f"{exchange.now():%d-%b-%Y %H:%M:%S}",
        "brokerid": "B2C",
    }


def _quotes(exchange: Exchange, _client_code: str, content: Mapping[str, Any]) -> object:
    asked = content.get("exchangeTokens") or {}
    tokens = [str(token) for named in asked.values() for token in named][:_MOST_QUOTES]
    fetched = [
        {
            "exchange": exchange.listings[token].exchange,
            "tradingSymbol": exchange.listings[token].trading_symbol,
            "symbolToken": token,
            "ltp": float(exchange.matching.quotes[token].last),
        }
        for token in tokens
        if token in exchange.matching.quotes
    ]
    known = {row["symbolToken"] for row in fetched}
    unfetched = [{"symbolToken": t, "message": "not found"} for t in tokens if t not in known]
    return {"fetched": fetched, "unfetched": unfetched}


def _search(exchange: Exchange, _client_code: str, content: Mapping[str, Any]) -> object:
    wanted = str(content.get("searchscrip", ""))
    return [
        {
            "exchange": each.exchange,
            "tradingsymbol": each.trading_symbol,
            "symboltoken": each.token,
        }
        for each in exchange.listings.values()
        if each.exchange == content.get("exchange") and each.trading_symbol.startswith(wanted)
    ]


def _order_book(exchange: Exchange, client_code: str, _content: Mapping[str, Any]) -> object:
    return [row_of(order) for order in exchange.orders_of(client_code)] or None


def _details(exchange: Exchange, client_code: str, content: Mapping[str, Any]) -> object:
    return exchange.details(client_code, str(content["unique_id"]))


def _trade_book(exchange: Exchange, client_code: str, _content: Mapping[str, Any]) -> object:
    return account.trade_rows(exchange.orders_of(client_code)) or None


def _positions(exchange: Exchange, client_code: str, _content: Mapping[str, Any]) -> object:
    orders = exchange.orders_of(client_code)
    conversions = exchange.conversions_of(client_code)
    return account.position_rows(orders, exchange.matching.quotes, conversions) or None


def _funds(exchange: Exchange, client_code: str, _content: Mapping[str, Any]) -> object:
    return account.funds_row(exchange.cash, exchange.orders_of(client_code))


def _margin(exchange: Exchange, _client_code: str, content: Mapping[str, Any]) -> object:
    return account.margin_row(content.get("positions") or (), exchange.listings)


def _candles(exchange: Exchange, _client_code: str, content: Mapping[str, Any]) -> object:
    words = (str(content.get(name)) for name in ("symboltoken", "interval", "fromdate", "todate"))
    return exchange.candles.rows(*words)


def _greeks(exchange: Exchange, _client_code: str, content: Mapping[str, Any]) -> object:
    chain = (str(content.get(name)) for name in ("name", "expirydate"))
    return greek_rows(exchange, *chain) or None


_ORDER = f"{_ROOT}/order/v1"
#: Every call that needs a session.
SERVICES = (
    Service(f"{_ROOT}/user/v1/getProfile", "GET", Rate.PROFILE, _profile),
    Service(f"{_ROOT}/user/v1/getRMS", "GET", Rate.FUNDS, _funds),
    Service(f"{_ORDER}/placeOrder", "POST", Rate.ORDERS, Exchange.place),
    Service(f"{_ORDER}/modifyOrder", "POST", Rate.ORDERS, Exchange.modify),
    Service(f"{_ORDER}/cancelOrder", "POST", Rate.ORDERS, Exchange.cancel),
    Service(f"{_ORDER}/getOrderBook", "GET", Rate.ORDER_BOOK, _order_book),
    Service(f"{_ORDER}/details/{{unique_id}}", "GET", Rate.DETAILS, _details),
    Service(f"{_ORDER}/getTradeBook", "GET", Rate.TRADE_BOOK, _trade_book),
    Service(f"{_ORDER}/getPosition", "GET", Rate.POSITIONS, _positions),
    Service(f"{_ORDER}/searchScrip", "POST", Rate.SEARCH, _search),
    Service(f"{_ORDER}/convertPosition", "POST", Rate.CONVERSION, Exchange.convert),
    Service(f"{_ROOT}/historical/v1/getCandleData", "POST", Rate.CANDLES, _candles),
    Service(f"{_ROOT}/marketData/v1/optionGreek", "POST", Rate.GREEKS, _greeks),
    Service(f"{_ROOT}/market/v1/quote/", "POST", Rate.QUOTE, _quotes),
    Service(f"{_ROOT}/margin/v1/batch", "POST", Rate.MARGIN, _margin),
)
