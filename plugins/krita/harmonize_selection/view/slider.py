"""A slider with its name and value inside, as Krita's own brush sliders are: two dozen pixels high at any width."""

from __future__ import annotations

from typing import Any

from ..qt import Qt, QtCore, QtGui, QtWidgets
from . import theme


class LookSlider(QtWidgets.QAbstractSlider):
    """Whole percents. Drag, arrow keys, Page Up and Down; a double click or Delete goes back to the default."""

    def __init__(self, title: str, low: int, high: int, default: int, tooltip: str) -> None:
        super().__init__()
        self._title, self._default = title, default
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setRange(low, high)
        self.setValue(default)
        self.setSingleStep(1)
        self.setPageStep(10)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setToolTip(tooltip)
        self.setAccessibleName(title)
        self.setAccessibleDescription(tooltip)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)

    @property
    def is_default(self) -> bool:
        return bool(self.value() == self._default)

    def reset(self) -> None:
        self.setValue(self._default)

    def sizeHint(self) -> QtCore.QSize:  # noqa: N802
        return QtCore.QSize(120, self.fontMetrics().height() + 8)

    def minimumSizeHint(self) -> QtCore.QSize:  # noqa: N802
        return QtCore.QSize(60, self.sizeHint().height())

    def sliderChange(self, change: Any) -> None:  # noqa: N802
        self.update()

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        painter = theme.painter_for(self)
        box = QtCore.QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        outline = QtGui.QPainterPath()
        outline.addRoundedRect(box, theme.RADIUS, theme.RADIUS)
        painter.fillPath(outline, theme.role(self, "Base"))
        start, end = sorted((self._position(self._origin()), self._position(self.value())))
        painter.save()
        painter.setClipPath(outline)
        fill = theme.mixed(theme.role(self, "Base"), theme.role(self, "Highlight"), 0.25 if self.is_default else 0.62)
        painter.fillRect(QtCore.QRectF(start, box.top(), end - start, box.height()), fill)
        if self.minimum() < 0:
            painter.fillRect(QtCore.QRectF(self._position(0) - 0.5, box.top(), 1, box.height()), theme.quiet(self))
        painter.restore()
        edge = theme.role(self, "Highlight") if self.hasFocus() else theme.line(self)
        painter.setPen(QtGui.QPen(edge, 1))
        painter.drawPath(outline)
        text = box.adjusted(7, 0, -7, 0)
        painter.setPen(theme.role(self, "Text"))
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._title)
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self._value_text())

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._follow(event)

    def mouseMoveEvent(self, event: Any) -> None:  # noqa: N802
        if self.isSliderDown():
            self._follow(event)

    def mouseReleaseEvent(self, event: Any) -> None:  # noqa: N802
        self.setSliderDown(False)

    def mouseDoubleClickEvent(self, event: Any) -> None:  # noqa: N802
        self.reset()

    def wheelEvent(self, event: Any) -> None:  # noqa: N802
        # Scrolling through the docker must not change what the pointer happens to be over.
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.reset()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: Any) -> None:  # noqa: N802
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: Any) -> None:  # noqa: N802
        super().focusOutEvent(event)
        self.update()

    def _origin(self) -> int:
        return 0 if self.minimum() < 0 else int(self.minimum())

    def _position(self, value: int) -> float:
        span = self.maximum() - self.minimum()
        return float((value - self.minimum()) / span * self.width())

    def _follow(self, event: Any) -> None:
        x = event.position().x() if hasattr(event, "position") else event.localPos().x()
        share = min(1.0, max(0.0, x / max(1, self.width())))
        value = round(self.minimum() + share * (self.maximum() - self.minimum()))
        # Near the default it snaps there: the neutral value is the one that is looked for.
        close = abs(self._position(value) - self._position(self._default)) < 4
        self.setValue(self._default if close and self._default != self.maximum() else value)

    def _value_text(self) -> str:
        value = self.value()
        return f"{value:+d}" if self.minimum() < 0 and value else f"{value}" if self.minimum() < 0 else f"{value} %"
