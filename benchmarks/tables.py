"""Results as the tables of the documentation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

Result = Mapping[str, Any]

#: What each role is called; roles that are not here stand under "rest".
_PROCESSES = {
    "postgres": "PostgreSQL",
    "orders": "order worker",
    "api": "API",
    "portfolio": "portfolio worker",
    "valkey": "Valkeys",
    "feed": "feed",
    "flower": "Flower",
}
_SYSTEMS = {"before": "before", "angel_x": "Angel-X"}


def order_tables(result: Result) -> str:
    """Return the tables of the orders benchmark, ratios first."""
    loads = {name: load for name, load in result.items() if "a request" in name}
    systems = [name for name in _SYSTEMS if any(name in load for load in loads.values())]
    tables = [_ratios(result, loads, systems), _rates(loads, systems), _cpu(loads, systems)]
    if "idle_latency_ms" in result or "emergency" in result:
        tables.append(_latencies(result, systems))
    if "rivals" in result:
        tables.append(_rivals(result["rivals"], loads))
    machine = result["machine"]
    about = f"{machine['processor']}, {machine['cores']} cores, revision {machine['revision']}"
    rounds = len(result["rounds"])
    return "\n\n".join([*tables, f"{about}, {machine['at']}, medians of {rounds} round(s)."])


def universe_table(result: Result) -> str:
    """Return the table of the universe benchmark."""
    parts = ("read", "compute", "write", "refresh", "messages")
    rows = [
        [
            name,
            *(f"{row['wall_ms'][part]:.0f} ms" for part in ("least", "median", "most")),
            *(row["parts_ms"].get(part, "") for part in parts),
            f"{row['resident_mb']:.0f} MB",
        ]
        for name, row in result.items()
        if isinstance(row, Mapping) and "wall_ms" in row
    ]
    return markdown(["", "least", "median", "most", *parts, "resident"], rows)


def orders_beside(*results: Result) -> str:
    """Return the table of runs beside another revision; of a load in two runs the first one counts."""
    loads = {
        name: load for result in reversed(results) for name, load in _loads_with_before(result)
    }
    loads = dict(sorted(loads.items()))
    rows = [
        [f"{name}: {label}", *(shown(load, s) for s in _SYSTEMS)]
        for name, load in loads.items()
        for label, shown in _BESIDE.items()
    ]
    idle = next(r["idle_latency_ms"] for r in results if "idle_latency_ms" in r)
    rows.append(
        [
            "one order, idle system, accepted to filled, p50 / p99",
            *(f"{idle[s]['p50']:.1f} / {idle[s]['p99']:.1f} ms" for s in _SYSTEMS),
        ]
    )
    return markdown(["", *_SYSTEMS.values()], rows)


def fleet_table(result: Result) -> str:
    """Return the table of the benchmark of a fleet of accounts."""
    fleet = f"{result['accounts']:,} accounts of {result['positions']} positions"
    head = ["", "least", "median", "most", "first of all", "aim"]
    rows = [
        [
            f"{name} of {fleet}",
            *(f"{result[times][part]:,.0f} ms" for part in head[1:4]),
            f"{result[first]:,.0f} ms",
            "1,000 ms",
        ]
        for name, times, first in (
            ("marking", "marking_ms", "first_marking_ms"),
            ("portfolios", "update_ms", "first_update_ms"),
        )
    ]
    one = result["one_account_ms"]
    alone = f"portfolio of one of them, p50 {one['p50']:.1f} ms, p99 {one['p99']:.1f} ms"
    return markdown(head, [*rows, [alone, "", f"{one['p50']:.1f} ms", "", "", "5 ms"]])


def account_pages_table(result: Result) -> str:
    """Return the table of pages of an account beside stored rows."""
    rows = [
        [name, *(f"{page[part]:.1f} ms" for part in ("p50", "p95", "p99")), f"{page['kb']:.0f} kB"]
        for name, page in result["pages"].items()
    ]
    return markdown(["", "p50", "p95", "p99", "answer"], rows)


def ticks_table(result: Result) -> str:
    """Return the table of the benchmark of ticks."""
    rows = []
    for name, row in result.items():
        if "one_call_costs_times" in row:
            paced = row["at_100000_ticks_per_second"]
            rows.append(
                [
                    name,
                    f"{100 * paced['core_share']:.1f} %",
                    f"{paced['latest_message_ms']:.0f} ms",
                    f"{row['one_call_costs_times']:.1f} times",
                    f"{row['one_pipeline_costs_times']:.1f} times",
                ]
            )
    head = ["core used at 100,000 ticks/s", "latest message", "one call a tick costs"]
    return markdown(["", *head, "one pipeline of hashes"], rows)


#: The measurements of a load by label.
_BESIDE: Mapping[str, Callable[[Result, str], str]] = {
    "CPU an order ÷ bare loop": lambda load, s: (
        f"{load['ratios'][s]['cpu_an_order_to_bare_loop']:.2f}"
    ),
    "orders/s ÷ naive backend": lambda load, s: (
        f"{load['ratios'][s]['orders_per_second_to_naive']:.2f}"
    ),
    "orders/s": lambda load, s: f"{load[s]['orders_per_second']:,.0f}",
    "CPU an order": lambda load, s: f"{load[s]['cpu_us_per_order']:,.0f} µs",
}


def _loads_with_before(result: Result) -> Iterator[tuple[str, Result]]:
    """Yield the loads of a run in which another revision took its turn."""
    for name, load in result.items():
        if "a request" in name and "before" in load:
            yield name, load


def _ratios(result: Result, loads: Result, systems: Sequence[str]) -> str:
    rows = [row for name, load in loads.items() for row in _load_ratios(name, load, systems)]
    for name, rival in result.get("rivals", {}).items():
        last = list(loads)[-1]
        row = [
            round(loads[last][s]["orders_per_cpu_second"] / rival["orders_per_cpu_second"], 2)
            for s in systems
        ]
        rows.append([f"{last}: orders a CPU-second ÷ {name}", *row])
    if "emergency" in result:
        row = [result["emergency"][s]["ratio_of_p99"] for s in systems]
        rows.append(["emergency p99 behind a backlog ÷ idle", *row])
    return markdown(["ratio", *(_SYSTEMS[s] for s in systems)], rows)


def _load_ratios(name: str, load: Result, systems: Sequence[str]) -> Iterator[list[object]]:
    ratios = [load["ratios"][s] for s in systems]
    yield [f"{name}: CPU an order ÷ bare loop", *(r["cpu_an_order_to_bare_loop"] for r in ratios)]
    yield [f"{name}: orders/s ÷ naive backend", *(r["orders_per_second_to_naive"] for r in ratios)]
    if "before" in systems:
        used = [load[s]["cpu_us_per_order"] for s in systems]
        before = load["before"]["cpu_us_per_order"]
        yield [f"{name}: CPU an order ÷ before", *(round(us / before, 2) for us in used)]


def _rates(loads: Result, systems: Sequence[str]) -> str:
    rows = []
    for name, load in loads.items():
        measured = [("naive backend", load["naive"])]
        for s in systems:
            measured += [(_SYSTEMS[s], load[s]), (_of("bare loop", s, systems), load[s]["bare"])]
        rows += [
            [name, who, *_rate(row), *_milliseconds(row["latency_ms"])] for who, row in measured
        ]
    head = ["load", "", "orders", "orders/s", "CPU an order", "orders a CPU-second", "p50", "p99"]
    return markdown(head, rows)


def _rate(row: Result) -> list[str]:
    return [
        f"{row['orders']:,.0f}",
        f"{row['orders_per_second']:,.0f}",
        f"{row['cpu_us_per_order']:,.0f} µs",
        f"{row['orders_per_cpu_second']:,.0f}",
    ]


def _milliseconds(latency: Result) -> list[str]:
    return [f"{latency[name]:,.1f} ms" if latency else "" for name in ("p50", "p99")]


def _cpu(loads: Result, systems: Sequence[str]) -> str:
    columns = [(name, s) for name in loads for s in systems]
    used = [loads[name][s]["cpu_us_by_process"] for name, s in columns]
    rows = [
        [label, *(f"{by_process.get(role, 0):,.0f}" for by_process in used)]
        for role, label in _PROCESSES.items()
    ]
    rest = [sum(us for role, us in each.items() if role not in _PROCESSES) for each in used]
    rows.append(["rest", *(f"{us:,.0f}" for us in rest)])
    head = [_of(name, s, systems) for name, s in columns]
    return markdown(["CPU µs an order", *head], rows)


def _latencies(result: Result, systems: Sequence[str]) -> str:
    kinds = {
        "idle_ms": "emergency, idle system",
        "behind_backlog_ms": "emergency behind a backlog of others",
        "behind_own_backlog_ms": "emergency behind a backlog of its account",
    }
    rows = []
    for s in systems:
        idle = result.get("idle_latency_ms", {})
        measured = {"one order, idle system": idle[s]} if idle else {}
        if "emergency" in result:
            measured |= {label: result["emergency"][s][kind] for kind, label in kinds.items()}
        rows += [
            [_of(label, s, systems), *(f"{row[p]:.1f} ms" for p in ("p50", "p95", "p99"))]
            for label, row in measured.items()
        ]
    return markdown(["accepted to filled", "p50", "p95", "p99"], rows)


def _rivals(rivals: Result, loads: Result) -> str:
    load = list(loads)[-1]
    measured = {f"Angel-X over HTTP, {load}": loads[load]["angel_x"]}
    measured |= {f"{name}, one commit an order": rival for name, rival in rivals.items()}
    rows = [[name, *_rate(row)] for name, row in measured.items()]
    return markdown(["", "orders", "orders/s", "CPU an order", "orders a CPU-second"], rows)


def _of(label: str, system: str, systems: Sequence[str]) -> str:
    return label if len(systems) == 1 else f"{label} ({_SYSTEMS[system]})"


def markdown(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """Return cells as a table."""
    return "\n".join(_line(cells) for cells in (head, ["---"] * len(head), *rows))


def _line(cells: Sequence[object]) -> str:
    return "|" + "".join(" |" if cell == "" else f" {cell} |" for cell in cells)
