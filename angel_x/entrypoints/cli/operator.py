"""The operator of the command line."""

from __future__ import annotations

import getpass
import os


def actor() -> str:
    """Return the actor for the audit, from the account of the operating system."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        # In a container the number of the user may have no name.
        return f"cli:uid-{os.getuid()}"
