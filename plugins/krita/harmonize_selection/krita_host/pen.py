"""Whether the artist presses the pen, or a mouse button."""

from __future__ import annotations

from typing import Any

from ..qt import Qt, QtCore, QtWidgets
from .documents import application

_TABLET_EVENTS = (
    QtCore.QEvent.Type.TabletPress,
    QtCore.QEvent.Type.TabletMove,
    QtCore.QEvent.Type.TabletRelease,
)


class Pen(QtCore.QObject):  # type: ignore[misc]
    """Sees the pen's events at Krita's windows.

    Qt makes mouse events of them for widgets that do not want them, and so knows of a pressed button; Krita's canvas
    takes them, and on macOS no mouse event comes with them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pressed = False

    def watch(self) -> None:
        """To be called now and then: there may be new windows."""
        for window in application().windows():
            widget = window.qwindow()
            handle = widget.windowHandle() if widget is not None else None
            if handle is not None:
                handle.installEventFilter(self)  # the second time, this changes nothing

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802
        if event.type() in _TABLET_EVENTS:
            self._pressed = event.buttons() != Qt.MouseButton.NoButton
        return False

    @property
    def is_down(self) -> bool:
        return self._pressed or bool(QtWidgets.QApplication.mouseButtons() != Qt.MouseButton.NoButton)
