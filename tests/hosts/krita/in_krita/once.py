"""A change that is never made on top of a change, nor in another document; what is seen of a pen, and a selection."""

import functools
import time

from behaviour import choose, harmonize, problem
from harmonize_selection.qt import Qt, QtCore, QtGui, QtWidgets
from harmonize_selection.values import Output
from krita import Selection
from meanwhile import opened
from support import app, at_hand, close, docker, done, find, layers, pixels, redo, say, settle, undo, until


def steps():
    presenter = docker().presenter
    yield from until(lambda: presenter.state.networks)
    yield from copied(presenter)
    yield from hidden_before(presenter)
    yield from curves_again(presenter)
    yield from pressed_twice(presenter)
    yield from covered_by_a_copy(presenter)
    yield from live_and_harmonize(presenter)
    yield from selected_anew(presenter)
    yield from tablet(presenter)


def copied(presenter):
    """Krita keeps the ids of all layers in a copy of the picture."""
    document, _ = yield from opened(presenter)
    count = len(app.documents())
    app.action("create_copy").trigger()
    yield from until(lambda: len(app.documents()) > count)
    yield 1.0
    copy = app.activeDocument()
    figure = find(copy, "Figure")
    copy.setActiveNode(figure)
    yield 1.0
    presenter.look_now()
    yield from harmonize(presenter)
    written = layers(copy)
    yield from undo()
    say("copy", problem=problem(presenter), original=layers(document), written=written, undone=layers(copy))
    presenter.harmonize()
    yield 0.01
    app.setActiveDocument(document)
    yield from done(presenter)
    yield 0.3
    say("copy-switched", problem=problem(presenter), original=layers(document), written=layers(copy))
    yield from close(copy)
    yield from close(document)


def hidden_before(presenter):
    document, figure = yield from opened(presenter)
    figure.setVisible(False)
    settle(document)
    yield 1.0
    before = layers(document)
    yield from harmonize(presenter)
    written = layers(document)
    yield from undo()
    say("hidden", before=before, written=written, undone=layers(document))
    yield from close(document)


def _opened_and_known(presenter):
    """A picture of its own, and the pixels that its figure is to get."""
    document, figure = yield from opened(presenter)
    yield from harmonize(presenter)
    plain = pixels(find(document, "Figure harmonized"), document)
    yield from undo()
    return document, figure, plain


def curves_again(presenter):
    document, figure, plain = yield from _opened_and_known(presenter)
    choose(presenter, output=Output.CURVES)
    yield from harmonize(presenter)
    once, shown = layers(document), _shown(figure, document)
    yield from harmonize(presenter)
    twice, same = layers(document), _shown(figure, document) == shown
    yield from undo()
    undone, still = layers(document), _shown(figure, document) == shown
    yield from redo()
    say("curves", once=once, twice=twice, same=same, undone=undone, still=still, redone=layers(document))
    choose(presenter, output=Output.NEW_LAYER)
    yield from harmonize(presenter)
    written = find(document, "Figure harmonized")
    say("curves-layer", layers=layers(document), same=pixels(written, document) == plain, problem=problem(presenter))
    yield from undo()
    choose(presenter, output=Output.REPLACE)
    yield from harmonize(presenter)
    replaced, same = layers(document), pixels(find(document, "Figure"), document) == plain
    yield from undo()
    yield 0.5
    say("curves-replaced", layers=replaced, same=same, undone=layers(document), problem=problem(presenter))
    choose(presenter, output=Output.NEW_LAYER)
    yield from close(document)


def pressed_twice(presenter):
    """The shortcut, while Krita reads the curves and lets events in."""
    document, _ = yield from opened(presenter)
    choose(presenter, output=Output.CURVES)
    pressed = []
    timer = QtCore.QTimer()

    def press():
        if presenter._turns.taken and presenter.state.busy and not pressed:
            pressed.append(True)
            app.action("harmonize_layer").trigger()

    timer.timeout.connect(press)
    timer.start(1)
    yield from harmonize(presenter)
    timer.stop()
    yield 1.0
    yield from done(presenter)
    say("pressed", times=1 + len(pressed), layers=layers(document))
    choose(presenter, output=Output.NEW_LAYER)
    yield from close(document)


def covered_by_a_copy(presenter):
    """What else is made of a layer is seen, although a harmonized copy lies above it."""
    for output in (Output.CURVES, Output.REPLACE):
        document, _ = yield from opened(presenter)
        yield from harmonize(presenter)
        choose(presenter, output=output)
        yield from harmonize(presenter)
        written = layers(document)
        yield from undo()
        yield 0.5
        undone = layers(document)
        yield from redo()
        yield 0.5
        redone = layers(document)
        choose(presenter, output=Output.NEW_LAYER)
        yield from at_hand(presenter, document, find(document, "Figure"))
        yield from harmonize(presenter)
        say(f"covered-{output.value}", written=written, undone=undone, redone=redone, again=layers(document))
        yield from close(document)
    document, _ = yield from opened(presenter)
    yield from harmonize(presenter)
    seen = []
    for leave in (False, True):
        presenter.set_live(True)
        live = presenter.live
        yield from until(lambda live=live: live.updates)
        seen.append(layers(document))
        if leave:
            presenter.set_live(False)
            yield 0.5
            left = layers(document)
        else:
            presenter._live.discard()
            nothing = layers(document)
    yield from undo()
    say("covered-live", seen=seen, left=left, nothing=nothing, undone=layers(document))
    yield from close(document)


