"""The compose file as Docker would read it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
FILE = DEPLOY / "compose.yaml"

#: ``${NAME:?}``: a variable that must be set.
_VARIABLE = re.compile(r"\$\{([A-Z_]+):\?\}")
_ANY_VARIABLE = re.compile(r"\$\{")

Service = dict[str, Any]


def document() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return parsed


def services() -> dict[str, Service]:
    """Return every service with its variables filled in."""
    filled: dict[str, Service] = _filled(document()["services"])
    return filled


def ours() -> dict[str, Service]:
    """Return the services that run our image."""
    return {name: s for name, s in services().items() if s["image"] == "angel-x"}


def needed_variables() -> set[str]:
    text = FILE.read_text(encoding="utf-8")
    names = set(_VARIABLE.findall(text))
    # One in another form would be empty where somebody forgot it.
    assert len(_ANY_VARIABLE.findall(text)) == len(_VARIABLE.findall(text))
    return names


def _filled(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _filled(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(value) for value in node]
    if isinstance(node, str):
        return _VARIABLE.sub(lambda found: f"{found[1].lower()}-0123456789", node)
    return node
