"""Live mode while a layer is moved, by the script and with Krita's own move tool."""

import dataclasses
import subprocess
import time

from harmonize_selection.client import Look
from harmonize_selection.krita_host.color import PICTURE, Converter, color_space
from harmonize_selection.values import Curves, Reference, Source, Target
from krita import Selection
from support import (
    app,
    at_hand,
    close,
    composite,
    docker,
    done,
    find,
    layers,
    pixels,
    ready,
    redo,
    say,
    settle,
    undo,
    until,
)

_DRAG = """
xdotool mousemove {x} {y} sleep 0.3 mousedown 1 sleep 0.2
for i in $(seq 50); do xdotool mousemove_relative -- -5 1; sleep 0.06; done
xdotool mouseup 1
"""

_LIGHT = "sRGB-elle-V2-g10.icc"


def steps():
    document, scene, figure = composite()
    presenter = docker().presenter
    yield from at_hand(presenter, document, figure)
    yield from ready(presenter)
    before = pixels(figure, document)
    presenter.set_live(True)
    live = presenter.live
    yield from until(lambda: live.updates)
    say("begun", layers=layers(document), undo=app.action("edit_undo").text())
    yield from moved(document, figure, live)
    yield from below(document, scene, live)
    yield from slider(presenter, document, figure, live)
    yield from selected(document, figure, live)
    yield from dragged(document, figure, live)
    yield from switched_off(presenter, document, figure, before)
    yield from switched_twice(presenter, document)
    yield from deleted(presenter, document, figure)
    yield from saved(presenter)
    yield from nearly_the_curves(presenter)
    yield from fitting_what_lies_above(presenter)
    yield from redone(presenter)
    yield from redone_at_once(presenter)
    yield from deleting_a_moved_copy_undone(presenter)
    yield from blended(presenter)
    yield from without_curves(presenter)


def shown(node, document):
    """The layer's pixels with its masks applied."""
    return bytes(node.projectionPixelData(0, 0, document.width(), document.height()))


def moved(document, figure, live):
    seen = []
    for left in (40, 180, 420):
        count = live.updates
        figure.move(left - 286, 0)
        settle(document)
        yield from until(lambda count=count: live.updates > count)
        yield 0.8
        bounds = figure.bounds()
        seen.append(bytes(figure.projectionPixelData(bounds.x(), bounds.y(), bounds.width(), bounds.height())))
    say("moved", different=len(set(seen)), updates=live.updates, layers=layers(document))
    figure.move(0, 0)
    settle(document)
    yield 1.0


def below(document, scene, live):
    count = live.updates
    width = document.width()
    scene.setPixelData(b"\xff\x80\x40\xff" * (width * 120), 0, 0, width, 120)
    settle(document)
    yield from until(lambda: live.updates > count)
    say("below", updates=live.updates - count)
    yield 1.0


def slider(presenter, document, figure, live):
    count = live.updates
    presenter.set_settings(dataclasses.replace(presenter.state.settings, look=Look(strength=0.0)))
    yield from until(lambda: live.updates > count)
    yield 1.0
    same = shown(figure, document) == pixels(figure, document)
    presenter.set_settings(dataclasses.replace(presenter.state.settings, look=Look()))
    yield 1.5
    say("slider", same_at_zero=same)


