"""The command that keeps the scrip master up to date."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from angel_x.entrypoints.cli.root import cli
from tests.builders.broker import Broker, broker


@pytest.fixture(scope="module")
def at_broker() -> Iterator[Broker]:
    with broker() as found:
        yield found


def run(
    at_broker: Broker, file: Path, path: str = "OpenAPI_File/files/OpenAPIScripMaster.json"
) -> tuple[int, str]:
    url = f"{at_broker.server.url}/{path}"
    result = CliRunner().invoke(cli, ["broker", "master", str(file), "--url", url, "--json"])
    return result.exit_code, result.output


def test_the_master_is_fetched_and_then_found_unchanged(at_broker: Broker, tmp_path: Path) -> None:
    answers = [run(at_broker, tmp_path / "master.json") for _ in range(2)]

    assert [code for code, _ in answers] == [0, 0]
    assert [json.loads(text)["is_new"] for _, text in answers] == [True, False]


def test_an_address_that_is_neither_encrypted_nor_here_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        cli, ["broker", "master", str(tmp_path / "x"), "--url", "http://example.com/x"]
    )

    assert result.exit_code != 0
    assert "https" in result.output
    assert not list(tmp_path.iterdir())
