from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import pytest

from angel_x.adapters.postgres.grants import READER, ROLE
from angel_x.entrypoints.cli.root import cli
from config.celery_options import TIME_LIMIT
from config.loading import load
from config.queues import WORKER_QUEUES
from tests.unit.deploy import compose

SERVICES = compose.services()
OURS = compose.ours()
ONCE = {"migrate", "contracts"}
LASTING = sorted(set(OURS) - ONCE)
WITHOUT_DATABASE = {"beat", "desk", "flower"}
SERVERS = {"postgres", "broker", "cache"}
MONITORING = {"prometheus", "alertmanager", "grafana"}


def run(*command: str) -> subprocess.CompletedProcess[str]:
    program, *arguments = command
    path = Path(sys.executable).parent / program
    return subprocess.run([path, *arguments], capture_output=True, text=True, check=False)


def parsed(arguments: Sequence[str]) -> click.Context:
    """Return the innermost command that the CLI finds in these arguments, having read all of them.

    Raises:
        click.UsageError: The CLI has no such command, option or argument.
    """
    command: click.Command = cli
    rest, parent = list(arguments), None
    while True:
        context = command.make_context(command.name, rest, parent=parent)
        if not isinstance(command, click.Group):
            return context
        if command.invoke_without_command and not set(rest) & set(command.commands):
            return context
        _, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command, parent = found, context


def test_the_file_fits_the_schema_of_compose() -> None:
    checked = run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(compose.FILE))

    assert checked.returncode == 0, checked.stdout


def test_the_yaml_is_clean() -> None:
    checked = run(
        "yamllint", "--strict", "-c", str(compose.DEPLOY / "yamllint.yaml"), str(compose.DEPLOY)
    )

    assert checked.returncode == 0, checked.stdout


def test_every_process_and_server_is_there() -> None:
    workers = {f"worker-{kind}" for kind in WORKER_QUEUES}

    assert set(OURS) == ONCE | workers | {
        *("api", "beat", "desk", "relay", "feed", "flower", "metrics", "telegram")
    }
    assert set(SERVICES) - set(OURS) == SERVERS | MONITORING
    assert {n for n in SERVICES if SERVICES[n].get("profiles") == ["monitoring"]} == MONITORING
    assert {name for name in OURS if OURS[name].get("deploy", {}).get("replicas") == 2} == {
        "beat",
        "relay",
    }


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_command_is_one_of_the_command_line(name: str) -> None:
    context = parsed(OURS[name]["command"])

    assert context.command.callback is not None


@pytest.mark.parametrize("arguments", [["worker", "order"], ["serve"], ["db", "up"], ["api", "-x"]])
def test_a_command_that_the_command_line_has_not_would_be_found(arguments: list[str]) -> None:
    with pytest.raises(click.UsageError):
        parsed(arguments)


@pytest.mark.parametrize("name", sorted(set(OURS) - {"desk"}))
def test_the_settings_of_a_process_load(name: str) -> None:
    settings = load(OURS[name]["environment"])

    assert settings.env == "production"
    assert (settings.database_url is None) is (name in WITHOUT_DATABASE)
    assert settings.broker_url != settings.cache_url
    assert settings.home == "/run/angel-x"


def test_commands_by_telegram_are_for_systems_that_have_a_bot() -> None:
    service = OURS["telegram"]

    assert service["profiles"] == ["telegram"]
    # Passed on from the environment of the operator, where it is set.
    assert service["environment"]["ANGEL_X_TELEGRAM_TOKEN"] is None
    assert service["environment"]["ANGEL_X_API_URL"] == "http://api:8000"


def test_the_desk_knows_the_api_and_no_password() -> None:
    settings = load(OURS["desk"]["environment"])

    assert settings.env == "production"
    assert settings.api_url == "http://api:8000"
    assert list(settings.secrets) == []


