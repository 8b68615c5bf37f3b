"""Ends Krita while live mode is on and a preview is being made."""

from support import OUT, app, at_hand, composite, docker, ready, say, screenshot, until


def steps():
    document, _, figure = composite()
    presenter = docker().presenter
    yield from at_hand(presenter, document, figure)
    yield from ready(presenter)
    presenter.set_live(True)
    yield from until(lambda: presenter.live.updates)
    yield 2.0
    presenter.refresh_preview()
    document.setModified(False)  # or Krita asks whether to save
    (OUT / "finished").touch()
    say("quitting")
    app.action("file_quit").trigger()
    yield 45
    screenshot("still-there")
    say("still there", modified=[other.modified() for other in app.documents()])
