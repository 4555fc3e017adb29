"""Benchmarks, which are part of the repository and run from a checkout of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

import angel_x
from angel_x.entrypoints.cli.options import as_json
from angel_x.errors import BenchmarksMissing

_quick = click.option("--quick", is_flag=True, help="Small sizes: minutes instead of an hour.")
_output = click.option(
    "--output", type=click.Path(path_type=Path), help="Write the JSON document to this file too."
)


@click.group()
def bench() -> None:
    """Measure this machine; servers of its own are started."""


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


def _run(module: str, output: Path | None, *, quick: bool, as_json: bool) -> int:
    """Run a benchmark in its checkout; return its exit code."""
    checkout = Path(angel_x.__file__).resolve().parents[1]
    if not (checkout / "benchmarks" / f"{module}.py").is_file():
        raise BenchmarksMissing(
            "the benchmarks are part of the repository, not of the installed package: "
            "install its checkout with pip install -e, and run the command again"
        )
    command = [sys.executable, "-m", f"benchmarks.{module}"]
    command += ["--quick"] if quick else []
    command += ["--json", str(output.absolute())] if output else []
    command += ["--print-json"] if as_json else []
    return subprocess.run(command, cwd=checkout, check=False).returncode  # noqa: S603 - ours
