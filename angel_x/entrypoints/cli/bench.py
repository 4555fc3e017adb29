"""Benchmarks, which are part of the repository and run from a checkout of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC
from pathlib import Path

import click

import angel_x
from angel_x.adapters.clock import wall_clock
from angel_x.entrypoints.cli.options import as_json
from angel_x.errors import BenchmarksMissing

_quick = click.option("--quick", is_flag=True, help="Small sizes: minutes instead of an hour.")
_output = click.option(
    "--output", type=click.Path(path_type=Path), help="Write the JSON document to this file too."
)
_run_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(invoke_without_command=True)
@click.option("--quick", is_flag=True, help="Small sizes: less than two minutes.")
@click.option(
    "--only", multiple=True, metavar="PART", help="One part, repeatable; a wrong name shows all."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="File of the run; by default bench-<UTC time>.json.",
)
@as_json
@click.pass_context
def bench(
    context: click.Context,
    only: tuple[str, ...],
    output: Path | None,
    *,
    quick: bool,
    as_json: bool,
) -> None:
    """Measure this machine, each row beside a baseline in one run; servers of its own are started."""
    if context.invoked_subcommand is not None:
        return
    output = output or Path(f"bench-{wall_clock().astimezone(UTC):%Y%m%dT%H%M%SZ}.json")
    parts = [word for name in only for word in ("--only", name)]
    context.exit(_run("suite", output, arguments=parts, quick=quick, as_json=as_json))


@bench.command()
@click.argument("before", type=_run_file)
@click.argument("after", type=_run_file)
@as_json
@click.pass_context
def compare(context: click.Context, before: Path, after: Path, *, as_json: bool) -> None:
    """Compare two run files row by row, with the bounds of noise; exit code 1: a row is slower."""
    files = [str(path.absolute()) for path in (before, after)]
    context.exit(_run("comparing", None, arguments=files, as_json=as_json))


@bench.command()
@_quick
@_output
@as_json
@click.pass_context
def scale(context: click.Context, output: Path | None, *, quick: bool, as_json: bool) -> None:
    """Measure work at three sizes of the rows that lie there, and show how each grows."""
    context.exit(_run("scale", output, quick=quick, as_json=as_json))


@bench.command()
@_quick
@_output
@as_json
@click.pass_context
def accounts(context: click.Context, output: Path | None, *, quick: bool, as_json: bool) -> None:
    """Measure orders a second by the number of accounts and of order processes."""
    context.exit(_run("contention", output, quick=quick, as_json=as_json))


def _run(
    module: str,
    output: Path | None,
    *,
    arguments: Sequence[str] = (),
    quick: bool = False,
    as_json: bool,
) -> int:
    """Run a benchmark in its checkout; return its exit code."""
    checkout = Path(angel_x.__file__).resolve().parents[1]
    if not (checkout / "benchmarks" / f"{module}.py").is_file():
        raise BenchmarksMissing(
            "the benchmarks are part of the repository, not of the installed package: "
            "install its checkout with pip install -e, and run the command again"
        )
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    command += ["--quick"] if quick else []
    command += ["--json", str(output.absolute())] if output else []
    command += ["--print-json"] if as_json else []
    return subprocess.run(command, cwd=checkout, check=False).returncode  # noqa: S603 - ours
