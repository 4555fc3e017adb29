"""The overlays of Kubernetes, as kubectl renders them: restricted, complete, and with commands that exist."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from angel_x.domain.operations.metric import Metric
from config.celery_options import TIME_LIMIT
from config.loading import load
from config.queues import WORKER_QUEUES, QueueName
from tests.unit.deploy import compose
from tests.unit.deploy.test_compose import parsed

FOLDER = compose.DEPLOY / "kubernetes"
OVERLAYS = sorted(path.name for path in (FOLDER / "overlays").iterdir())
KUBECTL = shutil.which("kubectl")
COMPONENT = "app.kubernetes.io/component"
WORKERS = {f"worker-{kind}" for kind in WORKER_QUEUES}
PROCESSES = WORKERS | {"api", "beat", "relay", "feed", "flower", "metrics", "desk", "telegram"}
ONCE = {"migrate", "contracts"}

pytestmark = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")

Resource = dict[str, Any]


@cache
def rendered(overlay: str) -> tuple[Resource, ...]:
    command = [str(KUBECTL), "kustomize", str(FOLDER / "overlays" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def of_kind(overlay: str, *kinds: str) -> dict[str, Resource]:
    return {r["metadata"]["name"]: r for r in rendered(overlay) if r["kind"] in kinds}


def pods(overlay: str) -> dict[str, Resource]:
    found = of_kind(overlay, "Deployment", "Job")
    return {name: each["spec"]["template"]["spec"] for name, each in found.items()}


def container(pod: Resource) -> Resource:
    (only,) = pod["containers"]
    return dict(only)


def variables(overlay: str, pod: Resource, secrets: Path) -> dict[str, str]:
    """Return the environment of a pod, its secrets in files of this machine."""
    given = {
        **of_kind(overlay, "ConfigMap")["angel-x"]["data"],
        **{each["name"]: each["value"] for each in container(pod).get("env", ())},
    }
    for name, value in given.items():
        if name.endswith("_FILE"):
            file = secrets / value.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(SECRETS[Path(value).name], encoding="utf-8")
            given[name] = str(file)
    return given


SECRETS = {
    "database-url": "postgresql://someone:secret@postgres/angelx",
    "broker-url": "redis://:secret@broker:6379/0",
    "cache-url": "redis://:secret@cache:6379/0",
    "password": "correct horse battery",
    "alerts-key": f"{'k' * 43}=",
    "token": f"123:{'t' * 35}",
}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_process_has_a_deployment(overlay: str) -> None:
    assert set(of_kind(overlay, "Deployment")) == PROCESSES
    assert set(of_kind(overlay, "Job")) == ONCE


@pytest.mark.parametrize("name", sorted(PROCESSES | ONCE))
def test_a_command_and_its_settings_are_those_of_the_product(name: str, tmp_path: Path) -> None:
    pod = pods("production")[name]

    assert parsed(container(pod)["args"]).command.callback is not None
    settings = load(variables("production", pod, tmp_path))
    assert settings.database_url
    assert settings.broker_url != settings.cache_url
    assert settings.own_metrics_port == settings.metrics_port
    if name.startswith("worker-"):
        assert container(pod)["args"] == ["worker", name.removeprefix("worker-")]


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("name", sorted(PROCESSES | ONCE))
def test_a_pod_has_no_rights_and_no_secret_in_its_environment(overlay: str, name: str) -> None:
    pod = pods(overlay)[name]
    only = container(pod)

    assert pod["automountServiceAccountToken"] is False
    # The variables of services would be taken for settings.
    assert pod["enableServiceLinks"] is False
    image = (compose.DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert f"USER {pod['securityContext']['runAsUser']}:" in image
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert only["resources"]["limits"]["memory"]
    assert only["resources"]["requests"].keys() == {"cpu", "memory"}
    secret = [
        each["name"]
        for each in only.get("env", ())
        if re.search(r"PASSWORD$|(?<!API)_URL$", each["name"])
    ]
    assert secret == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_only_migrations_and_partitions_own_the_schema(overlay: str) -> None:
    owners = {
        name
        for name, pod in pods(overlay).items()
        for volume in pod["volumes"]
        if volume.get("secret", {}).get("secretName") == "angel-x-owner"
    }

    assert owners == {"migrate", "worker-monitor"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_metrics_read_and_count_and_have_no_other_secret(overlay: str) -> None:
    secrets = {v["name"]: v["secret"] for v in pods(overlay)["metrics"]["volumes"] if "secret" in v}
    given = {each["name"]: each["value"] for each in container(pods(overlay)["metrics"])["env"]}

    assert secrets["secrets"]["items"] == [{"key": "cache-url", "path": "cache-url"}]
    assert secrets["reader"]["secretName"] == "angel-x-reader"
    assert given == {
        f"ANGEL_X_{name}_URL_FILE": f"/run/secrets/reader/{name.lower()}-url"
        for name in ("DATABASE", "BROKER")
    }


@pytest.mark.parametrize("name", sorted(PROCESSES))
def test_a_probe_asks_for_its_own_process_by_a_program_of_the_image(name: str) -> None:
    probe = container(pods("production")[name])["livenessProbe"]

    if "httpGet" in probe:
        ports = {port["name"] for port in container(pods("production")[name])["ports"]}
        assert probe["httpGet"]["port"] in ports
        return
    *_, program, role = probe["exec"]["command"]
    assert (compose.DEPLOY / "probes" / Path(program).name).is_file()
    assert role == name.removeprefix("worker-")
    assert (Path(program).name == "consuming.py") is (name in WORKERS)


def test_a_worker_that_is_wedged_is_found_within_thirty_seconds(tmp_path: Path) -> None:
    pod = pods("production")["worker-orders"]
    probe = container(pod)["livenessProbe"]
    deaf = load(variables("production", pod, tmp_path)).deaf_after_seconds

    assert deaf + probe["periodSeconds"] * probe["failureThreshold"] <= 30


@pytest.mark.parametrize("kind", ["emergency", "orders", "matching"])
def test_an_order_worker_may_finish_its_task_before_it_is_killed(kind: str) -> None:
    for overlay in OVERLAYS:
        assert pods(overlay)[f"worker-{kind}"]["terminationGracePeriodSeconds"] > TIME_LIMIT


def test_two_of_each_vital_process_run_and_one_stays_while_hosts_are_drained() -> None:
    deployments = of_kind("production", "Deployment")
    budgets = of_kind("production", "PodDisruptionBudget")

    assert set(budgets) == {"api", "relay", "worker-emergency", "worker-orders", "worker-matching"}
    for name, budget in budgets.items():
        assert budget["spec"]["selector"]["matchLabels"][COMPONENT] == name
        # Of those that are scaled, the number is that of the scaler.
        assert deployments[name]["spec"].get("replicas", 2) > budget["spec"]["minAvailable"]
    assert deployments["beat"]["spec"]["replicas"] == 2
    for overlay in OVERLAYS:
        assert of_kind(overlay, "Deployment")["feed"]["spec"]["replicas"] == 1
        assert of_kind(overlay, "Deployment")["feed"]["spec"]["strategy"] == {"type": "Recreate"}


def test_scalers_scale_what_exists_by_what_is_measured() -> None:
    scaler = of_kind("production", "ScaledObject")["worker-orders"]["spec"]
    (trigger,) = scaler["triggers"]
    greeks = of_kind("production", "HorizontalPodAutoscaler")["worker-greeks"]["spec"]

    assert scaler["scaleTargetRef"]["name"] in PROCESSES
    assert scaler["minReplicaCount"] >= 2
    name, queues = re.findall(r'(angel_x_\w+)\{queue=~"([^"]+)"\}', trigger["metadata"]["query"])[0]
    assert Metric(name) is Metric.QUEUE_OLDEST_SECONDS
    assert {QueueName(queue) for queue in queues.split("|")} < set(WORKER_QUEUES["orders"])
    assert greeks["scaleTargetRef"]["name"] == "worker-greeks"
    for each in ("worker-orders", "worker-greeks"):
        # An apply must not set the number that a scaler has set.
        assert "replicas" not in of_kind("production", "Deployment")[each]["spec"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_are_closed_but_for_the_api_and_the_metrics(overlay: str) -> None:
    policies = of_kind(overlay, "NetworkPolicy")
    every = {"app.kubernetes.io/name": "angel-x"}

    assert policies["closed"]["spec"] == {
        "podSelector": {"matchLabels": every},
        "policyTypes": ["Ingress", "Egress"],
    }
    opened = {n for n, p in policies.items() if "ingress" in p["spec"]}
    assert opened == {"api", "desk", "metrics"}
    for name in opened:
        (rule,) = policies[name]["spec"]["ingress"]
        others = [source for source in rule["from"] if "namespaceSelector" not in source]
        clients = [
            {"podSelector": {"matchLabels": {**every, COMPONENT: client}}}
            for client in ("desk", "telegram")
        ]
        assert others == (clients if name == "api" else [])
    (namespace,) = of_kind(overlay, "Namespace").values()
    assert namespace["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}
    assert {r["metadata"].get("namespace") for r in rendered(overlay) if r is not namespace} == {
        namespace["metadata"]["name"]
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_resource_fits_the_schema_of_the_api(overlay: str) -> None:
    validate = pytest.importorskip(
        "kubernetes_validate", reason="make manifests installs it"
    ).validate

    builtin = [r for r in rendered(overlay) if r["kind"] != "ScaledObject"]
    assert len(builtin) > len(PROCESSES)
    for resource in builtin:
        assert validate(resource, "1.32", strict=True)
