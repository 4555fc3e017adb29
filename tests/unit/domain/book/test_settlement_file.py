"""Final settlement prices as people have them: read whole, or refused with row, column and value."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from angel_x.domain.book.settlement import Expiry
from angel_x.domain.book.settlement_file import parse_settlement_prices
from angel_x.errors import InvalidSettlementFile

NIFTY = Expiry("NIFTY", date(2024, 1, 25))
CLOSE = Decimal("21352.60")
LIST = "underlying,expiry,price\n"
UDIFF = "TradDt,FinInstrmTp,TckrSymb,XpryDt,StrkPric,UndrlygPric\n"


@pytest.mark.parametrize(
    "text",
    [
        f"{LIST}NIFTY,2024-01-25,21352.6\n",
        f"{LIST}NIFTY50,25-Jan-2024,21352.60\n",
        # Another expiry and a stock do not count.
        f"{UDIFF}2024-01-25,IDO,NIFTY,2024-01-25,21000,21352.60\n"
        "2024-01-25,IDO,NIFTY,2024-02-01,21000,21352.60\n"
        "2024-01-25,STO,TCS,2024-01-25,3800,3810.05\n",
        "INSTRUMENT,SYMBOL,EXPIRY_DT,SETTLE_PR,TIMESTAMP\n"
        "FUTIDX,NIFTY,25-Jan-2024,21352.6,25-JAN-2024\nOPTIDX,NIFTY,25-Jan-2024,352.6,25-JAN-2024\n",
        "DATE,INSTRUMENT NAME,UNDERLYING,EXPIRY DATE,MTM SETTLEMENT PRICE\n"
        "25-JAN-2024,FUTIDX,NIFTY,25-JAN-2024,21352.6000\n",
    ],
)
def test_every_known_format_gives_the_closing_value(text: str) -> None:
    assert parse_settlement_prices(text.splitlines(), "f.csv") == {NIFTY: CLOSE}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a,b\n1,2\n", r"f\.csv, row 1, column \(any\): known are list of prices: expiry, price"),
        (f"{LIST}NIFTY,2024-01-25,0\n", r"row 2, column price: must be rupees above zero.*'0'"),
        (f"{LIST}NIFTY,2024-01-25,21352.605\n", "row 2, column price: must be rupees above zero"),
        (f"{LIST}NIFTY,2024-01-25,२१३५२\n", "row 2, column price: must be rupees above zero"),
        (f"{LIST}NIFTY,2024-13-25,1\n", "row 2, column expiry: must be a day .* was '2024-13-25'"),
        (
            f"{LIST}NIFTY,2024-01-25,1\nNIFTY,2024-01-25,2\n",
            r"row 3, column price: must be 1\.00 as in the rows before, was 2\.00",
        ),
        (f"{UDIFF}2024-01-24,IDO,NIFTY,2024-01-25,1,2\n", "no index contract expires here"),
        ("", "known are"),
    ],
)
def test_a_wrong_file_is_refused_as_a_whole(text: str, fault: str) -> None:
    with pytest.raises(InvalidSettlementFile, match=fault):
        parse_settlement_prices(text.splitlines(), "f.csv")
