"""What artists do to layers while the docker works with them: paint, move, lock, merge, cut, compare."""

import subprocess

from behaviour import choose, harmonize, problem
from harmonize_selection import requests
from harmonize_selection.client import Look
from harmonize_selection.task import HostError, Touched
from harmonize_selection.values import Output
from support import (
    app,
    at_hand,
    close,
    composite,
    docker,
    done,
    drain,
    find,
    layers,
    pixels,
    redo,
    say,
    settle,
    undo,
    until,
)

DAB = b"\xff\x00\xff\xff"


def steps():
    presenter = docker().presenter
    yield from until(lambda: presenter.state.networks)
    yield from small_dabs(presenter)
    yield from locked(presenter)
    yield from changed_meanwhile(presenter)
    yield from comparing(presenter)
    yield from merged(presenter)
    yield from live_and_undo(presenter)
    yield from strokes(presenter)


def opened(presenter):
    """A picture of its own for each case."""
    document, _, figure = composite()
    yield from at_hand(presenter, document, figure)
    yield 0.4
    return document, figure


def harmonized(presenter, document):
    """The new layer, and what the sliders change it with."""
    yield from harmonize(presenter)
    yield from until(lambda: presenter.state.adjusting)
    result = presenter._results.all[0]
    return find(document, "Figure harmonized"), result, presenter._results.region_of(result)


def small_dabs(presenter):
    """Of a few pixels, before the sliders are moved and while the layer is rendered."""
    document, _ = yield from opened(presenter)
    written, result, region = yield from harmonized(presenter, document)
    task = requests.apply_again(presenter._host, presenter._session, result, region, Look(strength=0.3))
    job = next(task)
    yield from until(lambda: job.done)
    written.setPixelData(DAB * 2, region.rect.x + 8, region.rect.y + 1, 2, 1)
    painted, refused = pixels(written, document), False
    try:
        task.send(job.result())
        drain(task)
    except (Touched, StopIteration) as end:
        refused = isinstance(end, Touched)
    say("rendering", refused=refused, kept=pixels(written, document) == painted)
    choose(presenter, look=Look(strength=0.5))
    yield 0.3
    yield from done(presenter)
    say("dab", note=presenter.state.note, kept=pixels(written, document) == painted)
    choose(presenter, look=Look())
    yield from close(document)


def locked(presenter):
    document, figure = yield from opened(presenter)
    written, _, _ = yield from harmonized(presenter, document)
    before = pixels(written, document)
    written.setLocked(True)
    choose(presenter, look=Look(strength=0.5))
    yield 0.3
    yield from done(presenter)
    say("locked-result", note=presenter.state.note, kept=pixels(written, document) == before)
    choose(presenter, look=Look(), output=Output.REPLACE)
    yield from close(document)
    for case in ("layer", "group"):
        document, figure = yield from opened(presenter)
        group = document.createGroupLayer("Group")
        document.rootNode().addChildNode(group, figure)
        inside = figure.duplicate()
        inside.setName("Inside")
        group.addChildNode(inside, None)
        settle(document)
        (inside if case == "layer" else group).setLocked(True)
        yield from at_hand(presenter, document, inside)
        before = layers(document)
        yield from harmonize(presenter)
        details = presenter.state.problem.details if presenter.state.problem else ""
        say(f"locked-{case}", problem=problem(presenter), details=details, unchanged=layers(document) == before)
        yield from close(document)
    choose(presenter, output=Output.NEW_LAYER)
    presenter.dismiss()


def changed_meanwhile(presenter):
    """Between reading a layer and writing it."""
    host = presenter._host
    document, figure = yield from opened(presenter)
    group = document.createGroupLayer("Group")
    document.rootNode().addChildNode(group, figure)
    inside = figure.duplicate()
    group.addChildNode(inside, None)
    settle(document)
    for name, layer, inner in (("layer", figure, figure), ("group", group, inside)):
        yield from at_hand(presenter, document, layer)
        ref, before = presenter.state.layer.ref, layers(document)
        for what in ("nothing", "moved", "painted"):
            region = drain(host.read_region(ref))
            if what == "moved":
                inner.move(30, 20)
            elif what == "painted":
                inner.setPixelData(DAB, region.rect.x + 9, region.rect.y + 5, 1, 1)
            settle(document)
            refused = ""
            try:
                drain(
                    host.write_layer(
                        ref, region, bytearray(region.pixels), "New", Output.NEW_LAYER, hide=False, cover=None
                    )
                )
            except HostError as error:
                refused = str(error)
            say(f"{what}-{name}", refused=refused, written=layers(document) != before)
            if layers(document) != before:
                yield from undo()
            yield 0.3
    yield from close(document)


