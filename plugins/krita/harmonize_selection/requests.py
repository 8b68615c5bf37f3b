"""What is asked of the host and the daemon, as tasks: each reads from top to bottom, and none blocks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from . import masks
from .client import Exported, LayerFormat, Look, Prediction, Rendered, Session, Thumbnail
from .host import Host
from .i18n import tr
from .task import Task
from .values import Curves, LayerRef, Output, Picture, Region, Result, Scene, Settings, Target

Keep = Callable[[LayerRef, Region], object]


def predict(host: Host, session: Session, ref: LayerRef, scene: Scene, settings: Settings) -> Task[Prediction]:
    reference: Thumbnail | None = yield from host.read_reference(ref, settings.reference)
    prediction: Prediction = yield session.predict(
        scene.composite, scene.mask, network=settings.network, reference=reference
    )
    return prediction


def harmonize(
    host: Host, session: Session, target: Target, settings: Settings, keep: Keep = lambda ref, region: None
) -> Task[Result]:
    """Predict, render, write: the whole way of one layer."""
    above = settings.reference.is_above
    scene = yield from host.read_scene(target, with_above=above)
    prediction = yield from predict(host, session, target.ref, scene, settings)
    result = yield from apply(host, session, target, settings, prediction.adjustment, prediction.network, keep)
    return replace(result, notes=(*prediction.notes, *result.notes))


def apply(
    host: Host,
    session: Session,
    target: Target,
    settings: Settings,
    adjustment: str,
    network: str,
    keep: Keep = lambda ref, region: None,
) -> Task[Result]:
    """Writes a layer with an adjustment that is already known.

    keep: gets what was written from, for `apply_again`.
    """
    notes: tuple[str, ...] = ()
    if settings.output is Output.CURVES:
        curves = yield from export_curves(session, adjustment, settings.look)
        written = host.write_curves(target.ref, curves, tr("Harmonize"), instead_of=target.earlier)
    else:
        with _hidden(host, target):
            region = yield from host.read_region(target.ref)
            pixels, notes = yield from render(session, region, adjustment, settings.look)
            title = tr("{name} harmonized", name=target.name)
            written = yield from host.write_layer(
                target.ref, region, pixels, title, settings.output, hide=settings.hide_original, cover=target.cover
            )
        keep(written, region)
    when = datetime.now().isoformat(timespec="seconds")
    return Result(target.ref, written, target.name, settings, adjustment, network, when, notes)


@contextmanager
def _hidden(host: Host, target: Target) -> Iterator[None]:
    """Without our own earlier curves on the layer; whatever happens, they are shown again."""
    try:
        for mask in target.curves:
            host.show_original(target.ref, mask, True)
        yield
    finally:
        for mask in filter(host.exists, target.curves):
            host.show_original(target.ref, mask, False)


def apply_again(host: Host, session: Session, result: Result, region: Region, look: Look) -> Task[Result]:
    """Another look for the layer that `result` has written, without an undo step. region: what it was written from."""
    host.need_untouched(result.written, region.rect)
    pixels, notes = yield from render(session, region, result.adjustment, look)
    yield from host.rewrite_layer(result.written, region, pixels)
    return replace(result, settings=replace(result.settings, look=look), notes=notes)


def render(session: Session, region: Region, adjustment: str, look: Look) -> Task[tuple[bytearray, tuple[str, ...]]]:
    """The pixels, and what the daemon has to say about them."""
    pixels = bytearray(region.format.nbytes)
    rendered: Rendered = yield session.render(
        adjustment, region.format, region.pixels, region.mask, into=pixels, place=region.place, look=look
    )
    return pixels, rendered.notes


def render_preview(host: Host, session: Session, scene: Scene, adjustment: str, look: Look) -> Task[Picture]:
    """The scene's thumbnail with the layer harmonized: without color, where the layer itself will have none."""
    layer = scene.layer
    format = LayerFormat(layer.width, layer.height, "YA" if scene.grey else "RGBA", "u8")
    before = masks.grey_alpha(layer.rgba) if scene.grey else layer.rgba
    pixels = bytearray(len(before))
    yield session.render(adjustment, format, before, scene.mask, into=pixels, look=look)
    after = masks.rgba_of(pixels) if scene.grey else bytes(pixels)
    return host.compose(scene, Picture(layer.width, layer.height, after))


def export_curves(session: Session, adjustment: str, look: Look) -> Task[Curves]:
    exported: Exported = yield session.export(adjustment, "krita-curves", look)
    data = json.loads(exported.text)
    return Curves(red=data["curve1"], green=data["curve2"], blue=data["curve3"])
