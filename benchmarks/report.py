"""Prints results as the tables of docs/benchmarks.md: ``python -m benchmarks.report FILE...``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.tables import order_tables, universe_table


def main() -> None:
    """Print the tables of each file."""
    for name in sys.argv[1:]:
        result = json.loads(Path(name).read_text(encoding="utf-8"))
        tables = universe_table if "chains" in result else order_tables
        print(f"<!-- {result['machine']['command']} -->\n\n{tables(result)}\n")


if __name__ == "__main__":
    main()
