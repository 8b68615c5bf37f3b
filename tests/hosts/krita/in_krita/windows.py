"""Two windows of Krita, with the same picture and a docker each."""

from harmonize_selection import register
from support import app, at_hand, composite, docker, done, layers, ready, say, settle, undo, until


def steps():
    document, _scene, figure = composite()
    first = docker()
    presenter = first.presenter
    yield from at_hand(presenter, document, figure)
    yield from ready(presenter)
    window = app.openWindow()
    window.qwindow().show()
    yield from until(lambda: len(register.HarmonizeDocker.opened) == 2)
    window.addView(document)
    window.activate()
    second = register.HarmonizeDocker.opened[1]
    second.show()
    second.raise_()
    yield from until(lambda: second.seen)
    yield from at_hand(presenter, document, figure)
    for one in (first, second):
        one.panel._button.click()
    yield from done(presenter)
    yield 1.0
    settle(document)
    say("harmonized", layers=layers(document), histories=[histories(one) for one in (first, second)])
    yield from undo()
    yield from at_hand(presenter, document, figure)
    first.panel._live.click()
    yield from until(lambda: presenter.live.updates)
    on = [one.panel._live.isChecked() for one in (first, second)]
    document.setModified(False)
    window.qwindow().close()
    yield from until(lambda: len(register.HarmonizeDocker.opened) == 1)
    yield 1.0
    say("closed", on=on, still=presenter.state.live, layers=layers(document))
    presenter.set_live(False)
    yield 0.5
    say("off", layers=layers(document))


def histories(one):
    return one.panel._history_rows.count()
