"""Preparation of a home before its processes start: a schema, an account with a key, a chain."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal
from pathlib import Path

import msgspec
import structlog

from angel_x.adapters.home_files import named, write_whole
from angel_x.adapters.metrics import wipe
from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.engine import make_engine
from angel_x.bootstrap import Application, build
from angel_x.domain.records.access import Scope
from angel_x.domain.records.statement import AccountSummary
from angel_x.errors import AccessDenied, UnknownAccount
from config.settings import Settings

log = structlog.get_logger()

DEMO_USER = "demo"
KEY_FILE = "demo.key"
#: One crore rupees.
OPENING_CASH = Decimal(10_000_000)


def prepare(settings: Settings, listed: Path | None) -> None:
    """Bring a home into the state that its processes expect.  A second call changes nothing.

    ``listed`` is a recorded chain or a scrip master; without it a chain is generated.

    Raises:
        InvalidContractFile: The file is wrong somewhere.
    """
    wipe(settings.home_path)
    migrate(settings)
    # The universe cannot be warmed before it is listed.
    unwarmed = msgspec.structs.replace(settings, warm_cache_on_startup=False)
    with closing(build(unwarmed, role="up")) as application:
        application.operations.partitions.maintain()
        _ensure_key(application, settings.home_path / KEY_FILE)
        if listed is None:
            application.market.contracts.ensure()
        else:
            application.market.contracts.load_file(listed)


def ask_for_greeks(settings: Settings) -> None:
    """Ask for Greeks now: the schedule begins with a pause, in which there would be none."""
    with closing(build(settings, role="up")) as application:
        application.analytics.greeks.refresh()


def migrate(settings: Settings) -> None:
    """Bring the schema up to date."""
    engine = make_engine(
        settings.needed("database_url"),
        pool_size=1,
        max_pool_size=1,
        pools_transactions=settings.pools_transactions,
    )
    try:
        schema.upgrade(engine)
    finally:
        engine.dispose()


def ensure_account(application: Application, name: str, cash: Decimal) -> AccountSummary:
    """Return the account of a name, opened with ``cash`` if there is none."""
    try:
        return application.people.accounts.named(name)
    except UnknownAccount:
        return application.people.accounts.open(name, cash)


def _ensure_key(application: Application, file: Path) -> None:
    """Keep a key of the demo account in a file that only its owner reads."""
    account = ensure_account(application, DEMO_USER, OPENING_CASH)
    if file.exists():
        try:
            application.people.access.authenticate(_stored_key(file))
        except AccessDenied:
            log.warning("key.replaced", user_id=account.id, file=str(file))
        else:
            return
    key = application.people.access.issue(account.id, [Scope.TRADE])
    write_whole(file, f"{key}\n")


def _stored_key(file: Path) -> str:
    """Return the key of a file; that of an unusable one is no key."""
    if file.is_dir():
        return ""
    with named(file):
        return file.read_text(encoding="utf-8", errors="replace").strip()
