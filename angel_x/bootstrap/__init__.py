"""The composition root: where settings, adapters and services become one application."""

from angel_x.bootstrap.application import Application, build
from angel_x.bootstrap.foundation import TRANSIENT

__all__ = ["TRANSIENT", "Application", "build"]