def selected(document, figure, live):
    """A selection of the layer's upper half is made, and taken away."""
    bounds = figure.bounds()
    half = Selection()
    half.select(0, 0, document.width(), bounds.center().y(), 255)
    plain = []
    for selection in (half, None):
        count = live.updates
        document.setSelection(selection)
        yield from until(lambda count=count: live.updates > count)
        yield 1.0
        lower = (bounds.x(), bounds.center().y(), bounds.width(), bounds.height() // 2)
        plain.append(figure.projectionPixelData(*lower) == figure.pixelData(*lower))
    say("selected", lower_half_plain=plain)


def dragged(document, figure, live):
    app.action("KritaTransform/KisToolMove").trigger()
    yield 0.5
    document.setActiveNode(figure)
    yield 0.3
    start, count = figure.bounds().x(), live.updates
    window = app.activeWindow().qwindow()
    middle = window.mapToGlobal(window.rect().center())
    subprocess.Popen(["sh", "-c", _DRAG.format(x=middle.x() - 60, y=middle.y())])
    end = time.monotonic() + 8
    during = []
    while time.monotonic() < end:
        during.append((figure.bounds().x(), live.updates - count, document.activeNode().name()))
        yield 0.1
    places = [x for x, _, _ in during]
    say(
        "dragged",
        by=figure.bounds().x() - start,
        places=len(set(places)),
        updates=live.updates - count,
        updates_on_the_way=len({updates for x, updates, _ in during if x not in (places[0], places[-1])}),
        active=document.activeNode().name(),
        layers=layers(document),
    )


def switched_off(presenter, document, figure, before):
    presenter.set_live(False)
    yield 0.5
    left = layers(document)
    seen = shown(figure, document)
    yield from undo()
    undone, plain = layers(document), pixels(figure, document)
    yield from redo()
    again = shown(figure, document)
    yield from undo()
    yield from undo()
    place = figure.bounds().x()
    say("off", left=left, undone=undone, same_again=again == seen, place=place, colors_kept=_same_colors(plain, before))


def switched_twice(presenter, document):
    figure = find(document, "Figure")
    yield from at_hand(presenter, document, figure)
    seen = []
    for _ in range(2):
        presenter.set_live(True)
        live = presenter.live
        yield from until(lambda live=live: live.updates)
        yield 1.0
        presenter.set_live(False)
        yield 0.5
        seen.append(shown(figure, document))
    visible = [mask.visible() for mask in figure.childNodes()]
    for mask in figure.childNodes():
        mask.remove()
    settle(document)
    say("twice", same=seen[0] == seen[1], visible=visible)


def _same_colors(one, other):
    return sorted(set(one[0::4])) == sorted(set(other[0::4]))


def deleted(presenter, document, figure):
    yield from at_hand(presenter, document, find(document, "Figure"))
    presenter.set_live(True)
    live = presenter.live
    yield from until(lambda: live.updates)
    find(document, "Figure").remove()
    yield from until(lambda: not presenter.state.live)
    say("deleted", note=presenter.state.note, layers=layers(document))
    yield from close(document)


def saved(presenter):
    """Saved while live mode is on: the file shows what was seen, and live mode goes on with its mask."""
    document, _scene, figure = composite()
    plain = pixels(figure, document)
    yield from at_hand(presenter, document, figure)
    presenter.set_live(True)
    live = presenter.live
    yield from until(lambda: live.updates)
    yield 1.0
    seen = shown(figure, document)
    document.saveAs("/tmp/live.kra")
    presenter.set_live(False)
    yield from close(document)
    again = app.openDocument("/tmp/live.kra")
    app.activeWindow().addView(again)
    settle(again)
    figure = find(again, "Figure")
    opened, same = layers(again), shown(figure, again) == seen
    yield from at_hand(presenter, again, figure)
    presenter.set_live(True)
    live = presenter.live
    yield from until(lambda: live.updates)
    yield 1.0
    adopted, still = layers(again), _mean_difference(shown(figure, again), seen)
    presenter.set_live(False)
    yield 0.5
    left = layers(again)
    yield from undo()
    undone, back = layers(again), shown(figure, again) == plain
    say("saved", opened=opened, same=same, adopted=adopted, still=still, left=left, undone=undone, plain_again=back)
    yield from close(again)


def nearly_the_curves(presenter):
    """What is shown during a drag, beside the curves that it stands for."""
    host = presenter._host
    curves = Curves("0,0.04;0.5,0.6;1,1;", "0,0;0.5,0.46;1,0.94;", "0,0;0.5,0.4;1,0.8;")
    for depth, profile in (("U8", "sRGB-elle-V2-srgbtrc.icc"), ("U16", _LIGHT), ("F32", _LIGHT)):
        document, _scene, figure = composite("RGBA", depth, profile)
        yield from at_hand(presenter, document, figure)
        ref = presenter.state.layer.ref
        target = Target(ref, figure.name())
        picture = host.live_scene(target, fresh_background=True, fresh_layer=True, with_above=False).layer
        before = _in_8_bit(figure, document)
        host.set_live_curves(ref, curves)
        exact = _in_8_bit(figure, document)
        near = host.set_live_levels(ref, curves, picture, redraw=True)
        levels = _in_8_bit(figure, document)
        kind = figure.childNodes()[0].filter().name()
        host.clear_live_curves(ref)
        say(
            f"near-{depth}",
            near=near,
            filter=kind,
            change=_mean_difference(before, exact),
            off=_mean_difference(levels, exact),
        )
        yield from close(document)


def _in_8_bit(figure, document):
    space = color_space(figure)
    with Converter(space, PICTURE) as converter:
        return bytes(converter.convert(shown(figure, document), document.width(), document.height()))


def _mean_difference(one, other):
    """Of 8-bit values, where anything is shown."""
    opaque = [index for index in range(0, len(one), 4) if one[index + 3] > 127][::7]
    return sum(abs(one[i + c] - other[i + c]) for i in opaque for c in range(3)) / (3 * len(opaque))


def fitting_what_lies_above(presenter):
    """The scene follows the figure that is put on it, and rests when that does."""
    document, scene, figure = composite()
    yield from at_hand(presenter, document, scene)
    presenter.set_settings(
        dataclasses.replace(presenter.state.settings, reference=Reference(Source.ABOVE), look=Look())
    )
    presenter.set_live(True)
    live = presenter.live
    yield from until(lambda: live.updates)
    yield 2.5
    first = shown(scene, document)
    resting = live.updates
    yield 2.0
    rested = live.updates == resting
    data = bytearray(pixels(figure, document))
    for channel in range(3):
        data[channel::4] = bytes(value // 4 for value in data[channel::4])
    figure.setPixelData(bytes(data), 0, 0, document.width(), document.height())
    settle(document)
    yield from until(lambda: live.updates > resting)
    yield 2.5
    second, updates = shown(scene, document), live.updates
    yield 2.0
    rests_again = live.updates == updates
    presenter.set_live(False)
    yield 0.5
    for mask in scene.childNodes():
        mask.remove()
    presenter.harmonize()
    yield from done(presenter)
    yield from until(lambda: presenter.state.can_compare)
    presenter.set_live(True)
    live = presenter.live
    yield from until(lambda: live.updates)
    yield 1.0
    third = shown(scene, document)
    say(
        "above",
        copy_off=_mean_difference(second, third),
        problem=presenter.state.problem.line if presenter.state.problem else "",
        rested=rested,
        rests_again=rests_again,
        updates=updates - resting,
        darker_by=sum(sum(first[channel::4]) - sum(second[channel::4]) for channel in range(3)) * 4 / 3 / len(first),
    )
    presenter.set_live(False)
    presenter.set_settings(dataclasses.replace(presenter.state.settings, reference=Reference()))
    yield from close(document)


def redone(presenter):
    """A harmonized copy that would cover what Live shows comes back; the second time, one that Live has hidden."""
    document, _scene, figure = composite()
    yield from at_hand(presenter, document, figure)
    presenter.harmonize()
    yield from done(presenter)
    yield 0.5
    seen = []
    for hidden_by_live in (False, True):
        if not hidden_by_live:
            yield from undo()
        yield from at_hand(presenter, document, figure)
        presenter.set_live(True)
        live = presenter.live
        yield from until(lambda live=live: live.updates)
        if hidden_by_live:
            yield from undo()
            yield 1.0
        on = [presenter.state.live, layers(document)]
        yield from redo()
        yield 1.5
        seen.append([*on, presenter.state.live, layers(document)])
    say("redone", seen=seen)
    yield from close(document)


def redone_at_once(presenter):
    """Before the docker has looked even once since Live was switched on."""
    document, _scene, figure = composite()
    yield from at_hand(presenter, document, figure)
    presenter.harmonize()
    yield from done(presenter)
    yield from undo()
    yield from at_hand(presenter, document, figure)
    presenter.set_live(True)
    app.action("edit_redo").trigger()
    yield 2.0
    say("redone-at-once", live=presenter.state.live, layers=layers(document))
    yield from close(document)


def deleting_a_moved_copy_undone(presenter):
    document, _scene, figure = composite()
    yield from at_hand(presenter, document, figure)
    presenter.harmonize()
    yield from done(presenter)
    copy = find(document, "Figure harmonized")
    copy.move(50, 0)
    figure.setVisible(True)
    settle(document)
    yield from at_hand(presenter, document, figure)
    presenter.set_live(True)
    live = presenter.live
    yield from until(lambda: live.updates)
    document.setActiveNode(copy)
    yield 0.5
    app.action("remove_layer").trigger()
    yield 1.0
    deleted = layers(document)
    yield from undo()
    yield 1.0
    say("moved-copy", deleted=deleted, back=layers(document), live=presenter.state.live)
    presenter.set_live(False)
    yield from close(document)


def blended(presenter):
    """In another way than when the scene was read."""
    document, scene, figure = composite()
    half = bytearray(pixels(scene, document))
    for row in range(document.height()):
        half[row * 2400 : row * 2400 + 1200] = bytes(1200)  # so that it shows whether alpha is inherited
    scene.setPixelData(bytes(half), 0, 0, document.width(), document.height())
    figure.move(-50, 0)
    settle(document)
    yield from at_hand(presenter, document, figure)
    host, target = presenter._host, Target(presenter.state.layer.ref, "Figure")
    mask = document.createTransparencyMask("Clear")
    steps = {
        "opacity": lambda: figure.setOpacity(100),
        "blending": lambda: figure.setBlendingMode("multiply"),
        "inherited alpha": lambda: figure.setInheritAlpha(True),
        "mask": lambda: figure.addChildNode(mask, None),
    }
    kept = host.live_scene(target, fresh_background=True, fresh_layer=True, with_above=False)
    for what, act in steps.items():
        signature, before = host.layer_signature(target.ref), kept
        act()
        settle(document)
        yield 0.3
        noticed = host.layer_signature(target.ref) != signature
        kept = host.live_scene(target, fresh_background=False, fresh_layer=what == "mask", with_above=False)
        anew = host.live_scene(target, fresh_background=True, fresh_layer=True, with_above=False)
        seen = (kept.composite, kept.mask)
        same, changed = seen == (anew.composite, anew.mask), seen != (before.composite, before.mask)
        say(f"blended-{what}", noticed=noticed, same_as_anew=same, changed=changed)
    yield from close(document)


def without_curves(presenter):
    """Curves need RGB or grey."""
    document, _scene, figure = composite("LABA", "U16", "Lab identity built-in")
    presenter.dismiss()
    yield from at_hand(presenter, document, figure)
    presenter.set_live(True)
    yield from until(lambda: presenter.state.problem is not None)
    details = presenter.state.problem.details
    presenter.set_live(False)
    say("lab", details=details, layers=layers(document))
    yield from close(document)
