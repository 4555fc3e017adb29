"""``python -m angel_x.entrypoints.cli``."""

from __future__ import annotations

from angel_x.entrypoints.cli import main

main()
