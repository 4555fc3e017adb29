"""A real Prometheus with the rules of deploy/, in a hurry: its intervals and the rules' patience are a twelfth."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
import yaml

from tests.e2e.processes import ROOT, eventually

DEPLOY = ROOT / "deploy" / "prometheus"
#: The rules wait for so many times less than in production, and pages are scraped each second.
HURRY = 12
_PATIENCE = re.compile(r"(\d+)([smh])")
_UNITS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Alert:
    """A firing alert."""

    name: str
    severity: str
    labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A server at an address."""

    url: str

    def is_ready(self) -> bool:
        try:
            return urllib3.request("GET", f"{self.url}/-/ready", retries=False).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def ask(self, path: str, **fields: str) -> Any:
        """Return the data of an answer of its API."""
        answer = urllib3.request("GET", f"{self.url}/api/v1/{path}", fields=fields).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def firing(self) -> list[Alert]:
        return [
            Alert(found["labels"]["alertname"], found["labels"]["severity"], found["labels"])
            for found in self.ask("alerts")["alerts"]
            if found["state"] == "firing"
        ]

    def pages(self) -> set[tuple[str, str]]:
        """Return name and subject of each critical alert that fires."""
        return {
            (each.name, each.labels.get("role", each.labels.get("server", "")))
            for each in self.firing()
            if each.severity == "critical"
        }


@contextmanager
def running(folder: Path, port: int, targets: dict[str, str]) -> Iterator[Prometheus]:
    """Run Debian's Prometheus over the targets of jobs, with our rules.

    Raises:
        FileNotFoundError: There is no Prometheus on the path.
    """
    program = shutil.which("prometheus")
    if program is None:
        raise FileNotFoundError("prometheus is not on the path: apt-get install prometheus")
    (folder / "alerts.yaml").write_text(_hurried((DEPLOY / "alerts.yaml").read_text("utf-8")))
    configuration = folder / "prometheus.yml"
    configuration.write_text(_pointed((DEPLOY / "prometheus.yml").read_text("utf-8"), targets))
    command = [
        program,
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'series'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        server = Prometheus(f"http://127.0.0.1:{port}")
        eventually(server.is_ready, "Prometheus answers", 300)
        yield server
    finally:
        process.terminate()
        process.wait(60)


def _hurried(rules: str) -> str:
    """Shorten for how long an alert holds before it fires; windows of rates stay."""
    parsed = yaml.safe_load(rules)
    for group in parsed["groups"]:
        for rule in group["rules"]:
            if matched := _PATIENCE.fullmatch(rule.get("for", "")):
                seconds = int(matched[1]) * _UNITS[matched[2]]
                rule["for"] = f"{max(1, seconds // HURRY)}s"
    return yaml.safe_dump(parsed)


def _pointed(configuration: str, targets: dict[str, str]) -> str:
    """Point the jobs of the file at targets; the others are left out."""
    parsed = yaml.safe_load(configuration)
    parsed["global"] = {
        "scrape_interval": "1s",
        "evaluation_interval": "1s",
        "scrape_timeout": "1s",
    }
    del parsed["alerting"]
    parsed["scrape_configs"] = [
        {"job_name": job["job_name"], "static_configs": [{"targets": [targets[job["job_name"]]]}]}
        for job in parsed["scrape_configs"]
        if job["job_name"] in targets
    ]
    return yaml.safe_dump(parsed)
