"""What the docker takes of the window's thread while nobody does anything."""

import time

from support import app, at_hand, close, composite, docker, ready, say, settle, until

_SECONDS = 5.0


def steps():
    widget = docker()
    presenter = widget.presenter
    for width, height in ((600, 400), (6000, 4000)):
        document, scene, figure = composite(view=False)
        document.scaleImage(width, height, 72, 72, "Bilinear")
        # Over the whole picture: each row that is looked at is a long one.
        figure.setPixelData(scene.pixelData(0, 0, width, height), 0, 0, width, height)
        settle(document)
        app.activeWindow().addView(document)
        yield from at_hand(presenter, document, figure)
        yield from ready(presenter)
        yield from until(lambda: presenter.state.preview_waits or presenter.state.after is not None)
        yield from until(lambda: not presenter._preview.working)
        widget.hide()
        hidden = yield from share()
        widget.show()
        widget.raise_()
        shown = yield from share()
        presenter.set_live(True)
        live = presenter.live
        yield from until(lambda live=live: live.updates and not live.awake)
        followed = yield from share()
        presenter.set_live(False)
        say(f"{width} x {height}", hidden=hidden, shown=shown, live=followed)
        yield from close(document)


def share():
    """Of the processor's time that the window's thread takes, Krita's own work with it."""
    yield 2.0
    began, computed = time.perf_counter(), time.thread_time()
    yield _SECONDS
    return (time.thread_time() - computed) / (time.perf_counter() - began)
