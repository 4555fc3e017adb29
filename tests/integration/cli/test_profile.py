"""The work that `profile` measures: real orders and Greeks, whose parts are told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from angel_x.bootstrap import Application
from angel_x.rehearsal.profiling.part import Part
from angel_x.rehearsal.profiling.time_profile import profile_time
from angel_x.rehearsal.profiling.workload import order_work
from tests.builders.shells import Shell


def test_orders_are_accepted_and_decided_and_most_parts_are_seen(
    application: Application, tmp_path: Path
) -> None:
    found = profile_time(order_work(application, 200), "orders", tmp_path)

    assert found.units == 200
    with application.base.engine.connect() as connection:
        undecided = connection.exec_driver_sql(
            "SELECT count(*) FROM orders WHERE status = 'received'"
        ).scalar_one()
    assert undecided == 0
    assert any(call.function.endswith(" submit") for call in found.calls)
    assert Part.SQL in {share.part for share in found.shares}


@pytest.mark.parametrize("name", ["nothing", "12x"])
def test_a_process_that_does_not_run_is_refused(environ: dict[str, str], name: str) -> None:
    result = Shell(environ).run("profile", "process", name)

    assert result.exit_code == 2
    assert name in result.stderr
