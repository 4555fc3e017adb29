from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from angel_x.adapters.installation import python
from angel_x.entrypoints.cli.root import COMMANDS
from angel_x.entrypoints.up import programs
from angel_x.entrypoints.up.addresses import Addresses
from angel_x.entrypoints.up.programs import MarketChoice, stages
from config.queues import WORKER_QUEUES

ADDRESSES = Addresses(
    database_url="",
    broker_url="",
    broker_redis_url="",
    cache_url="",
    api_url="http://127.0.0.1:1",
    flower_url="http://127.0.0.1:2",
    metrics_url="http://127.0.0.1:3/metrics",
    desk_url="http://127.0.0.1:4",
)
ENVIRON = {"ANGEL_X_API_HOST": "0.0.0.0", "ANGEL_X_API_PORT": "8123"}


def commands(market: MarketChoice) -> list[tuple[str, ...]]:
    return [
        p.argv[len(python("")) :] for stage in stages(ADDRESSES, ENVIRON, market) for p in stage
    ]


def test_every_process_is_a_command_that_exists() -> None:
    assert {command[0] for command in commands(MarketChoice())} <= COMMANDS.keys()


def test_there_is_a_worker_of_every_class_and_of_alerts_where_alerts_key_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def workers() -> list[str]:
        return [command[1] for command in commands(MarketChoice()) if command[0] == "worker"]

    assert [*workers(), "alerts"] == list(WORKER_QUEUES)
    monkeypatch.setitem(ENVIRON, "ANGEL_X_ALERTS_KEY", f"{'k' * 43}=")
    assert workers() == list(WORKER_QUEUES)


def test_commands_by_telegram_are_taken_where_telegram_token_is_set() -> None:
    token = {"ANGEL_X_TELEGRAM_TOKEN": "123:" + "t" * 35, "ANGEL_X_ALERTS_KEY": f"{'k' * 43}="}

    def names(environ: dict[str, str]) -> set[str]:
        return {p.name for stage in stages(ADDRESSES, environ, MarketChoice()) for p in stage}

    assert "telegram" in names(ENVIRON | token)
    assert "telegram" not in names(ENVIRON)


def test_every_program_shows_when_it_is_ready() -> None:
    started = stages(ADDRESSES, ENVIRON, MarketChoice())
    assert sum(len(stage) for stage in started) > 5
    for stage in started:
        for program in stage:
            assert program.ready_words or program.answers


@pytest.mark.parametrize(
    ("market", "arguments"),
    [
        (MarketChoice(seed=7), "--source simulator --seed 7 --speed 1"),
        (
            MarketChoice(chain=Path("/chains/a.csv"), speed=20),
            "--source replay --chain /chains/a.csv --loop --speed 20",
        ),
        (
            MarketChoice(chain=Path("/chains/a.csv"), day=date(2024, 1, 25)),
            "--source replay --chain /chains/a.csv --day 2024-01-25 --speed 1",
        ),
        (MarketChoice(master=Path("/m.json")), "--source angel-one --master /m.json"),
    ],
)
def test_the_feed_simulates_replays_or_follows_the_broker_for_ever(
    market: MarketChoice, arguments: str
) -> None:
    (feed,) = [command for command in commands(market) if command[0] == "feed"]

    assert " ".join(feed[1:]) == arguments


def test_the_socket_of_the_api_outlives_its_processes() -> None:
    programs = [p for stage in stages(ADDRESSES, ENVIRON, MarketChoice()) for p in stage]

    assert {p.name: p.listens_at for p in programs if p.listens_at} == {"api": ("0.0.0.0", 8123)}


@pytest.mark.parametrize(
    ("enabled", "installed", "runs"),
    [("true", True, True), ("true", False, False), ("false", True, False)],
)
def test_the_desk_runs_where_it_is_enabled_and_installed(
    monkeypatch: pytest.MonkeyPatch, enabled: str, *, installed: bool, runs: bool
) -> None:
    monkeypatch.setattr(programs, "is_desk_installed", lambda: installed)
    environ = {**ENVIRON, "ANGEL_X_DESK_ENABLED": enabled}

    names = {p.name for stage in stages(ADDRESSES, environ, MarketChoice()) for p in stage}

    assert ("desk" in names) is runs


def test_the_contracts_of_the_market_are_listed_from_its_file() -> None:
    chain, master = Path("a.csv"), Path("m.json")

    assert MarketChoice().listed is None
    assert MarketChoice(chain=chain).listed == chain
    assert MarketChoice(master=master).listed == master
    assert "Angel One" in MarketChoice(master=master).title
