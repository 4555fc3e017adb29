"""The commands of alerts: an address is read, never an argument that lists of processes show."""

from __future__ import annotations

from angel_x.entrypoints.cli.alerts import add


def test_an_address_is_no_argument() -> None:
    assert {parameter.name for parameter in add.params} == {
        *("name", "topics", "quiet", "user", "system", "yes", "as_json")
    }
