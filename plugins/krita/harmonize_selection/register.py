"""The docker and the menu's actions, as Krita knows them."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from krita import DockWidget, DockWidgetFactory, DockWidgetFactoryBase, Extension, Krita  # type: ignore[attr-defined]

from . import i18n
from .client import Session, __version__
from .i18n import tr
from .krita_host import KritaHost
from .presenter import Presenter
from .qt import QtCore
from .settings_store import load_settings, save_settings
from .state import DockerState
from .view.panel import Panel

DOCKER_ID = "harmonize_selection"
_ACTIONS_FILE = "harmonize_selection.action"


class Harmonizer:
    """What the dockers of all windows share: all follow Krita's one active document, and two would both work on it.

    Its timer is what moves everything: the socket, tasks, live mode.
    """

    def __init__(self) -> None:
        self.host = KritaHost()
        self.presenter = Presenter(self.host, Session(f"krita/{__version__}"), self._show, load_settings())
        application = QtCore.QCoreApplication.instance()
        self._timer = QtCore.QTimer(application)
        self._timer.timeout.connect(self._tick)
        self._timer.start(_milliseconds(self.presenter.pause))
        self._host_due = 0.0
        application.aboutToQuit.connect(self._quit)

    def look_for_dockers(self) -> None:
        """One was opened, shown, hidden or closed."""
        self.presenter.set_visible(any(docker.seen for docker in HarmonizeDocker.opened))

    @staticmethod
    def _show(state: DockerState) -> None:
        for docker in HarmonizeDocker.opened:
            docker.panel.show_state(state)

    def _tick(self) -> None:
        now = time.monotonic()
        if now >= self._host_due:
            self._host_due = now + 0.1
            self.host.tick()
        self.presenter.tick()
        wanted = _milliseconds(self.presenter.pause)
        if self._timer.interval() != wanted:
            self._timer.setInterval(wanted)

    def _quit(self) -> None:
        self._timer.stop()
        save_settings(self.presenter.state.settings)
        self.presenter.close()
        self.host.close()


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


@cache
def _harmonizer() -> Harmonizer:
    return Harmonizer()


class HarmonizeDocker(DockWidget):  # type: ignore[misc]
    """One per window."""

    opened: ClassVar[list[HarmonizeDocker]] = []

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle(tr("Harmonize"))
        self.panel = Panel()
        self.setWidget(self.panel)
        self.seen = False
        self.presenter = _harmonizer().presenter
        self.panel.show_state(self.presenter.state)
        self.panel.connect_to(self.presenter)
        HarmonizeDocker.opened.append(self)
        self.visibilityChanged.connect(self._set_seen)
        self.destroyed.connect(lambda *_: _forget_closed())

    def canvasChanged(self, canvas: Any) -> None:  # noqa: N802
        """Krita asks every docker for this; the presenter looks for itself."""

    def _set_seen(self, seen: bool) -> None:
        self.seen = seen
        _harmonizer().look_for_dockers()


class HarmonizeExtension(Extension):  # type: ignore[misc]
    """Menu entries under Tools › Scripts, without shortcuts of their own: artists set them in Krita's settings."""

    def setup(self) -> None:
        """Nothing to do before there is a window."""

    def createActions(self, window: Any) -> None:  # noqa: N802
        for name, text, act in (
            ("harmonize_layer", tr("Harmonize Layer"), lambda presenter: presenter.harmonize()),
            (
                "harmonize_selected_layers",
                tr("Harmonize Selected Layers"),
                lambda presenter: presenter.harmonize_selected(),
            ),
            ("harmonize_live", tr("Harmonize Live"), lambda presenter: presenter.set_live(not presenter.state.live)),
            ("harmonize_docker", tr("Show the Harmonize Docker"), None),
        ):
            action = window.createAction(name, text, "tools/scripts")
            action.triggered.connect(lambda *_, act=act: _run(act))


def _run(act: Any) -> None:
    docker = _docker()
    if docker is None:
        return
    if act is None or not docker.isVisible():
        docker.show()
        docker.raise_()
    if act is not None:
        docker.presenter.look_now()
        act(docker.presenter)


def _docker() -> HarmonizeDocker | None:
    """The docker of the window that the artist works in."""
    window = Krita.instance().activeWindow()
    for docker in window.dockers() if window else []:
        if docker.objectName() == DOCKER_ID:
            return next((ours for ours in HarmonizeDocker.opened if ours is docker), None)
    return HarmonizeDocker.opened[0] if HarmonizeDocker.opened else None


def _forget_closed() -> None:
    HarmonizeDocker.opened[:] = [docker for docker in HarmonizeDocker.opened if not _is_deleted(docker)]
    _harmonizer().look_for_dockers()


def _is_deleted(docker: HarmonizeDocker) -> bool:
    try:
        docker.objectName()
    except RuntimeError:
        return True
    return False


def _offer_shortcuts() -> None:
    """Krita's shortcut settings list what stands in its actions folder: put our file there for its next start."""
    text = (Path(__file__).resolve().parent / _ACTIONS_FILE).read_text("utf-8")
    target = Path(Krita.instance().getAppDataLocation()) / "actions" / _ACTIONS_FILE
    try:
        if not target.is_file() or target.read_text("utf-8") != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
    except OSError:
        pass  # without it, only shortcuts are missing


def add_to_krita() -> None:
    """Called once, when Krita loads the plug-in."""
    krita = Krita.instance()
    i18n.choose(_language())
    _offer_shortcuts()
    krita.addExtension(HarmonizeExtension(krita))
    position = getattr(DockWidgetFactoryBase, "DockPosition", DockWidgetFactoryBase).DockRight
    krita.addDockWidgetFactory(DockWidgetFactory(DOCKER_ID, position, HarmonizeDocker))


def _language() -> str:
    """Krita's own language where it was chosen there, else the system's."""
    chosen = str(Krita.instance().readSetting("", "Language", "")).split(":")[0]
    return chosen or str(QtCore.QLocale().name())
