"""The widgets, under PyQt6 as in Krita 6 or PyQt5 as in Krita 5: skipped where neither is installed.

`tests/hosts/krita/test_widgets.py` runs this file with the Python and the Qt of each host.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
try:
    from harmonize_selection.qt import Qt, QtGui, QtWidgets
except ImportError:
    pytest.skip("neither PyQt6 nor PyQt5 is installed here", allow_module_level=True)

from harmonize_client.values import Look
from harmonize_selection.state import DockerState, Health, Problem, Variant
from harmonize_selection.values import LayerInfo, LayerName, Output, Picture, Rect, Reference, Settings, Source
from harmonize_selection.view.flow import Flow
from harmonize_selection.view.panel import Panel
from harmonize_selection.view.preview import Preview
from harmonize_selection.view.slider import LookSlider

from .fake_host import CANVAS, NETWORK, layer_ref

QTest = importlib.import_module(QtWidgets.__name__.replace("QtWidgets", "QtTest")).QTest
PICTURE = Picture(300, 200, bytes(300 * 200 * 4))
LAYER = LayerInfo(layer_ref("a"), "Pasted figure with quite a long name", Rect(1, 1, 2, 2), CANVAS)
FULL = DockerState(
    layer=LAYER,
    selected=1,
    adjusting=LAYER.name,
    health=Health.READY,
    daemon="Ready on cpu.",
    before=PICTURE,
    after=PICTURE,
    networks=(NETWORK,),
    default_network="ours",
    layers=(LayerName(LAYER.ref, LAYER.name),),
    variants=tuple(Variant(name, "", Look(), PICTURE) for name in ("Full", "Half", "Color only", "Keep lights")),
    can_compare=True,
)


class Noted:
    """Every action, with its arguments."""

    def __init__(self) -> None:
        self.log: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.log.append((name, *arguments))


@pytest.fixture(scope="module")
def app() -> Any:
    return QtWidgets.QApplication.instance() or QtWidgets.QApplication([])


@pytest.fixture
def panel(app: Any) -> Iterator[tuple[Panel, Noted]]:
    noted = Noted()
    panel = Panel()
    panel.connect_to(noted)
    panel.resize(300, 640)
    panel.show_state(FULL)
    panel.show()
    app.processEvents()
    yield panel, noted
    panel.close()


def button(panel: Panel, text: str) -> Any:
    return next(found for found in panel.findChildren(QtWidgets.QAbstractButton) if found.text() == text)


def test_it_is_content_with_300_pixels(panel: tuple[Panel, Noted]) -> None:
    panel[0].unfold()
    assert panel[0].minimumSizeHint().width() <= 300
    content = panel[0].findChild(QtWidgets.QScrollArea).widget()
    assert content.minimumSizeHint().width() <= 300


@pytest.mark.parametrize(
    "state",
    [replace(FULL, selected=12), replace(FULL, busy="Reading and writing pixels…", fraction=0.5)],
    ids=["several layers", "busy"],
)
def test_no_button_is_cut_off_in_the_width_that_krita_gives_it(
    app: Any, panel: tuple[Panel, Noted], state: DockerState
) -> None:
    panel[0].resize(262, 640)
    panel[0].show_state(state)
    app.processEvents()
    for text in ("Harmonize 12 layers" if state.selected > 1 else "Cancel", "Live", "Before"):
        seen = button(panel[0], text)
        assert seen.visibleRegion().boundingRect() == seen.rect(), text


def test_the_buttons_stand_in_one_row_where_there_is_room(app: Any, panel: tuple[Panel, Noted]) -> None:
    """What room is depends on the font, so it is asked for."""
    panel[0].show_state(replace(FULL, selected=12))
    panel[0].resize(500, 2000)
    app.processEvents()
    row = panel[0].findChild(Flow)
    just_enough = panel[0].width() - row.width() + row.sizeHint().width()
    for width, rows in ((just_enough, 1), (just_enough - 1, 2), (just_enough, 1)):
        panel[0].resize(width, 2000)
        app.processEvents()
        buttons = [button(panel[0], text) for text in ("Harmonize 12 layers", "Live", "Before")]
        assert len({each.y() for each in buttons}) == rows
        assert not any(one.geometry().intersects(other.geometry()) for one, other in combinations(buttons, 2))


def test_one_layer_or_several(panel: tuple[Panel, Noted]) -> None:
    button(panel[0], "Harmonize").click()
    panel[0].show_state(replace(FULL, selected=3))
    button(panel[0], "Harmonize 3 layers").click()
    assert panel[1].log == [("harmonize",), ("harmonize_selected",)]


def test_a_slider_moves_with_the_keyboard_and_goes_back_with_delete(panel: tuple[Panel, Noted]) -> None:
    strength = panel[0].findChildren(LookSlider)[0]
    QTest.keyClick(strength, Qt.Key.Key_Left)
    assert panel[1].log == [("set_settings", Settings(look=Look(strength=0.99)))]
    QTest.keyClick(strength, Qt.Key.Key_Delete)
    assert panel[1].log[-1] == ("set_settings", Settings())


def test_showing_a_state_asks_for_nothing(panel: tuple[Panel, Noted]) -> None:
    settings = Settings(network="ours", look=Look(strength=0.2, color_only=True), output=Output.CURVES)
    panel[0].show_state(replace(FULL, settings=settings, live=True, comparing=True))
    assert panel[1].log == []


def test_trouble_is_a_line_with_a_button_for_details(panel: tuple[Panel, Noted]) -> None:
    panel[0].show_state(replace(FULL, problem=Problem("It does not work.", "Because.")))
    assert button(panel[0], "Details").isVisible()
    button(panel[0], "×").click()
    assert panel[1].log == [("dismiss",)]


def test_trouble_with_the_preview_stands_in_its_place_or_is_a_line_below_it(panel: tuple[Panel, Noted]) -> None:
    trouble = replace(FULL, preview_trouble=Problem("The layer is empty.", "Because."))
    panel[0].show_state(replace(trouble, before=None, after=None))
    assert panel[0]._preview._words == "The layer is empty."
    assert not button(panel[0], "Details").isVisible()
    panel[0].show_state(trouble)
    assert button(panel[0], "Details").isVisible()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Source.BELOW, "what lies below it"),
        (Source.ABOVE, "what lies above it"),
        (Source.LAYER, "the scene that you have chosen"),
    ],
)
def test_what_is_promised_before_the_first_preview_is_what_was_chosen(
    panel: tuple[Panel, Noted], source: Source, words: str
) -> None:
    panel[0].show_state(replace(FULL, before=None, after=None, settings=Settings(reference=Reference(source))))
    assert panel[0]._preview._words == f"“{LAYER.name}” will fit {words}."


def test_the_docker_keeps_its_height_while_the_next_picture_is_made(panel: tuple[Panel, Noted]) -> None:
    height = panel[0]._preview.height()
    panel[0].show_state(replace(FULL, before=None, after=None))
    assert panel[0]._preview.height() == height


def test_everything_can_be_reached_with_the_tab_key_and_has_a_name(panel: tuple[Panel, Noted]) -> None:
    panel[0].unfold()
    for widget in panel[0].findChildren(QtWidgets.QWidget):
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and isinstance(
            widget, (QtWidgets.QAbstractButton, QtWidgets.QAbstractSlider, QtWidgets.QComboBox)
        ):
            name = widget.accessibleName() or getattr(widget, "text", str)()
            inside = isinstance(widget, QtWidgets.QScrollBar)
            assert name or inside, widget


def test_live_mode_shows_no_picture_of_where_the_layer_was(panel: tuple[Panel, Noted]) -> None:
    preview = panel[0].findChild(Preview)
    panel[0].show_state(replace(FULL, live=True))
    assert preview._before is None
    assert preview._words == "Live: look at the picture itself."
    panel[0].show_state(FULL)
    assert preview._before is not None


def test_before_cannot_be_pressed_during_live_mode(panel: tuple[Panel, Noted]) -> None:
    assert button(panel[0], "Before").isEnabled()
    panel[0].show_state(replace(FULL, live=True))
    assert not button(panel[0], "Before").isEnabled()


def test_any_size_of_the_docker_is_drawn(app: Any, panel: tuple[Panel, Noted]) -> None:
    """A preview that is lower beside a scroll bar, and needs none then, had Qt show and hide it until the crash."""
    for width in (240, 262, 300, 340):
        for height in range(700, 240, -1):
            panel[0].resize(width, height)
            app.processEvents()
            preview = panel[0].findChild(Preview)
            assert preview.height() == max(90, min(200, round(preview.width() * PICTURE.height / PICTURE.width)))


@pytest.mark.parametrize(
    ("window", "text", "button_color", "mid"),
    [("#474747", "#c8c8c8", "#363636", "#3f3f3f"), ("#eff0f1", "#31363b", "#eff0f1", "#bec0c2")],
    ids=["Krita dark", "bright"],
)
def test_a_button_that_cannot_be_pressed_can_be_read(
    app: Any, window: str, text: str, button_color: str, mid: str
) -> None:
    """In the theme that Krita starts with, and in another one that is chosen meanwhile."""
    before = app.palette()
    palette = QtGui.QPalette(before)
    for role, color in (("Window", window), ("WindowText", text), ("Button", button_color), ("Mid", mid)):
        palette.setColor(getattr(QtGui.QPalette.ColorRole, role), QtGui.QColor(color))
    old = Panel()
    app.setPalette(palette)
    new = Panel()
    for panel in (old, new):
        panel.show()
        app.processEvents()
        picture = button(panel, "Harmonize").grab().toImage()
        rows = range(picture.height() // 2 - 4, picture.height() // 2 + 5)
        shades = [picture.pixelColor(x, y).lightness() for x in range(8, picture.width() - 8) for y in rows]
        background = max(shades, key=shades.count)
        assert abs(background - QtGui.QColor(button_color).lightness()) < 3
        assert max(abs(shade - background) for shade in shades) > 60
        panel.close()
    app.setPalette(before)
