"""Python's libraries that read pictures tell the terminal, in their own words, what is odd about files that they read.

Nobody asked for that: `--quiet` promises silence, scripts read what is said, and what matters is an error.
"""

from __future__ import annotations

import logging
import warnings

_TALKATIVE = ("PIL", "psd_tools", "tifffile")


def quiet_libraries() -> None:
    """For the rest of this process. What was set up before, such as `python -W`, goes before it."""
    for name in _TALKATIVE:
        logging.getLogger(name).addHandler(logging.NullHandler())  # a logger without any writes to the terminal
    warnings.simplefilter("ignore", append=True)