@pytest.mark.parametrize("name", ["api", "desk", "flower", "metrics"])
def test_what_listens_is_published_to_this_machine_only(name: str) -> None:
    settings = load(OURS[name]["environment"])
    port = {
        "api": settings.api_port,
        "desk": settings.desk_port,
        "flower": settings.flower_port,
        "metrics": settings.metrics_port,
    }[name]

    assert settings.api_host == "0.0.0.0"
    assert OURS[name]["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_nothing_else_is_published() -> None:
    published = {name for name in SERVICES if "ports" in SERVICES[name]}

    assert published == {"api", "desk", "flower", "metrics"} | MONITORING
    for name in published:
        assert all(port.startswith("127.0.0.1:") for port in SERVICES[name]["ports"])


@pytest.mark.parametrize("name", [*LASTING, *sorted(SERVERS | MONITORING)])
def test_what_lasts_is_asked_whether_it_lives(name: str) -> None:
    check = SERVICES[name]["healthcheck"]

    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert check["start_period"]
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", LASTING)
def test_a_probe_is_in_the_image_and_asks_for_its_own_process(name: str) -> None:
    _, program, *options, path, argument = OURS[name]["healthcheck"]["test"]

    assert program == "python"
    assert (options == ["-I", "-S"]) is (Path(path).name == "consuming.py")
    assert (compose.DEPLOY / "probes" / Path(path).name).is_file()
    if Path(path).name in {"alive.py", "consuming.py"}:
        assert argument == OURS[name]["command"][-1] or argument == name
    else:
        assert f":{OURS[name]['ports'][0].split(':')[1]}/" in argument


def shown_command(name: str) -> str:
    """Return the command of a service, with the script that it runs."""
    shown = " ".join(map(str, SERVICES[name].get("command", [])))
    if name == "broker":
        shown += (compose.DEPLOY / "broker.sh").read_text(encoding="utf-8")
    return shown


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_password_is_an_argument_of_a_process(name: str) -> None:
    shown = shown_command(name)

    assert "-0123456789" not in shown
    assert "--requirepass" not in shown
    if name in {"broker", "cache"}:
        assert f"/etc/valkey/{name}.conf - <<END" in shown
        environment = dict(SERVICES[name]["environment"])
        assert environment.pop("REDISCLI_AUTH") == f"{name}_password-0123456789"
        users = {"BROKER_SENDER_PASSWORD", "BROKER_METRICS_PASSWORD"}
        assert set(environment) == (users if name == "broker" else set())


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_everything_has_a_memory_limit_and_time_to_stop(name: str) -> None:
    assert SERVICES[name]["mem_limit"]
    assert SERVICES[name]["stop_grace_period"].endswith("s")


@pytest.mark.parametrize("kind", ["emergency", "orders", "matching"])
def test_an_order_worker_may_finish_its_task_before_it_is_killed(kind: str) -> None:
    assert int(SERVICES[f"worker-{kind}"]["stop_grace_period"].removesuffix("s")) > TIME_LIMIT


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_processes_can_change_nothing_but_their_own_directory(name: str) -> None:
    assert OURS[name]["read_only"] is True
    assert OURS[name]["cap_drop"] == ["ALL"]
    archive = ["archive:/var/lib/angel-x/archive"] if name == "worker-monitor" else []
    home = [] if name == "desk" else ["run:/run/angel-x"]
    assert OURS[name]["volumes"] == [*home, *archive]


def test_the_broker_and_the_cache_are_two_servers_with_two_configurations() -> None:
    files = {name: SERVICES[name]["volumes"][-1].split(":")[0] for name in ("broker", "cache")}

    assert files == {"broker": "./redis-broker.conf", "cache": "./redis-cache.conf"}


def mounted_files() -> list[tuple[str, str]]:
    """Return service and mount of every file of the repository that a service gets."""
    mounts = ((name, mount) for name in SERVICES for mount in SERVICES[name].get("volumes", ()))
    return sorted((name, mount) for name, mount in mounts if mount.startswith("./"))


def test_servers_get_files() -> None:
    assert {name for name, _ in mounted_files()} == SERVERS | MONITORING


@pytest.mark.parametrize(("name", "mount"), mounted_files())
def test_a_file_that_is_mounted_exists_and_is_the_one_that_is_read(name: str, mount: str) -> None:
    source, target, mode = mount.split(":")

    assert (compose.DEPLOY / source).exists()
    assert mode == "ro"
    # Where an image looks by itself.
    usual = (
        "/docker-entrypoint-initdb.d/",
        "/etc/prometheus/",
        "/etc/alertmanager/",
        "/etc/grafana/provisioning",
        # Named by the provisioning.
        "/var/lib/grafana/dashboards",
    )
    assert target in shown_command(name) or target.startswith(usual)


def test_only_who_changes_the_schema_owns_it() -> None:
    owners = {name for name, service in OURS.items() if "//angelx:" in _database_url(service)}
    roles = (compose.DEPLOY / "postgres-roles.sql").read_text(encoding="utf-8")

    assert owners == {"migrate", "worker-monitor"}
    for name in set(OURS) - owners - WITHOUT_DATABASE - {"metrics"}:
        assert _database_url(OURS[name]).startswith(f"postgresql://{ROLE}:"), name
    for role in (ROLE, READER):
        assert f"CREATE ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE " in roles
    assert (
        "./postgres-roles.sql:/docker-entrypoint-initdb.d/roles.sql:ro"
        in SERVICES["postgres"]["volumes"]
    )


def test_a_process_that_looks_has_a_role_that_reads_and_a_user_that_counts() -> None:
    environment = OURS["metrics"]["environment"]

    assert _database_url(OURS["metrics"]).startswith(f"postgresql://{READER}:")
    assert environment["ANGEL_X_BROKER_URL"].startswith("redis://metrics:")
    assert "ANGEL_X_ALERTS_KEY" not in environment


@pytest.mark.parametrize("name", sorted(WITHOUT_DATABASE))
def test_a_process_that_asks_no_database_has_no_password_of_it(name: str) -> None:
    environment = OURS[name]["environment"]

    assert not {"ANGEL_X_DATABASE_URL", "ANGEL_X_ALERTS_KEY"} & environment.keys()


def _database_url(service: compose.Service) -> str:
    return str(service["environment"].get("ANGEL_X_DATABASE_URL"))


def test_every_password_that_is_needed_is_in_the_example() -> None:
    lines = (compose.DEPLOY / "env.example").read_text(encoding="utf-8").splitlines()
    listed = {line.removesuffix("=") for line in lines if line and not line.startswith("#")}

    secrets = {each["environment"] for each in compose.document()["secrets"].values()}
    assert listed == compose.needed_variables() | secrets


@pytest.mark.parametrize("name", ["broker", "cache"])
def test_a_redis_may_open_files_for_all_of_its_clients(name: str) -> None:
    # Of its default of 10,000 clients it would take only as many as it may open files, less 32.
    assert SERVICES[name]["ulimits"]["nofile"]["soft"] >= 10_000 + 32


def test_the_api_may_open_files_for_all_of_its_connections() -> None:
    settings = load(OURS["api"]["environment"])
    own = settings.db_max_pool_size + 2 * settings.redis_pool_size + 128

    nofile = SERVICES["api"]["ulimits"]["nofile"]

    assert nofile["soft"] >= settings.api_max_connections + own
