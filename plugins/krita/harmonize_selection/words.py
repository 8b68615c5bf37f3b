"""What the docker says: the service, live mode, results, all in words."""

from __future__ import annotations

from .client import DaemonStatus, Session, State
from .i18n import later, tr
from .live import Live, LiveState
from .state import Health, HistoryRow
from .values import LayerInfo, Result

_STAGES = {
    "queued": later("Waiting for the service…"),
    "loading": later("Loading the network…"),
    "predicting": later("Looking at the scene…"),
    "rendering": later("Applying the change…"),
}
NOTES = (
    later("The mask is empty: there is nothing to harmonize."),
    later("The mask covers the whole picture: there is no background to match."),
    later("The network changes nothing: the foreground fits already, or the network is not sure enough to help."),
    later("The network had no usable answer for this picture and changes nothing."),
)
"""What the daemon tells artists about a prediction."""
SHORT_OF_MEMORY = later("The memory of {device} did not suffice: computed on the CPU.")
"""And when a prediction had to leave its device."""
SUMMARIES = (
    later("Likeness to real photos: {decibels} dB"),
    later("Likeness to real photos: not measured"),
    later("Imported from {file}"),
    later("Statistics, no network"),
)
"""What the daemon says of its networks."""


def stage_words(stage: str) -> str:
    """stage: of the daemon's progress; empty while the host works."""
    return tr(_STAGES[stage]) if stage in _STAGES else tr("Reading and writing pixels…")


def note_words(note: str) -> str:
    """A note of the daemon in the artist's language; one that is not known here in its own."""
    return _in_words(note, (SHORT_OF_MEMORY,))


def summary_words(summary: str) -> str:
    """What the daemon says of a network, likewise."""
    return _in_words(summary, SUMMARIES)


def _in_words(said: str, patterns: tuple[str, ...]) -> str:
    """The translation of what was said, which may be one of the patterns with a value in it."""
    for pattern in patterns:
        before, brace, rest = pattern.partition("{")
        name, _, after = rest.partition("}")
        if brace and said.startswith(before) and said.endswith(after):
            return tr(pattern, **{name: said[len(before) : len(said) - len(after)]})
    return tr(said)


def notes_words(notes: tuple[str, ...]) -> str:
    """Each of them once."""
    return " ".join(dict.fromkeys(map(note_words, notes)))


def result_words(notes: tuple[str, ...], written: LayerInfo | None) -> str:
    """What there is to say of a result. written: its layer."""
    said = [notes_words(notes)]
    if written is not None and written.animated:
        said.append(tr("Only this frame was harmonized; an editable curves mask changes all of them."))
    return " ".join(filter(None, said))


def daemon_words(session: Session) -> tuple[Health, str]:
    if session.state is State.READY and session.daemon is not None:
        daemon = session.daemon
        health = {"ready": Health.READY, "busy": Health.WORKING, "failed": Health.BROKEN}
        return health.get(daemon.state, Health.WORKING), _state_words(daemon)
    if session.state is State.STARTING:
        return Health.WORKING, tr("Starting the service…")
    if session.error is not None:
        return Health.BROKEN, tr("The service does not run.")
    if session.state is State.CONNECTING:
        return Health.WORKING, tr("Connecting to the service…")
    return Health.OFF, tr("The service starts when it is needed.")


def _state_words(daemon: DaemonStatus) -> str:
    if daemon.state == "failed":
        return daemon.detail
    if daemon.state == "restarting":
        return tr("Starting the service…")
    if daemon.state == "starting":
        return tr("Loading the network…")
    on_cpu = not daemon.device or daemon.device.startswith("cpu")
    device = tr("CPU") if on_cpu else tr("graphics card ({device})", device=daemon.device)
    return tr("Ready, on the {device}", device=device)


def live_words(live: Live, at_hand: LayerInfo | None) -> str:
    if live.state is LiveState.TOO_LARGE:
        return tr("Live pauses: the picture is too large.")
    if live.state is LiveState.EMPTY:
        return tr("Live pauses: the layer is empty.")
    if live.state is LiveState.PAINTING:
        return tr("Live pauses while you paint.")
    if live.error is not None:
        return tr("Live pauses until something changes.")
    if at_hand is None or at_hand.ref != live.ref:
        return tr("Live follows the layer “{name}”.", name=live.target.name)
    if live.updates:
        return tr("Live: {milliseconds} ms", milliseconds=round(live.milliseconds))
    return tr("Live: looking at the scene…")


def history_rows(results: tuple[Result, ...]) -> tuple[HistoryRow, ...]:
    return tuple(HistoryRow(result.layer_name, f"{result.when[11:16]} · {result.network}") for result in results)
