"""What is asked of the host and the daemon, as tasks: each reads from top to bottom, and none blocks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from .client import Exported, LayerFormat, Look, Prediction, Session, Thumbnail
from .host import Host
from .i18n import tr
from .task import PaintedOn, Task
from .values import Curves, LayerRef, Output, Picture, Region, Result, Scene, Settings

Keep = Callable[[LayerRef, Region], object]


def predict(host: Host, session: Session, ref: LayerRef, scene: Scene, settings: Settings) -> Task[Prediction]:
    reference: Thumbnail | None = yield from host.read_reference(ref, settings.reference)
    prediction: Prediction = yield session.predict(
        scene.composite, scene.mask, network=settings.network, reference=reference
    )
    return prediction


def harmonize(
    host: Host,
    session: Session,
    ref: LayerRef,
    name: str,
    settings: Settings,
    *,
    cover: LayerRef | None = None,
    keep: Keep = lambda ref, region: None,
) -> Task[Result]:
    """Predict, render, write: the whole way of one layer."""
    scene = yield from host.read_scene(ref)
    prediction = yield from predict(host, session, ref, scene, settings)
    adjustment, network = prediction.adjustment, prediction.network
    return (yield from apply(host, session, ref, name, settings, adjustment, network, cover=cover, keep=keep))


def apply(
    host: Host,
    session: Session,
    ref: LayerRef,
    name: str,
    settings: Settings,
    adjustment: str,
    network: str,
    *,
    cover: LayerRef | None = None,
    keep: Keep = lambda ref, region: None,
) -> Task[Result]:
    """Writes a layer with an adjustment that is already known.

    cover: an earlier result of the same layer. keep: gets what was written from, for `apply_again`.
    """
    if settings.output is Output.CURVES:
        curves = yield from export_curves(session, adjustment, settings.look)
        written = host.write_curves(ref, curves, tr("Harmonize"))
    else:
        region = yield from host.read_region(ref)
        pixels = yield from render(session, region, adjustment, settings.look)
        title = tr("{name} harmonized", name=name)
        written = yield from host.write_layer(
            ref, region, pixels, title, settings.output, hide=settings.hide_original, cover=cover
        )
        keep(written, region)
    when = datetime.now().isoformat(timespec="seconds")
    return Result(ref, written, name, settings, adjustment, network, when)


def apply_again(host: Host, session: Session, result: Result, region: Region, look: Look) -> Task[Result]:
    """Another look for the layer that `result` has written, without an undo step. region: what it was written from."""
    if host.was_changed(result.written, region.rect):
        raise PaintedOn("the layer was painted on")
    pixels = yield from render(session, region, result.adjustment, look)
    yield from host.rewrite_layer(result.written, region, pixels)
    return replace(result, settings=replace(result.settings, look=look))


def render(session: Session, region: Region, adjustment: str, look: Look) -> Task[bytearray]:
    pixels = bytearray(region.format.nbytes)
    yield session.render(
        adjustment, region.format, region.pixels, region.mask, into=pixels, place=region.place, look=look
    )
    return pixels


def render_preview(host: Host, session: Session, scene: Scene, adjustment: str, look: Look) -> Task[Picture]:
    """The scene's thumbnail with the layer harmonized."""
    layer = scene.layer
    pixels = bytearray(len(layer.rgba))
    yield session.render(
        adjustment, LayerFormat(layer.width, layer.height, "RGBA", "u8"), layer.rgba, scene.mask, into=pixels, look=look
    )
    return host.compose(scene, Picture(layer.width, layer.height, bytes(pixels)))


def export_curves(session: Session, adjustment: str, look: Look) -> Task[Curves]:
    exported: Exported = yield session.export(adjustment, "krita-curves", look)
    data = json.loads(exported.text)
    return Curves(red=data["curve1"], green=data["curve2"], blue=data["curve3"])