def live_and_harmonize(presenter):
    document, figure, plain = yield from _opened_and_known(presenter)
    yield from at_hand(presenter, document, figure)
    presenter.set_live(True)
    live = presenter.live
    yield from until(lambda: live.updates)
    yield 1.0
    yield from harmonize(presenter)
    written = layers(document)
    same = pixels(find(document, "Figure harmonized"), document) == plain
    yield from undo()
    say("live", layers=written, same=same, live=presenter.state.live, undone=layers(document))
    yield from close(document)


def selected_anew(presenter):
    document, _ = yield from opened(presenter)
    yield from until(lambda: presenter.state.variants)
    yield 2.0
    whole = presenter.state.shade
    yield 2.0
    unchanged = presenter.state.shade is whole
    selection = Selection()
    selection.select(0, 0, document.width(), 200, 255)
    document.setSelection(selection)
    yield from until(lambda: presenter.state.shade not in (None, whole))
    host, ref = presenter._host, presenter.state.layer.ref
    begun = time.thread_time()
    for _ in range(20):
        host.fingerprint(ref)
    say("selected", unchanged=unchanged, milliseconds=(time.thread_time() - begun) * 50)
    yield from close(document)


def pen_event(kind, pos, screen, pressed):
    """What a pen's driver sends: Qt 6 and Qt 5 have it made in different ways."""
    pressure, button = 0.7 if pressed else 0.0, Qt.MouseButton.LeftButton
    buttons = button if pressed else Qt.MouseButton.NoButton
    tilt_twist_and_height = (0, 0, 0.0, 0.0, 0)
    if hasattr(QtGui, "QPointingDevice"):
        return QtGui.QTabletEvent(
            kind,
            pen_device(),
            pos,
            screen,
            pressure,
            *map(float, tilt_twist_and_height),
            Qt.KeyboardModifier.NoModifier,
            button,
            buttons,
        )
    stylus, tip = 2, 1
    return QtGui.QTabletEvent(
        kind,
        pos,
        screen,
        stylus,
        tip,
        pressure,
        *tilt_twist_and_height,
        Qt.KeyboardModifier.NoModifier,
        42,
        button,
        buttons,
    )


@functools.cache  # the events do not keep it alive
def pen_device():
    device, can = QtGui.QInputDevice.DeviceType.Stylus, QtGui.QInputDevice.Capability
    pen = QtGui.QPointingDevice.PointerType.Pen
    return QtGui.QPointingDevice("Pen", 42, device, pen, can.Position | can.Pressure, 1, 2)


def tablet(presenter):
    """Events as a pen's driver sends them, without those of a mouse."""
    document, figure = yield from opened(presenter)
    app.action("KritaShape/KisToolBrush").trigger()
    yield 0.5
    window = app.activeWindow().qwindow()
    handle = window.windowHandle()
    names = ("KisQPainterCanvas", "KisOpenGLCanvas2")
    found = window.findChildren(QtWidgets.QWidget)
    canvas = next(one for one in found if one.metaObject().className() in names and one.isVisible())
    middle = canvas.mapTo(window, canvas.rect().center())
    before = pixels(figure, document)

    def send(kind, by, pressed):
        by = QtCore.QPointF(by, by / 3)
        pos, screen = QtCore.QPointF(middle) + by, QtCore.QPointF(window.mapToGlobal(middle)) + by
        event = pen_event(kind, pos, screen, pressed)
        QtWidgets.QApplication.sendEvent(handle, event)

    send(QtCore.QEvent.Type.TabletPress, 0, True)
    yield 0.2
    down = [presenter._host.pen_is_down()]
    for step in range(5):
        send(QtCore.QEvent.Type.TabletMove, 8 * step, True)
        yield 0.05
    down.append(presenter._host.pen_is_down())
    mouse = QtWidgets.QApplication.mouseButtons() != Qt.MouseButton.NoButton
    send(QtCore.QEvent.Type.TabletRelease, 40, False)
    yield 0.5
    settle(document)
    painted = pixels(figure, document) != before
    say("tablet", down=down, mouse=mouse, painted=painted, lifted=not presenter._host.pen_is_down())
    yield from close(document)


def _shown(node, document):
    """The layer's pixels with its masks applied."""
    return bytes(node.projectionPixelData(0, 0, document.width(), document.height()))
