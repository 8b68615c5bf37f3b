"""Before and after in the picture itself: whatever else happens, the picture ends as it was."""

from __future__ import annotations

from .host import Host
from .values import Result


class Comparing:
    def __init__(self, host: Host) -> None:
        self._host = host
        self._result: Result | None = None
        """The one whose original is shown."""

    @property
    def on(self) -> bool:
        return self._result is not None

    def begin(self, result: Result) -> None:
        self.end()
        self._host.show_original(result.original, result.written, True)
        self._result = result

    def end(self) -> None:
        result, self._result = self._result, None
        if result is not None and self._host.exists(result.written):
            self._host.show_original(result.original, result.written, False)
