"""A process that dies while it collects or sends alerts: the next one sends the rest."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable

import pytest

from angel_x.adapters.sealing import new_key
from angel_x.domain.orders.step import Step
from angel_x.services.operations.alert_targets import TargetForm
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.alerts import fill, forget_pace
from tests.builders.environs import application_on
from tests.builders.stored import UNIVERSE, select
from tests.builders.webhook import webhook

STEPS = (Step.ALERTS_COLLECTED, Step.ALERTS_CLAIMED, Step.ALERTS_SENT)


def killed(work: Callable[[], object]) -> bool:
    """Do work in a fork of this process; return whether a signal ended it."""
    with warnings.catch_warnings():
        # The webhook has threads, which the child does not need.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize("step", STEPS)
def test_a_process_that_dies_at_a_step_loses_no_notice(environ: dict[str, str], step: Step) -> None:
    alerting = environ | {"ANGEL_X_ALERTS_KEY": new_key()}

    def die() -> None:
        with application_on(alerting, fault_at=step.value) as app:
            app.alerts.collector.collect()
            app.alerts.sender.send_due()

    with webhook() as hook, application_on(alerting) as app:
        engine = app.base.engine
        list_contracts(engine, UNIVERSE)
        open_accounts(engine, 1)
        form = TargetForm(hook.url, ("fill",))
        app.alerts.targets.put(1, "hook", form, actor="test", by_operator=True)
        app.alerts.collector.collect()
        fill(engine, "kept")
        assert killed(die)
        app.alerts.collector.collect()
        forget_pace(engine)
        app.alerts.sender.send_due()

        [(status, attempts)] = select(engine, "SELECT status, attempts FROM alert_notices")
    assert (status, attempts) == ("sent", 1 if step is Step.ALERTS_COLLECTED else 2)
    # Sent and not recorded, it is sent twice rather than never.
    assert len(hook.received) == (2 if step is Step.ALERTS_SENT else 1)
