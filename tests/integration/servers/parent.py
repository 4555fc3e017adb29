"""A process that starts the servers of a home, tells their ids, and then does as it is told."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from angel_x.adapters.servers import start_servers


def main() -> None:
    running = start_servers(Path(sys.argv[1]), database_url=None, redis_url=None, durable=False)
    sys.stdout.write(json.dumps({"pids": running.pids(), "urls": asdict(running.urls)}) + "\n")
    sys.stdout.flush()
    match sys.stdin.readline().strip():
        case "stop":
            running.stop()
        case "fork":
            # The copy keeps the pipe to the guardian open.
            if os.fork() == 0:
                sys.stdin.read()
                os._exit(0)
            os.kill(os.getpid(), signal.SIGKILL)
        case "raise":
            raise RuntimeError("raised on request")
        case _:
            # Ends without a word to the servers.
            sys.exit(0)


if __name__ == "__main__":
    main()
