"""Reading SPAN risk parameter files (.spn, format 4), streamed, plain or in a zip archive.

A file is taken or refused as a whole.  Options and futures are read; other families are passed over.  The
element names are those of the schema: ``pfCode`` is an underlying, ``pe`` an expiry, ``o`` a right, ``k`` a
strike, ``p`` a price, ``ra`` a risk array with its losses ``a`` and its delta ``d``, ``cvf`` the units of a contract.
"""

from __future__ import annotations

import re
import zipfile
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import IO, TYPE_CHECKING
from xml.parsers import expat

import numpy as np

from angel_x.domain.contracts.contract import (
    Right,
    format_future,
    format_symbol,
    parse_expiry,
)
from angel_x.domain.margin.risk_arrays import RISK_ROWS, SCENARIOS
from angel_x.domain.margin.risk_file import RiskFile
from angel_x.errors import InvalidRiskFile, InvalidSymbol

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK = 1 << 20
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_DAY = re.compile(r"\d{8}", re.ASCII)
_RIGHTS = {"C": Right.CALL, "P": Right.PUT}
_FAMILIES = frozenset({"oopPf", "oofPf", "ooePf", "futPf"})
#: The elements that hold a contract.
_CONTRACTS = frozenset({"opt", "fut"})
#: The elements that are read in a family which is not passed over.
_OF_FAMILIES = frozenset({"ra", "series", *_CONTRACTS})
#: The values that an element keeps of those around it.
_KEPT: Mapping[str, Sequence[str]] = {
    "series": ("pfCode", "cvf"),
    "opt": ("pfCode", "cvf", "pe"),
    "fut": ("pfCode", "cvf"),
    "dSpread": ("cc",),
}
#: Rupees above which a number counts as corrupt.
_ABSURD = 1e8
#: Charged a fixed amount for each spread.
_FIXED = "F"


def read_risk_file(path: Path) -> RiskFile:
    """Return the risk arrays of a file.

    Raises:
        InvalidRiskFile: With the file, the row and the value of the first fault.
        OSError: The file cannot be opened.
    """
    with _opened(path) as file:
        return _Reader(path.name).read(file)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, or the only member of an archive."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if len(names) != 1:
            detail = f"an archive must hold one file, was {len(names)}"
            raise InvalidRiskFile(path.name, 1, "(any)", detail)
        with archive.open(names[0]) as file:
            yield file


