from __future__ import annotations

import json
from pathlib import Path

import pytest

from config.loading import defaults, load
from config.settings import ENVIRONMENTS, Settings, SettingsError


def test_an_empty_environment_is_development(tmp_path: Path) -> None:
    settings = load({"ANGEL_X_HOME": str(tmp_path)})

    assert settings.env == "development"
    assert settings.order_processing_workers == 2
    assert settings.submit_user == "demo"


def test_production_has_the_values_of_the_guide() -> None:
    settings = defaults("production")

    guide = {
        "max_queue_size": 5000,
        "order_batch_size": 50,
        "order_batch_timeout_ms": 50,
        "order_processing_workers": 8,
        "parallel_greek_workers": 4,
        "market_data_buffer_size": 5000,
        "cache_ttl_market_data": 60,
        "cache_ttl_greeks": 30,
        "cache_ttl_portfolio": 10,
        "redis_pool_size": 100,
        "warm_cache_on_startup": True,
        "db_pool_size": 30,
        "db_max_pool_size": 60,
        "db_query_timeout_seconds": 30,
        "api_response_timeout": 30,
        "api_retry_attempts": 2,
        "rate_limit_enabled": True,
        "gzip_enabled": True,
        "metrics_enabled": True,
        "prometheus_enabled": True,
        "slow_query_threshold_ms": 200,
        "memory_alert_threshold_mb": 500,
        "submit_user": None,
    }
    assert {name: getattr(settings, name) for name in guide} == guide


def test_threads_follow_the_cores_up_to_64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    assert Settings().thread_pool_size == 12
    monkeypatch.setattr("os.cpu_count", lambda: 40)
    assert Settings().thread_pool_size == 64


def test_the_threads_of_a_large_machine_leave_connections_for_commits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 40)

    assert load({"ANGEL_X_ENV": "production"}).thread_pool_size == 57
    assert load({"ANGEL_X_DB_MAX_POOL_SIZE": "30"}).thread_pool_size == 27


@pytest.mark.parametrize("threads", [1, 4, 12])
def test_every_thread_of_the_api_has_a_connection(threads: int) -> None:
    needed = max(4, threads) + 3
    given = {"ANGEL_X_THREAD_POOL_SIZE": str(threads), "ANGEL_X_DB_POOL_SIZE": "1"}

    assert load(given | {"ANGEL_X_DB_MAX_POOL_SIZE": str(needed)}).thread_pool_size == threads
    with pytest.raises(SettingsError, match=f"at least {needed}, .* was {needed - 1}"):
        load(given | {"ANGEL_X_DB_MAX_POOL_SIZE": str(needed - 1)})


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_every_environment_is_valid(env: str) -> None:
    assert defaults(env).env == env


def test_a_variable_overrides_the_environment() -> None:
    settings = load(
        {"ANGEL_X_ENV": "testing", "ANGEL_X_DB_POOL_SIZE": "3", "ANGEL_X_GZIP_ENABLED": "false"}
    )

    assert (settings.db_pool_size, settings.gzip_enabled) == (3, False)


def test_an_empty_variable_is_not_set() -> None:
    assert load({"ANGEL_X_DATABASE_URL": "", "ANGEL_X_ORDER_BATCH_SIZE": ""}).order_batch_size == 50


def test_variables_of_others_are_left_alone() -> None:
    assert load({"PATH": "/bin", "ANGEL": "1"}).env == "development"


