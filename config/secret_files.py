"""Files that hold one secret each, as orchestrators mount them."""

from __future__ import annotations

from pathlib import Path

#: Longer than any address with its certificates.
_LONGEST = 10_000


def read_secret(path: str) -> str:
    """Return the content of a file without its last line end.

    Raises:
        ValueError: The file cannot be read, is empty, or is no text; the message names it.
    """
    try:
        with Path(path).open(encoding="utf-8") as file:
            content = file.read(_LONGEST + 1)
    except UnicodeDecodeError:
        raise ValueError(f"expected UTF-8 text in {path}") from None
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    secret = content.rstrip("\r\n")
    if not secret:
        raise ValueError(f"expected a secret, was the empty file {path}")
    if len(content) > _LONGEST:
        raise ValueError(f"expected at most {_LONGEST:,} characters in {path}")
    return secret
