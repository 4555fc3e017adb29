"""TLS and access lists of connections that leave the machine, and files with secrets."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from angel_x.adapters.postgres.server_state import read_state
from angel_x.domain.operations.check import Check, CheckStatus
from angel_x.entrypoints.doctor.subject import BROKER, CACHE, DATABASE
from angel_x.entrypoints.flower import PASSWORD_FILE
from angel_x.entrypoints.up.preparation import KEY_FILE
from config.addresses import SentinelAddress, is_sentinel
from config.loading import RUN_FILE

if TYPE_CHECKING:
    from angel_x.bootstrap import Application
    from config.settings import Settings

SECRETS = "files with secrets"
_ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})
_PRIVATE_FILES = (RUN_FILE, KEY_FILE, PASSWORD_FILE)
_OTHERS = 0o077
_WARNING = CheckStatus.WARNING
_TLS = "See docs/tls.md."


def address_checks(app: Application) -> Iterator[Check]:
    """Yield whether each address is of this machine, or has TLS and a user of its own."""
    settings = app.base.settings
    yield database_check(settings.needed("database_url"))
    yield redis_check(BROKER, settings.needed("broker_url"))
    yield redis_check(CACHE, settings.needed("cache_url"))
    yield _files(settings)


def role_checks(app: Application) -> Iterator[Check]:
    """Yield whether the role of the application can remove the guards of its own history."""
    state = read_state(app.base.engine)
    is_exposed = state.is_superuser and not state.is_local
    yield Check.of_fault(
        "role in the database",
        "a superuser, who can change every record" if is_exposed else None,
        detail="over the socket of this machine" if state.is_local else "no superuser",
        fix="Create the role angel_x_app as in deploy/postgres-roles.sql, and name it in ANGEL_X_DATABASE_URL.",
        otherwise=_WARNING,
    )


def exposed_files(settings: Settings) -> list[Path]:
    """Return the files with secrets that others than their owner may read."""
    files = (settings.home_path / name for name in _PRIVATE_FILES)
    return [file for file in files if file.is_file() and file.stat().st_mode & _OTHERS]


def database_check(url: str) -> Check:
    """Return whether a database on another machine is reached with TLS."""
    address = make_url(url)
    host = address.host or address.query.get("host", "")
    hosts = [str(host)] if isinstance(host, str) else list(host)
    is_ours = all(map(_is_here, ",".join(hosts).split(",")))
    is_encrypted = address.query.get("sslmode") in _ENCRYPTED
    return _connection(DATABASE, is_ours=is_ours, is_encrypted=is_encrypted, fault=None)


def redis_check(server: str, url: str) -> Check:
    """Return whether a Redis on another machine is reached with TLS, by a user of its own."""
    if is_sentinel(url):
        found = SentinelAddress.parse(url)
        is_ours = all(_is_here(host) for host, _ in found.hosts)
        user, password, is_encrypted = found.username, found.password, False
    else:
        parts = urlsplit(url)
        is_ours = parts.scheme == "unix" or _is_here(parts.hostname or "")
        user, password, is_encrypted = parts.username, parts.password, parts.scheme == "rediss"
    fault = None
    if not password:
        fault = "no password"
    elif user in {None, "", "default"}:
        fault = "the user `default`, who may do everything"
    return _connection(server, is_ours=is_ours, is_encrypted=is_encrypted, fault=fault)


def _connection(server: str, *, is_ours: bool, is_encrypted: bool, fault: str | None) -> Check:
    name = f"TLS and user of the {server}"
    if is_ours:
        return Check.passed(name, "of this machine")
    faults = [*([] if is_encrypted else ["no TLS to another machine"]), *([fault] if fault else [])]
    return Check.of_fault(
        name,
        " and ".join(faults) or None,
        detail="TLS, and a user of its own",
        fix=_TLS,
        otherwise=_WARNING,
    )


def _files(settings: Settings) -> Check:
    exposed = exposed_files(settings)
    return Check.of_fault(
        SECRETS,
        f"others may read {', '.join(file.name for file in exposed)}" if exposed else None,
        detail="only their owner reads them",
        fix="`angel-x doctor --fix` sets their mode to 600.",
    )


def _is_here(host: str) -> bool:
    if not host or host.startswith("/") or host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
