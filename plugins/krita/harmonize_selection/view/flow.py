"""Buttons that need no more width than there is."""

from __future__ import annotations

from typing import Any

from ..qt import QtCore, QtWidgets

_SPACING = 4


class Flow(QtWidgets.QWidget):
    """A row of buttons, of which the first takes what the others leave; in a narrow docker it stands above them."""

    def __init__(self, first: QtWidgets.QWidget, *others: QtWidgets.QWidget) -> None:
        super().__init__()
        self._first, self._others = first, others
        for widget in (first, *others):
            widget.setParent(self)
        policy = QtWidgets.QSizePolicy(QtWidgets.QSizePolicy.Policy.Preferred, QtWidgets.QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)  # so that Qt knows before it lays out: see `Preview`
        self.setSizePolicy(policy)

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        height = _hint(self._first).height()
        return height if width >= self.sizeHint().width() else 2 * height + _SPACING

    def minimumSizeHint(self) -> QtCore.QSize:  # noqa: N802
        first = _hint(self._first)
        return QtCore.QSize(max(first.width(), _width(self._others)), first.height())

    def sizeHint(self) -> QtCore.QSize:  # noqa: N802
        return QtCore.QSize(_width((self._first, *self._others)), _hint(self._first).height())

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        self._arrange()

    def event(self, event: Any) -> bool:
        if event.type() == QtCore.QEvent.Type.LayoutRequest:  # a button has other words now
            self.updateGeometry()
            self._arrange()
        return bool(super().event(event))

    def _arrange(self) -> None:
        height, width = _hint(self._first).height(), self.width()
        if width >= self.sizeHint().width():
            widths = [_hint(other).width() for other in self._others]
            left, top = width - _width(self._others), 0
            self._first.setGeometry(0, 0, left - _SPACING, height)
        else:
            widths = [(width + _SPACING) // len(self._others) - _SPACING] * len(self._others)
            left, top = 0, height + _SPACING
            self._first.setGeometry(0, 0, width, height)
        for other, wide in zip(self._others, widths, strict=True):
            other.setGeometry(left, top, wide, height)
            left += wide + _SPACING


def _hint(widget: QtWidgets.QWidget) -> QtCore.QSize:
    return widget.sizeHint().expandedTo(widget.minimumSize())


def _width(widgets: tuple[QtWidgets.QWidget, ...]) -> int:
    """Of them beside each other."""
    return sum(_hint(widget).width() + _SPACING for widget in widgets) - _SPACING
