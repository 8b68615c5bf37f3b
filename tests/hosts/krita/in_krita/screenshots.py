"""The docker at 300 px, beside a picture: before harmonizing, after it, live, and with trouble."""

import dataclasses

from harmonize_selection.client import Look
from harmonize_selection.i18n import tr
from harmonize_selection.qt import Qt, QtWidgets
from support import app, at_hand, composite, docker, done, ready, save, say, screenshot, until


def steps():
    window = app.activeWindow().qwindow()
    window.showMaximized()
    yield 0.5
    widget = docker()
    presenter, panel = widget.presenter, widget.widget()
    document, _scene, figure = composite()
    yield 0.5
    for other in window.findChildren(QtWidgets.QDockWidget):
        if other.objectName() not in ("KisLayerBox", "ToolBox", "harmonize_selection"):
            other.hide()
    layer_box = window.findChild(QtWidgets.QDockWidget, "KisLayerBox")
    window.resizeDocks([widget], [300], Qt.Orientation.Horizontal)
    window.resizeDocks([layer_box, widget], [150, 800], Qt.Orientation.Vertical)
    yield 0.5
    yield from at_hand(presenter, document, figure)
    yield from ready(presenter)
    app.action("zoom_to_fit").trigger()
    yield from until(lambda: presenter.state.after is not None and presenter.state.variants)
    yield 2.0
    say("width", docker=panel.width(), texts=[tr("Harmonize")])
    grab(panel, "preview")
    screenshot("window-before")
    presenter.harmonize()
    yield from done(presenter)
    yield from until(lambda: presenter.state.adjusting)
    presenter.set_settings(dataclasses.replace(presenter.state.settings, look=Look(strength=0.85, warmth=0.12)))
    yield 1.5
    yield from done(presenter)
    panel.unfold()
    yield 1.0
    grab(panel, "adjusting")
    screenshot("window-after")
    presenter.set_settings(dataclasses.replace(presenter.state.settings, network="gone"))
    presenter.harmonize()
    yield from done(presenter)
    yield 0.5
    grab(panel, "trouble")


def grab(panel, name):
    panel.grab().save(f"/tmp/{name}.png")
    with open(f"/tmp/{name}.png", "rb") as file:
        save(f"{name}.png", file.read())
