"""Print the alerts that Angel-X sends to a webhook of this machine, until Ctrl-C.

    python hear_alerts.py [PORT]

The address of the target is ``json://127.0.0.1:PORT``; the port is 9900 by default.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Webhook(BaseHTTPRequestHandler):
    """Takes notifications as JSON."""

    def do_POST(self) -> None:
        """Print a notification, and confirm it: one that is not confirmed comes again."""
        notification = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        print(notification["title"], notification["message"], sep="\n", flush=True)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - of the base
        """Keep the requests themselves out of the output."""


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv):
        print(__doc__)
    else:
        port = int(sys.argv[1]) if len(sys.argv) > 1 else 9900
        ThreadingHTTPServer(("127.0.0.1", port), Webhook).serve_forever()
