"""Reading SPAN risk parameter files."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from angel_x.adapters.risk_files import read_risk_file
from angel_x.domain.margin.margin import RiskRows
from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.margin.risk_arrays import DELTA_ROW, MARK_ROW
from angel_x.domain.margin.risk_file import RiskFile
from angel_x.domain.margin.span_margin import SpanMargin
from angel_x.domain.margin.unit_risk import STEPS, UnitRisk
from angel_x.domain.margin.worst_case import FLAT, WorstCase
from angel_x.errors import InvalidRiskFile
from config.market import table
from tests.builders.risk_files import FUTURE_LOSSES, FileOption, risk_file_text

MODEL = SpanMargin.from_tables(table("margin"), table("volatility"))
CALL, PUT = "NIFTY_30JUN26_23700CE", "NIFTY_28JUL26_23700PE"
FUTURE = "NIFTY_30JUN26_FUT"
LOSSES = ["0"] * 10 + ["-1741.9385", "-1739.5", "400", "380", "-1500", "437.65"]
OPTIONS = (
    FileOption("23700.00", "C", "437.65", "0.51", LOSSES),
    FileOption("23700", "P", "600.5", "-0.46", ["10.5"] * 16, expiry="20260728"),
)


def written(folder: Path, text: str) -> Path:
    path = folder / "nsccl.20260529.s.spn"
    path.write_text(text)
    return path


def units(file: RiskFile, *symbols: str) -> list[UnitRisk]:
    expiries = [date(2026, 6, 30) if "JUN" in s else date(2026, 7, 28) for s in symbols]
    rows = RiskRows(
        ["NIFTY"] * len(symbols), expiries, [Decimal("23547.75")] * len(symbols),
        file.columns_of(symbols), np.ones(len(symbols), np.bool_), MarginSource.RISK_FILE,
        file.spreads,
    )  # fmt: skip
    return MODEL.unit_risks(rows, date(2026, 5, 29))


def test_a_file_says_day_arrays_and_spread_charges_of_its_contracts(tmp_path: Path) -> None:
    file = read_risk_file(written(tmp_path, risk_file_text(OPTIONS)))

    assert (file.name, file.day) == ("nsccl.20260529.s.spn", date(2026, 5, 29))
    assert tuple(file.symbols) == (FUTURE, CALL, PUT)
    assert file.spreads == {"NIFTY": Decimal(420)}
    assert file.columns[:16, 0].tolist() == [float(loss) for loss in FUTURE_LOSSES]
    assert file.columns[:16, 1].tolist() == [float(loss) for loss in LOSSES]
    assert file.columns[[DELTA_ROW, MARK_ROW]].tolist() == [
        [1, 0.51, -0.46],
        [23748.46, 437.65, 600.5],
    ]
    assert np.isnan(file.columns_of(["NIFTY_30JUN26_1CE"])).all()


def test_arrays_of_contracts_of_several_units_are_taken_by_unit(tmp_path: Path) -> None:
    options = [replace(OPTIONS[0], losses=["130"] * 16, delta="33.15")]

    file = read_risk_file(written(tmp_path, risk_file_text(options, units="65")))

    assert file.columns_of([CALL])[:, 0] == pytest.approx([2.0] * 16 + [0.51, 437.65])


def test_an_archive_of_one_file_is_read_and_one_of_more_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "nsccl.20260529.s.zip"
    for count in (1, 2):
        with zipfile.ZipFile(path, "w") as archive:
            for number in range(count):
                archive.writestr(f"{number}.spn", risk_file_text(OPTIONS))
        if count == 1:
            assert tuple(read_risk_file(path).symbols) == (FUTURE, CALL, PUT)
    with pytest.raises(InvalidRiskFile, match="must hold one file, was 2"):
        read_risk_file(path)


Spoil = Callable[[str], str]


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (lambda t: t.replace("<k>23700</k>", "<k>237,00</k>"), r"row 40, element k: .* was 237,00"),
        (lambda t: t.replace("<k>23700</k>", "<k>-1</k>"), "element k: must be positive, was -1"),
        (lambda t: t.replace("<p>600.5</p>", "<p>-3</p>"), "element p: must not be negative, was -3"),
        (lambda t: t.replace("<p>600.5</p>", ""), "element p: is missing"),
        (lambda t: t.replace("<a>10.5</a>", "<a>nan</a>", 1), "element a: .* was nan"),
        (lambda t: t.replace("<a>10.5</a>", "<a>1e300</a>", 1), "element a: .* was 1e300"),
        (lambda t: t.replace("<a>10.5</a>", "", 1), "element ra: must hold 16 losses, was 15"),
        (lambda t: t.replace("-0.46</d></ra>", "-1.46</d></ra>"), "element d: .* was -1.46"),
        (lambda t: t.replace("<o>P</o>", "<o>X</o>"), "element o: must be C or P, was X"),
        (lambda t: t.replace("20260728", "20260231"), "element pe: must be a day .*, was 20260231"),
        (lambda t: t.replace("20260529", "29 May"), "element date: must be a day .*, was 29 May"),
        (lambda t: t.replace("4.00", "5.00"), "element fileFormat: must be 4, was 5.00"),
        (lambda t: t.replace(">F<", ">P<"), "element chargeMeth: must be F, was P"),
        (lambda t: t.replace("<val>420", "<val>-4"), "element val: must not be negative, was -4"),
        (lambda t: t.replace("20260728", "20260630").replace("<o>P", "<o>C"), f"twice: {CALL}"),
        (lambda t: t[: t.index("</ccDef>")], "is no XML"),
        (lambda _: "<html/>", "row 1, element html: the first element must be spanFile, was html"),
        (lambda t: t.replace("oopPf", "cmbPf"), "holds no options"),
        (lambda t: t.replace("<spanFile>", '<!DOCTYPE x [<!ENTITY a "b">]><spanFile>'), "entities"),
        (lambda t: t.replace("<pfId>3</pfId><pfCode>", "<pfId>3</pfId><pfCode>x "), "element opt: symbol must be"),
        (lambda t: t.replace(">NIFTY<", ">nifty 50<"), "element fut: symbol must be"),
        (lambda t: t.replace("<p>23748.46</p>", "<p>-1</p>"), "element p: must not be negative, was -1"),
        (lambda t: t.replace("<a>-2211.0765</a>", "", 1), "element ra: must hold 16 losses, was 15"),
        (lambda t: t.replace("<d>1</d></ra></fut>", "<d>2</d></ra></fut>"), "element d: .* was 2"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_whole_with_row_element_and_value(
    tmp_path: Path, spoil: Spoil, fault: str
) -> None:
    path = written(tmp_path, spoil(risk_file_text(OPTIONS)))

    with pytest.raises(InvalidRiskFile, match=fault) as caught:
        read_risk_file(path)

    assert str(caught.value).startswith("nsccl.20260529.s.spn, row ")


def test_expiries_are_charged_what_the_file_charges_for_the_offset_delta(tmp_path: Path) -> None:
    file = read_risk_file(written(tmp_path, risk_file_text(OPTIONS)))
    call, put = units(file, CALL, PUT)
    worst = WorstCase()
    # Short calls fall and short puts rise with the index.
    worst.add(call, FLAT, -65)
    worst.add(put, FLAT, -65)

    assert worst.required().calendar / STEPS == pytest.approx(420 * 65 * 0.46)


def test_a_contract_that_the_file_lacks_has_no_known_margin(tmp_path: Path) -> None:
    file = read_risk_file(written(tmp_path, risk_file_text(OPTIONS)))

    (call, other) = units(file, CALL, "NIFTY_30JUN26_23800CE")

    assert (call.source, other.source) == (MarginSource.RISK_FILE, MarginSource.NONE)
    assert call.worth is None, "its price is that of the file, not of now"


@pytest.mark.reference
def test_a_naked_short_of_a_file_is_margined_as_the_clearing_corporation_margins_it(
    reference_folder: Path, tmp_path: Path
) -> None:
    loaded: dict[str, Any] = json.loads(
        (reference_folder / "span_reference_20260529.json").read_text()
    )
    (case,) = (c for c in loaded["cases"] if c["legs"] == [["23700CE", "SELL", 65]])
    losses = [*LOSSES]
    losses[10] = f"{-case['scan_risk'] / 65:.4f}"
    option = FileOption("23700", "C", str(case["premium_per_unit"]), "0.51", losses)
    (call,) = units(read_risk_file(written(tmp_path, risk_file_text([option]))), CALL)
    worst = WorstCase()

    worst.add(call, FLAT, -65)

    needs = worst.required()
    assert (needs.total - needs.exposure) / STEPS == pytest.approx(case["span"], rel=0.001)
    assert needs.total / STEPS == pytest.approx(case["total"], rel=0.001)


@pytest.mark.reference
@pytest.mark.parametrize("held", [65, -65])
def test_a_future_of_a_file_is_margined_as_the_clearing_corporation_margins_it(
    reference_folder: Path, tmp_path: Path, held: int
) -> None:
    loaded: dict[str, Any] = json.loads(
        (reference_folder / "span_reference_20260529.json").read_text()
    )
    (case,) = (c for c in loaded["cases"] if c["legs"] == [["FUT", "BUY", 65]])
    file = read_risk_file(written(tmp_path, risk_file_text(OPTIONS)))
    rows = RiskRows(
        ["NIFTY"], [date(2026, 6, 30)], [Decimal("23547.75")], file.columns_of([FUTURE]),
        np.ones(1, np.bool_), MarginSource.RISK_FILE, file.spreads, [Decimal("23748.46")],
    )  # fmt: skip
    (future,) = MODEL.unit_risks(rows, date(2026, 5, 29))
    worst = WorstCase()

    worst.add(future, FLAT, held)

    needs = worst.required()
    assert future.source is MarginSource.RISK_FILE
    assert (needs.total - needs.exposure) / STEPS == pytest.approx(case["span"], rel=0.001)
    assert needs.total / STEPS == pytest.approx(case["total"], rel=0.001)
