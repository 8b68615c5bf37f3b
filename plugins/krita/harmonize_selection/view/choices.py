"""The three questions beside the sliders: which network, light and color from where, and what to leave behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import words
from ..client import NetworkInfo
from ..i18n import tr
from ..qt import Qt, QtCore, QtWidgets
from ..state import DockerState
from ..values import LayerName, Output, Reference, Settings, Source

_FILES = "*.png *.jpg *.jpeg *.tif *.tiff *.webp *.bmp"


class Choices(QtWidgets.QWidget):
    """Emits `changed` with `Settings`."""

    changed = QtCore.pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self._settings = Settings()
        self._filled: dict[str, object] = {}
        self._network = _combo(tr("Network"), tr("Which network looks at the scene"))
        self._reference = _combo(tr("Fit to"), tr("The scene to take light and color from"))
        self._output = _combo(tr("Result"), tr("What harmonizing leaves in the picture"))
        self._hide = QtWidgets.QCheckBox(tr("Hide the original"))
        self._hide.setToolTip(tr("The original layer is kept, and hidden under the new one"))
        form = QtWidgets.QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(4)
        form.setFieldGrowthPolicy(QtWidgets.QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        for box in (self._network, self._reference, self._output):
            form.addRow(box.accessibleName(), box)
        form.addRow(self._hide)
        self.setLayout(form)
        self._network.activated.connect(self._network_chosen)
        self._reference.activated.connect(self._reference_chosen)
        self._output.activated.connect(self._output_chosen)
        self._hide.clicked.connect(lambda on: self._change(hide_original=bool(on)))
        self._fill(
            self._output,
            "output",
            [
                (tr("New layer above"), Output.NEW_LAYER, tr("The original stays as it is")),
                (tr("Replace the layer"), Output.REPLACE, tr("One undo brings the original back")),
                (
                    tr("Editable curves mask"),
                    Output.CURVES,
                    tr("Krita's own curves, on the layer: open and change them"),
                ),
            ],
        )

    def show_state(self, state: DockerState) -> None:
        self._settings = state.settings
        self._fill(self._network, "networks", _network_items(state.networks, state.default_network))
        self._fill(self._reference, "reference", _reference_items(state))
        _select(self._network, state.settings.network)
        _select(self._reference, state.settings.reference)
        _select(self._output, state.settings.output)
        self._hide.setChecked(state.settings.hide_original)
        self._hide.setVisible(state.settings.output is Output.NEW_LAYER)

    def _fill(self, box: Any, name: str, items: list[tuple[str, object, str]]) -> None:
        """Only when it changes: an open list must not close."""
        if self._filled.get(name) == items:
            return
        self._filled[name] = items
        box.clear()
        for index, (title, value, tooltip) in enumerate(items):
            box.addItem(title, value)
            box.setItemData(index, tooltip, Qt.ItemDataRole.ToolTipRole)

    def _network_chosen(self) -> None:
        self._change(network=self._network.currentData())

    def _output_chosen(self) -> None:
        self._change(output=self._output.currentData())

    def _reference_chosen(self) -> None:
        reference: Reference = self._reference.currentData()
        if reference.source is Source.FILE:
            path, _ = QtWidgets.QFileDialog.getOpenFileName(
                self, tr("Take light and color from a picture"), reference.name, f"{tr('Pictures')} ({_FILES})"
            )
            if not path:
                _select(self._reference, self._settings.reference)
                return
            reference = Reference(Source.FILE, path)
        self._change(reference=reference)

    def _change(self, **changes: Any) -> None:
        self._settings = replace(self._settings, **changes)
        self.changed.emit(self._settings)


def _combo(name: str, tooltip: str) -> QtWidgets.QComboBox:
    box = QtWidgets.QComboBox()
    box.setAccessibleName(name)
    box.setToolTip(tooltip)
    # Long names of layers must not make the docker wider.
    box.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
    box.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(8)
    box.wheelEvent = lambda event: event.ignore()
    return box


def _select(box: QtWidgets.QComboBox, value: object) -> None:
    for index in range(box.count()):
        if box.itemData(index) == value:
            box.setCurrentIndex(index)
            return
    box.setCurrentIndex(0)


def _network_items(networks: tuple[NetworkInfo, ...], default: str) -> list[tuple[str, object, str]]:
    best = next((info.title for info in networks if info.key == default), "")
    first = tr("Automatic ({title})", title=best) if best else tr("Automatic")
    items: list[tuple[str, object, str]] = [(first, "", tr("The best network that is installed"))]
    for info in networks:
        speed = f" · {info.milliseconds:.0f} ms" if info.milliseconds else ""
        items.append((info.title, info.key, f"{words.summary_words(info.summary)}{speed}\n{info.paper}".strip()))
    return items


def _reference_items(state: DockerState) -> list[tuple[str, object, str]]:
    items: list[tuple[str, object, str]] = [
        (tr("What lies below"), Reference(), tr("The scene that the layer was pasted into")),
        (tr("What lies above"), Reference(Source.ABOVE), tr("What was put on the layer: a scene is made to fit it")),
        (tr("All that is visible"), Reference(Source.VISIBLE), tr("The whole picture, with the layers above")),
    ]
    for layer in state.layers:
        if state.layer is None or layer.ref != state.layer.ref:
            items.append((_layer_title(layer), Reference(Source.LAYER, layer.ref.layer), layer.name))
    chosen = state.settings.reference
    if chosen.source is Source.FILE:
        items.append((Path(chosen.name).name, chosen, chosen.name))
    items.append((tr("A picture file…"), Reference(Source.FILE), tr("Any picture on disk")))
    return items


def _layer_title(layer: LayerName) -> str:
    return tr("Layer: {name}", name=layer.name)
