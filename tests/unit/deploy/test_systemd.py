"""The units of systemd fit the command line."""

from __future__ import annotations

from configparser import ConfigParser

import pytest

from tests.unit.deploy import compose
from tests.unit.deploy.test_compose import parsed

UNITS = sorted((compose.DEPLOY / "systemd").iterdir())


def unit(name: str) -> ConfigParser:
    parser = ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(compose.DEPLOY / "systemd" / name)
    return parser


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_can_be_parsed_and_says_what_it_is(path: object) -> None:
    assert unit(str(path))["Unit"]["Description"]


def test_the_service_serves_on_the_socket_that_systemd_keeps() -> None:
    service, socket = unit("angel-x-api.service"), unit("angel-x-api.socket")
    _, *arguments = service["Service"]["ExecStart"].split()

    assert parsed(arguments).params == {"fd": 3}
    assert service["Unit"]["Requires"] == "angel-x-api.socket"
    assert socket["Socket"]["ListenStream"] == "127.0.0.1:8000"
