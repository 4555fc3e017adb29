"""Rows as Parquet or Arrow files, written batch by batch; money stays decimal.

pyarrow is imported on first use, and need not be installed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from itertools import islice
from typing import IO, Any

from angel_x.domain.records.export import ExportFormat
from angel_x.errors import FormatUnavailable

#: Rows in memory at a time.
BATCH = 2_048

_WHOLE = ("order_id", "fill_id", "trade_id", "position_id", "quantity", "filled_quantity")
_MONEY = (
    "limit_price", "trigger_price", "price", "average_price", "entry_price", "exit_price",
    "realised_pnl", "amount", "cost",
)  # fmt: skip
_TIMES = ("accepted_at", "closed_at", "at", "created_at", "entry_time", "as_of")
_REAL = ("implied_vol", "model_price", "delta", "gamma", "vega", "theta", "rho")
_DAYS = ("trade_date",)


def write_rows(
    columns: Sequence[str], rows: Iterable[Sequence[object]], form: ExportFormat, file: IO[bytes]
) -> None:
    """Write rows of named columns to a file that is open for binary writing.

    Raises:
        FormatUnavailable: pyarrow is not installed.
    """
    arrow = _library(form)
    schema = arrow.schema([(name, _types(arrow).get(name, arrow.string())) for name in columns])
    with _writer(form, file, schema) as writer:
        following = iter(rows)
        while batch := list(islice(following, BATCH)):
            arrays = [
                arrow.array(values, field.type)
                for values, field in zip(zip(*batch, strict=True), schema, strict=True)
            ]
            writer.write_batch(arrow.RecordBatch.from_arrays(arrays, schema=schema))


def _library(form: ExportFormat) -> Any:  # noqa: ANN401 - a library without types
    try:
        return import_module("pyarrow")
    except ImportError as error:
        raise FormatUnavailable(form) from error


def _types(arrow: Any) -> Mapping[str, object]:  # noqa: ANN401
    return {
        **dict.fromkeys(_WHOLE, arrow.int64()),
        **dict.fromkeys(_MONEY, arrow.decimal128(22, 4)),
        **dict.fromkeys(_TIMES, arrow.timestamp("us", "UTC")),
        **dict.fromkeys(_REAL, arrow.float64()),
        **dict.fromkeys(_DAYS, arrow.date32()),
    }


def _writer(form: ExportFormat, file: IO[bytes], schema: object) -> Any:  # noqa: ANN401
    if form is ExportFormat.PARQUET:
        # A dictionary of each column would be kept for every group of rows.
        parquet = import_module("pyarrow.parquet")
        return parquet.ParquetWriter(file, schema, use_dictionary=False)
    return import_module("pyarrow.ipc").new_file(file, schema)
