from __future__ import annotations

import base64
import socket
import stat
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from celery import Celery

from angel_x.entrypoints import flower
from config.celery_options import celery_options
from config.loading import load
from tests.e2e.processes import Processes, eventually

pytestmark = pytest.mark.e2e

SECRET = "5ec7e7of-the-broker"
PAGES = ("/workers", "/api/workers?refresh=1", "/worker/monitor@test", "/broker")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def status(url: str, password: str | None = None, method: str = "GET") -> int | None:
    """Return the status of an answer, None where nobody listens."""
    request = urllib.request.Request(url, method=method)
    if password:
        token = base64.b64encode(f"{flower.USER}:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return None


def test_flower_asks_for_a_password_and_changes_nothing(
    system: Processes, environment: dict[str, str]
) -> None:
    settings = load({**environment, "ANGEL_X_FLOWER_PORT": str(free_port())})
    arguments = flower.command()
    extra = flower.environment(settings, {})
    system.worker("monitor", "monitor")
    system.start("flower", *arguments[1:], **extra)
    url = f"http://127.0.0.1:{settings.flower_port}"

    assert eventually(lambda: status(f"{url}/workers"), "Flower answers") == 401

    password = flower.password(settings)
    assert status(f"{url}/workers", "wrong-password") == 401
    assert status(f"{url}/workers", password) == 200
    assert status(f"{url}/api/workers", password) == 200
    assert [status(f"{url}/metrics", shown) for shown in (None, "wrong-password", password)] == [
        401,
        401,
        200,
    ]
    for action in (
        "worker/shutdown/monitor@test",
        "worker/pool/grow/monitor@test",
        "worker/queue/cancel-consumer/monitor@test?queue=monitor",
        "task/revoke/0",
        "task/send-task/orders.submit",
        "task/async-apply/orders.submit",
    ):
        assert status(f"{url}/api/{action}", password, "POST") in {403, 405}, action
    assert not any(password in argument for argument in arguments)
    assert system.started[0].poll() is None


def body(url: str, password: str) -> str:
    token = base64.b64encode(f"{flower.USER}:{password}".encode()).decode()
    request = urllib.request.Request(url, headers={"Authorization": f"Basic {token}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(answer.read(), "utf-8")


def test_no_process_shows_the_password_of_the_broker(
    system: Processes, environment: dict[str, str]
) -> None:
    for name in ("ANGEL_X_BROKER_URL", "ANGEL_X_CACHE_URL"):
        # The servers of tests take any password of the user default.
        environment[name] = environment[name].replace("unix://", f"unix://default:{SECRET}@")
    environment["ANGEL_X_RESULT_URL"] = environment["ANGEL_X_CACHE_URL"]
    settings = load({**environment, "ANGEL_X_FLOWER_PORT": str(free_port())})
    system.worker("monitor", "monitor")
    system.start("beat", "-m", "celery", "-A", "beat_schedule.app", "beat")
    system.start("flower", *flower.command()[1:], **flower.environment(settings, {}))
    url, password = f"http://127.0.0.1:{settings.flower_port}", flower.password(settings)
    eventually(lambda: status(f"{url}/workers"), "Flower answers")
    app = Celery(set_as_current=False)
    app.conf.update(celery_options(settings))
    with app.connection() as connection:
        inspect = app.control.inspect(["monitor@test"], 10, connection=connection)
        shown = eventually(lambda: inspect.conf(with_defaults=True), "the worker answers")
    system.until_logged("beat", "Acquired lock")

    pages = {path: body(url + path, password) for path in PAGES}

    assert "redbeat_key_prefix" in pages["/api/workers?refresh=1"]
    assert "redbeat_key_prefix" in pages["/worker/monitor@test"]
    for text in (str(shown), str(inspect.stats()), *pages.values()):
        assert SECRET not in text
    for name in ("monitor", "beat", "flower"):
        assert SECRET not in system.log(name), name


def test_a_password_is_made_once_and_is_nobody_elses(tmp_path: Path) -> None:
    settings = load({"ANGEL_X_HOME": str(tmp_path / "home")})

    made = flower.password(settings)

    assert len(made) >= 24
    assert flower.password(settings) == made
    mode = (tmp_path / "home" / flower.PASSWORD_FILE).stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_password_that_is_set_is_used(tmp_path: Path) -> None:
    settings = load(
        {"ANGEL_X_HOME": str(tmp_path), "ANGEL_X_FLOWER_PASSWORD": "correct horse battery"}
    )

    assert flower.environment(settings, {})["FLOWER_BASIC_AUTH"] == "angel:correct horse battery"
    assert list(tmp_path.iterdir()) == []
