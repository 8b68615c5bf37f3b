"""Harmonizes a layer of 6000 x 4000 pixels and says where the time goes."""

import time

from support import app, composite, docker, ready, say, settle

_HOST = ("read_scene", "read_region", "write_layer")


def steps():
    document, _, figure = composite(view=False)
    document.scaleImage(6000, 4000, 72, 72, "Bilinear")
    # Over the whole picture, as a layer of that size is.
    figure.setPixelData(document.topLevelNodes()[0].pixelData(0, 0, 6000, 4000), 0, 0, 6000, 4000)
    settle(document)
    app.activeWindow().addView(document)
    widget = docker()
    presenter = widget.presenter
    yield 1.0
    presenter.look_now()
    yield from ready(presenter)
    spent, stood = dict.fromkeys(_HOST, 0.0), [0.0]
    for name in _HOST:
        setattr(presenter._host, name, _timed(getattr(presenter._host, name), name, spent))
    runs = []
    for _ in range(3):
        yield from at_hand_hidden(presenter, document, figure)
        for name in _HOST:
            spent[name] = 0.0
        stood[0] = 0.0
        start = last = time.perf_counter()
        presenter.harmonize()
        while presenter.state.busy:
            yield 0.001
            now = time.perf_counter()
            stood[0], last = max(stood[0], now - last), now
        whole = time.perf_counter() - start
        problem = presenter.state.problem.details if presenter.state.problem else ""
        runs.append({"all": whole, "stood_still": stood[0], "problem": problem, **spent})
        document.waitForDone()
        app.action("edit_undo").trigger()
        yield 1.0
    say("speed", runs=runs)


def at_hand_hidden(presenter, document, figure):
    document.setActiveNode(figure)
    yield 0.5
    presenter.look_now()


def _timed(act, name, spent):
    def wrapped(*arguments, **options):
        steps = act(*arguments, **options)
        while True:
            start = time.perf_counter()
            try:
                value = next(steps)
            except StopIteration as end:
                spent[name] += time.perf_counter() - start
                return end.value
            spent[name] += time.perf_counter() - start
            yield value

    return wrapped
