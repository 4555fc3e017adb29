"""Plans, slow statements and sizes of the database."""

from __future__ import annotations

from dataclasses import asdict

import click

from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.database_size import TableSize, read_size
from angel_x.adapters.postgres.generated_rows import fill
from angel_x.adapters.postgres.hot_statements import hot_statements
from angel_x.adapters.postgres.plans import QueryPlan, explain_all
from angel_x.adapters.postgres.scratch import scratch_database
from angel_x.adapters.postgres.slow_queries import SlowQuery
from angel_x.adapters.postgres.slow_queries import slow_queries as read_slow_queries
from angel_x.entrypoints.cli.database_engine import database_engine
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.presentation.byte_sizes import in_bytes
from angel_x.entrypoints.presentation.printing import print_json, show, table

#: With fewer rows the planner would rather read a table from end to end.
_FEWEST_ROWS = 5000
_STATEMENT_WIDTH = 90


@click.command()
@click.option(
    "--rows",
    type=click.IntRange(min=_FEWEST_ROWS),
    default=1_000_000,
    show_default=True,
    help="Orders and positions to generate.",
)
@as_json
def explain(rows: int, *, as_json: bool) -> None:
    """Explain every hot statement on a large scratch database.

    The database is created beside the one of the system and dropped afterwards.  Exit code 1: a statement
    scans a large table from end to end.
    """
    with database_engine() as engine, scratch_database(engine) as scratch:
        schema.upgrade(scratch)
        fill(scratch, rows, lambda name: click.echo(f"filling {name}", err=True))
        # Generated tables have ``rows`` rows, the others far fewer.
        plans = explain_all(scratch, hot_statements(), large=rows // 2)
    if as_json:
        print_json({"rows": rows, "statements": [asdict(plan) for plan in plans]})
    else:
        columns = ["statement", ">cost", "indexes", "scans"]
        show(table(f"Statements on {rows:,} rows", columns, [_plan_cells(p) for p in plans]))
    scanning = sum(bool(plan.scanned) for plan in plans)
    if scanning:
        raise click.ClickException(f"{scanning} of {len(plans)} statements scan a large table")


@click.command("slow-queries")
@click.option("--limit", type=click.IntRange(min=1), default=10, show_default=True)
@as_json
def slow_queries(limit: int, *, as_json: bool) -> None:
    """Show the statements that have taken most of the server's time.

    Exit code 1 with the remedy: the server has no pg_stat_statements.
    """
    with database_engine() as engine:
        found = read_slow_queries(engine, limit)
    if as_json:
        print_json({"statements": [asdict(each) for each in found]})
        return
    columns = ["statement", ">calls", ">total ms", ">mean ms", ">max ms", ">rows a call"]
    show(table("Statements by total time", columns, [_query_cells(each) for each in found]))


@click.command()
@click.option("--indexes", type=click.IntRange(min=0), default=10, show_default=True)
@as_json
def size(indexes: int, *, as_json: bool) -> None:
    """Show the size of each table, with its indexes, TOAST and bloat, and the largest indexes."""
    with database_engine() as engine:
        found = read_size(engine, indexes=indexes)
    if as_json:
        tables = [{**asdict(t), "index_share": round(t.index_share, 3)} for t in found.tables]
        print_json({**asdict(found), "tables": tables})
        return
    columns = [
        "table",
        ">rows",
        ">dead",
        ">total",
        ">heap",
        ">indexes",
        ">index %",
        ">TOAST",
        ">bloat",
    ]
    show(
        table(
            f"Database of {in_bytes(found.bytes)}", columns, [_size_cells(t) for t in found.tables]
        )
    )
    largest = [[i.name, i.table, in_bytes(i.bytes), f"{i.scans:,}"] for i in found.indexes]
    show(table("Largest indexes", ["index", "table", ">size", ">scans"], largest))


def _plan_cells(plan: QueryPlan) -> list[str]:
    scans = f"SCANS {', '.join(plan.scanned)}" if plan.scanned else "-"
    return [plan.statement, f"{plan.cost:,.0f}", ", ".join(plan.indexes) or "-", scans]


def _query_cells(query: SlowQuery) -> list[str]:
    times = (query.total_ms, query.mean_ms, query.max_ms)
    shown = query.statement[:_STATEMENT_WIDTH]
    return [shown, f"{query.calls:,}", *(f"{ms:,.1f}" for ms in times), f"{query.rows_a_call:,.1f}"]


def _size_cells(each: TableSize) -> list[str]:
    sizes = (each.total_bytes, each.heap_bytes, each.index_bytes)
    rows = [f"{each.rows:,}", f"{each.dead_rows:,}"]
    rest = [f"{each.index_share:.0%}", in_bytes(each.toast_bytes), in_bytes(each.bloat_bytes)]
    return [each.name, *rows, *map(in_bytes, sizes), *rest]
