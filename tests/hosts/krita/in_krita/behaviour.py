"""What artists do: outputs, undo, sliders, several layers, kinds of layers, things that vanish in the middle."""

import dataclasses
from functools import partial

from harmonize_selection.client import Look
from harmonize_selection.krita_host.host import KritaHost
from harmonize_selection.krita_host.scene import read_background, read_layer_image
from harmonize_selection.qt import QtCore
from harmonize_selection.task import HostError
from harmonize_selection.values import Curves, LayerRef, Output, Reference, Source, Target
from krita import Selection
from support import (
    PICTURES,
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
    ready,
    redo,
    say,
    settle,
    tree,
    undo,
    until,
)

_SHIFTED = """<!DOCTYPE transform_params>
<transform_params>
 <main id="tooltransformparams"/>
 <data mode="0">
  <free_transform>
   <transformedCenter type="pointf" x="{x}" y="{y}"/>
   <originalCenter type="pointf" x="0" y="0"/>
   <rotationCenterOffset type="pointf" x="0" y="0"/>
   <transformAroundRotationCenter type="value" value="0"/>
   <aX type="value" value="0"/>
   <aY type="value" value="0"/>
   <aZ type="value" value="0"/>
   <cameraPos type="vector3d" x="0" y="0" z="1024"/>
   <scaleX type="value" value="1"/>
   <scaleY type="value" value="1"/>
   <shearX type="value" value="0"/>
   <shearY type="value" value="0"/>
   <keepAspectRatio type="value" value="0"/>
   <flattenedPerspectiveTransform type="transform"
    m11="1" m12="0" m13="0" m21="0" m22="1" m23="0" m31="0" m32="0" m33="1"/>
   <filterId type="value" value="Bicubic"/>
  </free_transform>
 </data>
</transform_params>
"""
"""What a transform mask does, as Krita keeps it: a shift."""

SEEN = Look(contrast=0.3)
"""Something to see, also where the network finds nothing to change."""


def steps():
    document, scene, figure = composite()
    widget = docker()
    presenter = widget.presenter
    yield from at_hand(presenter, document, figure)
    yield from ready(presenter)
    yield from outputs(presenter, document, figure)
    yield from menu(presenter, document, figure)
    yield from again(presenter, document, figure)
    yield from sliders(presenter, document, figure)
    yield from references(presenter, document, scene, figure)
    yield from roles_reversed(presenter, document, scene, figure)
    yield from clean_edges(presenter, document, figure)
    yield from curves_survive_a_file(presenter, document, figure)
    yield from several_layers(presenter, document, figure)
    yield from kinds_of_layers(presenter, document, scene, figure)
    yield from troubles(presenter, document, scene, figure)
    yield from grey(presenter)
    yield from masks_that_reach_out(presenter)
    yield from animated(presenter)
    yield from inherited_alpha(presenter)
    yield from vanishing(presenter)


def choose(presenter, **changes):
    presenter.set_settings(dataclasses.replace(presenter.state.settings, **changes))


def harmonize(presenter):
    presenter.dismiss()
    presenter.harmonize()
    yield from done(presenter)
    yield 0.3


def problem(presenter):
    return presenter.state.problem.line if presenter.state.problem else ""


def outputs(presenter, document, figure):
    """Each output, taken back and done again, by one undo step each."""
    before = pixels(figure, document)
    for output in Output:
        yield from at_hand(presenter, document, figure)
        choose(presenter, output=output)
        yield from harmonize(presenter)
        written = layers(document)
        shown = bytes(document.pixelData(0, 0, document.width(), document.height()))
        yield from undo()
        undone = layers(document)
        same = pixels(figure, document) == before
        yield from redo()
        again = bytes(document.pixelData(0, 0, document.width(), document.height()))
        say(
            f"output-{output.value}",
            problem=problem(presenter),
            written=written,
            undone=undone,
            original_same=same,
            redone=layers(document),
            shown_again=shown == again,
        )
        yield from undo()
    choose(presenter, output=Output.NEW_LAYER)


