"""Whole statements of an account as files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from angel_x.domain.records.export import ExportFormat, ExportKind
from angel_x.entrypoints.api.bulkheads import Bulkhead, on_thread
from angel_x.entrypoints.api.keys import Reader
from angel_x.entrypoints.api.openapi import PROBLEMS
from angel_x.entrypoints.api.parts import application

router = APIRouter(tags=["account"])

#: Bytes that stay in memory; a larger file is on disk while it is sent.
_IN_MEMORY = 256 * 1024
_BLOCK = 64 * 1024
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILES = {form.media_type: _BINARY for form in ExportFormat} | {
    ExportFormat.JSON.media_type: {"schema": {"type": "object"}}
}


@router.get(
    "/v1/exports/{statement}",
    summary="The whole history of the account as a file, oldest first",
    response_class=Response,
    responses={
        200: {
            "description": "CSV, JSON, Parquet or Arrow",
            "content": _FILES,
        },
        **PROBLEMS,
    },
)
@on_thread(Bulkhead.READS)
def export_statement(
    request: Request,
    caller: Reader,
    statement: ExportKind,
    form: Annotated[ExportFormat, Query(alias="format")] = ExportFormat.CSV,
) -> Response:
    """The rows go to a file first, so that a client that reads slowly holds no connection of the database."""
    file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed with the answer
    try:
        application(request).people.exports.write(caller.user_id, statement, form, file)
    except BaseException:
        file.close()
        raise
    length = file.tell()
    file.seek(0)
    headers = {
        "Content-Length": str(length),
        "Content-Disposition": f'attachment; filename="{statement}.{form}"',
    }
    return StreamingResponse(_blocks(file), headers=headers, media_type=form.media_type)


async def _blocks(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while block := file.read(_BLOCK):
            yield block
