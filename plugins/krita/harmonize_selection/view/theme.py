"""Colors and sizes, all from the host's palette: right in dark and in light themes."""

from __future__ import annotations

from typing import Any

from ..qt import QtGui, QtWidgets
from ..state import Health

SPACING = 6
RADIUS = 4

_HEALTH = {
    Health.READY: "#4caf6d",
    Health.WORKING: "#e0a030",
    Health.OFF: "#8a8a8a",
    Health.BROKEN: "#d9534f",
}


def health_color(health: Health) -> QtGui.QColor:
    return QtGui.QColor(_HEALTH[health])


def mixed(one: QtGui.QColor, other: QtGui.QColor, share: float) -> QtGui.QColor:
    """share: of `other`, in [0, 1]."""
    parts = zip(one.getRgb()[:3], other.getRgb()[:3], strict=True)
    return QtGui.QColor(*(round(a + (b - a) * share) for a, b in parts))


def role(widget: QtWidgets.QWidget, name: str) -> QtGui.QColor:
    """A color of the palette, such as "Window", as the widget has it now."""
    group = QtGui.QPalette.ColorGroup.Normal if widget.isEnabled() else QtGui.QPalette.ColorGroup.Disabled
    color: QtGui.QColor = widget.palette().color(group, getattr(QtGui.QPalette.ColorRole, name))
    return color


def quiet(widget: QtWidgets.QWidget) -> QtGui.QColor:
    """For text that should not shout."""
    return mixed(role(widget, "WindowText"), role(widget, "Window"), 0.35)


def faint(widget: QtWidgets.QWidget) -> QtGui.QColor:
    """For text of what cannot be used now; a style sheet has no name for it that can be read in every theme."""
    return mixed(role(widget, "WindowText"), role(widget, "Window"), 0.5)


def line(widget: QtWidgets.QWidget) -> QtGui.QColor:
    """For thin borders."""
    return mixed(role(widget, "WindowText"), role(widget, "Window"), 0.75)


def painter_for(widget: QtWidgets.QWidget) -> QtGui.QPainter:
    painter = QtGui.QPainter(widget)
    painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
    return painter


def small_font(widget: QtWidgets.QWidget) -> QtGui.QFont:
    font = QtGui.QFont(widget.font())
    if font.pointSizeF() > 0:
        font.setPointSizeF(max(6.5, font.pointSizeF() * 0.88))
    return font


def wrapped() -> QtWidgets.QLabel:
    """A line of words that takes more lines in a narrow docker."""
    label = QtWidgets.QLabel()
    label.setWordWrap(True)
    label.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Preferred)
    return label


def column(*items: Any, spacing: int = SPACING) -> QtWidgets.QVBoxLayout:
    """Widgets and layouts below each other."""
    return _filled(QtWidgets.QVBoxLayout(), items, spacing)


def row(*items: Any, spacing: int = SPACING) -> QtWidgets.QHBoxLayout:
    """Widgets and layouts beside each other."""
    return _filled(QtWidgets.QHBoxLayout(), items, spacing)


def _filled(layout: Any, items: tuple[Any, ...], spacing: int) -> Any:
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for item in items:
        if isinstance(item, QtWidgets.QLayout):
            layout.addLayout(item)
        else:
            layout.addWidget(item)
    return layout
