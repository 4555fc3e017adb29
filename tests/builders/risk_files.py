"""Small SPAN risk parameter files, in the order of elements that the schema of format 4 asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: What a family of contracts is, with the elements before its series.
_FAMILY = """\
<oopPf>
<pfId>{number}</pfId><pfCode>{code}</pfCode><name>{code}</name><exercise>EURO</exercise>
<currency>INR</currency><cvf>{units}</cvf><cab>0</cab><valueMeth>EQTY</valueMeth>
<priceModel>BS</priceModel><undPf><exch>NSE</exch><pfId>1</pfId><pfCode>{code}</pfCode>
<pfType>PHY</pfType><s>A</s><i>1</i></undPf>
{series}
</oopPf>
"""
_SERIES = """\
<series>
<pe>{expiry}</pe><v>0.16</v><sc>1</sc>
<undC><exch>NSE</exch><pfId>1</pfId><cId>1</cId><s>A</s><i>1</i></undC>
<scanRate><r>1</r><priceScan>2189.95</priceScan><volScan>0.04</volScan></scanRate>
{options}
</series>
"""
_OPTION = """\
<opt>
<cId>{number}</cId><o>{right}</o><k>{strike}</k><p>{price}</p><d>{delta}</d><v>0.16</v>
<ra><r>1</r>{losses}<d>{delta}</d></ra>
</opt>"""
_FUTURES = """\
<futPf>
<pfId>2</pfId><pfCode>{code}</pfCode><currency>INR</currency><valueMeth>FUT</valueMeth>
<undPf><exch>NSE</exch><pfId>1</pfId><pfCode>{code}</pfCode><pfType>PHY</pfType><s>A</s><i>1</i></undPf>
<fut><cId>1</cId><pe>20260630</pe><p>23748.46</p>
<undC><exch>NSE</exch><pfId>1</pfId><cId>1</cId><s>A</s><i>1</i></undC>
<ra><r>1</r>{losses}<d>1</d></ra></fut>
</futPf>
"""
_FILE = """\
<?xml version="1.0"?>
<spanFile>
<fileFormat>4.00</fileFormat>
<definitions><currencyDef><currency>INR</currency><symbol>Rs</symbol><name>Rupee</name>
<decimalPos>2</decimalPos></currencyDef>
<acctTypeDef><isCust>1</isCust><acctType>H</acctType><name>House</name><isNetMargin>1</isNetMargin>
<priority>1</priority></acctTypeDef></definitions>
<pointInTime>
<date>{day}</date><isSetl>1</isSetl>
<clearingOrg><ec>NSCCL</ec><name>NSCCL</name><finalizeMeth>NORM</finalizeMeth>
<exchange><exch>NSE</exch>
{families}
</exchange>
<ccDef><cc>NIFTY</cc><currency>INR</currency>
<dSpread><spread>1</spread><chargeMeth>F</chargeMeth><rate><r>1</r><val>{charge}</val></rate>
<tLeg><cc>NIFTY</cc><tn>1</tn><rs>A</rs><i>1</i></tLeg><tLeg><cc>NIFTY</cc><tn>2</tn><rs>B</rs><i>1</i></tLeg>
</dSpread></ccDef>
</clearingOrg>
</pointInTime>
</spanFile>
"""


@dataclass(frozen=True)
class FileOption:
    """An option of a risk file; amounts are of a contract."""

    strike: str
    right: str
    price: str
    delta: str
    losses: Sequence[str]
    expiry: str = "20260630"


#: A future moves by 9.3 % of 23,775.01 rupees, and in the extreme scenarios by 35 % of twice that.
FUTURE_LOSSES = tuple(
    f"{-move * 2211.0765:.4f}"
    for move in (
        *(each for third in (0, 1, -1, 2, -2, 3, -3) for each in (third / 3, third / 3)),
        0.7,
        -0.7,
    )
)


def risk_file_text(
    options: Sequence[FileOption],
    *,
    day: str = "20260529",
    charge: str = "420",
    units: str = "1",
    future: Sequence[str] = FUTURE_LOSSES,
) -> str:
    """Return a file with options on NIFTY, each in a series of its own, and a future with its losses."""
    series = "".join(
        _SERIES.format(
            expiry=option.expiry,
            options=_OPTION.format(
                number=number,
                right=option.right,
                strike=option.strike,
                price=option.price,
                delta=option.delta,
                losses="".join(f"<a>{loss}</a>" for loss in option.losses),
            ),
        )
        for number, option in enumerate(options, 1)
    )
    family = _FAMILY.format(number=3, code="NIFTY", units=units, series=series)
    futures = _FUTURES.format(code="NIFTY", losses="".join(f"<a>{loss}</a>" for loss in future))
    return _FILE.format(day=day, charge=charge, families=futures + family)
