"""How much the feed keeps while the cache is away."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner

from angel_x.entrypoints.cli.feed import feed
from tests.builders.markets import chain_text
from tests.plugins.runs import marked


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.mark.parametrize(("size", "loses"), [(1, True), (5_000, False)])
def test_the_feed_keeps_market_data_buffer_size_ticks(
    environ: dict[str, str], tmp_path: Path, size: int, *, loses: bool
) -> None:
    recording = tmp_path / "chain.csv"
    recording.write_text(chain_text(), encoding="utf-8")
    given = {
        "ANGEL_X_MARKET_DATA_BUFFER_SIZE": str(size),
        "ANGEL_X_CACHE_URL": f"unix://{tmp_path / 'nobody.sock'}",
        "ANGEL_X_METRICS_ENABLED": "false",
        "ANGEL_X_LOG_FORMAT": "json",
    }

    done = CliRunner().invoke(
        feed,
        ["--source", "replay", "--chain", str(recording), "--speed", "6000"],
        env=marked({**environ, **given}),
        catch_exceptions=False,
    )

    logged = [json.loads(line) for line in done.output.splitlines()]
    (stopped,) = [event for event in logged if event["event"] == "feed.stopped"]
    assert (stopped["dropped"] > 0) is loses
