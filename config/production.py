"""Production, for which the defaults are made."""

from __future__ import annotations

from collections.abc import Mapping

VALUES: Mapping[str, object] = {
    "log_format": "json",
    "log_decisions": True,
    "submit_signed": True,
}
