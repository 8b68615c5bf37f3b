"""Small pictures of large things: Krita's pixels to QtGui.QImage and to bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..client import Thumbnail
from ..qt import Qt, QtCore, QtGui
from ..values import Picture, Rect
from .color import PICTURE, ColorSpace, Converter

THUMBNAIL_SIDE = 512
_OVERSAMPLING = 2

Reader = Callable[[int, int, int, int], Any]
"""x, y, width, height -> the pixels there, such as `node.pixelData`."""


def thumbnail_scale(canvas: Rect) -> float:
    """Document pixels to thumbnail pixels."""
    return min(1.0, THUMBNAIL_SIDE / max(canvas.width, canvas.height))


def small_image(read: Reader, rect: Rect, space: ColorSpace, width: int, height: int) -> QtGui.QImage:
    """The pixels of `rect` as an ARGB32 picture of width x height.

    Only every n-th row and column of a large layer is read, so that it costs the same at any size; at least two samples
    a side are averaged for each pixel.
    """
    step = max(1, min(rect.width // (width * _OVERSAMPLING), rect.height // (height * _OVERSAMPLING)))
    columns, rows = -(-rect.width // step), -(-rect.height // step)
    if step == 1:
        pixels = bytes(read(rect.x, rect.y, rect.width, rect.height))
    else:
        lines = (bytes(read(rect.x, rect.y + row * step, rect.width, 1)) for row in range(rows))
        pixels = b"".join(_every(line, step, space.pixel_bytes) for line in lines)
    if not (space.is_encoded and space.model == "RGBA" and space.depth == "U8"):
        with Converter(space, PICTURE) as converter:
            pixels = bytes(converter.convert(pixels, columns, rows))
    image = QtGui.QImage(pixels, columns, rows, columns * 4, QtGui.QImage.Format.Format_ARGB32)
    small = image.scaled(
        width, height, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    ).convertToFormat(QtGui.QImage.Format.Format_ARGB32)
    # Where nothing is scaled, the picture still lies in `pixels`, and Qt does not keep those.
    return small.copy()


def _every(line: bytes, step: int, pixel_bytes: int) -> bytes:
    """Each `step`-th pixel of a row."""
    stride = step * pixel_bytes
    kept = bytearray(-(-len(line) // stride) * pixel_bytes)
    for index in range(pixel_bytes):
        kept[index::pixel_bytes] = line[index::stride]
    return bytes(kept)


def blank(width: int, height: int) -> QtGui.QImage:
    image = QtGui.QImage(width, height, QtGui.QImage.Format.Format_ARGB32)
    image.fill(0)
    return image


def flat(image: QtGui.QImage, color: QtGui.QColor) -> QtGui.QImage:
    """The picture on a plain ground."""
    ground = QtGui.QImage(image.width(), image.height(), QtGui.QImage.Format.Format_ARGB32)
    ground.fill(color)
    painter = QtGui.QPainter(ground)
    painter.drawImage(0, 0, image)
    painter.end()
    return ground


def on_its_average(image: QtGui.QImage) -> QtGui.QImage:
    """The picture on a ground of its own average color, so that clear parts say nothing."""
    average = image.scaled(1, 1, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
    color = QtGui.QColor(average.convertToFormat(QtGui.QImage.Format.Format_ARGB32).pixelColor(0, 0))
    color.setAlpha(255)
    return flat(image, color)


def _tight(image: QtGui.QImage, row_bytes: int) -> bytes:
    """The bytes without the padding at the end of each row."""
    bits = image.constBits()
    bits.setsize(image.bytesPerLine() * image.height())
    data = bytes(bits)
    if image.bytesPerLine() == row_bytes:
        return data
    pitch = image.bytesPerLine()
    return b"".join(data[row * pitch : row * pitch + row_bytes] for row in range(image.height()))


def to_thumbnail(image: QtGui.QImage) -> Thumbnail:
    rgb = image.convertToFormat(QtGui.QImage.Format.Format_RGB888)
    return Thumbnail(rgb.width(), rgb.height(), _tight(rgb, rgb.width() * 3))


def to_picture(image: QtGui.QImage) -> Picture:
    rgba = image.convertToFormat(QtGui.QImage.Format.Format_RGBA8888)
    return Picture(rgba.width(), rgba.height(), _tight(rgba, rgba.width() * 4))


def from_picture(picture: Picture) -> QtGui.QImage:
    form = QtGui.QImage.Format.Format_RGBA8888
    return QtGui.QImage(picture.rgba, picture.width, picture.height, picture.width * 4, form).copy()


def grey_image(mask: bytes, width: int, height: int) -> QtGui.QImage:
    return QtGui.QImage(mask, width, height, width, QtGui.QImage.Format.Format_Grayscale8).copy()


def grey_bytes(image: QtGui.QImage) -> bytes:
    grey = image.convertToFormat(QtGui.QImage.Format.Format_Grayscale8)
    return _tight(grey, grey.width())


def scaled_into(canvas: Rect, scale: float, rect: Rect) -> QtCore.QRectF:
    """Where a rectangle of the document lies on its thumbnail."""
    return QtCore.QRectF(
        (rect.x - canvas.x) * scale, (rect.y - canvas.y) * scale, rect.width * scale, rect.height * scale
    )
