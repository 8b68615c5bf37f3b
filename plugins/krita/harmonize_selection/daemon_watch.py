"""What the docker says of the daemon: asked for now and then, never waited for."""

from __future__ import annotations

from dataclasses import replace

from . import words
from .client import DaemonStatus, Job, Session, State
from .state import DockerState

_SECONDS, _SECONDS_AT_FIRST = 5.0, 0.5
"""Between two questions; while its networks are not known yet, more often."""
_ATTENTIVE_SECONDS = 60.0
"""After the last work nobody asks any more: a daemon that is asked for ever never ends for want of work, nor one that
has failed, so that another can be started."""


class DaemonWatch:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._job: Job[DaemonStatus] | None = None
        self._next = 0.0
        self._attentive_until = 0.0

    def look(self, now: float, state: DockerState, *, at_work: bool) -> DockerState:
        """The state with what is known of the daemon at `now` (seconds). at_work: whether it has to do with us."""
        daemon = self._session.daemon
        if self._job is not None and self._job.done:
            self._job = None
        if at_work or not _is_settled(daemon):
            self._attentive_until = now + _ATTENTIVE_SECONDS
        if self._next <= now < self._attentive_until and self._job is None:
            if self._session.state is State.READY:
                self._job = self._session.status()
            self._next = now + (_SECONDS if daemon is not None and daemon.networks else _SECONDS_AT_FIRST)
        health, text = words.daemon_words(self._session)
        state = replace(state, health=health, daemon=text)
        if daemon is None:
            return state
        return replace(state, networks=daemon.networks, default_network=daemon.default_network)


def _is_settled(daemon: DaemonStatus | None) -> bool:
    """Whether its state will not change without a request."""
    if daemon is None:
        return False
    return daemon.state == "failed" or (daemon.state == "ready" and bool(daemon.networks))
