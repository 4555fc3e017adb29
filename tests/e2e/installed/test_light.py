"""``pip install angel-x`` alone is the client: no server's library is there, and none is missed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.installed.conftest import metadata
from tests.e2e.installed.installing import Installation
from tests.e2e.processes import ROOT

#: Every call is refused by an address where nothing listens, after its imports.
PROGRAM = """
import asyncio
import inspect
from importlib import import_module
from pkgutil import walk_packages

import angel_x.client
from angel_x import AsyncClient, Client
from angel_x.errors import Unavailable

for found in walk_packages(angel_x.client.__path__, "angel_x.client."):
    import_module(found.name)

with Client("http://127.0.0.1:9", "key", retries=0) as client:
    for call in (
        lambda: client.submit({"symbol": "NIFTY"}),
        lambda: client.option_chain("NIFTY"),
        lambda: client.chain_summary("NIFTY"),
        lambda: next(client.quotes(["NIFTY"])),
        lambda: client.portfolio(),
        lambda: client.strategies(),
    ):
        try:
            call()
        except Unavailable as error:
            print("unavailable")


async def main():
    async with AsyncClient("http://127.0.0.1:9", "key", retries=0) as client:
        try:
            await client.option_chain("NIFTY")
        except Unavailable:
            print("unavailable")


asyncio.run(main())
"""
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
#: Of the table in the README.
EXTRAS = {
    "server", "embedded", "fast", "desk", "live", "alerts", "arrow", "profile", "tracing",
    "docs", "bench", "rivals", "test",
}  # fmt: skip


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": ""}


def test_it_depends_on_two_packages(wheel: Path) -> None:
    lines = metadata(wheel).get_all("Requires-Dist") or []

    alone = {line.partition(">")[0] for line in lines if "extra ==" not in line}
    assert alone == {"msgspec", "urllib3"}


def test_every_extra_is_declared_and_documented(wheel: Path) -> None:
    assert set(metadata(wheel).get_all("Provides-Extra") or []) == EXTRAS
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for extra in EXTRAS - {"docs", "bench", "rivals", "test"}:
        assert f"| `[{extra}]` |" in readme, extra


def test_the_client_works_alone(light: Installation, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")

    done = light.run(light.python, "program.py", cwd=tmp_path, environment=environment())

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["unavailable"] * 7


def test_nothing_else_can_be_imported_there(light: Installation, tmp_path: Path) -> None:
    for module in ("celery", "fastapi", "sqlalchemy", "numpy", "click", "httpx"):
        done = light.run(
            light.python, "-c", f"import {module}", cwd=tmp_path, environment=environment()
        )
        assert f"No module named '{module}'" in done.stderr


def test_a_command_names_the_extra_that_it_needs(light: Installation, tmp_path: Path) -> None:
    done = light.run(light.command, "orders", cwd=tmp_path, environment=environment())

    assert done.returncode == 1
    assert done.stderr == "Error: click is not installed: pip install 'angel-x[server]'\n"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_answer_for_help(
    light: Installation, installation: Installation, tmp_path: Path, example: Path
) -> None:
    # Those that are Celery programs need what they import.
    text = example.read_text(encoding="utf-8")
    where = installation if "celery" in text else light

    done = where.run(where.python, example, "--help", cwd=tmp_path, environment=environment())

    assert done.returncode == 0, done.stderr
    assert example.name in done.stdout
