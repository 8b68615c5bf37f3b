"""The scene around a layer, as thumbnails: what lies below, the layer, and its mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..client import Thumbnail
from ..i18n import tr
from ..masks import multiplied
from ..qt import Qt, QtCore, QtGui
from ..task import HostError
from ..values import LayerRef, Picture, Rect, Reference, Scene, Source, Steps, Target
from . import images
from .color import color_space
from .documents import (
    Document,
    Node,
    bounds_of,
    canvas_of,
    find_nodes,
    hide_in,
    need_document,
    need_node,
    still_copy,
    twin_of,
)
from .region import shown_bounds

_GROUND = QtGui.QColor(119, 119, 119)
"""Middle grey where the document is clear."""

_Mode = QtGui.QPainter.CompositionMode
_MODES = {
    "normal": _Mode.CompositionMode_SourceOver,
    "multiply": _Mode.CompositionMode_Multiply,
    "screen": _Mode.CompositionMode_Screen,
    "overlay": _Mode.CompositionMode_Overlay,
    "darken": _Mode.CompositionMode_Darken,
    "lighten": _Mode.CompositionMode_Lighten,
    "dodge": _Mode.CompositionMode_ColorDodge,
    "burn": _Mode.CompositionMode_ColorBurn,
    "hard_light": _Mode.CompositionMode_HardLight,
    "soft_light": _Mode.CompositionMode_SoftLight,
    "diff": _Mode.CompositionMode_Difference,
    "exclusion": _Mode.CompositionMode_Exclusion,
    "add": _Mode.CompositionMode_Plus,
}


@dataclass(frozen=True)
class Background:
    """What lies below, how the layer is blended onto it, and what lies above, if that is to be seen."""

    image: QtGui.QImage
    blending: str
    opacity: float
    above: QtGui.QImage | None = None
    clip: QtGui.QImage | None = None
    """What the layer is seen on, and nowhere else, if it inherits its alpha."""


@dataclass(frozen=True)
class LayerImage:
    """A layer at the thumbnail's scale, apart from where it lies."""

    image: QtGui.QImage
    mask: bytes
    """Of the image's size: its alpha, restricted to the selection."""
    shown: Rect
    """What it covers, counted from the corner of the layer's own bounds."""


def read_scene(target: Target, *, with_above: bool = False) -> Steps[Scene]:
    ref = target.ref
    masks = [mask for mask in find_nodes(target.curves) if mask.visible()]
    layer = read_layer_image(need_document(ref), need_node(ref), without=masks)
    yield 0.3
    earlier = find_nodes(target.results)
    background, composite = read_background(need_document(ref), need_node(ref), with_above=with_above, results=earlier)
    yield 0.8
    document, node = need_document(ref), need_node(ref)
    scene = place(layer, background, bounds_of(node), canvas_of(document), composite)
    if not any(scene.mask):
        raise HostError(
            tr("nothing of the layer “{name}” is both selected and seen in the picture", name=node.name()),
            tr("check where the layer lies, the selection, and the layer’s transparency"),
        )
    return replace(scene, grey=color_space(node).model == "GRAYA")


def read_layer_image(document: Document, node: Node, *, without: Sequence[Node] = ()) -> LayerImage:
    """With its masks, without its surroundings. Raises `HostError` if there is nothing on the layer or selected.

    without: masks that do not count. They are hidden in a copy: the artist's document is left alone.
    """
    if without:
        copy = still_copy(document)
        try:
            hide_in(copy, without)
            copy.refreshProjection()
            copy.waitForDone()
            return _layer_image(document, twin_of(node, copy))
        finally:
            copy.setModified(False)
            copy.close()
    return _layer_image(document, node)


