from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

from tests.unit.deploy.compose import DEPLOY, ROOT

FILE = DEPLOY / "Dockerfile"
TEXT = FILE.read_text(encoding="utf-8")


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name} (.+)$", TEXT, re.MULTILINE)


def test_the_dockerfile_is_clean() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"

    checked = subprocess.run([hadolint, FILE], capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_kubernetes_can_see_that_the_image_does_not_run_as_root() -> None:
    assert instructions("USER") == ["10001:10001"]


def test_signals_reach_the_process_and_no_shell() -> None:
    assert instructions("ENTRYPOINT") == ['["angel-x"]']


def test_every_base_image_is_pinned_to_a_release() -> None:
    assert instructions("FROM")
    for image in instructions("FROM"):
        assert re.match(r"python:3\.11\.\d+-slim-\w+", image)


def test_what_is_copied_exists_and_is_let_in() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = {
        source
        for line in instructions("COPY")
        if not line.startswith("--from")
        for source in line.split()[:-1]
    }

    assert ignored[1] == "*"
    assert copied == let_in
    for source in copied:
        assert (ROOT / source).exists(), source


def test_the_volume_belongs_to_the_user_of_the_image() -> None:
    parsed = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))

    assert "uid=10001,gid=10001" in parsed["volumes"]["run"]["driver_opts"]["o"]
