"""Performance mode: the defaults are production's, so little differs."""

from __future__ import annotations

from collections.abc import Mapping

VALUES: Mapping[str, object] = {
    "log_format": "json",
}
