from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from angel_x.entrypoints.cli.root import cli


@pytest.mark.parametrize("other", [("--chain", "a.csv"), ("--speed", "2")])
def test_the_market_of_the_broker_takes_no_recording_and_no_pace(other: tuple[str, str]) -> None:
    refused = CliRunner().invoke(cli, ["up", "--master", "m.json", *other])

    assert refused.exit_code == 2
    assert "without --chain and --speed" in refused.stderr


def test_a_master_that_is_no_file_is_refused(tmp_path: Path) -> None:
    refused = CliRunner().invoke(cli, ["up", "--master", str(tmp_path / "none")])

    assert refused.exit_code == 2
    assert "the master must be a file" in refused.stderr


def test_live_trading_without_the_quotes_of_the_broker_does_not_start(tmp_path: Path) -> None:
    credentials = ("CLIENT_CODE", "API_KEY", "PIN", "TOTP_SECRET")
    environ = {f"ANGEL_X_ANGEL_ONE_{name}": "A" for name in credentials}
    mode = {"ANGEL_X_TRADING_MODE": "live", "ANGEL_X_LIVE_USERS": "asha"}

    refused = CliRunner(env={**environ, **mode, "ANGEL_X_HOME": str(tmp_path)}).invoke(cli, ["up"])

    assert refused.exit_code == 2
    assert "live trading needs the quotes of the broker: --master FILE" in refused.stderr
