"""Whether an address answers with 200, for health checks: ``python answers.py URL``."""

from __future__ import annotations

import http.client
import sys
from urllib.parse import urlsplit

_PATIENCE_SECONDS = 8


def refusal(url: str) -> str | None:
    """Return what is wrong with the answer, None where it is 200."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=_PATIENCE_SECONDS)
    try:
        connection.request("GET", parts.path or "/")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"{url} does not answer: {error}"
    finally:
        connection.close()
    return None if status == http.HTTPStatus.OK else f"{url} answers with {status}"


if __name__ == "__main__":
    sys.exit(refusal(sys.argv[1]))