class _Reader:
    """The state of one reading; elements are taken as they end."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.EntityDeclHandler = self._refuse_entity
        self._stack: list[str] = []
        self._text: list[str] = []
        #: The text of the elements of the current family, series, contract, spread and so on.
        self._values: dict[str, str] = {}
        self._losses: list[float] = []
        self._delta: float | None = None
        self._day: date | None = None
        self._symbols: dict[str, None] = {}
        self._has_options = False
        self._numbers = array("d")
        self._spreads: dict[str, Decimal] = {}
        self._ends: Mapping[tuple[str, str], Callable[[str], None]] = {
            ("spanFile", "fileFormat"): self._take_format,
            ("pointInTime", "date"): self._take_day,
            ("ra", "a"): self._take_loss,
            ("ra", "d"): self._take_delta,
            ("opt", "ra"): self._end_array,
            ("fut", "ra"): self._end_array,
            ("series", "opt"): self._end_option,
            ("futPf", "fut"): self._end_future,
            ("ccDef", "dSpread"): self._end_spread,
        }

    def read(self, file: IO[bytes]) -> RiskFile:
        """Return the content of a file.

        Raises:
            InvalidRiskFile: With the first fault.
        """
        try:
            while chunk := file.read(_CHUNK):
                self._parser.Parse(chunk, False)  # noqa: FBT003 - the parser takes no names
            self._parser.Parse(b"", True)  # noqa: FBT003
        except expat.ExpatError as error:
            raise self._fault("(any)", f"is no XML: {error}") from error
        except zipfile.BadZipFile as error:
            raise self._fault("(any)", f"is damaged: {error}") from error
        if self._day is None:
            raise self._fault("date", "is missing")
        if not self._has_options:
            raise self._fault("opt", "the file holds no options")
        columns = np.frombuffer(self._numbers, np.float64).reshape(-1, RISK_ROWS).T
        return RiskFile(self._name, self._day, tuple(self._symbols), columns, self._spreads)

    def _start(self, tag: str, _attributes: Mapping[str, str]) -> None:
        if not self._stack and tag != "spanFile":
            raise self._fault(tag, f"the first element must be spanFile, was {tag}")
        if tag in _FAMILIES or tag == "ccDef":
            self._values = {}
        elif tag in _KEPT:
            self._values = {n: self._values[n] for n in _KEPT[tag] if n in self._values}
        self._stack.append(tag)
        self._text = []

    def _characters(self, text: str) -> None:
        self._text.append(text)

    def _end(self, tag: str) -> None:
        self._stack.pop()
        parent = self._stack[-1] if self._stack else ""
        text = "".join(self._text).strip()
        self._text = []
        take = self._ends.get((parent, tag))
        if take is not None and self._is_taken(parent):
            take(text)
        elif parent in _FAMILIES or parent in {"ccDef", "rate", *_KEPT}:
            self._values[tag] = text

    def _is_taken(self, parent: str) -> bool:
        """Return whether an element is none of a family that is passed over."""
        return parent not in _OF_FAMILIES or bool(_FAMILIES.intersection(self._stack))

    def _take_format(self, text: str) -> None:
        if text.partition(".")[0] != "4":
            raise self._fault("fileFormat", f"must be 4, was {text}")

    def _take_day(self, text: str) -> None:
        if self._day is not None:
            raise self._fault("date", f"a file must hold one point in time, was also {text}")
        self._day = self._date("date", text)

    def _take_loss(self, text: str) -> None:
        self._losses.append(self._number("a", text))

    def _take_delta(self, text: str) -> None:
        self._delta = self._number("d", text)

    def _end_array(self, _text: str) -> None:
        if len(self._losses) != len(SCENARIOS):
            raise self._fault("ra", f"must hold {len(SCENARIOS)} losses, was {len(self._losses)}")
        if self._delta is None:
            raise self._fault("d", "is missing")

    def _end_option(self, _text: str) -> None:
        self._has_options = True
        self._end_contract("opt", self._option)

    def _end_future(self, _text: str) -> None:
        self._end_contract("fut", self._future)

    def _end_contract(self, element: str, named: Callable[[], str]) -> None:
        if self._delta is None:
            raise self._fault("ra", "is missing")
        symbol, units = self._symbol(element, named()), self._units()
        if symbol in self._symbols:
            raise self._fault(element, f"is in the file twice: {symbol}")
        price = self._number("p", self._value("p"))
        if price < 0:
            raise self._fault("p", f"must not be negative, was {self._value('p')}")
        delta = self._delta / units
        if abs(delta) > 1:
            raise self._fault("d", f"must be between -1 and 1, was {self._delta:g}")
        self._symbols[symbol] = None
        self._numbers.extend([loss / units for loss in self._losses])
        self._numbers.extend((delta, price))
        self._losses, self._delta = [], None

    def _option(self) -> str:
        right = _RIGHTS.get(self._value("o"))
        if right is None:
            raise self._fault("o", f"must be C or P, was {self._value('o')}")
        strike = self._value("k")
        if self._number("k", strike) <= 0:
            raise self._fault("k", f"must be positive, was {strike}")
        return format_symbol(self._value("pfCode"), self._expiry(), Decimal(strike), right)

    def _future(self) -> str:
        return format_future(self._value("pfCode"), self._expiry())

    def _expiry(self) -> date:
        return self._date("pe", self._value("pe"))

    def _symbol(self, element: str, symbol: str) -> str:
        """Return a symbol that is valid."""
        try:
            parse_expiry(symbol)
        except InvalidSymbol as error:
            raise self._fault(element, str(error)) from error
        return symbol

    def _units(self) -> float:
        units = self._number("cvf", self._values.get("cvf", "1"))
        if units <= 0:
            raise self._fault("cvf", f"must be positive, was {self._values['cvf']}")
        return units

    def _end_spread(self, _text: str) -> None:
        """Take the charge of a calendar spread; of several the largest counts."""
        method, charge = self._value("chargeMeth"), self._value("val")
        if method != _FIXED:
            raise self._fault("chargeMeth", f"must be {_FIXED}, was {method}")
        if self._number("val", charge) < 0:
            raise self._fault("val", f"must not be negative, was {charge}")
        name = self._value("cc")
        self._spreads[name] = max(self._spreads.get(name, Decimal(0)), Decimal(charge))

    def _value(self, element: str) -> str:
        try:
            return self._values[element]
        except KeyError:
            raise self._fault(element, "is missing") from None

    def _number(self, element: str, text: str) -> float:
        if _NUMBER.fullmatch(text) is None or abs(float(text)) >= _ABSURD:
            raise self._fault(element, f"must be a number below {_ABSURD:.0e}, was {text}")
        return float(text)

    def _date(self, element: str, text: str) -> date:
        try:
            if _DAY.fullmatch(text):
                return date(int(text[:4]), int(text[4:6]), int(text[6:]))
        except ValueError:
            pass
        raise self._fault(element, f"must be a day such as 20260630, was {text}")

    def _refuse_entity(self, name: str, *_: object) -> None:
        raise self._fault("(any)", f"must declare no entities, was {name}")

    def _fault(self, element: str, detail: str) -> InvalidRiskFile:
        return InvalidRiskFile(self._name, self._parser.CurrentLineNumber, element, detail)
