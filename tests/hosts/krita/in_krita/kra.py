"""`write FILE DEPTH`: a document with all that is read of them. `read FILE`: what Krita makes of one.

`modes NAMES`: a document for each mode, and for a group that passes through, with and without opacity.
"""

import hashlib
import random

from harmonize_selection.qt import QtCore, QtGui
from krita import Selection
from support import OUT, app, close, composite, layers, say, screenshot, settle


def steps(what, name, depth=""):
    if what == "modes":
        yield from modes(name.split(","))
        return
    if what == "write":
        document = painted(depth)
        document.saveAs(str(OUT / name))
        document.waitForDone()
    else:
        document = app.openDocument(f"/w/{name}")
        settle(document)
        say("layers", rows=layers(document))
    say("pixels", **{node.name(): digest(node, document) for node in inside(document.rootNode())})
    (OUT / "merged").write_bytes(bytes(document.pixelData(0, 0, document.width(), document.height())))
    if what == "read":
        app.activeWindow().addView(document)
        yield 2
        screenshot("shown")
    yield from close(document)


def modes(names):
    document = painted("U8")
    veil = document.nodeByName("Veil")
    veil.setOpacity(255)
    for mode in names:
        veil.setBlendingMode(mode)
        keep(document, mode)
    group = document.nodeByName("Group")
    group.childNodes()[-1].remove()
    veil.remove()
    group.addChildNode(veil, group.childNodes()[-1])
    veil.setBlendingMode("multiply")
    group.setPassThroughMode(True)
    for opacity in (255, 100):
        group.setOpacity(opacity)
        keep(document, f"through-{opacity}")
    yield from close(document)


def keep(document, name):
    settle(document)
    document.saveAs(str(OUT / f"{name}.kra"))
    document.waitForDone()
    (OUT / name).write_bytes(bytes(document.pixelData(0, 0, document.width(), document.height())))


def painted(depth):
    """From the top: a veil, a hidden sketch, the figure in a group, both with masks, the scene; on a colored ground."""
    document, scene, figure = composite(depth=depth, view=False)
    document.setName("Hüte & <Töpfe>")
    document.setBackgroundColor(QtGui.QColor(200, 100, 50, 255))
    root = document.rootNode()
    figure.remove()
    group = document.createGroupLayer("Group")
    group.setOpacity(230)
    root.addChildNode(group, scene)
    group.addChildNode(figure, None)
    figure.setOpacity(200)
    cover(document, figure, "Mask", 0, 0, document.width() // 2 + 40, document.height(), 255)
    cover(document, group, "Shade", 0, 0, document.width(), document.height() - 120, 200)
    sketch = document.createNode("Sketch", "paintlayer")
    fill(sketch, 70, 80, random.Random(1).randbytes)
    root.addChildNode(sketch, group)
    sketch.setVisible(False)
    veil = document.createNode("Veil", "paintlayer")
    fill(veil, 300, 200, lambda size: bytes((place // 1200 + place % 7) % 256 for place in range(size)))
    root.addChildNode(veil, sketch)
    veil.move(-50, 120)
    veil.setBlendingMode("multiply")
    veil.setOpacity(128)
    settle(document)
    return document


def cover(document, layer, name, left, top, width, height, value):
    selection = Selection()
    selection.select(left, top, width, height, value)
    selection.feather(20)
    mask = document.createTransparencyMask(name)
    mask.setSelection(selection)
    layer.addChildNode(mask, layer.childNodes()[-1] if layer.childNodes() else None)


def fill(layer, width, height, pattern):
    size = width * height * 4 * (2 if layer.colorDepth() == "U16" else 1)
    layer.setPixelData(QtCore.QByteArray(pattern(size)), 0, 0, width, height)


def inside(parent):
    for node in parent.childNodes():
        if node.type() == "paintlayer":
            yield node
        yield from inside(node)


def digest(node, document):
    """Of the layer's pixels on and around the canvas."""
    area = (-200, -200, document.width() + 400, document.height() + 400)
    return hashlib.sha256(bytes(node.pixelData(*area))).hexdigest()
