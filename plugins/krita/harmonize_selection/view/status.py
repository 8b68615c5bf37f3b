"""The quiet lines: what the daemon does, what is under way, what went wrong."""

from __future__ import annotations

from typing import Any

from ..i18n import tr
from ..qt import Qt, QtCore, QtGui, QtWidgets
from ..state import Health, Problem
from . import theme


class DaemonLine(QtWidgets.QWidget):
    """A colored dot and a few words."""

    def __init__(self) -> None:
        super().__init__()
        self._health, self._words = Health.OFF, ""
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)

    def show_daemon(self, health: Health, words: str) -> None:
        self._health, self._words = health, words
        self.setToolTip(words)
        self.setAccessibleName(words)
        self.update()

    def sizeHint(self) -> QtCore.QSize:  # noqa: N802
        return QtCore.QSize(100, self.fontMetrics().height() + 4)

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        painter = theme.painter_for(self)
        middle = self.height() / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.health_color(self._health))
        painter.drawEllipse(QtCore.QPointF(6, middle), 4, 4)
        painter.setFont(theme.small_font(self))
        painter.setPen(theme.quiet(self))
        text = QtCore.QRectF(16, 0, self.width() - 16, self.height())
        words = painter.fontMetrics().elidedText(self._words, Qt.TextElideMode.ElideRight, int(text.width()))
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)


class ProgressLine(QtWidgets.QWidget):
    """What is under way, how far it is, and a way out."""

    cancelled = QtCore.pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._text = theme.wrapped()
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        self._cancel = QtWidgets.QToolButton()
        self._cancel.setText(tr("Cancel"))
        self._cancel.setToolTip(tr("Stop; what is done already stays"))
        self._cancel.clicked.connect(self.cancelled.emit)
        self._bar = QtWidgets.QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(4)
        line = theme.row(self._text, self._cancel)
        line.setStretch(0, 1)
        self.setLayout(theme.column(line, self._bar, spacing=3))

    def show_progress(self, words: str, fraction: float | None) -> None:
        self.setVisible(bool(words))
        self._text.setText(words)
        self._bar.setRange(0, 0 if fraction is None else 1000)
        if fraction is not None:
            self._bar.setValue(round(fraction * 1000))


class ProblemLine(QtWidgets.QFrame):
    """One quiet line about what went wrong, with everything else behind a button."""

    dismissed = QtCore.pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._problem: Problem | None = None
        self._text = theme.wrapped()
        self._details = QtWidgets.QToolButton()
        self._details.setText(tr("Details"))
        self._details.setToolTip(tr("What happened, and what to do"))
        self._details.clicked.connect(self._show_details)
        self._close = QtWidgets.QToolButton()
        self._close.setText("×")
        self._close.setAutoRaise(True)
        self._close.setToolTip(tr("Hide"))
        self._close.setAccessibleName(tr("Hide"))
        self._close.clicked.connect(self.dismissed.emit)
        layout = theme.row(self._text, self._details, self._close, spacing=4)
        layout.setStretch(0, 1)
        layout.setContentsMargins(10, 4, 4, 4)
        self.setLayout(layout)

    def show_problem(self, problem: Problem | None, note: str) -> None:
        self._problem = problem
        self._text.setText(problem.line if problem else note)
        self._details.setVisible(problem is not None)
        self.setVisible(problem is not None or bool(note))
        self.update()

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        painter = theme.painter_for(self)
        color = theme.health_color(Health.BROKEN if self._problem else Health.WORKING)
        box = QtCore.QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        outline = QtGui.QPainterPath()
        outline.addRoundedRect(box, theme.RADIUS, theme.RADIUS)
        painter.fillPath(outline, theme.mixed(theme.role(self, "Window"), color, 0.14))
        painter.setClipPath(outline)
        painter.fillRect(QtCore.QRectF(0, 0, 4, self.height()), color)

    def _show_details(self) -> None:
        if self._problem is None:
            return
        box = QtWidgets.QMessageBox(self)
        box.setWindowTitle("Harmonize Selection")
        box.setText(self._problem.details)
        box.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setModal(False)
        box.show()
