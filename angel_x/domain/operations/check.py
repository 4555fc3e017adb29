"""The checks of the doctor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class CheckStatus(StrEnum):
    """A check is *unknown* where it could not be made: its server is away, or nothing was measured."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


_OK, _FAILED = CheckStatus.OK, CheckStatus.FAILED


@dataclass(frozen=True, slots=True)
class Measured:
    """A measurement with its limit."""

    value: float
    limit: float
    unit: str
    #: Whether values below the limit are wrong, and not those above it.
    is_floor: bool = False

    @property
    def is_kept(self) -> bool:
        return self.value >= self.limit if self.is_floor else self.value <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check with its result."""

    name: str
    status: CheckStatus
    detail: str
    #: The remedy, None where nothing is wrong.
    fix: str | None
    #: The measurement and its limit, None where nothing is compared.
    value: float | None = None
    limit: float | None = None
    unit: str | None = None

    @classmethod
    def passed(cls, name: str, detail: str) -> Self:
        return cls(name=name, status=_OK, detail=detail, fix=None)

    @classmethod
    def unmade(cls, name: str, reason: str, fix: str | None = None) -> Self:
        """Return a check that could not be made, with the reason."""
        return cls(name=name, status=CheckStatus.UNKNOWN, detail=reason, fix=fix)

    @classmethod
    def of_fault(
        cls,
        name: str,
        fault: str | None,
        *,
        detail: str,
        fix: str,
        otherwise: CheckStatus = _FAILED,
    ) -> Self:
        """Return a check that passes with ``detail`` where there is no fault."""
        if fault is None:
            return cls.passed(name, detail)
        return cls(name=name, status=otherwise, detail=fault, fix=fix)

    @classmethod
    def of_limit(
        cls,
        name: str,
        measured: Measured,
        *,
        detail: str,
        fix: str,
        otherwise: CheckStatus = _FAILED,
    ) -> Self:
        """Return a check that passes within its limit."""
        status = _OK if measured.is_kept else otherwise
        return cls(
            name=name,
            status=status,
            detail=detail,
            fix=None if status is _OK else fix,
            value=measured.value,
            limit=measured.limit,
            unit=measured.unit,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All checks of one run."""

    #: Whether no check failed.
    ok: bool
    checks: tuple[Check, ...]

    @classmethod
    def of(cls, checks: Iterable[Check]) -> Self:
        made = tuple(checks)
        return cls(ok=all(check.status is not _FAILED for check in made), checks=made)

    @property
    def is_spotless(self) -> bool:
        """Return whether every check was made and passed."""
        return all(check.status is _OK for check in self.checks)
