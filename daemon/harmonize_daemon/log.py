"""The daemon's logs: two small rotating files. No pixels, no token, no file names of the user's."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

_FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
_BYTES = 512 * 1024
_KEPT = 2


def start_log(path: Path) -> None:
    """Log to a file from now on. Each process has a file of its own, because two cannot rotate the same one.

    If the file cannot be written (disk full, read-only) the daemon runs on without it.
    """
    root = logging.getLogger("harmonize_daemon")
    root.setLevel(logging.INFO)
    root.propagate = False
    logging.raiseExceptions = False
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    # Opened with the first record; what cannot be written then is lost without a word (raiseExceptions).
    file = RotatingFileHandler(path, maxBytes=_BYTES, backupCount=_KEPT, encoding="utf-8", delay=True)
    file.setFormatter(logging.Formatter(_FORMAT))
    root.addHandler(file)
