"""How long live mode takes for one move at 3.8 megapixels, and what of it the GUI thread and the network take."""

import time

from harmonize_selection.qt import QtWidgets
from support import app, at_hand, composite, docker, ready, say, settle, until

_MOVES = 20


def steps():
    document, _scene, figure = composite(view=False)
    document.scaleImage(2400, 1600, 72, 72, "Bilinear")
    settle(document)
    app.activeWindow().addView(document)
    presenter = docker().presenter
    yield from at_hand(presenter, document, figure)
    yield from ready(presenter)
    presenter.set_live(True)
    live = presenter.live
    yield from until(lambda: live.updates)
    yield 1.5
    own = [0.0]
    for name in ("live_scene", "set_live_levels"):
        _count(presenter._host, name, own)
    measured = []
    for step in range(_MOVES):
        count, own[0] = live.updates, 0.0
        figure.move(-40 * (step % 12 + 1), 10 * (step % 3))
        moved = time.perf_counter()
        settle(document)
        yield from until(lambda count=count: live.updates > count)
        whole = (time.perf_counter() - moved) * 1000
        measured.append([live.milliseconds, whole, own[0], live._prediction.milliseconds])
        yield 0.7
    say("speed", measured=measured, pixels=document.width() * document.height(), canvas=_canvas())
    presenter.set_live(False)
    yield 0.5


def _count(host, name, own):
    """Adds what the GUI thread computes in a method to `own`."""
    act = getattr(host, name)

    def counted(*arguments, **options):
        start = time.thread_time()
        try:
            return act(*arguments, **options)
        finally:
            own[0] += (time.thread_time() - start) * 1000

    setattr(host, name, counted)


def _canvas():
    names = [type(widget).__name__ for widget in QtWidgets.QApplication.allWidgets()]
    names += [widget.metaObject().className() for widget in QtWidgets.QApplication.allWidgets()]
    return sorted({name for name in names if "Canvas" in name and name.startswith("Kis")})
