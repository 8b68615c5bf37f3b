"""A computer that was suspended: everybody slept, and nobody is late."""

from __future__ import annotations

ASLEEP_SECONDS = 5.0
"""Who looks several times a second, and has not looked for so long, was suspended together with everybody else."""


class Suspension:
    """Notices, when asked again and again, that nobody could have asked for a while. Times are those of `monotonic`."""

    def __init__(self, now: float) -> None:
        self._asked = now

    def has_ended(self, now: float) -> bool:
        """Whether everybody slept since it was asked last."""
        slept = now - self._asked > ASLEEP_SECONDS
        self._asked = now
        return slept
