"""The checks of the doctor."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckStatus(StrEnum):
    OK = "ok"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check with its result."""

    name: str
    status: CheckStatus
    detail: str
    #: The remedy, None where nothing is wrong.
    fix: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All checks of one run."""

    ok: bool
    checks: tuple[Check, ...]
