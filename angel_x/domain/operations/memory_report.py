"""Memory of one process now and at its first measurement."""

from __future__ import annotations

from dataclasses import asdict, dataclass

_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class MemoryReport:
    process: str
    pid: int
    current_mb: float
    baseline_mb: float
    #: Epoch seconds of the measurement.
    seen_at: float

    @classmethod
    def of(
        cls, process: str, pid: int, resident: int, seen_at: float, before: MemoryReport | None
    ) -> MemoryReport:
        """Report ``resident`` bytes; ``before`` is the last report under the same name."""
        current = resident / _MEGABYTE
        # A report with another process id is of a predecessor: its baseline does not apply.
        same = before is not None and before.pid == pid
        baseline = before.baseline_mb if before is not None and same else current
        return cls(process, pid, current, baseline, seen_at)

    @property
    def delta_mb(self) -> float:
        return self.current_mb - self.baseline_mb

    @property
    def percent_increase(self) -> float:
        return 100 * self.delta_mb / self.baseline_mb if self.baseline_mb else 0.0

    def as_dict(self) -> dict[str, object]:
        """Return all fields with difference and increase, rounded to one decimal."""
        shown = asdict(self) | {
            "delta_mb": self.delta_mb,
            "percent_increase": self.percent_increase,
        }
        return {k: round(v, 1) if isinstance(v, float) else v for k, v in shown.items()}
