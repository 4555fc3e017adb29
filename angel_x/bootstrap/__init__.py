"""The composition root: where settings, adapters and services become one application."""

from angel_x.bootstrap.application import Application, assemble, build
from angel_x.bootstrap.foundation import TRANSIENT, Foundation, is_lock_timeout, lay_foundation

__all__ = [
    "TRANSIENT",
    "Application",
    "Foundation",
    "assemble",
    "build",
    "is_lock_timeout",
    "lay_foundation",
]
