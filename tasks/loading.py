"""The construction of our Celery apps, beside the modules of another project.

Celery imports modules from the working directory before all others, and lets a Django project of the
same environment bring its own tasks.  There may be another Celery project here; nothing of it is ours.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from celery import Celery
from celery.loaders.app import AppLoader


class InstalledLoader(AppLoader):
    """Imports modules from Python's path as it is."""

    def import_from_cwd(
        self,
        module: str,
        imp: Callable[..., ModuleType] | None = None,
        package: str | None = None,
    ) -> ModuleType:
        """Import a module, which Celery would look for in the working directory first."""
        return (imp or self.import_module)(module, package=package)


def guest_app(name: str, **options: object) -> Celery:
    """Return an app that looks for modules only where they are installed."""
    return Celery(name, loader=InstalledLoader, fixups=[], **options)
