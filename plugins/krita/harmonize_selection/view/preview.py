"""Before and after in one small picture, with a divider that follows the pointer."""

from __future__ import annotations

from typing import Any

from ..i18n import tr
from ..qt import Qt, QtCore, QtGui, QtWidgets
from ..values import Picture
from . import theme

_SMALLEST, _LARGEST = 90, 200


def to_pixmap(picture: Picture) -> QtGui.QPixmap:
    image = QtGui.QImage(
        picture.rgba, picture.width, picture.height, picture.width * 4, QtGui.QImage.Format.Format_RGBA8888
    )
    return QtGui.QPixmap.fromImage(image.copy())


class Preview(QtWidgets.QWidget):
    """Shows the harmonized scene; left of the divider, the scene as it is. Emits `asked` when there is none yet."""

    asked = QtCore.pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._before: QtGui.QPixmap | None = None
        self._after: QtGui.QPixmap | None = None
        self._shown: tuple[Picture | None, Picture | None, Picture | None] = (None, None, None)
        self._shade: QtGui.QPixmap | None = None
        self._proportion: float | None = None
        """Height by width of the last picture: the docker does not jump while the next one is made."""
        self._mask = QtWidgets.QToolButton(self)
        self._mask.setText(tr("Mask"))
        self._mask.setToolTip(tr("Darken what will stay as it is"))
        self._mask.setCheckable(True)
        self._mask.setFont(theme.small_font(self))
        self._mask.toggled.connect(lambda _: self.update())
        self._words = ""
        self._divider = 0.5
        self._inviting = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Before and after"))
        self.setToolTip(
            tr("Left of the line: as it is. Right of it: harmonized. Move the pointer, or use the arrow keys.")
        )
        policy = QtWidgets.QSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_pictures(
        self, before: Picture | None, after: Picture | None, shade: Picture | None, words: str, inviting: bool
    ) -> None:
        """shade: is laid over both when the artist asks for the mask. words: shown where there is no picture.

        inviting: a click asks for a picture.
        """
        if before is not self._shown[0]:
            self._before = to_pixmap(before) if before else None
            self._proportion = before.height / before.width if before else self._proportion
            self.updateGeometry()
        if after is not self._shown[1]:
            self._after = to_pixmap(after) if after else None
        if shade is not self._shown[2]:
            self._shade = to_pixmap(shade) if shade else None
        self._mask.setVisible(before is not None and shade is not None)
        self._shown = (before, after, shade)
        self._words, self._inviting = words, inviting
        self.setCursor(Qt.CursorShape.PointingHandCursor if inviting else Qt.CursorShape.ArrowCursor)
        self.update()

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        hint = self._mask.sizeHint()
        self._mask.setGeometry(self.width() - hint.width() - 4, 4, hint.width(), hint.height())

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        """As high as the picture needs: the docker scrolls rather than squeezing it.

        Qt has to know before it lays out: a height that is set when the width has changed has it show the scroll bar,
        which makes the picture lower, hide it, which makes it higher, and so on until the stack is full.
        """
        wanted = 110 if self._proportion is None else round(width * self._proportion)
        return max(_SMALLEST, min(_LARGEST, wanted))

    def minimumSizeHint(self) -> QtCore.QSize:  # noqa: N802
        return QtCore.QSize(_SMALLEST, _SMALLEST)

    def sizeHint(self) -> QtCore.QSize:  # noqa: N802
        return QtCore.QSize(280, self.heightForWidth(280))

    def paintEvent(self, event: Any) -> None:  # noqa: N802
        painter = theme.painter_for(self)
        box = QtCore.QRectF(self.rect())
        outline = QtGui.QPainterPath()
        outline.addRoundedRect(box, theme.RADIUS, theme.RADIUS)
        painter.setClipPath(outline)
        painter.fillPath(outline, theme.mixed(theme.role(self, "Window"), theme.role(self, "Shadow"), 0.25))
        if self._before is None:
            painter.setPen(theme.quiet(self))
            wrap = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignCenter
            painter.drawText(
                box.adjusted(16, 8, -16, -8), int(wrap.value if hasattr(wrap, "value") else wrap), self._words
            )
            return
        target = self._target(self._before)
        painter.drawPixmap(target, self._before, QtCore.QRectF(self._before.rect()))
        if self._shade is not None and self._mask.isChecked():
            painter.drawPixmap(target, self._shade, QtCore.QRectF(self._shade.rect()))
        if self._after is None:
            self._label(painter, target, tr("Looking…"), right=True)
            return
        x = target.left() + target.width() * self._divider
        painter.save()
        painter.setClipRect(
            QtCore.QRectF(x, target.top(), target.right() - x, target.height()), Qt.ClipOperation.IntersectClip
        )
        painter.drawPixmap(target, self._after, QtCore.QRectF(self._after.rect()))
        if self._shade is not None and self._mask.isChecked():
            painter.drawPixmap(target, self._shade, QtCore.QRectF(self._shade.rect()))
        painter.restore()
        painter.fillRect(QtCore.QRectF(x - 1, target.top(), 2, target.height()), QtGui.QColor(255, 255, 255, 200))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(255, 255, 255, 230))
        painter.drawEllipse(QtCore.QPointF(x, target.center().y()), 5, 5)
        if self._divider > 0.25:
            self._label(painter, target, tr("Before"), right=False)
        if self._divider < 0.75:
            self._label(painter, target, tr("After"), right=True)

    def mouseMoveEvent(self, event: Any) -> None:  # noqa: N802
        if self._before is not None:
            x = event.position().x() if hasattr(event, "position") else event.localPos().x()
            target = self._target(self._before)
            self._set_divider((x - target.left()) / max(1.0, target.width()))

    def leaveEvent(self, event: Any) -> None:  # noqa: N802
        self._set_divider(0.5)

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802
        if self._inviting:
            self.asked.emit()

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802
        key = event.key()
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._set_divider(self._divider + (0.1 if key == Qt.Key.Key_Right else -0.1))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._inviting:
            self.asked.emit()
        else:
            super().keyPressEvent(event)

    def _set_divider(self, divider: float) -> None:
        self._divider = min(1.0, max(0.0, divider))
        self.update()

    def _target(self, pixmap: QtGui.QPixmap) -> QtCore.QRectF:
        """The largest place of the picture's proportions, in the middle."""
        scale = min(self.width() / pixmap.width(), self.height() / pixmap.height())
        width, height = pixmap.width() * scale, pixmap.height() * scale
        return QtCore.QRectF((self.width() - width) / 2, (self.height() - height) / 2, width, height)

    def _label(self, painter: QtGui.QPainter, target: QtCore.QRectF, text: str, *, right: bool) -> None:
        painter.setFont(theme.small_font(self))
        width = painter.fontMetrics().horizontalAdvance(text) + 12
        height = painter.fontMetrics().height() + 4
        left = target.right() - width - 6 if right else target.left() + 6
        plate = QtCore.QRectF(left, target.bottom() - height - 6, width, height)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(0, 0, 0, 130))
        painter.drawRoundedRect(plate, height / 2, height / 2)
        painter.setPen(QtGui.QColor(255, 255, 255))
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
