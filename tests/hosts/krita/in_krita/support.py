"""What the scripts share: documents, the docker, waiting, and telling the test."""

import json
import os
import subprocess
import time
from pathlib import Path

from harmonize_selection import register
from krita import Krita

OUT = Path(os.environ["HARMONIZE_TEST_OUT"])
PICTURES = Path("/w/krita-pictures")
app = Krita.instance()
app.setBatchmode(True)


def say(case, **what):
    with open(OUT / "said.jsonl", "a") as file:
        file.write(json.dumps({"case": case, **what}) + "\n")


def save(name, data):
    (OUT / name).write_bytes(bytes(data))


def screenshot(name):
    subprocess.run(["import", "-window", "root", str(OUT / f"{name}.png")], check=True)


def composite(model="RGBA", depth="U8", profile="sRGB-elle-V2-srgbtrc.icc", view=True):
    """The scene with the figure on it, in a window: document, scene, figure."""
    document = app.openDocument(str(PICTURES / "scene.png"))
    figure = app.openDocument(str(PICTURES / "figure.png"))
    scene = document.topLevelNodes()[0]
    scene.setName("Scene")
    layer = document.createNode("Figure", "paintlayer")
    size = (document.width(), document.height())
    # Opened PNGs can be of 8-bit sRGB only: both are written so.
    layer.setPixelData(figure.topLevelNodes()[0].pixelData(0, 0, *size), 0, 0, *size)
    figure.close()
    document.rootNode().addChildNode(layer, scene)
    if (model, depth, profile) != (document.colorModel(), document.colorDepth(), document.colorProfile()):
        document.setColorSpace(model, depth, profile)
    settle(document)
    if view:
        app.activeWindow().addView(document)
    return document, scene, layer


def settle(document):
    document.refreshProjection()
    document.waitForDone()


def close(document):
    """Without saving. Krita's layer list looks at changed layers up to 0.1 s later, and crashes in
    `KisNodeModel::processUpdateQueue` (5.2.9) if their document was closed before that."""
    yield 0.4
    document.setModified(False)
    document.close()
    yield 0.3


def docker():
    """The plug-in's docker, shown."""
    found = register.HarmonizeDocker.opened[0]
    found.show()
    found.raise_()
    return found


def until(condition, seconds=90):
    """Waits, a few milliseconds at a time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited for {seconds} s")
        yield 0.005


def ready(presenter):
    """Until the daemon is, and the docker has seen the active layer."""
    yield from until(lambda: presenter.state.networks and presenter.state.layer is not None)


def at_hand(presenter, document, layer):
    """Makes a layer the artist's, and waits until the docker has noticed."""
    app.setActiveDocument(document)
    yield from until(lambda: app.activeDocument().rootNode().uniqueId() == document.rootNode().uniqueId())
    yield 0.2
    document.setActiveNode(layer)
    key = layer.uniqueId().toString()
    yield from until(lambda: presenter.state.layer is not None and presenter.state.layer.ref.layer == key)


def done(presenter):
    """Until what was asked for has been done, or has failed."""
    yield from until(lambda: not presenter.state.busy)


def undo():
    yield from _step("edit_undo")


def redo():
    yield from _step("edit_redo")


def _step(name):
    """Krita ignores the action while it still works on the step before."""
    settle(app.activeDocument())
    yield from until(app.action(name).isEnabled)
    app.action(name).trigger()
    yield 0.4
    settle(app.activeDocument())


def tree(parent):
    """Names of the layers from the bottom, invisible ones in brackets, each with what lies in it."""
    found = []
    for node in parent.childNodes():
        name = node.name() if node.visible() else f"({node.name()})"
        inside = tree(node)
        found.append([name, inside] if inside else name)
    return found


def layers(document):
    return tree(document.rootNode())


def find(document, name):
    """The uppermost node of that name."""
    return [node for node in document.topLevelNodes() if node.name() == name][-1]


def pixels(node, document):
    return bytes(node.pixelData(0, 0, document.width(), document.height()))


def drain(steps):
    """The value of `Steps`, without pauses."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