@pytest.mark.parametrize(
    ("variable", "suggestion"),
    [
        ("ANGEL_X_ORDER_BATCHSIZE", "ANGEL_X_ORDER_BATCH_SIZE"),
        ("ANGEL_X_order_batch_size", "ANGEL_X_ORDER_BATCH_SIZE"),
        ("ANGEL_X_REDIS_URI", "ANGEL_X_REDIS_URL"),
    ],
)
def test_an_unknown_name_is_refused_with_a_suggestion(variable: str, suggestion: str) -> None:
    with pytest.raises(SettingsError, match=f"{variable}, did you mean {suggestion}"):
        load({variable: "1"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ORDER_BATCH_SIZE", "0"),
        ("ORDER_BATCH_SIZE", "many"),
        ("ORDER_BATCH_SIZE", "1.5"),
        ("ORDER_BATCH_SIZE", "99999999999999999999"),
        ("API_PORT", "65536"),
        ("DB_QUERY_TIMEOUT_SECONDS", "nan"),
        ("DB_QUERY_TIMEOUT_SECONDS", "-1"),
        ("GZIP_ENABLED", "perhaps"),
        ("ENV", "staging"),
        ("LOG_LEVEL", "loud"),
        ("TRACES_RATIO", "1.1"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_its_setting(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^ANGEL_X_{name}: .*, was '{value}'$"):
        load({f"ANGEL_X_{name}": value})


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "BROKER_URL", "CACHE_URL"])
def test_a_wrong_address_is_refused_without_showing_its_password(name: str) -> None:
    with pytest.raises(SettingsError, match=f"ANGEL_X_{name}") as refused:
        load({f"ANGEL_X_{name}": "mysql://user:hunter2@host/db"})

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("http://collector:4318", "http://collector:4318/v1/traces"),
        ("https://u:p@collector/", "https://u:p@collector/v1/traces"),
        ("https://collector/otlp/traces?tenant=1", "https://collector/otlp/traces?tenant=1"),
    ],
)
def test_a_collector_without_a_path_gets_that_of_otlp(given: str, read: str) -> None:
    assert load({"ANGEL_X_TRACES_URL": given}).traces_url == read