def _layer_image(document: Document, node: Node) -> LayerImage:
    """document: the artist's, which has the selection."""
    bounds, own = shown_bounds(document, node), bounds_of(node)
    if bounds.is_empty:
        raise HostError(tr("the layer “{name}” is empty", name=node.name()), tr("paste something into it"))
    scale = images.thumbnail_scale(canvas_of(document))
    width, height = max(1, round(bounds.width * scale)), max(1, round(bounds.height * scale))
    image = images.small_image(node.projectionPixelData, bounds, color_space(node), width, height)
    alpha = images.to_picture(image).rgba[3::4]
    selection = document.selection()
    if selection is not None:
        if bounds.intersected(Rect(selection.x(), selection.y(), selection.width(), selection.height())).is_empty:
            raise HostError(tr("the selection does not touch the layer"), tr("select a part of the layer, or nothing"))
        alpha = multiplied(alpha, _selection_image(selection, bounds, width, height))
    return LayerImage(image, alpha, replace(bounds, x=bounds.x - own.x, y=bounds.y - own.y))


def _selection_image(selection: Node, bounds: Rect, width: int, height: int) -> bytes:
    pixels = bytes(selection.pixelData(bounds.x, bounds.y, bounds.width, bounds.height))
    image = images.grey_image(pixels, bounds.width, bounds.height)
    mode = Qt.TransformationMode.SmoothTransformation
    return images.grey_bytes(image.scaled(width, height, Qt.AspectRatioMode.IgnoreAspectRatio, mode))


def read_background(
    document: Document, node: Node, *, with_above: bool = False, results: Sequence[Node] = ()
) -> tuple[Background, QtGui.QImage | None]:
    """What lies below the layer; and the layer on it, if only Krita knows the layer's blending mode.

    A copy of the document shows it: the artist's own is left alone. with_above: and what lies above the layer, but for
    its own earlier `results`. Raises `HostError` if nothing does.
    """
    canvas = canvas_of(document)
    scale = images.thumbnail_scale(canvas)
    width, height = max(1, round(canvas.width * scale)), max(1, round(canvas.height * scale))
    copy = still_copy(document)
    try:
        twin = twin_of(node, copy)

        def seen() -> QtGui.QImage:
            copy.refreshProjection()
            copy.waitForDone()
            return images.small_image(copy.pixelData, canvas, color_space(copy), width, height)

        above = None
        if with_above:
            hide_in(copy, results)
            hidden = hide_up_to(twin)
            above = seen()
            if not any(images.to_picture(above).rgba[3::4]):
                raise HostError(
                    tr("nothing lies above the layer “{name}”", name=node.name()),
                    tr("choose another layer to take light and color from"),
                )
            for other in hidden:
                other.setVisible(True)
        hide_above(twin)
        twin.setVisible(False)
        below = images.flat(seen(), _GROUND)
        clip = None
        if node.inheritAlpha():
            group = _group_of(twin)
            clip = images.small_image(group.projectionPixelData, canvas, color_space(group), width, height)
        background = Background(below, node.blendingMode(), node.opacity() / 255, above, clip)
        if background.blending in _MODES:
            return background, None
        twin.setVisible(True)
        return background, images.flat(seen(), _GROUND)
    finally:
        copy.setModified(False)
        copy.close()


def _group_of(node: Node) -> Node:
    """The group that the node is painted into: one that passes through leaves that to the next."""
    group = node.parentNode()
    return _group_of(group) if group.parentNode() is not None and group.passThroughMode() else group


def hide_above(node: Node) -> None:
    """Hides all that lies above the node, in its group and in every group around it, and shows those groups."""
    while (parent := node.parentNode()) is not None:
        above = False
        for sibling in parent.childNodes():
            if above:
                sibling.setVisible(False)
            above = above or sibling.uniqueId() == node.uniqueId()
        parent.setVisible(True)
        node = parent


def hide_up_to(node: Node) -> list[Node]:
    """Hides the node and all that lies below it, in its group and in every group around it. What was seen of that."""
    hidden = [node]
    while (parent := node.parentNode()) is not None:
        for sibling in parent.childNodes():
            if sibling.uniqueId() == node.uniqueId():
                break
            hidden.append(sibling)
        node = parent
    hidden = [each for each in hidden if each.visible()]
    for each in hidden:
        each.setVisible(False)
    return hidden


