from __future__ import annotations

from angel_x.adapters.children.logs import LogBounds
from angel_x.entrypoints.up.system import _log_bounds
from config.loading import load


def test_log_file_mb_and_log_files_bound_the_logs() -> None:
    settings = load({"ANGEL_X_LOG_FILE_MB": "3", "ANGEL_X_LOG_FILES": "2"})

    assert _log_bounds(settings) == LogBounds(bytes=3_000_000, files=2)
