"""A contract note as a printable page."""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from angel_x.domain.exchange.charges import ChargeItems
from angel_x.domain.records.contract_note import ContractNote

#: The items of charges, in the order of the page.
ITEMS = tuple(f.name for f in fields(ChargeItems))


def note_page(note: ContractNote) -> str:
    """Return the page of a contract note, complete in itself."""
    return _template().render(note=note, columns=ITEMS)


@lru_cache(maxsize=1)
def _template() -> Template:
    loader = PackageLoader("angel_x.entrypoints.presentation")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    return made.get_template("contract_note.html")
