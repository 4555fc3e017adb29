"""Exchange, clearing and tax rules as dated tables; the newest row whose date has come applies."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any


def table(name: str) -> Any:  # noqa: ANN401 - each table has a shape of its own, read by its owner
    """Return the table ``config/market/<name>.json`` as parsed JSON."""
    return json.loads(files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8"))
