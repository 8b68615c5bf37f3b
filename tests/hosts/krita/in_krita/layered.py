"""`write FILE`: the scene with its layers, in the format of the suffix. `read FILE`: what Krita makes of one."""

from support import OUT, app, close, composite, layers, say, settle


def steps(what, name):
    if what == "write":
        document, _scene, _layer = composite(view=False)
        document.saveAs(str(OUT / name))
        document.waitForDone()
    else:
        document = app.openDocument(f"/w/{name}")
        settle(document)
        say("layers", rows=layers(document))
    (OUT / "merged").write_bytes(bytes(document.pixelData(0, 0, document.width(), document.height())))
    yield from close(document)
