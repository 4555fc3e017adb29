"""The processes that may go through pgbouncer do, with a pooling that they know of."""

from __future__ import annotations

import re
from configparser import ConfigParser
from typing import Any

import yaml

from config.loading import load
from tests.unit.deploy import compose
from tests.unit.deploy.test_compose import LASTING, WITHOUT_DATABASE, run

FILE = compose.DEPLOY / "compose.pgbouncer.yaml"
OVERRIDE: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
#: Partitions are made by the owner of the schema.
WITHOUT = WITHOUT_DATABASE | {"worker-monitor"}


def ini() -> ConfigParser:
    parser = ConfigParser(interpolation=None, comment_prefixes=(";",))
    parser.read(compose.DEPLOY / "pgbouncer.ini")
    return parser


def test_the_file_fits_the_schema_of_compose() -> None:
    checked = run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE))

    assert checked.returncode == 0, checked.stdout


def test_every_process_with_a_pool_goes_through_the_pooler() -> None:
    pooled = set(OVERRIDE["services"]) - {"pgbouncer"}

    assert pooled == set(LASTING) - WITHOUT
    for name in pooled:
        environment = {
            **compose.ours()[name]["environment"],
            **{
                key: re.sub(r"\$\{\w+:\?\}", "secret", value)
                for key, value in OVERRIDE["services"][name]["environment"].items()
            },
        }
        settings = load(environment)
        assert settings.pools_transactions
        assert settings.database_url
        assert f"@pgbouncer:{ini()['pgbouncer']['listen_port']}/angelx" in settings.database_url


def test_the_pooler_waits_no_longer_than_a_pool_and_leaves_connections_to_others() -> None:
    settings = ini()["pgbouncer"]
    server = (compose.DEPLOY / "postgresql.conf").read_text(encoding="utf-8")
    [allowed] = re.findall(r"^max_connections = (\d+)", server, re.MULTILINE)

    assert settings["pool_mode"] == "transaction"
    assert int(settings["query_wait_timeout"]) == 5
    used = int(settings["default_pool_size"]) + int(settings["reserve_pool_size"])
    assert used <= 0.8 * int(allowed)
    assert (
        int(settings["max_client_conn"])
        < OVERRIDE["services"]["pgbouncer"]["ulimits"]["nofile"]["soft"]
    )


def test_the_pooler_is_not_published_and_its_password_is_no_argument() -> None:
    pgbouncer = OVERRIDE["services"]["pgbouncer"]

    assert "ports" not in pgbouncer
    assert "environment" not in pgbouncer
    assert pgbouncer["configs"][0]["target"] == ini()["pgbouncer"]["auth_file"]
    assert pgbouncer["mem_limit"]
