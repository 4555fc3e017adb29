"""A link that logs in the demo account of a home once: its digest in a file, the token in a terminal."""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256
from pathlib import Path

from angel_x.adapters.home_files import write_whole

#: The path of the link, in front of its token.
PATH = "/enter"
LIFETIME_MINUTES = 15
_FILE = "desk.link"


def make(home: Path, key_file: str) -> str:
    """Return the token of a new link for the key in ``key_file``; an earlier link is void."""
    token = secrets.token_urlsafe(32)
    write_whole(home / _FILE, f"{_digest(token)} {key_file}")
    return token


def redeem(home: Path, token: str, now: float) -> str | None:
    """Return the API key that the link stands for, and void the link; None for another token.

    ``now`` is in seconds since the epoch.
    """
    file = home / _FILE
    try:
        is_late = now - file.stat().st_mtime > LIFETIME_MINUTES * 60
        digest, _, key_file = file.read_text(encoding="utf-8").partition(" ")
    except (OSError, UnicodeDecodeError):
        return None
    if is_late or not hmac.compare_digest(digest.encode(), _digest(token).encode()):
        return None
    try:
        # Of two requests at once only one removes the file.
        file.unlink()
        return (home / key_file).read_text(encoding="utf-8").strip()
    except OSError:
        return None


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
