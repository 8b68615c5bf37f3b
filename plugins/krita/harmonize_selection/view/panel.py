"""The whole docker, from top to bottom."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

from ..client import Look, Place
from ..i18n import later, tr
from ..qt import Qt, QtCore, QtGui, QtWidgets
from ..state import DockerState, Variant
from ..values import Settings, Source
from . import theme
from .choices import Choices
from .flow import Flow
from .fold import Fold
from .look_sliders import LookSliders
from .preview import Preview
from .status import DaemonLine, ProblemLine, ProgressLine
from .variants import VariantStrip

_PROMISES = {
    Source.BELOW: later("“{name}” will fit what lies below it."),
    Source.ABOVE: later("“{name}” will fit what lies above it."),
}


class Actions(Protocol):
    """What the artist can do: the presenter."""

    def harmonize(self) -> None: ...
    def harmonize_selected(self) -> None: ...
    def cancel(self) -> None: ...
    def set_settings(self, settings: Settings) -> None: ...
    def set_live(self, on: bool) -> None: ...
    def choose(self, variant: Variant) -> None: ...
    def compare(self, original: bool) -> None: ...
    def reuse(self, index: int) -> None: ...
    def refresh_preview(self) -> None: ...
    def dismiss(self) -> None: ...


class Panel(QtWidgets.QWidget):
    """Draws a `DockerState`, and tells the presenter what is clicked."""

    def __init__(self) -> None:
        super().__init__()
        self._state = DockerState()
        self._actions: Actions | None = None
        self._preview = Preview()
        self._variants = VariantStrip()
        self._button = QtWidgets.QPushButton(tr("Harmonize"))
        self._live = QtWidgets.QToolButton()
        self._compare = QtWidgets.QToolButton()
        self._sliders = LookSliders()
        self._choices = Choices()
        self._progress = ProgressLine()
        self._problem = ProblemLine()
        self._daemon = DaemonLine()
        self._live_words = theme.wrapped()
        self._adjusting = theme.wrapped()
        self._history_rows = QtWidgets.QListWidget()
        self._history = Fold(tr("History"), theme.column(self._history_rows))
        self._set_up_buttons()
        self._set_up_history()
        for label in (self._live_words, self._adjusting):
            label.setFont(theme.small_font(label))
            label.setForegroundRole(QtGui.QPalette.ColorRole.WindowText)
        content = QtWidgets.QWidget()
        layout = theme.column(
            self._preview,
            self._variants,
            Flow(self._button, self._live, self._compare),
            self._progress,
            self._problem,
            self._live_words,
            self._adjusting,
            self._sliders,
            self._choices,
            self._history,
        )
        layout.addStretch(1)
        layout.setContentsMargins(8, 6, 8, 6)
        content.setLayout(layout)
        scrolled = QtWidgets.QScrollArea()
        scrolled.setWidget(content)
        scrolled.setWidgetResizable(True)
        scrolled.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        scrolled.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        foot = theme.row(self._daemon)
        foot.setContentsMargins(8, 0, 8, 4)
        self.setLayout(theme.column(scrolled, foot, spacing=2))
        self.show_state(self._state)

    def connect_to(self, actions: Actions) -> None:
        self._actions = actions
        self._button.clicked.connect(self._harmonize)
        self._live.toggled.connect(self._toggle_live)
        self._compare.toggled.connect(actions.compare)
        self._progress.cancelled.connect(actions.cancel)
        self._problem.dismissed.connect(actions.dismiss)
        self._preview.asked.connect(actions.refresh_preview)
        self._variants.chosen.connect(actions.choose)
        self._sliders.changed.connect(self._look_changed)
        self._choices.changed.connect(actions.set_settings)
        self._history_rows.itemActivated.connect(lambda item: actions.reuse(self._history_rows.row(item)))

    def sizeHint(self) -> QtCore.QSize:  # noqa: N802
        return QtCore.QSize(300, 640)

    def show_state(self, state: DockerState) -> None:
        self._state = state
        can = state.layer is not None and not state.layer.problem and not state.busy
        # In live mode the layer moves on, and a picture of where it was would mislead.
        before, after, shade = (None, None, None) if state.live else (state.before, state.after, state.shade)
        inviting = not state.live and (state.preview_waits or before is not None)
        self._preview.show_pictures(before, after, shade, _preview_words(state), inviting)
        self._variants.show_variants(state.variants, _focus(state))
        several = state.selected > 1
        self._button.setText(tr("Harmonize {count} layers", count=state.selected) if several else tr("Harmonize"))
        self._button.setToolTip(_button_tooltip(state))
        self._button.setEnabled(can)
        _check(self._live, state.live)
        self._live.setEnabled(can or state.live)
        _check(self._compare, state.comparing)
        self._compare.setEnabled(state.can_compare and not state.busy and not state.live)
        self._progress.show_progress(state.busy, state.fraction)
        in_place = state.preview_trouble if state.before is not None else None  # else it stands in the picture's place
        note = " ".join(dict.fromkeys(filter(None, (state.note, state.preview_note))))
        self._problem.show_problem(state.problem or in_place, note)
        self._live_words.setVisible(state.live)
        self._live_words.setText(("● " if state.live_busy else "○ ") + state.live_text)
        self._adjusting.setVisible(bool(state.adjusting))
        self._adjusting.setText(tr("The sliders change “{name}” directly.", name=state.adjusting))
        self._sliders.show_look(state.settings.look)
        self._choices.show_state(state)
        self._show_history(state)
        self._daemon.show_daemon(state.health, state.daemon)

    def unfold(self) -> None:
        """Opens everything that is folded away."""
        for fold in self.findChildren(Fold):
            fold.set_open(True)

    def _set_up_buttons(self) -> None:
        self._button.setDefault(True)
        self._button.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self._button.setMinimumHeight(self._button.fontMetrics().height() + 14)
        font = QtGui.QFont(self._button.font())
        font.setBold(True)
        self._button.setFont(font)
        self._color_button()
        for button, text, tooltip in (
            (self._live, tr("Live"), tr("Follow the layer while you move it; switching off leaves editable curves")),
            (self._compare, tr("Before"), tr("Show the original in the picture")),
        ):
            button.setText(text)
            button.setToolTip(tooltip)
            button.setCheckable(True)
            button.setMinimumHeight(self._button.minimumHeight())
            button.setMinimumWidth(button.fontMetrics().horizontalAdvance(text) + 18)

    def changeEvent(self, event: Any) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QtCore.QEvent.Type.PaletteChange:  # another theme
            self._color_button()

    def _color_button(self) -> None:
        self._button.setStyleSheet(
            "QPushButton { background: palette(highlight); color: palette(highlighted-text);"
            f" border: none; border-radius: {theme.RADIUS}px; padding: 0 10px; }}"
            "QPushButton:hover { border: 1px solid palette(highlighted-text); }"
            "QPushButton:focus { border: 1px solid palette(window-text); }"
            f"QPushButton:disabled {{ background: palette(button); color: {theme.faint(self).name()}; }}"
        )

    def _set_up_history(self) -> None:
        self._history_rows.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self._history_rows.setFixedHeight(86)
        self._history_rows.setToolTip(tr("Double-click to apply the same change to the layer at hand"))
        self._history_rows.setAccessibleName(tr("History"))

    def _show_history(self, state: DockerState) -> None:
        self._history.setVisible(bool(state.history))
        texts = [f"{entry.title}   {entry.details}" for entry in state.history]
        if texts != [self._history_rows.item(index).text() for index in range(self._history_rows.count())]:
            self._history_rows.clear()
            self._history_rows.addItems(texts)

    def _harmonize(self) -> None:
        if self._actions is not None:
            if self._state.selected > 1:
                self._actions.harmonize_selected()
            else:
                self._actions.harmonize()

    def _toggle_live(self, on: bool) -> None:
        if self._actions is not None:
            self._actions.set_live(on)

    def _look_changed(self, look: Look) -> None:
        if self._actions is not None:
            self._actions.set_settings(replace(self._state.settings, look=look))


def _check(button: QtWidgets.QAbstractButton, on: bool) -> None:
    blocked = button.blockSignals(True)
    button.setChecked(on)
    button.blockSignals(blocked)


def _focus(state: DockerState) -> Place | None:
    return state.layer.bounds.within(state.layer.canvas) if state.layer and not state.layer.bounds.is_empty else None


def _preview_words(state: DockerState) -> str:
    if state.layer is None:
        return tr("Open a picture, and choose the layer that was pasted into it.")
    if state.layer.problem:
        return state.layer.problem
    if state.live:
        return tr("Live: look at the picture itself.")
    if state.preview_trouble is not None:
        return state.preview_trouble.line
    if state.preview_waits:
        return tr("A large picture: click here for a preview.")
    source = state.settings.reference.source
    promise = _PROMISES.get(source, later("“{name}” will fit the scene that you have chosen."))
    return tr(promise, name=state.layer.name)


def _button_tooltip(state: DockerState) -> str:
    rule = tr("What changes: the selection, where the layer is not transparent. Without a selection, the whole layer.")
    return f"{tr('Make the layer belong to its scene')}\n{rule}"
