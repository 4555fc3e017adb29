from __future__ import annotations

import cProfile
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from angel_x.errors import ProfilerMissing
from angel_x.rehearsal.profiling import live_process
from angel_x.rehearsal.profiling.flame_graph import flame_graph
from angel_x.rehearsal.profiling.memory_profile import profile_memory
from angel_x.rehearsal.profiling.part import Part, part_of, shares
from angel_x.rehearsal.profiling.sampler import Sampler, short, stack_of
from angel_x.rehearsal.profiling.time_profile import profile_time, slowest

EXECUTION = "angel_x/services/trading/execution.py:answer"
SQL = "sqlalchemy/engine/base.py:execute"
FORM = "angel_x/services/intake/order_form.py:read"
MARGIN = "angel_x/domain/margin/span.py:of"


def spin() -> int:
    return sum(range(2_000_000)) and 3


@pytest.mark.parametrize(
    ("stack", "part"),
    [
        ((EXECUTION, SQL), Part.SQL),
        ((EXECUTION, MARGIN, "numpy/core.py:dot"), Part.MARGIN),
        ((EXECUTION, "angel_x/domain/book/book.py:place"), Part.EXECUTION),
        ((FORM, "decimal.py:quantize"), Part.VALIDATION),
        (("cli.py:main",), Part.OTHER),
    ],
)
def test_a_stack_counts_for_its_innermost_part(stack: tuple[str, ...], part: Part) -> None:
    assert part_of(stack) is part


def test_the_shares_of_all_parts_are_whole_and_the_largest_says_where_to_look() -> None:
    found = shares({(EXECUTION, SQL): 6, (FORM,): 3, ("main",): 1})

    assert [(share.part, share.percent) for share in found] == [
        (Part.SQL, 60.0), (Part.VALIDATION, 30.0), (Part.OTHER, 10.0),
    ]  # fmt: skip
    assert "slow-queries" in found[0].look_at


def test_a_flame_graph_is_an_image_in_which_callers_carry_what_they_call() -> None:
    drawn = ET.fromstring(flame_graph({("main", "a <&"): 3, ("main", "b"): 1}, "a title"))

    boxes = {g[0].text: g[1] for g in drawn.iter("{http://www.w3.org/2000/svg}g")}
    main, first = boxes["main (100.0 %)"], boxes["a <& (75.0 %)"]
    assert float(first.attrib["width"]) == 0.75 * float(main.attrib["width"])
    assert int(first.attrib["y"]) < int(main.attrib["y"])


def test_a_path_begins_with_its_package() -> None:
    assert short("/v/lib/python3.11/site-packages/redis/client.py") == "redis/client.py"
    assert short("/src/angel_x/errors.py") == "angel_x/errors.py"
    assert short("/usr/lib/python3.11/json/decoder.py") == "decoder.py"
    assert stack_of(sys._getframe())[-1] == (
        "test_profiling.py:test_a_path_begins_with_its_package"
    )


def test_work_has_its_slowest_calls_its_shares_and_both_files(tmp_path: Path) -> None:
    found = profile_time(spin, "spinning", tmp_path / "made")

    assert found.units == 3
    assert any("spin" in call.function for call in found.calls)
    assert found.calls == tuple(sorted(found.calls, key=lambda call: -call.cumulative_ms))
    assert sum(share.percent for share in found.shares) == pytest.approx(100, abs=0.5)
    assert Path(found.flame_graph).read_text().startswith("<svg")
    assert Path(found.statistics).stat().st_size > 0


def test_twenty_calls_are_kept_at_most() -> None:
    profiler = cProfile.Profile()
    profiler.runcall(lambda: [eval(f"(lambda: {number})()") for number in range(50)])

    assert len(slowest(profiler)) == 20


def test_only_the_thread_of_the_block_is_sampled() -> None:
    with Sampler() as sampler:
        spin()

    assert sum(sampler.samples.values()) > 0
    here = "test_profiling.py:test_only_the_thread_of_the_block_is_sampled"
    assert all(here in stack for stack in sampler.samples)


def test_memory_is_named_by_line(tmp_path: Path) -> None:
    kept: list[bytearray] = []

    def work() -> int:
        kept.append(bytearray(8 << 20))
        return 1

    found = profile_memory(work, "bytes", tmp_path)

    assert found.lines[0].line.startswith("test_profiling.py:")
    assert found.lines[0].megabytes == pytest.approx(8, abs=0.1)
    assert found.peak_mb >= 8
    assert "<html" in Path(found.flame_graph).read_text()[:2000]


def test_a_profiler_that_is_not_installed_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "memray", None)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ProfilerMissing, match=r"angel-x\[profile\]"):
        profile_memory(spin, "none", tmp_path)
    with pytest.raises(ProfilerMissing, match=r"angel-x\[profile\]"):
        live_process.sample(1, 1, tmp_path / "none.svg")