def comparing(presenter):
    """Before, with and without a hidden original: the picture is as it was afterwards."""
    for hide in (True, False):
        document, _ = yield from opened(presenter)
        choose(presenter, hide_original=hide)
        yield from harmonized(presenter, document)
        before = layers(document)
        presenter.compare(True)
        during = layers(document)
        presenter.compare(False)
        after = layers(document)
        presenter.compare(True)
        choose(presenter, look=Look(strength=0.5))
        yield 0.3
        yield from done(presenter)
        slid = layers(document)
        choose(presenter, look=Look())
        yield 0.3
        yield from done(presenter)
        say(f"comparing-{hide}", before=before, during=during, after=after, slid=slid)
        presenter.compare(True)
        yield from undo()
        undone = layers(document)
        yield from redo()
        say(f"comparing-undo-{hide}", undone=undone, redone=layers(document), comparing=presenter.state.comparing)
        yield from close(document)
    choose(presenter, hide_original=True)


def merged(presenter):
    document, _ = yield from opened(presenter)
    written, _, _ = yield from harmonized(presenter, document)
    top = document.createNode("Top", "paintlayer")
    top.setPixelData(DAB * 100, 10, 10, 10, 10)
    document.rootNode().addChildNode(top, written)
    settle(document)
    yield 0.3
    document.setActiveNode(top)
    yield 0.3
    app.action("merge_layer").trigger()
    yield 1.0
    settle(document)
    merged = layers(document)
    yield from undo()
    unmerged = layers(document)
    yield from undo()
    find(document, "Figure harmonized").remove()
    yield 0.5
    deleted = layers(document)
    yield from undo()
    back = layers(document)
    yield from undo()
    undone = layers(document)
    yield from redo()
    say("merged", merged=merged, unmerged=unmerged, deleted=deleted, back=back, undone=undone, redone=layers(document))
    yield from close(document)


def live_and_undo(presenter):
    document, figure = yield from opened(presenter)
    presenter.set_live(True)
    live = presenter.live
    yield from until(lambda: live.updates)
    yield 1.0  # Krita has made the new mask the active node, and Live the layer again
    app.action("clear").trigger()
    yield 1.0
    empty = figure.bounds().isEmpty()
    cleared = presenter.state.live_text
    yield from undo()
    yield 1.0
    say(
        "cleared",
        empty=empty,
        text=cleared,
        live=presenter.state.live,
        active=document.activeNode().name(),
        layers=layers(document),
        problem=problem(presenter),
    )
    presenter.set_live(False)
    yield 0.3
    yield from undo()
    yield from at_hand(presenter, document, figure)
    presenter.set_live(True)
    live = presenter.live
    yield from until(lambda: live.updates)
    figure.remove()
    yield from until(lambda: not presenter.state.live)
    yield from undo()
    yield 1.0
    back, active = layers(document), document.activeNode().name()
    yield from redo()
    gone = layers(document)
    yield from undo()
    say("removed", back=back, active=active, gone=gone, again=layers(document), problem=problem(presenter))
    yield from close(document)


def strokes(presenter):
    """Harmonize is asked for, and the artist begins a stroke."""
    document, _ = yield from opened(presenter)
    app.action("KritaShape/KisToolBrush").trigger()
    yield 0.3
    window = app.activeWindow().qwindow()
    middle = window.mapToGlobal(window.rect().center())
    subprocess.run(["xdotool", "mousemove", str(middle.x() - 60), str(middle.y()), "sleep", "0.3", "mousedown", "1"])
    yield from until(presenter._host.pen_is_down)
    presenter.harmonize()
    yield 2.0
    during, busy = layers(document), presenter.state.busy
    subprocess.run(["xdotool", "mousemove_relative", "10", "5", "mouseup", "1"])
    yield from done(presenter)
    yield 0.3
    say("stroke", during=during, busy=busy, after=layers(document), problem=problem(presenter))
    yield from close(document)
