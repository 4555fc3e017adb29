"""Making the calls of the table of rights."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from tests.integration.api.running import Answer, RunningApi
from tests.integration.rights.routes import ADMIN, OPEN, READ, TRADE, Row
from tests.integration.rights.world import HOLDER, NOBODY, STRANGER, World

#: Keys that are let in somewhere, and the needs that each of them meets.
SCOPES = {
    "read": {READ},
    "trade": {READ, TRADE},
    "read and trade": {READ, TRADE},
    "admin": {READ, ADMIN},
    "trade and admin": {READ, TRADE, ADMIN},
}
#: What is no key, or no longer one.
REFUSED_KEYS = (
    "none", "empty", "malformed", "unknown", "secret of another", "revoked", "without scheme",
    "basic",
)  # fmt: skip


def lets_in(row: Row, key: str) -> bool:
    """Say whether a call needs no key, or no more than this one allows."""
    return row.needs is OPEN or bool(row.scopes & SCOPES.get(key, set()))


def is_admins(key: str) -> bool:
    return ADMIN in SCOPES.get(key, set())


def reaches_everyone(row: Row, key: str) -> bool:
    return row.admins is not None and is_admins(key)


def expected(row: Row, key: str, owner: str) -> int:
    """Return the status of a call about an object of that owner."""
    if not lets_in(row, key):
        return 403 if key in SCOPES else 401
    others = (row.strangers, row.nobodys)
    if row.admins is not None and is_admins(key):
        others = row.admins
    return {HOLDER: row.own, STRANGER: others[0], NOBODY: others[1]}[owner]


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer, with ``REF`` in the place of the object that was named."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def shape(self) -> object:
        """The fields of the answer, without what they hold."""
        return _shape(msgspec.json.decode(self.text)) if self.text else None


class Caller:
    """Calls routes with the keys of the account ``holder``."""

    def __init__(self, api: RunningApi, world: World) -> None:
        self.api = api
        self.world = world

    def name(self, row: Row, key: str, owner: str = HOLDER) -> str:
        """Return what a call is about, of that owner: new, where the call is let in to change it."""
        is_new = row.stores and lets_in(row, key)
        ref = self.world.ref(row.kind, owner, is_new=is_new) if row.kind else ""
        if row.prepare is not None and is_new:
            row.prepare(self.world, ref)
        return ref

    def call(self, row: Row, key: str, ref: str, *, extra: str = "") -> Outcome:
        """Make one call about an object; ``extra`` is a query, or fields of the body as JSON."""
        query = row.query.replace("REF", ref).replace("SYMBOL", self.world.symbol(HOLDER))
        path = self._filled(row.path, ref) + query
        if extra.startswith("?"):
            path += f"{'&' if '?' in path else '?'}{extra[1:]}"
        if row.path == "/v1/stream":
            return self._listen(path, key)
        content = row.content(self.world, ref) if row.content else None
        if isinstance(content, dict) and extra.startswith("{"):
            content = {**content, **msgspec.json.decode(extra)}
        return _outcome(self.send(row.method, path, key, content), ref)

    def send(self, method: str, path: str, key: str, content: object = None) -> Answer:
        header = self._header(key)
        if header is None:
            return self.api.call(method, path, content=content)
        return self.api.call(method, path, content=content, Authorization=header)

    def _filled(self, path: str, ref: str) -> str:
        given = {
            "name": "phone",
            "symbol": self.world.symbol(HOLDER),
            "underlying": "NIFTY",
            "statement": "positions",
            "day": "2026-11-24",
            "expiry": "2099-01-06",
        }
        return re.sub(r"{(\w+)(:path)?}", lambda found: given.get(found[1]) or quote(ref), path)

    def _header(self, key: str) -> str | None:
        keys = self.world.keys
        whole = keys["admin"]
        secret = whole.rpartition("_")[2]
        shown = {
            "none": None,
            "empty": "Bearer ",
            "malformed": f"Bearer {whole[:-1]}",
            "unknown": f"Bearer ax_{'0' * 12}_{secret}",
            "secret of another": f"Bearer {keys['read'].rpartition('_')[0]}_{secret}",
            "without scheme": whole,
            "basic": f"Basic {base64.b64encode(f'{HOLDER}:{whole}'.encode()).decode()}",
        }
        return shown[key] if key in shown else f"Bearer {keys[key]}"

    def _listen(self, path: str, key: str) -> Outcome:
        """Read the stream until an event comes that is told behind one of the stranger's."""
        last = self.world.name()
        self.world.application.base.events.publish(
            [
                {"user_id": user_id, "kind": "order", "note": note}
                for user_id, note in (
                    (self.world.stranger_id, STRANGER),
                    (self.world.holder_id, f"{last} heard"),
                )
            ]
        )
        headers = {"Last-Event-ID": "0-0", "Authorization": self._header(key) or ""}
        response = self.api.http.request(
            "GET", self.api.url + path, headers=headers, preload_content=False
        )
        try:
            heard = b""
            for part in response.stream(256):
                heard += part
                if f"{last} heard".encode() in heard or self._is_over(heard):
                    break
        finally:
            response.close()
        return _outcome(Answer(response.status, response.headers, heard), "")

    def _is_over(self, heard: bytes) -> bool:
        """Say whether the stream is that of another, or has no more to tell."""
        return b": keep-alive" in heard or bool(self.world.leaks(heard.decode(errors="replace")))


def _outcome(answer: Answer, ref: str) -> Outcome:
    text = answer.raw.decode()
    return Outcome(answer.status, text.replace(ref, "REF") if ref else text, answer.headers)


def _shape(content: object) -> object:
    if isinstance(content, dict):
        return {name: _shape(value) for name, value in content.items()}
    if isinstance(content, list):
        return [_shape(value) for value in content]
    return type(content).__name__
