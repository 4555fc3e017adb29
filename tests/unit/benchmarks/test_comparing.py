from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import comparing
from benchmarks.comparing import FEWEST, Verdict, cautions, compared
from benchmarks.rows import Row

MACHINE = {"processor": "P", "cores": 2}


def run(seed: int, *, slower: float = 1.0, machine: float = 1.0, rounds: int = 60, **changes: Any) -> Row:  # fmt: skip
    """Return a row with noise of a tenth, on a machine that is slower by a factor."""
    random = np.random.default_rng(seed)
    drift = machine * np.linspace(1.0, 1.4, rounds)
    naive = 10.0 * drift * random.normal(1, 0.1, rounds)
    ours = 2.0 * slower * drift * random.normal(1, 0.1, rounds)
    samples = {"naive": naive.tolist(), "ours": ours.tolist()}
    return Row(
        name="place", unit="ms", reference="naive", measured="ours", samples=samples, **changes
    )


@pytest.mark.parametrize("seed", range(8))
def test_noise_and_a_slower_machine_are_no_difference(seed: int) -> None:
    (change,) = compared([run(seed)], [run(100 + seed, machine=2.0)])

    assert change.verdict is Verdict.NO_DIFFERENCE
    assert change.low < 1 < change.high


@pytest.mark.parametrize(("slower", "verdict"), [(1.3, Verdict.SLOWER), (0.7, Verdict.FASTER)])
def test_a_change_beyond_noise_is_named(slower: float, verdict: Verdict) -> None:
    (change,) = compared([run(1)], [run(2, slower=slower, machine=1.7)])

    assert change.verdict is verdict
    assert change.low < change.ratio < change.high
    assert change.ratio == pytest.approx(slower, rel=0.1)


def test_fewer_orders_a_second_are_slower() -> None:
    (change,) = compared([run(1, more_is_better=True)], [run(2, slower=0.7, more_is_better=True)])

    assert change.verdict is Verdict.SLOWER


def test_a_reference_that_is_no_yardstick_hides_nothing() -> None:
    before, after = run(1, is_yardstick=False), run(2, machine=1.5, is_yardstick=False)

    (change,) = compared([before], [after])

    assert change.verdict is Verdict.SLOWER


def test_few_rounds_have_no_verdict() -> None:
    few = FEWEST - 1

    (change,) = compared([run(1, rounds=few)], [run(2, slower=3.0, rounds=few)])

    assert change.verdict is Verdict.TOO_FEW


def test_rows_of_one_run_alone_are_left_out() -> None:
    assert compared([], [run(1)]) == []


def test_a_busy_run_another_machine_and_other_sizes_are_cautions() -> None:
    fine = {"busy": False, "quick": False, "machine": MACHINE}

    assert cautions(fine, fine) == []
    assert cautions(fine, {**fine, "busy": True}) == ["the machine was busy in the second run"]
    assert len(cautions(fine, {**fine, "quick": True, "machine": {**MACHINE, "cores": 4}})) == 2


def test_the_exit_code_says_whether_a_row_is_slower(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def outcome(first: Row, second: Row) -> object:
        files = []
        for name, row in (("a", first), ("b", second)):
            document = {"busy": True, "quick": True, "machine": MACHINE, "rows": [row.as_json()]}
            files.append(tmp_path / f"{name}.json")
            files[-1].write_text(json.dumps(document), encoding="utf-8")
        monkeypatch.setattr(sys, "argv", ["comparing", *map(str, files)])
        with pytest.raises(SystemExit) as ended:
            comparing.main()
        return ended.value.code

    assert not outcome(run(1), run(2))
    assert "no difference beyond noise in 1 rows" in capsys.readouterr().out
    assert outcome(run(1), run(2, slower=1.5))
    assert "slower: place" in capsys.readouterr().out


def test_another_file_is_refused_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "other.json"
    file.write_text("[]", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["comparing", str(file), str(file)])

    with pytest.raises(SystemExit, match=r"other\.json is no run of angel-x bench"):
        comparing.main()
