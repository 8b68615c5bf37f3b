"""The sliders and switches of a `Look`."""

from __future__ import annotations

from typing import Any

from ..client import Look
from ..i18n import tr
from ..qt import QtCore, QtWidgets
from . import theme
from .fold import Fold
from .slider import LookSlider


class LookSliders(QtWidgets.QWidget):
    """Emits `changed` with a `Look` when the artist changes one."""

    changed = QtCore.pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        default = Look()
        self._sliders = {
            name: self._slider(name, title, tooltip, getattr(default, name)) for name, title, tooltip in _texts()
        }
        self._switches = {name: self._switch(title, tooltip) for name, title, tooltip in _switch_texts()}
        self._reset = QtWidgets.QToolButton()
        self._reset.setText(tr("Reset"))
        self._reset.setAutoRaise(True)
        self._reset.setToolTip(tr("All sliders back to their defaults"))
        self._reset.clicked.connect(self._reset_all)
        names = list(self._sliders)
        fine = theme.column(
            *(self._sliders[name] for name in names[3:]),
            *self._switches.values(),
            spacing=4,
        )
        self._fold = Fold(tr("Fine tuning"), fine, self._reset)
        self.setLayout(theme.column(*(self._sliders[name] for name in names[:3]), self._fold, spacing=4))
        self._quiet = False

    def show_look(self, look: Look) -> None:
        """Without emitting `changed`."""
        self._quiet = True
        for name, slider in self._sliders.items():
            if not slider.isSliderDown():
                slider.setValue(round(getattr(look, name) * 100))
        for name, switch in self._switches.items():
            switch.setChecked(getattr(look, name))
        self._quiet = False
        self._reset.setEnabled(look != Look())

    def look(self) -> Look:
        values: dict[str, Any] = {name: slider.value() / 100 for name, slider in self._sliders.items()}
        values.update({name: switch.isChecked() for name, switch in self._switches.items()})
        return Look(**values)

    def _slider(self, name: str, title: str, tooltip: str, default: float) -> LookSlider:
        low, high = Look.ranges()[name]
        slider = LookSlider(title, round(low * 100), round(high * 100), round(default * 100), tooltip)
        slider.valueChanged.connect(self._emit)
        return slider

    def _switch(self, title: str, tooltip: str) -> QtWidgets.QCheckBox:
        switch = QtWidgets.QCheckBox(title)
        switch.setToolTip(tooltip)
        switch.toggled.connect(self._emit)
        return switch

    def _emit(self, *_: object) -> None:
        if not self._quiet:
            self._reset.setEnabled(self.look() != Look())
            self.changed.emit(self.look())

    def _reset_all(self) -> None:
        self.show_look(Look())
        self.changed.emit(Look())


def _texts() -> tuple[tuple[str, str, str], ...]:
    return (
        ("strength", tr("Strength"), tr("How much of the change is applied")),
        ("light", tr("Light"), tr("How much of the change of light and dark is applied")),
        ("color", tr("Color"), tr("How much of the change of color is applied")),
        ("warmth", tr("Warmth"), tr("Bluer or more amber")),
        ("tint", tr("Tint"), tr("Greener or more magenta")),
        ("saturation", tr("Saturation"), tr("Paler or more colorful")),
        ("contrast", tr("Contrast"), tr("Flatter or harder")),
    )


def _switch_texts() -> tuple[tuple[str, str, str], ...]:
    return (
        ("protect_highlights", tr("Protect highlights"), tr("The change fades out towards white")),
        ("color_only", tr("Color only"), tr("Light and dark stay as they are; only color changes")),
        ("clean_edges", tr("Clean edges"), tr("Removes the old background's color from soft edges")),
    )
