"""The report for people: traders and operators."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from angel_x.entrypoints.presentation.chains import chain_table
from angel_x.entrypoints.presentation.indian import decimals, grouped, whole
from angel_x.entrypoints.presentation.positions import position_table
from angel_x.entrypoints.presentation.printing import table
from angel_x.rehearsal.demo.refusals import DemoRefusal
from angel_x.rehearsal.demo.report import AccountReport, DemoOutcome, DemoReport, Trading
from angel_x.rehearsal.demo.scenarios import ScenarioResult
from angel_x.rehearsal.rendering import latency_table, print_parts, rules_table

_STRIKES = 5
_NET_GREEKS = ("delta", "vega", "theta")
_POSITIONS = 6


def render(report: DemoReport, console: Console, *, runs: bool) -> None:
    """Print the report; ``runs`` is whether the system still runs."""
    print_parts(_parts(report, runs=runs), console)


def _parts(report: DemoReport, *, runs: bool) -> Iterator[object]:
    yield _orders(report.trading)
    yield _latency(report.trading)
    yield _speed(report)
    yield _worker_kill(report)
    yield _scenarios(report)
    yield _refusals(report)
    yield _accounts(report)
    richest = max(report.accounts, key=lambda account: len(account.positions))
    largest = sorted(richest.positions, key=lambda held: -abs(held.cost))
    shown = largest[:_POSITIONS]
    title = f"Positions of {richest.name} ({len(shown)} of {len(richest.positions)})"
    yield position_table(title, shown)
    yield chain_table(report.chain, _STRIKES)
    yield _memory(report)
    yield rules_table("Invariants", report.invariants)
    if runs:
        yield table("Where to look", ("", ""), report.where_to_look)
    yield _conclusion(report)


def _orders(trading: Trading) -> Table:
    rows = [(status, grouped(count), "") for status, count in trading.by_status.items()]
    rows += [("", grouped(count), f"denied: {why}") for why, count in trading.denials.items()]
    rows += [("", grouped(count), f"cancel: {how}") for how, count in trading.cancels.items()]
    rows.append(("", grouped(trading.replayed), "sent twice, kept once"))
    return table("Orders", ("status", ">orders", ""), rows)


def _latency(trading: Trading) -> Table:
    title = "Accepted until closed or working, the outage included"
    return latency_table(title, trading.latency)


def _speed(report: DemoReport) -> str:
    trading = report.trading
    return (
        f"{grouped(trading.accepted)} orders in {trading.seconds:.1f} s: "
        f"[bold]{grouped(round(trading.orders_per_second))} orders/s[/], all components on, "
        f"one worker killed on the way."
    )


def _worker_kill(report: DemoReport) -> str:
    worker_kill = report.worker_kill
    busy = (
        f"process {worker_kill.busy} was at work"
        if worker_kill.busy
        else "none of them was at work"
    )
    dead = "All of it is dead" if worker_kill.is_dead else "It is NOT all dead"
    successor = (
        f"process {worker_kill.successor} took over"
        if worker_kill.successor
        else "no other process had taken over"
    )
    return (
        f"kill -9 of the order worker {worker_kill.worker} with {len(worker_kill.children)} processes, "
        f"{busy}.  {dead}; {successor}."
    )


def _scenarios(report: DemoReport) -> Table:
    rows = ((each.name, _shown(each)) for each in report.scenarios)
    return table("Beyond buying and selling", ("", ""), rows)


def _shown(result: ScenarioResult) -> str:
    if not result.is_finished:
        return f"NOT FINISHED: {result.outcome}"
    return result.outcome if result.holds else f"NOT SO: {result.outcome}"


def _refusals(report: DemoReport) -> Table:
    rows = (
        (
            each.kind,
            str(each.status),
            _answer(each),
        )
        for each in report.refusals
    )
    return table("Bad input", ("kind", ">status", ""), rows)


def _answer(refusal: DemoRefusal) -> str:
    if refusal.is_right:
        return "refused"
    if not refusal.is_answered:
        return f"not answered in time: {refusal.detail}"
    return f"expected {refusal.expected}: {refusal.detail}"


def _accounts(report: DemoReport) -> Table:
    columns = (
        "account", ">equity", ">cash", ">margin", ">unrealised", ">realised", ">held",
        ">delta", ">vega", ">theta",
    )  # fmt: skip
    return table("Accounts", columns, map(_account, report.accounts), is_tight=True)


def _account(account: AccountReport) -> tuple[str, ...]:
    valued = account.portfolio
    amounts = (
        valued.equity,
        valued.cash,
        valued.margin_used,
        valued.unrealised_pnl,
        valued.realised_pnl,
    )
    greeks = [sum(getattr(net, name) for net in valued.greeks.values()) for name in _NET_GREEKS]
    return (
        account.name,
        *map(whole, amounts),
        grouped(valued.open_positions),
        *(decimals(sum_of_all, 0) for sum_of_all in greeks),
    )


def _memory(report: DemoReport) -> Table:
    rows = (
        (process, *(f"{float(str(seen[name])):,.1f}" for name in ("current_mb", "delta_mb")))
        for process, seen in report.memory.items()
    )
    return table("Memory", ("process", ">MB", ">since start"), rows)


def _conclusion(report: DemoReport) -> Text:
    if report.outcome is DemoOutcome.HOLDS:
        parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in report.phases.items())
        return Text(f"Everything holds.  ({parts})", "bold green")
    if report.outcome is DemoOutcome.UNFINISHED:
        return Text(
            f"NOT FINISHED in time: {', '.join(report.unfinished)}.  No rule is broken so far.",
            "bold yellow",
        )
    broken = sum(not invariant.holds for invariant in report.invariants)
    return Text(f"{broken} of {len(report.invariants)} rules are BROKEN.", "bold red")
