"""Keeps an installation a guest: the project around it has modules and variables of the same names.

Angel-X brings the top-level packages below.  A Celery project usually has a ``tasks.py``, a
``config.py`` and a ``CELERY_BROKER_URL`` of its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, MutableMapping
from importlib.util import find_spec
from pathlib import Path

from angel_x.errors import ShadowedPackage

#: Top-level packages that are installed beside ``angel_x``.
PACKAGES = ("beat_schedule", "config", "tasks")
#: The folder that ``angel_x`` and they are installed in.
_HOME = Path(__file__).parents[2]
#: Modules that an extra beside ``server`` brings; one of several extras is enough to name.
_EXTRAS = {
    "apprise": "alerts",
    "httpx": "live",
    "itsdangerous": "desk",
    "nicegui": "desk",
    "numba": "fast",
    "pyotp": "live",
    "websockets": "live",
}
#: Variables that Celery reads by itself, and prefers to the options of its app.
_CELERY_PREFIX = "CELERY_"
_CELERY_VARIABLES = frozenset(
    {"APP", "BROKER_URL", "CONFIG_MODULE", "DJANGO_SETTINGS_MODULE", "LOADER", "RESULT_BACKEND"}
)


def python(module: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs a module of ours, without the working directory on its path."""
    return (sys.executable, "-P", "-m", module, *arguments)


def extra_of(module: str) -> str | None:
    """Return the extra that brings a module which is not installed, None for a module of ours."""
    top = module.partition(".")[0]
    if top in ("angel_x", *PACKAGES):
        return None
    return _EXTRAS.get(top, "server")


def is_desk_installed() -> bool:
    """Return whether the extra ``desk`` is installed."""
    return find_spec("nicegui") is not None


def check_packages() -> None:
    """Check that imports find every package of Angel-X.

    Raises:
        ShadowedPackage: With the file that shadows a package, and a remedy.
    """
    faults = [fault for name in PACKAGES for fault in _faults(name, _HOME)]
    if faults:
        raise ShadowedPackage(tuple(faults))


def _faults(name: str, home: Path) -> Iterator[str]:
    ours, found = home / name / "__init__.py", _origin(name)
    if not ours.is_file():
        yield f"the package {name} of Angel-X is missing in {home}; install Angel-X again"
    elif found is None or not found.samefile(ours):
        yield f"{found} shadows the package {name} of Angel-X in {home}; {_way_out(found)}"


def _origin(name: str) -> Path | None:
    """Return the file that an import of a top-level module reads first, without importing it."""
    spec = find_spec(name)
    if spec is None:
        return None
    return Path(spec.origin) if spec.has_location and spec.origin else None


def _way_out(found: Path | None) -> str:
    folder = _entry_of(found)
    if folder is None:
        return "install Angel-X in an environment of its own"
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if any(entry and folder == Path(entry).absolute() for entry in given):
        return f"take {folder} off PYTHONPATH"
    if folder == Path.cwd():
        return "start Angel-X as `angel-x`, or with `python -P`"
    return f"take {folder} off Python's path, or install Angel-X in an environment of its own"


def _entry_of(found: Path | None) -> Path | None:
    """Return the entry of Python's path in which a top-level module was found."""
    if found is None:
        return None
    return found.parent.parent if found.name == "__init__.py" else found.parent


def forget_celery(environ: MutableMapping[str, str]) -> None:
    """Remove the variables of another Celery project, which would move our messages to its broker."""
    foreign = {name for name in environ if name.startswith(_CELERY_PREFIX)}
    for name in foreign | (_CELERY_VARIABLES & environ.keys()):
        del environ[name]
