"""Strokes that last, while the docker looks: Krita scales a picture, a tool waits for the artist to go on."""

import subprocess
import time

from harmonize_selection.qt import QtCore, QtWidgets
from support import app, at_hand, close, composite, docker, find, layers, ready, say, settle, until

_DRAG = """
xdotool mousemove {x} {y} sleep 0.3 mousedown 1 sleep 0.2
for i in $(seq 20); do xdotool mousemove_relative -- -5 1; sleep 0.03; done
xdotool mouseup 1
"""


def steps():
    presenter = docker().presenter
    window = app.activeWindow().qwindow()
    window.showMaximized()
    document, _scene, figure = composite()
    yield from at_hand(presenter, document, figure)
    yield from ready(presenter)
    yield from until(lambda: presenter.state.after is not None)
    yield from moved(presenter, document, figure, window)
    yield from transformed(presenter, document, figure, window)
    app.action("KritaShape/KisToolBrush").trigger()
    yield from close(document)
    for live in (False, True):
        yield from scaled(presenter, live)


def drag(figure, window):
    """Until the pen is lifted."""
    middle = window.mapToGlobal(window.rect().center())
    start = figure.bounds().x()
    dragging = subprocess.Popen(["sh", "-c", _DRAG.format(x=middle.x() - 100, y=middle.y())])
    yield from until(lambda: dragging.poll() is not None)
    yield from until(lambda: figure.bounds().x() != start, 10)


def is_open(document):
    """Whether there is a stroke."""
    if document.tryBarrierLock():
        document.unlock()
        return False
    return True


def moved(presenter, document, figure, window):
    """With a tool that keeps its stroke open after the pen is lifted."""
    app.action("KritaTransform/KisToolMove").trigger()
    yield 0.5
    document.setActiveNode(figure)
    yield 0.5
    before = presenter.state.before
    yield from drag(figure, window)
    yield from until(lambda: presenter.state.before is not before, 10)
    say("moved", layers=layers(document))


def transformed(presenter, document, figure, window):
    """The artist goes on with it after a while; in between, the docker has time to look."""
    for live in (False, True):
        presenter.set_live(live)
        yield from until(lambda live=live: not live or presenter.live.updates)
        yield 1.0
        app.action("KisToolTransform").trigger()
        yield 1.0
        yield from drag(figure, window)
        yield 1.0
        before, updates = presenter.state.before, live and presenter.live.updates
        began = time.process_time()
        yield 3.0
        busy = (time.process_time() - began) / 3.0
        left_alone = is_open(document)
        app.action("KritaShape/KisToolBrush").trigger()
        yield from until(lambda: not is_open(document), 10)
        if live:
            yield from until(lambda updates=updates: presenter.live.updates > updates, 10)
        else:
            yield from until(lambda before=before: presenter.state.before is not before, 10)
        say(f"transformed-{live}", left_alone=left_alone, busy=busy, layers=layers(document))
    presenter.set_live(False)


def scaled(presenter, live):
    """With Krita's own dialog, so large that it takes seconds."""
    document, _scene, figure = composite(view=False)
    document.scaleImage(3000, 2000, 72, 72, "Bicubic")
    settle(document)
    app.activeWindow().addView(document)
    yield from at_hand(presenter, document, figure)
    yield from until(lambda: presenter.state.after is not None)
    presenter.set_live(live)
    yield from until(lambda: not live or presenter.live.updates)
    yield 1.0
    before = presenter.state.before

    QtCore.QTimer.singleShot(100, enlarge)
    app.action("imagesize").trigger()
    yield from until(lambda: document.width() == 9000)
    settle(document)
    yield 2.0
    text = presenter.state.live_text
    presenter.set_live(False)
    presenter.refresh_preview()
    yield from until(lambda: presenter.state.before is not before)
    wide = find(document, "Figure").bounds().width()
    say(f"scaled-{live}", wide=wide, text=text, layers=layers(document))
    yield from close(document)


def enlarge():
    """Fills in Krita's dialog, once it is there: nobody else can while it is open."""
    dialog = QtWidgets.QApplication.activeModalWidget()
    width = dialog and dialog.findChild(QtWidgets.QAbstractSpinBox, "pixelWidthDouble")
    if not width:
        QtCore.QTimer.singleShot(100, enlarge)
        return
    width.setValue(9000.0)
    dialog.accept()
