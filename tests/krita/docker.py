"""A presenter with everything around it."""

from __future__ import annotations

from dataclasses import replace

from harmonize_client import DaemonStatus
from harmonize_selection.presenter import Presenter
from harmonize_selection.state import DockerState
from harmonize_selection.values import Settings

from .fake_host import STATUS, Clock, FakeHost, FakeSession


class Docker:
    def __init__(
        self, settings: Settings | None = None, status: DaemonStatus = STATUS, host: FakeHost | None = None
    ) -> None:
        self.host, self.session, self.clock = host or FakeHost(), FakeSession(daemon=status), Clock()
        self.shown: list[DockerState] = []
        self.presenter = Presenter(self.host, self.session, self.shown.append, settings, self.clock)  # type: ignore[arg-type]
        self.presenter.set_visible(True)
        self.wait(2)

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds * 20)):
            self.clock.now += 0.05
            self.presenter.tick()

    def choose(self, **changes: object) -> None:
        self.presenter.set_settings(replace(self.state.settings, **changes))  # type: ignore[arg-type]

    def harmonize(self) -> list[str]:
        """What the host was asked for by it."""
        self.host.log.clear()
        self.presenter.harmonize()
        self.wait(2)
        return self.host.log

    @property
    def state(self) -> DockerState:
        return self.presenter.state

    @property
    def written(self) -> list[str]:
        return [entry for entry in self.host.log if entry.startswith("write")]