@pytest.mark.parametrize("given", ["grpc://u:hunter2@collector:4317", "collector:4318", "http://"])
def test_an_address_that_no_collector_has_is_refused(given: str) -> None:
    with pytest.raises(SettingsError, match="ANGEL_X_TRACES_URL: expected an address") as refused:
        load({"ANGEL_X_TRACES_URL": given})

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "given", [("TRACES_URL", "http://u:hunter2@collector:4318"), ("TRACES_FILE", "spans.jsonl")]
)
def test_traces_without_their_extra_stop_the_start_with_the_remedy(
    given: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.loading.find_spec", lambda name: None)
    name, value = given

    with pytest.raises(SettingsError) as refused:
        load({f"ANGEL_X_{name}": value})

    remedy = f"ANGEL_X_{name}: traces are not installed, see: pip install 'angel-x[tracing]'"
    assert str(refused.value) == remedy
    assert not load({}).traces_enabled


def test_a_pool_cannot_be_larger_than_its_limit() -> None:
    with pytest.raises(SettingsError, match="ANGEL_X_DB_MAX_POOL_SIZE"):
        load({"ANGEL_X_DB_POOL_SIZE": "50", "ANGEL_X_DB_MAX_POOL_SIZE": "40"})


def test_a_lease_that_runs_out_on_the_way_to_the_venue_is_refused() -> None:
    slow = {"ANGEL_X_PAPER_LATENCY_MS": "1500", "ANGEL_X_PAPER_LATENCY_JITTER_MS": "500"}

    with pytest.raises(SettingsError, match=r"at least twice the 2 s .* was 3\.9"):
        load({**slow, "ANGEL_X_ORDER_LEASE_SECONDS": "3.9"})
    assert load({**slow, "ANGEL_X_ORDER_LEASE_SECONDS": "4"}).order_lease_seconds == 4


def test_the_redis_url_serves_both_uses_unless_one_has_its_own() -> None:
    settings = load({"ANGEL_X_REDIS_URL": "redis://a:1/0", "ANGEL_X_CACHE_URL": "redis://b:2/0"})

    assert (settings.broker_url, settings.cache_url) == ("redis://a:1/0", "redis://b:2/0")


def test_addresses_are_spelled_as_their_library_reads_them() -> None:
    settings = load(
        {
            "ANGEL_X_DATABASE_URL": "postgres://u@h/db",
            "ANGEL_X_BROKER_URL": "redis+socket:///run/broker.sock?virtual_host=3",
        }
    )

    assert settings.database_url == "postgresql+psycopg2://u@h/db"
    assert settings.broker_url == "unix:///run/broker.sock?db=3"


def test_a_running_system_is_found_in_its_home(tmp_path: Path) -> None:
    running = {
        "database_url": "postgresql://u@h/db",
        "broker_url": "redis://broker:1/0",
        "cache_url": "redis://cache:2/0",
        "api_url": "http://127.0.0.1:8000",
        "started_at": "now",
    }
    (tmp_path / "run.json").write_text(json.dumps(running), encoding="utf-8")

    settings = load({"ANGEL_X_HOME": str(tmp_path), "ANGEL_X_CACHE_URL": "redis://mine:3/0"})

    assert settings.broker_url == "redis://broker:1/0"
    assert settings.cache_url == "redis://mine:3/0"
    assert settings.api_url == "http://127.0.0.1:8000"


def test_a_redis_url_that_is_given_stands_above_the_running_system(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"broker_url": "redis://old:1/0"}', encoding="utf-8")

    settings = load({"ANGEL_X_HOME": str(tmp_path), "ANGEL_X_REDIS_URL": "redis://new:1/0"})

    assert settings.broker_url == "redis://new:1/0"


def test_a_damaged_run_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{", encoding="utf-8")

    with pytest.raises(SettingsError, match=r"run\.json"):
        load({"ANGEL_X_HOME": str(tmp_path)})


@pytest.mark.parametrize(
    "address",
    [
        "redis://:5ec/7e7@host:6379/0",
        "redis://:5ec#7e7@host:6379/0",
        "rediss://:5ec?7e7@host/0",
        "redis://:123/7e7@host/0",
        "redis://:123?7e7@host/0",
        "redis://:123#7e7@host/0",
        "redis://host:5ec7e7/0",
    ],
)
def test_a_password_that_ends_an_address_early_is_refused_and_not_quoted(address: str) -> None:
    with pytest.raises(SettingsError, match="special characters of the password as %XX") as refused:
        load({"ANGEL_X_BROKER_URL": address})

    for part in ("5ec", "123", "7e7"):
        assert part not in str(refused.value)


@pytest.mark.parametrize("hosts", ["host", "host:5432", "a:1,b:2"])
def test_a_password_of_postgresql_with_an_at_sign_is_refused_and_not_quoted(hosts: str) -> None:
    with pytest.raises(SettingsError, match="special characters of the password as %XX") as refused:
        load({"ANGEL_X_DATABASE_URL": f"postgresql://user:5ec@7e7@{hosts}/db?x=@"})

    assert "7e7" not in str(refused.value)
    sound = f"postgresql://user:5ec%407e7@{hosts}/db?application_name=a"
    assert load({"ANGEL_X_DATABASE_URL": sound}).secrets == ("5ec%407e7",)


LIVE = {
    "ANGEL_X_TRADING_MODE": "live",
    "ANGEL_X_LIVE_USERS": "ravi,asha,,asha",
    "ANGEL_X_ANGEL_ONE_CLIENT_CODE": "A1",
    "ANGEL_X_ANGEL_ONE_API_KEY": "key",
    "ANGEL_X_ANGEL_ONE_PIN": "1111",
    "ANGEL_X_ANGEL_ONE_TOTP_SECRET": "AAAA",
}


def test_live_trading_has_sorted_accounts_and_is_off_by_default() -> None:
    assert not load({}).is_live
    assert load(LIVE).is_live
    assert load(LIVE).live_accounts == ("asha", "ravi")


def test_only_live_trading_has_a_shadow() -> None:
    assert load({**LIVE, "ANGEL_X_SHADOW": "true"}).shadow
    with pytest.raises(SettingsError, match="ANGEL_X_SHADOW: only live orders have a twin"):
        load({"ANGEL_X_SHADOW": "true"})


def test_live_trading_without_its_extra_stops_the_start_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("config.loading.find_spec", lambda name: None)

    with pytest.raises(SettingsError) as refused:
        load(LIVE)

    remedy = "live trading is not installed, see: pip install 'angel-x[live]'"
    assert str(refused.value) == f"ANGEL_X_TRADING_MODE: {remedy}"
    assert not load({}).is_live


@pytest.mark.parametrize("name", sorted(LIVE.keys() - {"ANGEL_X_TRADING_MODE"}))
def test_live_trading_without_credentials_or_accounts_is_refused_by_name(name: str) -> None:
    with pytest.raises(SettingsError, match=f"live needs {name}, was live"):
        load({**LIVE, name: ""})


def test_live_trading_has_the_hours_of_the_exchange_unless_it_is_rehearsed_here() -> None:
    always = {**LIVE, "ANGEL_X_MARKET_HOURS": "always"}

    with pytest.raises(SettingsError, match="the exchange has hours, was always"):
        load(always)
    assert load({**always, "ANGEL_X_ANGEL_ONE_URL": "http://127.0.0.1:9000"}).is_live


def test_live_trading_needs_a_lease_that_a_request_fits_into() -> None:
    with pytest.raises(SettingsError, match="expected at least 22 to trade live"):
        load({**LIVE, "ANGEL_X_ANGEL_ONE_TIMEOUT_SECONDS": "10"})
