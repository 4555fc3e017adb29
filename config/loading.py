"""How the settings of a process are read and checked.

A value comes from ``ANGEL_X_<NAME>``, for a secret also from the file ``ANGEL_X_<NAME>_FILE``, else
from the running system's ``<home>/run.json`` (addresses only), else from the module of the
environment, else from the default in ``config.settings``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec

from config.addresses import collector_address, redis_address, sqlalchemy_address
from config.secret_files import read_secret
from config.settings import (
    LIVE_CREDENTIALS,
    PREFIX,
    SETTINGS,
    THIS_MACHINE,
    Settings,
    SettingsError,
)

#: Behind the variable of a secret: the path of the file that holds it.
FILE_SUFFIX = "_FILE"
#: Written by ``angel-x up`` into its home, so that other commands find the system that runs there.
RUN_FILE = "run.json"
#: Threads of an API process at least: one of each kind of call.
_FEWEST_THREADS = 4
#: Connections of an API process beside those of its threads: group commits.
_COMMIT_CONNECTIONS = 3
#: Packages of the extra ``tracing``, within one that the web framework brings; first the outer one.
_TRACING = ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter")
#: Modules of the extra ``live``.
_LIVE = ("httpx", "pyotp", "websockets")
_BY_NAME = {setting.name: setting for setting in SETTINGS}


def load(environ: Mapping[str, str], *, of_running: bool = True) -> Settings:
    """Read and check the settings of this process.

    Without ``of_running`` the addresses of a system that runs in the home are not looked for: its start
    depends on no file of an earlier run.

    Raises:
        SettingsError: A name is unknown, or a value cannot be used; the message names both.
    """
    given = _given(environ)
    env = _checked("env", given.get("env", "development"))
    values = {**overrides(cast(str, env)), **given}
    home = Path(str(values.get("home", ".angel-x")))
    found = _running(home, given) if of_running else {}
    values = {**found, **{k: v for k, v in values.items() if v is not None}}
    return _built(values)


def overrides(env: str) -> dict[str, object]:
    """Return the values of an environment that differ from the defaults."""
    return dict(import_module(f"config.{env}").VALUES)


def defaults(env: str) -> Settings:
    """Return the settings of an environment without any variable set."""
    return _built({"env": env, **overrides(env)})


def with_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """Return variables with every ``ANGEL_X_<NAME>_FILE`` replaced by ``ANGEL_X_<NAME>``.

    Raises:
        SettingsError: Both are set, or the file has no secret; the message names the variable.
    """
    resolved = dict(environ)
    for setting in SETTINGS:
        variable = setting.variable + FILE_SUFFIX
        if not setting.doc.secret or variable not in resolved:
            continue
        path = resolved.pop(variable)
        if path and resolved.get(setting.variable):
            raise SettingsError(f"{setting.variable} and {variable} are both set: set one of them")
        if path:
            resolved[setting.variable] = _secret_in(variable, path)
    return resolved


def _secret_in(variable: str, path: str) -> str:
    try:
        return read_secret(path)
    except ValueError as error:
        raise SettingsError(f"{variable}: {error}") from None


def _given(environ: Mapping[str, str]) -> dict[str, object]:
    given: dict[str, object] = {}
    for variable, value in with_secrets(environ).items():
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX)
        if name.lower() not in _BY_NAME or name != name.upper():
            raise SettingsError(_unknown(variable))
        # Shells and compose files pass an unset variable as an empty one.
        if value != "":
            given[name.lower()] = value
    return given


def _unknown(variable: str) -> str:
    known = [setting.variable for setting in SETTINGS]
    close = difflib.get_close_matches(variable.upper(), known, n=1)
    hint = f", did you mean {close[0]}?" if close else ""
    return f"no setting has this name: {variable}{hint}"


def _running(home: Path, given: Mapping[str, object]) -> dict[str, object]:
    """Return the addresses of the system running in ``home``, except given ones."""
    names = {"database_url", "api_url", "flower_url"} - given.keys()
    if "redis_url" not in given:
        names |= {"broker_url", "cache_url"} - given.keys()
    # A process that is given every address does not depend on the file.
    content = _run_file(home / RUN_FILE) if names else {}
    return {name: content[name] for name in names if content.get(name)}


def _run_file(file: Path) -> Mapping[str, object]:
    """Return the content of a run file, nothing where there is none.

    Raises:
        SettingsError: The file is damaged.
    """
    try:
        content = msgspec.json.decode(file.read_bytes(), type=dict[str, object])
        addresses = {name: value for name, value in content.items() if name.endswith("_url")}
        return msgspec.convert(addresses, dict[str, str])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        raise SettingsError(
            f"{file} cannot be read ({error}): start `angel-x up` again, which writes it, or remove it"
        ) from error


def _built(values: Mapping[str, object]) -> Settings:
    checked = {name: _checked(name, value) for name, value in values.items()}
    for name in ("broker_url", "cache_url"):
        if checked.get(name) is None:
            checked[name] = checked.get("redis_url")
    settings = Settings(**cast(Any, checked))
    if "thread_pool_size" not in checked:
        most = max(_FEWEST_THREADS, settings.db_max_pool_size - _COMMIT_CONNECTIONS)
        threads = min(settings.thread_pool_size, most)
        settings = msgspec.structs.replace(settings, thread_pool_size=threads)
    _check_together(settings)
    return settings


def _checked(name: str, value: object) -> object:
    setting = _BY_NAME[name]
    try:
        converted = msgspec.convert(value, setting.type, strict=False)
        return _ADDRESSES.get(name, _unchanged)(converted) if converted is not None else None
    except (msgspec.ValidationError, ValueError) as error:
        shown = "a hidden value" if setting.doc.secret else repr(value)
        reason = str(error).replace("`", "")
        raise SettingsError(
            f"{setting.variable}: {reason[0].lower()}{reason[1:]}, was {shown}"
        ) from None


def _unchanged(value: object) -> object:
    return value


_ADDRESSES: Mapping[str, Any] = {
    "database_url": sqlalchemy_address,
    "redis_url": redis_address,
    "broker_url": redis_address,
    "cache_url": redis_address,
    "result_url": redis_address,
    "traces_url": collector_address,
}


def _check_live(settings: Settings) -> None:
    """Check the settings without which nothing may trade at the exchange."""
    if not settings.is_live:
        if settings.shadow:
            raise SettingsError(f"{PREFIX}SHADOW: only live orders have a twin, was on")
        return
    needed = (*LIVE_CREDENTIALS, "live_users")
    missing = [PREFIX + name.upper() for name in needed if not getattr(settings, name)]
    if missing:
        raise SettingsError(f"{PREFIX}TRADING_MODE: live needs {', '.join(missing)}, was live")
    is_rehearsed = urlsplit(settings.angel_one_url).hostname in THIS_MACHINE
    if settings.market_hours == "always" and not is_rehearsed:
        raise SettingsError(f"{PREFIX}MARKET_HOURS: the exchange has hours, was always")
    # A request is sent within half of a lease, and its answer may take as long as it may.
    shortest = 2 * (settings.angel_one_timeout_seconds + 1)
    if settings.order_lease_seconds < shortest:
        raise SettingsError(
            f"{PREFIX}ORDER_LEASE_SECONDS: expected at least {shortest:g} to trade live, twice "
            f"{PREFIX}ANGEL_ONE_TIMEOUT_SECONDS and two more, was {settings.order_lease_seconds:g}"
        )


def _check_live_installed(settings: Settings) -> None:
    if settings.is_live and not all(find_spec(name) for name in _LIVE):
        raise SettingsError(
            f"{PREFIX}TRADING_MODE: live trading is not installed, see: pip install 'angel-x[live]'"
        )


def _check_traces(settings: Settings) -> None:
    if settings.traces_enabled and not _is_tracing_installed():
        setting = "TRACES_FILE" if settings.traces_url is None else "TRACES_URL"
        raise SettingsError(
            f"{PREFIX}{setting}: traces are not installed, see: pip install 'angel-x[tracing]'"
        )


def _is_tracing_installed() -> bool:
    """Return whether the extra ``tracing`` is installed, without importing it."""
    return all(find_spec(name) for name in _TRACING)


def _check_together(settings: Settings) -> None:
    _check_live(settings)
    _check_live_installed(settings)
    _check_traces(settings)
    if settings.fault_at is not None and settings.env != "testing":
        raise SettingsError(f"{PREFIX}FAULT_AT: only for tests, was set in {settings.env}")
    longest = (settings.paper_latency_ms + settings.paper_latency_jitter_ms) / 1000
    if settings.order_lease_seconds < 2 * longest:
        raise SettingsError(
            f"{PREFIX}ORDER_LEASE_SECONDS: expected at least twice the {longest:g} s that an order "
            f"may be on its way, was {settings.order_lease_seconds:g}"
        )
    connections = max(_FEWEST_THREADS, settings.thread_pool_size) + _COMMIT_CONNECTIONS
    if settings.db_max_pool_size < connections:
        raise SettingsError(
            f"{PREFIX}DB_MAX_POOL_SIZE: expected at least {connections}, one for each thread of "
            f"{PREFIX}THREAD_POOL_SIZE and {_COMMIT_CONNECTIONS} for commits, "
            f"was {settings.db_max_pool_size}"
        )
    ordered = (
        ("db_pool_size", "db_max_pool_size"),
        ("memory_alert_threshold_mb", "memory_hard_limit_mb"),
    )
    for lower, upper in ordered:
        low, high = getattr(settings, lower), getattr(settings, upper)
        if low > high:
            raise SettingsError(
                f"{PREFIX}{upper.upper()}: expected at least {PREFIX}{lower.upper()} ({low}), was {high}"
            )
