"""A part of the docker that folds away."""

from __future__ import annotations

from ..qt import Qt, QtWidgets
from . import theme


class Fold(QtWidgets.QWidget):
    """A title to click on, an optional widget at its right, and what it shows and hides."""

    def __init__(self, title: str, content: QtWidgets.QLayout, beside: QtWidgets.QWidget | None = None) -> None:
        super().__init__()
        self._button = QtWidgets.QToolButton()
        self._button.setText(title)
        self._button.setCheckable(True)
        self._button.setAutoRaise(True)
        self._button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._button.toggled.connect(self._toggle)
        self._beside = beside
        self._content = QtWidgets.QWidget()
        self._content.setLayout(content)
        layout = theme.row(self._button, spacing=0)
        layout.addStretch(1)
        if beside is not None:
            layout.addWidget(beside)
        self.setLayout(theme.column(layout, self._content, spacing=2))
        self._toggle(False)

    def set_open(self, is_open: bool) -> None:
        self._button.setChecked(is_open)

    def _toggle(self, is_open: bool) -> None:
        self._button.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        self._content.setVisible(is_open)
        if self._beside is not None:
            self._beside.setVisible(is_open)
