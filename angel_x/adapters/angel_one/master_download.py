"""The download of the scrip master: only a changed one, from where it broke off, and checked before it counts.

Beside the file stand ``.etag``, the server's mark of it, and ``.part`` with its own mark: the beginning
of one that is not complete.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import structlog

from angel_x.errors import BrokerUnavailable, InvalidScripMaster

log = structlog.get_logger()

#: Angel One's list of all contracts, written anew each day.
MASTER_URL = "https://margincalculator.angelone.in/OpenAPI_File/files/OpenAPIScripMaster.json"
_ATTEMPTS, _PAUSE_SECONDS = 4, 1.0
#: A master has about forty megabytes.
_LARGEST = 512 * 1024 * 1024
_WHOLE, _PARTIAL, _UNCHANGED, _BEYOND = 200, 206, 304, 416
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)", re.ASCII)
#: Raises an error unless a file is a sound master.
Check = Callable[[Path], object]


@dataclass(frozen=True, slots=True)
class Downloaded:
    """The end of a download."""

    is_new: bool
    #: Bytes of the file.
    size: int
    #: Bytes that an earlier attempt had left.
    resumed_from: int


def connected(silence_seconds: float) -> httpx.Client:
    """Return a client that waits so long for the next bytes; TLS is verified."""
    return httpx.Client(timeout=silence_seconds, trust_env=False)


class MasterDownload:
    """Keeps one file up to date."""

    def __init__(
        self,
        http: httpx.Client,
        url: str,
        file: Path,
        *,
        check: Check,
        sleep: Callable[[float], None],
    ) -> None:
        self._http = http
        self._url = url
        self._file = file
        self._part = file.with_name(f"{file.name}.part")
        self._check = check
        self._sleep = sleep

    def run(self) -> Downloaded:
        """Fetch the master where it has changed; a second call goes on where the first has ended.

        Raises:
            InvalidContractFile: The new master is not sound; it is removed, and the old one stays.
            BrokerUnavailable: The server does not answer, or refuses; what has come is kept.
            OSError: A file cannot be written.
        """
        resumed_from = _size(self._part)
        for attempt in range(_ATTEMPTS):
            try:
                is_new = self._fetch()
                break
            except (httpx.HTTPError, httpx.StreamError, BrokerUnavailable) as error:
                log.info("master.broken_off", error=type(error).__name__, at=_size(self._part))
                if attempt + 1 == _ATTEMPTS:
                    raise _unavailable(error) from None
            self._sleep(_PAUSE_SECONDS * 2**attempt)
        if is_new:
            self._take_over()
        return Downloaded(is_new, _size(self._file), resumed_from if is_new else 0)

    def _fetch(self) -> bool:
        """Complete the part; return whether there is anything new."""
        with self._answer() as answer:
            if answer.status_code == _UNCHANGED:
                return False
            if answer.status_code == _BEYOND:
                self._drop_part()
            if answer.status_code not in {_WHOLE, _PARTIAL}:
                raise BrokerUnavailable("the master was refused", code=str(answer.status_code))
            start = self._start(answer)
            with self._part.open("r+b" if start else "wb") as part:
                part.truncate(start)
                part.seek(start)
                _mark(self._part).write_text(_mark_of(answer), encoding="utf-8")
                for piece in answer.iter_raw():
                    part.write(piece)
                    if part.tell() > _LARGEST:
                        raise BrokerUnavailable(f"a master has at most {_LARGEST} bytes")
            self._check_length(answer, start)
        return True

    @contextmanager
    def _answer(self) -> Iterator[httpx.Response]:
        # A compressed answer cannot be gone on with.
        headers = {"Accept-Encoding": "identity"}
        if self._file.exists() and (known := _read_mark(self._file)):
            headers["If-None-Match" if '"' in known else "If-Modified-Since"] = known
        started = _read_mark(self._part)
        if started and (size := _size(self._part)):
            headers |= {"Range": f"bytes={size}-", "If-Range": started}
        with self._http.stream("GET", self._url, headers=headers) as answer:
            yield answer

    def _start(self, answer: httpx.Response) -> int:
        """Return the place of the first byte of an answer."""
        if answer.status_code == _WHOLE:
            return 0
        match = _RANGE.fullmatch(answer.headers.get("content-range", ""))
        if match is None or int(match[1]) != _size(self._part):
            self._drop_part()
            raise BrokerUnavailable("the master came from another place than asked for")
        return int(match[1])

    def _check_length(self, answer: httpx.Response, start: int) -> None:
        length = answer.headers.get("content-length", "")
        if length.isdecimal() and _size(self._part) != start + int(length):
            raise BrokerUnavailable(f"the master broke off after {_size(self._part)} bytes")

    def _take_over(self) -> None:
        try:
            self._check_size()
            self._check(self._part)
        except Exception:
            self._drop_part()
            raise
        mark = _read_mark(self._part)
        # Without its mark the old file would be fetched again; with another one it would be kept for ever.
        _mark(self._file).unlink(missing_ok=True)
        self._part.replace(self._file)
        _mark(self._file).write_text(mark, encoding="utf-8")
        _mark(self._part).unlink(missing_ok=True)

    def _check_size(self) -> None:
        """Refuse a master that has lost more than half of the old one."""
        new, old = _size(self._part), _size(self._file)
        if 2 * new < old:
            detail = f"must not be less than half of the old file of {old} bytes, was {new}"
            raise InvalidScripMaster(self._file.name, 1, "(any)", detail)

    def _drop_part(self) -> None:
        self._part.unlink(missing_ok=True)
        _mark(self._part).unlink(missing_ok=True)


def _mark_of(answer: httpx.Response) -> str:
    """Return the server's mark of a version: its entity tag, or its date."""
    return str(answer.headers.get("etag") or answer.headers.get("last-modified") or "")


def _mark(file: Path) -> Path:
    return file.with_name(f"{file.name}.etag")


def _read_mark(file: Path) -> str:
    try:
        return _mark(file).read_text(encoding="ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return ""


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _unavailable(error: Exception) -> BrokerUnavailable:
    if isinstance(error, BrokerUnavailable):
        return error
    return BrokerUnavailable(f"no answer: {type(error).__name__}")
