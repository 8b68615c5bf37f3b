"""Machine code on disk that is never in the way: what fails is as if it were not there."""

from __future__ import annotations

from contextlib import suppress
from typing import Any


class KernelCache:
    """Around numba's own, which fails the program over a file that was cut short or that the disk has no room for."""

    def __init__(self, kept: Any) -> None:
        """kept: a numba.core.caching.FunctionCache."""
        self._kept = kept

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """The compiled function, or None: compile it. What cannot be read is thrown away."""
        try:
            return self._kept.load_overload(signature, target_context)
        except Exception:  # whatever unpickling damaged bytes comes to
            with suppress(OSError):
                self._kept.flush()
            return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep it for the next start, if there is room."""
        with suppress(OSError):
            self._kept.save_overload(signature, compiled)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)
