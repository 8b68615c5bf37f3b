"""Ends Krita while live mode is on and a preview is being made."""

from support import OUT, app, at_hand, composite, docker, ready, say, until


def steps():
    document, _, figure = composite()
    presenter = docker().presenter
    yield from at_hand(presenter, document, figure)
    yield from ready(presenter)
    presenter.set_live(True)
    yield from until(lambda: presenter._live.updates)
    document.setModified(False)
    presenter.refresh_preview()
    (OUT / "finished").touch()
    say("quitting")
    app.action("file_quit").trigger()
    yield 60
    say("still there")