def menu(presenter, document, figure):
    """The action of Tools › Scripts, which artists can give a shortcut."""
    yield from at_hand(presenter, document, figure)
    app.action("harmonize_layer").trigger()
    yield 0.1
    yield from done(presenter)
    yield 0.3
    say("menu", problem=problem(presenter), layers=layers(document))
    yield from undo()


def again(presenter, document, figure):
    """A second time: the new result lies over the first."""
    yield from at_hand(presenter, document, figure)
    yield from harmonize(presenter)
    yield from harmonize(presenter)
    twice = layers(document)
    yield from undo()
    once = layers(document)
    yield from undo()
    say("again", problem=problem(presenter), twice=twice, once=once, never=layers(document))


def sliders(presenter, document, figure):
    """They change the layer that was written, without a step, until the artist paints on it."""
    yield from at_hand(presenter, document, figure)
    yield from harmonize(presenter)
    written = find(document, "Figure harmonized")
    yield from until(lambda: presenter.state.adjusting)
    full = pixels(written, document)
    choose(presenter, look=Look(strength=0.0))
    yield from until(lambda: pixels(written, document) != full)
    yield from done(presenter)
    none = pixels(written, document)
    choose(presenter, look=Look())
    yield from until(lambda: pixels(written, document) != none)
    yield from done(presenter)
    back = pixels(written, document)
    presenter.compare(True)
    comparing = layers(document)
    presenter.compare(False)
    # The artist paints.
    written.setPixelData(b"\xff\x00\xff\xff" * 100, 300, 200, 10, 10)
    painted = pixels(written, document)
    choose(presenter, look=Look(strength=0.5))
    yield from until(lambda: presenter.state.note)
    yield 0.5
    untouched = pixels(written, document) == painted
    choose(presenter, look=Look())
    presenter.dismiss()
    yield from undo()
    say(
        "sliders",
        nothing_at_zero=none == pixels(figure, document),
        same_again=back == full,
        painted_is_left_alone=untouched,
        comparing=comparing,
        after_one_undo=layers(document),
    )


def references(presenter, document, scene, figure):
    results = {}
    choices = {
        "below": Reference(),
        "visible": Reference(Source.VISIBLE),
        "layer": Reference(Source.LAYER, scene.uniqueId().toString()),
        "file": Reference(Source.FILE, str(PICTURES / "figure.png")),
        "missing": Reference(Source.FILE, str(PICTURES / "none.png")),
    }
    for name, reference in choices.items():
        yield from at_hand(presenter, document, figure)
        choose(presenter, reference=reference)
        yield from harmonize(presenter)
        results[name] = problem(presenter)
        if not results[name]:
            yield from undo()
    choose(presenter, reference=Reference())
    presenter.dismiss()
    say("references", **results)


