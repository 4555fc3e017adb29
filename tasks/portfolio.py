"""The tasks of the queue ``portfolio``.  Each may run twice, or never, without harm."""

from __future__ import annotations

from config.task_names import TaskName
from tasks import runtime
from tasks.app import app


@app.task(name=TaskName.SETTLE_EXPIRIES)
def settle() -> None:
    """Settle expired positions, and keep the levels of the indices."""
    runtime.current().trading.settlement.run()


@app.task(name=TaskName.UPDATE_PORTFOLIOS)
def update(user_ids: list[int]) -> None:
    """Value these accounts."""
    runtime.current().analytics.portfolios.update(user_ids)


@app.task(name=TaskName.REFRESH_PORTFOLIOS)
def refresh() -> None:
    """Ask for every account that holds or changed something."""
    runtime.current().analytics.portfolios.refresh()


@app.task(name=TaskName.SNAPSHOT_PORTFOLIOS)
def snapshot() -> None:
    """Append the stored portfolios to their history."""
    runtime.current().analytics.portfolios.snapshot()


@app.task(name=TaskName.SNAPSHOT_GREEKS)
def snapshot_greeks() -> None:
    """Keep the published Greeks in the database."""
    runtime.current().analytics.greeks_archive.snapshot()
