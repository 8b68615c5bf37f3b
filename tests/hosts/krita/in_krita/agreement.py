"""Harmonizes the figure in one color space after the other, and leaves all that was asked for, answered and written."""

import dataclasses
import json

from harmonize_selection.krita_host.color import ColorSpace, Converter
from harmonize_selection.values import Output, Target
from krita import Selection
from support import at_hand, close, composite, docker, done, drain, find, layers, pixels, ready, save, say, settle


def steps(cases):
    presenter, host = None, None
    for name, model, depth, profile, selected, (width, height) in json.loads(cases):
        document, _scene, layer = composite(model, depth, profile)
        if (width, height) != (document.width(), document.height()):
            document.scaleImage(width, height, 72, 72, "Bilinear")
            settle(document)
        if presenter is None:
            widget = docker()
            presenter, host = widget.presenter, widget.presenter._host
        yield from at_hand(presenter, document, layer)
        yield from ready(presenter)
        if selected:
            selection = Selection()
            selection.select(300, 150, 40, 120, 255)
            selection.feather(12)
            document.setSelection(selection)
        presenter.set_settings(dataclasses.replace(presenter.state.settings, output=Output.NEW_LAYER))
        ref = presenter.state.layer.ref
        seen, region = drain(host.read_scene(Target(ref, layer.name()))), drain(host.read_region(ref))
        save(f"{name}.composite", seen.composite.rgb)
        save(f"{name}.mask", seen.mask)
        save(f"{name}.region", region.pixels)
        save(f"{name}.region-mask", region.mask)
        before = pixels(layer, document)
        save(f"{name}.before", before)
        undo_before = _undo_text()
        presenter.harmonize()
        yield from done(presenter)
        if presenter.state.problem:
            say(name, problem=presenter.state.problem.details)
            continue
        written = find(document, "Figure harmonized")
        save(f"{name}.adjustment", presenter._results.all[0].adjustment.encode())
        space = ColorSpace(model, depth, profile)
        after = pixels(written, document)
        save(f"{name}.after", after)
        rect = region.rect
        inside = bytes(written.pixelData(rect.x, rect.y, rect.width, rect.height))
        with Converter(space, space.rendered_in) as converter:
            save(f"{name}.rendered", converter.convert(inside, rect.width, rect.height))
        say(
            name,
            layout=region.format.layout,
            depth=region.format.depth,
            rect=[rect.x, rect.y, rect.width, rect.height],
            place=list(region.place.corners),
            thumbnail=[seen.composite.width, seen.composite.height],
            size=[document.width(), document.height()],
            pixel_bytes=space.pixel_bytes,
            original_kept=pixels(layer, document) == before,
            layers=layers(document),
            undo=[undo_before, _undo_text()],
            milliseconds=presenter.last_milliseconds,
        )
        yield from close(document)


def _undo_text():
    from support import app

    return app.action("edit_undo").text()