def roles_reversed(presenter, document, scene, figure):
    """The scene is to fit a figure from the night."""
    dark = figure.duplicate()
    dark.setName("Dark")
    data = bytearray(pixels(figure, document))
    for channel in range(3):
        data[channel::4] = bytes(value // 4 for value in data[channel::4])
    dark.setPixelData(bytes(data), 0, 0, document.width(), document.height())
    document.rootNode().addChildNode(dark, figure)
    figure.setVisible(False)
    settle(document)
    yield 0.3
    choose(presenter, reference=Reference(Source.ABOVE), hide_original=False)
    yield from at_hand(presenter, document, scene)
    yield from until(lambda: presenter.state.after is not None)
    seen = drain(KritaHost().read_scene(Target(presenter.state.layer.ref, "Scene"), with_above=True))
    figures = dark.bounds().center()
    column = figures.x() * seen.composite.width // document.width()
    row = figures.y() * seen.composite.height // document.height()
    before = pixels(scene, document)
    yield from harmonize(presenter)
    written = find(document, "Scene harmonized")
    after = pixels(written, document) if written else before
    say(
        "reversed",
        problem=problem(presenter),
        mask_on_the_figure=seen.mask[row * seen.composite.width + column],
        mask_in_the_corner=seen.mask[0],
        layers=layers(document),
        darker_by=sum(sum(before[channel::4]) - sum(after[channel::4]) for channel in range(3)) * 4 / 3 / len(before),
    )
    yield from harmonize(presenter)
    say("reversed-again", problem=problem(presenter), layers=layers(document))
    yield from undo()
    yield from undo()
    yield from at_hand(presenter, document, dark)
    yield from harmonize(presenter)
    say("nothing-above", problem=problem(presenter))
    presenter.dismiss()
    choose(presenter, reference=Reference(), hide_original=True)
    dark.remove()
    figure.setVisible(True)
    settle(document)
    yield 0.3


def clean_edges(presenter, document, figure):
    """The soft edge is green: so was what the figure was cut out of."""
    fringed = figure.duplicate()
    fringed.setName("Fringed")
    data = bytearray(pixels(figure, document))
    soft = [index for index in range(0, len(data), 4) if 0 < data[index + 3] < 255]
    for index in soft:
        data[index : index + 3] = b"\x00\xff\x00"
    fringed.setPixelData(bytes(data), 0, 0, document.width(), document.height())
    document.rootNode().addChildNode(fringed, figure)
    settle(document)
    yield 0.3
    for case, clean in (("fringed", False), ("clean", True), ("clean-mask", True)):
        if case == "clean-mask":
            yield from cut_out_by_a_mask(document, fringed, data)
        yield from at_hand(presenter, document, fringed)
        choose(presenter, look=Look(clean_edges=clean))
        yield from harmonize(presenter)
        written = pixels(find(document, "Fringed harmonized"), document)
        say(
            case,
            problem=problem(presenter),
            soft=len(soft),
            green=sum(written[i + 1] - (written[i] + written[i + 2]) / 2 for i in soft) / len(soft),
            same_alpha=written[3::4] == pixels(fringed, document)[3::4],
            masks=len(find(document, "Fringed harmonized").childNodes()),
        )
        yield from undo()
    choose(presenter, look=Look())
    fringed.remove()
    settle(document)
    yield 0.3


def cut_out_by_a_mask(document, layer, data):
    """Gives a layer with these pixels its alpha as a transparency mask instead."""
    mask = document.createTransparencyMask("Cut-out")
    layer.addChildNode(mask, None)
    mask.setPixelData(bytes(data[3::4]), 0, 0, document.width(), document.height())
    data[3::4] = b"\xff" * (len(data) // 4)
    layer.setPixelData(bytes(data), 0, 0, document.width(), document.height())
    settle(document)
    yield 0.3


def curves_survive_a_file(presenter, document, figure):
    """Restricted to a selection, saved, and opened again."""
    selection = Selection()
    selection.select(0, 0, document.width(), 200, 255)
    document.setSelection(selection)
    yield from at_hand(presenter, document, figure)
    choose(presenter, output=Output.CURVES, look=SEEN)
    yield from harmonize(presenter)
    yield from undo()
    undone = layers(document)
    yield from redo()
    document.setSelection(None)  # in Krita 5.3 an undo step of its own
    settle(document)
    shown = bytes(figure.projectionPixelData(0, 0, document.width(), document.height()))
    before = pixels(figure, document)
    half = 200 * document.width() * 4
    document.saveAs("/tmp/curves.kra")
    copy = app.openDocument("/tmp/curves.kra")
    settle(copy)
    again = find(copy, "Figure")
    mask = again.childNodes()[0]
    say(
        "curves-file",
        problem=problem(presenter),
        changed_inside=shown[:half] != before[:half],
        same_outside=shown[half:] == before[half:],
        reload_differs_by=_largest_difference(
            bytes(again.projectionPixelData(0, 0, copy.width(), copy.height())), shown
        ),
        filter=mask.filter().name(),
        transfers=mask.filter().configuration().properties().get("nTransfers"),
        remembered=copy.annotationTypes(),
        undone=undone,
    )
    yield from close(copy)
    figure.childNodes()[0].remove()
    settle(document)
    yield 0.3
    choose(presenter, output=Output.NEW_LAYER, look=Look())


def _largest_difference(one, other):
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def _mean_difference(one, other):
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)


def several_layers(presenter, document, figure):
    second = figure.duplicate()
    second.setName("Second")
    document.rootNode().addChildNode(second, figure)
    yield 0.3
    app.action("select_all_layers").trigger()
    yield from until(lambda: presenter.state.selected >= 2)
    presenter.harmonize_selected()
    yield from done(presenter)
    yield 0.3
    say("several", problem=problem(presenter), layers=layers(document))
    for name in ("Figure harmonized", "Second harmonized", "Scene harmonized"):
        for node in document.topLevelNodes():
            if node.name() == name:
                node.remove()
    second.remove()
    for node in document.topLevelNodes():
        node.setVisible(True)
    settle(document)
    yield 0.3


def kinds_of_layers(presenter, document, scene, figure):
    """Groups, pass-through groups, clones, masks, blending modes: what is shown is what is harmonized."""
    made = {}
    group = document.createGroupLayer("Group")
    document.rootNode().addChildNode(group, figure)
    inside = figure.duplicate()
    inside.setName("Inside")
    group.addChildNode(inside, None)
    made["group"] = group
    through = document.createGroupLayer("Through")
    document.rootNode().addChildNode(through, group)
    inner = figure.duplicate()
    inner.setName("Inner")
    through.addChildNode(inner, None)
    through.setPassThroughMode(True)
    made["inside-pass-through"] = inner
    clone = document.createCloneLayer("Clone", figure)
    document.rootNode().addChildNode(clone, group)
    made["clone"] = clone
    masked = figure.duplicate()
    masked.setName("Masked")
    document.rootNode().addChildNode(masked, clone)
    mask = document.createTransparencyMask("Clear")
    masked.addChildNode(mask, None)
    mask.setPixelData(b"\xff" * (600 * 200), 0, 200, 600, 200)  # a new one hides everything
    made["masked"] = masked
    filtered = figure.duplicate()
    filtered.setName("Filtered")
    document.rootNode().addChildNode(filtered, masked)
    filtered.addChildNode(document.createFilterMask("Inverted", app.filter("invert"), filtered), None)
    filtered.setBlendingMode("multiply")
    filtered.setOpacity(128)
    made["filtered"] = filtered
    settle(document)
    yield 0.3
    choose(presenter, look=SEEN)
    for name, layer in made.items():
        yield from at_hand(presenter, document, layer)
        yield from harmonize(presenter)
        beside = layer.parentNode().childNodes()
        written = [node for node in beside if node.name() == f"{layer.name()} harmonized"]
        say(
            f"kind-{name}",
            problem=problem(presenter),
            type=written[0].type() if written else "",
            masks=[child.type() for child in written[0].childNodes()] if written else [],
            blending=written[0].blendingMode() if written else "",
            opacity=written[0].opacity() if written else 0,
            hidden=not layer.visible(),
            changed=bool(written)
            and bytes(written[0].projectionPixelData(290, 210, 60, 60))
            != bytes(layer.projectionPixelData(290, 210, 60, 60)),
        )
        if written:
            yield from undo()
    yield from at_hand(presenter, document, through)
    choose(presenter, output=Output.CURVES)
    yield from harmonize(presenter)
    say("curves-pass-through", problem=problem(presenter), layers=tree(through))
    choose(presenter, output=Output.NEW_LAYER)
    through.remove()
    for name, layer in made.items():
        if name != "inside-pass-through":
            layer.remove()
    settle(document)
    choose(presenter, look=Look())
    yield 0.3


def troubles(presenter, document, scene, figure):
    """Each is a quiet line, and changes nothing."""
    empty = document.createNode("Empty", "paintlayer")
    document.rootNode().addChildNode(empty, figure)
    yield 0.3
    yield from at_hand(presenter, document, empty)
    yield from harmonize(presenter)
    say("trouble-empty", problem=problem(presenter))
    empty.remove()
    selection = Selection()
    selection.select(0, 0, 5, 5, 255)
    document.setSelection(selection)
    yield from at_hand(presenter, document, figure)
    before = layers(document)
    yield from harmonize(presenter)
    say("trouble-selection", problem=problem(presenter), unchanged=layers(document) == before)
    document.setSelection(None)
    figure.move(-600, 0)
    settle(document)
    yield from harmonize(presenter)
    say("trouble-outside", problem=problem(presenter), layers=layers(document))
    figure.move(0, 0)
    settle(document)
    choose(presenter, network="no-such-network")
    yield from harmonize(presenter)
    details = presenter.state.problem.details if presenter.state.problem else ""
    say("trouble-network", problem=problem(presenter), details=details)
    choose(presenter, network="")
    presenter.dismiss()
    presenter.harmonize()
    presenter.cancel()
    yield 0.5
    say("cancelled", busy=presenter.state.busy, note=presenter.state.note, layers=layers(document))


def grey(presenter):
    """Warmth shows nothing that a grey layer cannot have."""
    document, _, figure = composite("GRAYA", "U8", "Gray-D50-elle-V2-srgbtrc.icc")
    yield from at_hand(presenter, document, figure)
    choose(presenter, look=dataclasses.replace(SEEN, warmth=1.0))
    yield 1.0
    yield from until(lambda: presenter.state.after is not None and presenter.state.variants)
    after = presenter.state.after.rgba
    say("grey", same=after[0::4] == after[1::4] == after[2::4], changed=after != presenter.state.before.rgba)
    choose(presenter, look=Look())
    yield from close(document)


def masks_that_reach_out(presenter):
    """What they show beyond the layer's own bounds is harmonized, too: a look that changes nothing cuts nothing off."""
    for case in ("transformed", "blurred", "transformed-selected"):
        document, _, figure = composite()
        if case == "blurred":
            blur = app.filter("gaussian blur")
            settings = blur.configuration()
            settings.setProperty("horizRadius", 30)
            settings.setProperty("vertRadius", 30)
            blur.setConfiguration(settings)
            figure.addChildNode(document.createFilterMask("Blur", blur, figure), None)
        else:
            figure.addChildNode(document.createTransformMask("Move"), None)
            figure.childNodes()[0].fromXML(_SHIFTED.format(x=-180, y=40))
        settle(document)
        yield 2.0  # Krita shows what a mask transforms a moment later
        settle(document)
        if case == "transformed-selected":
            half = Selection()
            half.select(0, 0, document.width(), 250, 255)
            document.setSelection(half)
        yield from at_hand(presenter, document, figure)
        before = bytes(document.pixelData(0, 0, document.width(), document.height()))
        choose(presenter, look=Look(strength=0.0))
        yield from harmonize(presenter)
        settle(document)
        after = bytes(document.pixelData(0, 0, document.width(), document.height()))
        subject = presenter.state.layer.name
        yield from harmonize(presenter)
        say(
            case,
            problem=problem(presenter),
            seen_beyond=pixels(figure, document) != _shown(figure, document),
            off=_largest_difference(before, after),
            subject=subject,
            layers=layers(document),
        )
        choose(presenter, look=Look())
        yield from close(document)


def animated(presenter):
    """Two frames, of which the second is at hand."""
    document, _, figure = composite()
    document.setFullClipRangeEndTime(10)
    document.setActiveNode(figure)
    for time in (0, 10):
        document.setCurrentTime(time)
        yield 0.5
        app.action("add_duplicate_frame").trigger()
        yield 0.5
    plain = pixels(figure, document)
    choose(presenter, look=SEEN)
    for output in (Output.CURVES, Output.NEW_LAYER):
        choose(presenter, output=output)
        yield from at_hand(presenter, document, figure)
        yield from harmonize(presenter)
        seen = figure if output is Output.CURVES else find(document, "Figure harmonized")
        same = []
        for time in (0, 10):
            document.setCurrentTime(time)
            yield 0.5
            settle(document)
            same.append(_shown(seen, document) == plain)
        say(f"animated-{output.value}", problem=problem(presenter), note=presenter.state.note, plain_frames=same)
    choose(presenter, look=Look())
    yield from close(document)


def _shown(node, document):
    return bytes(node.projectionPixelData(0, 0, document.width(), document.height()))


def inherited_alpha(presenter):
    """Of a plain layer with inherited alpha, only what lies on the figure below it in its group is seen."""
    document, scene, figure = composite()
    host, size = KritaHost(), (document.width(), document.height())
    group = document.createGroupLayer("Group")
    document.rootNode().addChildNode(group, scene)
    figure.remove()
    group.addChildNode(figure, None)
    plain = document.createNode("Plain", "paintlayer")
    plain.setPixelData(b"\x40\x80\xc0\xff" * (size[0] * size[1]), 0, 0, *size)
    group.addChildNode(plain, figure)
    settle(document)
    yield from at_hand(presenter, document, plain)
    target = Target(presenter.state.layer.ref, "Plain")
    figures = drain(host.read_scene(Target(LayerRef(target.ref.document, figure.uniqueId().toString()), "Figure")))
    for through in (False, True):
        group.setPassThroughMode(through)
        plain.setInheritAlpha(False)
        whole = drain(host.read_scene(target))
        plain.setInheritAlpha(True)
        settle(document)
        clipped = drain(host.read_scene(target))
        shown = drain(host.read_reference(target.ref, Reference(Source.VISIBLE)))
        say(
            f"inherited-alpha-{'through' if through else 'group'}",
            whole=set(whole.mask) == {255},
            off_the_figure=_mean_difference(clipped.mask, figures.mask),
            off_the_picture=_mean_difference(clipped.composite.rgb, shown.rgb),
        )
    yield from harmonize(presenter)
    copies = [node.inheritAlpha() for node in group.childNodes() if node.name() == "Plain harmonized"]
    say("inherited-alpha-copy", problem=problem(presenter), copies=copies)
    yield from close(document)


def vanishing(presenter):
    """Layers and documents that go away while they are being harmonized."""
    document, _, figure = composite()
    yield from at_hand(presenter, document, figure)
    presenter.dismiss()
    presenter.harmonize()
    yield 0.01
    figure.remove()
    yield from done(presenter)
    say("vanished-layer", problem=problem(presenter), layers=layers(document))
    for name, read in (("background", read_background), ("layer", partial(read_layer_image, without=[figure]))):
        try:  # found a moment before, but not in the copy that is made of the document
            read(document, figure)
        except HostError as error:
            say(f"vanished-before-the-copy-of-the-{name}", problem=error.cause)
    yield from close(document)
    yield from vanishing_while_a_mask_is_made(presenter)
    document, _scene, figure = composite()
    yield from at_hand(presenter, document, figure)
    yield 0.4  # see `close`
    presenter.dismiss()
    presenter.harmonize()
    yield 0.01
    document.setModified(False)
    document.close()
    yield from done(presenter)
    say("vanished-document", problem=problem(presenter))
    other, _, _first = composite()
    document, _, figure = composite()
    yield from at_hand(presenter, document, figure)
    presenter.dismiss()
    presenter.harmonize()
    yield 0.01
    app.setActiveDocument(other)
    yield from done(presenter)
    yield 0.5
    say("switched", problem=problem(presenter), written=layers(document), other=layers(other))


def vanishing_while_a_mask_is_made(presenter):
    """Krita lets events in then."""
    host, curves = presenter._host, Curves("0,0;1,0.9;", "0,0;1,0.9;", "0,0;1,0.9;")
    for what in ("layer", "document"):
        document, _, figure = composite()
        yield from at_hand(presenter, document, figure)
        yield 0.4  # see `close`
        ref, problem = presenter.state.layer.ref, ""
        document.setModified(False)
        QtCore.QTimer.singleShot(0, figure.remove if what == "layer" else document.close)
        try:
            host.write_curves(ref, curves, "Harmonize")
        except HostError as error:
            problem = error.cause
        say(f"vanished-{what}-of-a-mask", problem=problem)
        if what == "layer":
            yield from close(document)
