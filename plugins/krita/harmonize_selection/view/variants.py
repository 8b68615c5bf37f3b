"""A row of small pictures to choose from."""

from __future__ import annotations

from typing import Any

from ..client import Place
from ..qt import Qt, QtCore, QtGui, QtWidgets
from ..state import Variant
from ..values import Picture
from . import theme
from .preview import to_pixmap

_WIDTH, _HEIGHT = 82, 62
_SURROUNDINGS = 1.5
"""How much more than the layer is shown."""


class VariantButton(QtWidgets.QAbstractButton):
    """One variant."""

    def __init__(self) -> None:
        super().__init__()
        self._pixmap: QtGui.QPixmap | None = None
        self._picture: Picture | None = None
        self._focus: Place | None = None
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFixedSize(_WIDTH, _HEIGHT)

    def show_variant(self, variant: Variant, focus: Place | None) -> None:
        self._focus = focus
        if variant.picture is not self._picture:
            self._picture = variant.picture
            self._pixmap = to_pixmap(variant.picture) if variant.picture else None
        self.setText(variant.title)
        self.setToolTip(variant.title)
        self.setAccessibleName(variant.title)
        self.setChecked(variant.chosen)
        self.update()

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        painter = theme.painter_for(self)
        box = QtCore.QRectF(self.rect()).adjusted(1, 1, -1, -1)
        outline = QtGui.QPainterPath()
        outline.addRoundedRect(box, theme.RADIUS, theme.RADIUS)
        painter.save()
        painter.setClipPath(outline)
        painter.fillPath(outline, theme.mixed(theme.role(self, "Window"), theme.role(self, "Shadow"), 0.25))
        if self._pixmap is not None:
            painter.drawPixmap(box, self._pixmap, self._part(self._pixmap, box))
        painter.setFont(theme.small_font(self))
        height = painter.fontMetrics().height() + 2
        plate = QtCore.QRectF(box.left(), box.bottom() - height, box.width(), height)
        painter.fillRect(plate, QtGui.QColor(0, 0, 0, 140))
        painter.setPen(QtGui.QColor(255, 255, 255))
        text = painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, int(plate.width() - 6))
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
        painter.restore()
        if self.isChecked() or self.hasFocus():
            painter.setPen(QtGui.QPen(theme.role(self, "Highlight"), 2 if self.isChecked() else 1))
            painter.drawPath(outline)

    def _part(self, pixmap: QtGui.QPixmap, box: QtCore.QRectF) -> QtCore.QRectF:
        """The part of the picture to show: the layer with some of its surroundings."""
        focus = self._focus or Place()
        width, height = pixmap.width(), pixmap.height()
        wanted = max(
            (focus.bottom - focus.top) * height * _SURROUNDINGS,
            (focus.right - focus.left) * width * _SURROUNDINGS * box.height() / box.width(),
        )
        largest = min(height, width * box.height() / box.width())
        high = min(largest, max(wanted, largest / 3))
        wide = high * box.width() / box.height()
        left = (focus.left + focus.right) / 2 * width - wide / 2
        top = (focus.top + focus.bottom) / 2 * height - high / 2
        return QtCore.QRectF(min(max(left, 0), width - wide), min(max(top, 0), height - high), wide, high)


class VariantStrip(QtWidgets.QScrollArea):
    """Emits `chosen` with a `Variant`."""

    chosen = QtCore.pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self._variants: tuple[Variant, ...] = ()
        self._buttons: list[VariantButton] = []
        inner = QtWidgets.QWidget()
        self._row = theme.row(spacing=4)
        self._row.addStretch(1)
        inner.setLayout(self._row)
        self.setWidget(inner)
        self.setWidgetResizable(True)
        self.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFixedHeight(_HEIGHT)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def show_variants(self, variants: tuple[Variant, ...], focus: Place | None) -> None:
        """focus: where the layer lies in the pictures."""
        self._variants = variants
        while len(self._buttons) < len(variants):
            self._add()
        for index, button in enumerate(self._buttons):
            button.setVisible(index < len(variants))
            if index < len(variants):
                button.show_variant(variants[index], focus)
        self.setVisible(bool(variants))

    def wheelEvent(self, event: Any) -> None:  # noqa: N802
        bar = self.horizontalScrollBar()
        delta = event.angleDelta()
        bar.setValue(bar.value() - (delta.x() or delta.y()) // 2)

    def _add(self) -> None:
        button = VariantButton()
        index = len(self._buttons)
        button.clicked.connect(lambda: self._choose(index))
        self._buttons.append(button)
        self._row.insertWidget(index, button)

    def _choose(self, index: int) -> None:
        if index < len(self._variants):
            self.chosen.emit(self._variants[index])
            self.ensureWidgetVisible(self._buttons[index])
