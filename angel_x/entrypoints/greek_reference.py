"""The reference of the Greeks, generated from their table.

``python -m angel_x.entrypoints.greek_reference`` prints it.
"""

from __future__ import annotations

import sys

from angel_x.domain.pricing.greek import GREEKS, Greek

_HEAD = """\
# Greeks

Made by `python -m angel_x.entrypoints.greek_reference`; do not edit.

The API, the command line and the Python client show every Greek per unit of the contract, in these
units. Positions show some of them, a portfolio the sums of some over its positions in each underlying.
How they are computed is in [pricing](../pricing.md).

| Greek | unit | in positions | summed |
| --- | --- | --- | --- |
"""


def reference() -> str:
    """Return the whole document."""
    return _HEAD + "".join(map(_row, GREEKS))


def _row(greek: Greek) -> str:
    shown = (greek.in_positions, greek.is_summed)
    return (
        f"| `{greek.name}` | {greek.unit} | {' | '.join('yes' if s else 'no' for s in shown)} |\n"
    )


if __name__ == "__main__":
    sys.stdout.write(reference())