def place(
    layer: LayerImage, background: Background, bounds: Rect, canvas: Rect, composite: QtGui.QImage | None = None
) -> Scene:
    """The layer where it lies in the scene. bounds: its own."""
    width, height = background.image.width(), background.image.height()
    shown = replace(layer.shown, x=bounds.x + layer.shown.x, y=bounds.y + layer.shown.y)
    target = images.scaled_into(canvas, width / canvas.width, shown)
    picture = _drawn(layer.image, target, images.blank(width, height))
    grey = QtGui.QImage(width, height, QtGui.QImage.Format.Format_Grayscale8)
    grey.fill(0)
    mask = images.grey_bytes(
        _drawn(images.grey_image(layer.mask, layer.image.width(), layer.image.height()), target, grey)
    )
    if background.clip is not None:
        picture = _clipped(picture, background.clip)
        mask = multiplied(mask, images.to_picture(background.clip).rgba[3::4])
    if background.above is not None:
        opacity = images.to_picture(background.above).rgba[3::4]
        mask = multiplied(mask, bytes(255 - value for value in opacity))
    return Scene(
        composite=images.to_thumbnail(_covered(background, composite or _blended(background, picture))),
        mask=mask,
        layer=images.to_picture(picture),
        background=background,
    )


def compose(background: Background, layer: Picture) -> Picture:
    """The scene with another picture in place of the layer's."""
    return images.to_picture(_covered(background, _blended(background, images.from_picture(layer))))


def _blended(background: Background, layer: QtGui.QImage) -> QtGui.QImage:
    image = background.image.copy()
    painter = QtGui.QPainter(image)
    painter.setCompositionMode(_MODES.get(background.blending, _MODES["normal"]))
    painter.setOpacity(background.opacity)
    painter.drawImage(0, 0, layer)
    painter.end()
    return image


def _clipped(layer: QtGui.QImage, clip: QtGui.QImage) -> QtGui.QImage:
    image = layer.copy()
    painter = QtGui.QPainter(image)
    painter.setCompositionMode(_Mode.CompositionMode_DestinationIn)
    painter.drawImage(0, 0, clip)
    painter.end()
    return image


def _covered(background: Background, image: QtGui.QImage) -> QtGui.QImage:
    """With what lies above it. All of that is drawn in normal mode."""
    if background.above is not None:
        painter = QtGui.QPainter(image)
        painter.drawImage(0, 0, background.above)
        painter.end()
    return image


def _drawn(image: QtGui.QImage, target: QtCore.QRectF, onto: QtGui.QImage) -> QtGui.QImage:
    painter = QtGui.QPainter(onto)
    painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(target, image, QtCore.QRectF(image.rect()))
    painter.end()
    return onto


def read_reference(ref: LayerRef, reference: Reference) -> Steps[Thumbnail | None]:
    """The scene to take light and color from; None for what lies below or above."""
    yield 0.0
    document = need_document(ref)
    if reference.source in (Source.BELOW, Source.ABOVE):
        return None
    if reference.source is Source.VISIBLE:
        node, rect = document, canvas_of(document)
        read = document.pixelData
    elif reference.source is Source.LAYER:
        node = need_node(LayerRef(ref.document, reference.name))
        rect, read = bounds_of(node), node.projectionPixelData
        if rect.is_empty:
            raise HostError(
                tr("the layer “{name}” is empty", name=node.name()),
                tr("choose another layer to take light and color from"),
            )
    else:
        return images.to_thumbnail(images.on_its_average(_file_image(Path(reference.name))))
    scale = images.thumbnail_scale(rect)
    width, height = max(1, round(rect.width * scale)), max(1, round(rect.height * scale))
    return images.to_thumbnail(images.on_its_average(images.small_image(read, rect, color_space(node), width, height)))


def _file_image(path: Path) -> QtGui.QImage:
    reader = QtGui.QImageReader(str(path))
    reader.setAutoTransform(True)
    image = reader.read()
    if image.isNull():
        raise HostError(
            tr("“{name}” cannot be read: {reason}", name=path.name, reason=reader.errorString()),
            tr("choose a PNG, JPEG or TIFF file"),
        )
    side = images.THUMBNAIL_SIDE
    if max(image.width(), image.height()) > side:
        mode = Qt.TransformationMode.SmoothTransformation
        image = image.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio, mode)
    return image.convertToFormat(QtGui.QImage.Format.Format_ARGB32)
