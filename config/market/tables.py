"""The tables in force: those of a directory of the user's, and the shipped ones for the rest.

A table is validated as a whole.  Files are read when a process starts and at the beginning of every
day in India; a wrong file then leaves the former rules in force.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import msgspec

from config.market import table
from config.market.shapes import SHAPES
from config.settings import SettingsError

Rule = TypeVar("Rule")
_PLACE = re.compile(r"(?P<what>.*) - at `\$(?P<place>[^`]*)`$", re.DOTALL)
_STEP = re.compile(r"\.(?P<key>[^.\[]+)|\[(?P<index>\d+|\.\.\.)\]")


class TableError(SettingsError):
    """A table has a wrong value, so none of it is used."""


class MarketTables:
    """The parsed tables of one process."""

    def __init__(
        self,
        folder: Path | None,
        *,
        today: Callable[[], int],
        refused: Callable[[TableError], None],
    ) -> None:
        """Read all tables; ``today`` numbers the days in India.

        Raises:
            TableError: A file of the folder is wrong, or is no table.
        """
        self._folder = folder
        self._today = today
        self._refused = refused
        self._lock = Lock()
        self._files: dict[str, bytes] = {}
        self._tables = {name: table(name) for name in SHAPES}
        self._day = today()
        for name, content in _files(folder):
            self._tables[name] = checked(f"{name}.json", content, name)
            self._files[name] = content

    def read(self, name: str) -> Any:  # noqa: ANN401 - each table has a shape of its own
        """Return a table as parsed JSON; the same object as long as its content is the same."""
        if self._today() != self._day:
            self._begin_day()
        return self._tables[name]

    def rule(self, parse: Callable[..., Rule], *names: str) -> Callable[[], Rule]:
        """Return a function of the rule that ``parse`` makes of these tables, as they are in force."""
        return _Parsed(self, parse, names)

    def _begin_day(self) -> None:
        """Read the files again; the first caller of a day does."""
        with self._lock:
            day = self._today()
            if day == self._day:
                return
            self._day = day
            try:
                found = dict(_files(self._folder))
            except TableError as error:
                self._refused(error)
                return
            for name in SHAPES:
                self._renew(name, found.get(name))

    def _renew(self, name: str, content: bytes | None) -> None:
        if content == self._files.get(name):
            return
        if content is None:
            del self._files[name]
            self._tables[name] = table(name)
            return
        try:
            self._tables[name] = checked(f"{name}.json", content, name)
        except TableError as error:
            self._refused(error)
        else:
            self._files[name] = content


class _Parsed:
    """A rule made of tables, made again when one of them was replaced."""

    def __init__(
        self, tables: MarketTables, parse: Callable[..., Any], names: tuple[str, ...]
    ) -> None:
        self._tables = tables
        self._parse = parse
        self._names = names
        self._made: tuple[list[Any], Any] | None = None

    def __call__(self) -> Any:  # noqa: ANN401 - the result of parse
        current = [self._tables.read(name) for name in self._names]
        made = self._made
        if made is None or any(a is not b for a, b in zip(made[0], current, strict=True)):
            self._made = made = (current, self._parse(*current))
        return made[1]


def checked(file: str, content: bytes, name: str) -> Any:  # noqa: ANN401 - parsed JSON
    """Return the content of a table of that name as parsed JSON.

    Raises:
        TableError: It has not the shape of the table, or contradicts itself.
    """
    try:
        parsed = json.loads(content)
    except ValueError as error:
        raise TableError(f"{file}: must be JSON: {error}") from error
    try:
        shaped = msgspec.convert(parsed, SHAPES[name])
    except msgspec.ValidationError as error:
        raise TableError(_located(file, str(error), parsed)) from error
    for place, detail in _contradictions(msgspec.to_builtins(shaped), ""):
        raise TableError(f"{file}, {place.lstrip('.')}: {detail}")
    return parsed


def _files(folder: Path | None) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the tables of a folder; other files are refused by name."""
    if folder is None:
        return
    try:
        paths = sorted(folder.iterdir())
        for path in paths:
            if path.suffix == ".json":
                if path.stem not in SHAPES:
                    names = ", ".join(SHAPES)
                    raise TableError(f"{path.name}: must be named as a table ({names})")
                yield path.stem, path.read_bytes()
    except OSError as error:
        raise TableError(f"the tables cannot be read: {error}") from error


def _located(file: str, message: str, parsed: object) -> str:
    found = _PLACE.match(message)
    if found is None:
        return f"{file}: {message}"
    place, value = found["place"], parsed
    for step in _STEP.finditer(place):
        try:
            value = value[step["key"] or int(step["index"])]  # type: ignore[index]
        except (KeyError, IndexError, TypeError, ValueError):
            return f"{file}, {place.lstrip('.')}: {found['what']}"
    return f"{file}, {place.lstrip('.')}: {found['what']}, was {json.dumps(value)[:80]}"


def _contradictions(content: Any, place: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    """Yield rows out of order, days given twice, and sessions that end before they begin."""
    if isinstance(content, dict):
        yield from _backward(content, place)
        yield from _missing(content, place)
        for key, part in content.items():
            yield from _contradictions(part, f"{place}.{key}")
    elif isinstance(content, list):
        for key in ("from", "date", "day"):
            days = [row[key] for row in content if isinstance(row, dict) and key in row]
            for number, (before, after) in enumerate(pairwise(days), 1):
                if after <= before:
                    yield f"{place}[{number}].{key}", f"must be after {before}, was {after}"
        for number, part in enumerate(content):
            yield from _contradictions(part, f"{place}[{number}]")


def _backward(row: dict[str, Any], place: str) -> Iterator[tuple[str, str]]:
    if "open" in row and "close" in row:
        pause = row.get("pause") or []
        times = [row.get("pre_open") or row["open"], row["open"], *pause, row["close"]]
        if times != sorted(times) or row["open"] == row["close"]:
            yield f"{place}.close", f"must follow the other times, was {row['close']}"
    if "known_from" in row and row["published_until"] < row["known_from"]:
        until = row["published_until"]
        yield f"{place}.published_until", f"must not be before known_from, was {until}"


def _missing(row: dict[str, Any], place: str) -> Iterator[tuple[str, str]]:
    """Yield the entries that the rules of contracts need and a table lacks."""
    if "expiry_weekday" in row:
        for exchange in sorted({"NSE", "BSE"} - set(row["expiry_weekday"])):
            yield f"{place}.expiry_weekday", f"must have the weekdays of {exchange}"
        for name in sorted(set(row["lot_size"]) ^ set(row["freeze_quantity"])):
            yield f"{place}.lot_size", f"{name} must have both a lot size and a freeze quantity"
