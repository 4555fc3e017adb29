from __future__ import annotations

from dataclasses import asdict

from benchmarks.live import Fleet, live_table


def test_the_share_of_the_ideal_is_shown_for_each_fleet_and_budget() -> None:
    made = Fleet(
        workers=2, threads=4, budget=10, orders=680, orders_per_second=85.0, ideal_per_second=90.0,
        over_budget=0,
    )  # fmt: skip
    row = {"name": "10 times the broker's", **asdict(made), "share": made.share}

    assert live_table({"live_fleets": [row]}).splitlines()[2:] == [
        "| 10 times the broker's | 2, 4 | 85.0 | 90 | 94 % | 0 |"
    ]
