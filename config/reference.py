"""The settings reference, made from the settings: ``python -m config.reference`` prints it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

from msgspec import Meta

from config.loading import defaults, overrides
from config.settings import ENVIRONMENTS, SETTINGS, Environment, Setting, Settings

#: Defaults that depend on the machine.
_MACHINE = {"node": "the host's name", "thread_pool_size": "4 a core, at most 64"}
_BOUNDS = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"), ("min_length", "length ≥"))

_HEAD = """\
# Settings

Made by `python -m config.reference`; do not edit.

Each setting is read from the environment variable `ANGEL_X_` + its name. `ANGEL_X_ENV` chooses the
column of defaults. An unknown name, a wrong type or a value out of bounds stops the process at start.

A setting whose type is *secret* is read from the file that `ANGEL_X_` + its name + `_FILE` names as well, without
the line end. Both at once, and a file that is missing, empty or not readable, stop the process at start.
"""


def described(setting: Setting, environments: Mapping[Environment, Settings]) -> tuple[str, ...]:
    """Return the name, type, default in each environment, meaning and user of one setting."""
    values = [_default(setting, environments[env]) for env in ENVIRONMENTS]
    return (
        f"`{setting.variable}`",
        ("secret " if setting.doc.secret else "") + _type(setting.type),
        *values,
        setting.doc.meaning,
        setting.doc.used_by,
    )


def describe() -> Iterator[tuple[str, ...]]:
    """Yield one row for each setting."""
    environments: Mapping[Environment, Settings] = {env: defaults(env) for env in ENVIRONMENTS}
    for setting in SETTINGS:
        yield described(setting, environments)


def reference() -> str:
    """Return the whole document."""
    columns = ("setting", "type", *ENVIRONMENTS, "meaning", "used by")
    rows = [columns, ("---",) * len(columns), *describe()]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{_HEAD}\n{table}\n"


def _default(setting: Setting, settings: Settings) -> str:
    if setting.name in _MACHINE and setting.name not in overrides(settings.env):
        return _MACHINE[setting.name]
    value = getattr(settings, setting.name)
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value is None else f"`{value}`"


def _type(annotation: Any) -> str:  # noqa: ANN401 - a typing construct
    kind, *extras = get_args(annotation)
    bounds = [
        f"{sign} {getattr(meta, name):,}"
        for meta in extras
        if isinstance(meta, Meta)
        for name, sign in _BOUNDS
        if getattr(meta, name) is not None
    ]
    return ", ".join([_kind(kind), *bounds])


def _kind(kind: Any) -> str:  # noqa: ANN401 - a typing construct
    if get_origin(kind) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(kind))
    names = {bool: "on or off (`true`, `false`)", int: "integer", float: "number"}
    return names.get(kind, "text")


if __name__ == "__main__":
    sys.stdout.write(reference())
