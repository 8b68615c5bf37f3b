"""Checks what a header alone cannot say: the sizes of its payload, and the limits. Nothing is allocated before."""

from __future__ import annotations

from collections.abc import Sequence

from harmonize_daemon.options import Limits
from harmonize_daemon.wire.errors import ErrorCode, Refused
from harmonize_daemon.wire.messages import Predict, Render, Size
from harmonize_daemon.wire.slots import BandShape

RAISE_THE_LIMIT = "Harmonize a smaller selection, or raise the limit: `harmonize daemon restart --max-pixels N`."


def check_predict(request: Predict, payload: Sequence[memoryview], limits: Limits) -> None:
    """Raises Refused unless thumbnail, mask and reference are within the limits and as long as they say."""
    _check_thumbnail(request.id, "thumbnail", request.thumbnail, limits)
    if request.reference is not None:
        _check_thumbnail(request.id, "reference", request.reference, limits)
    _check_count(request.id, payload, 2 if request.reference is None else 3)
    pixels = request.thumbnail.width * request.thumbnail.height
    _check_length(request.id, "thumbnail", payload[0], pixels * 3)
    _check_length(request.id, "thumbnail's mask", payload[1], pixels, ErrorCode.BAD_MASK)
    if request.reference is not None:
        _check_length(request.id, "reference", payload[2], request.reference.width * request.reference.height * 3)


def check_render(request: Render, payload: Sequence[memoryview], limits: Limits) -> None:
    """Raises Refused unless the layer is within the limits and there is an adjustment."""
    layer = request.layer
    if max(layer.width, layer.height) > limits.side:
        cause = f"The layer is {layer.width} x {layer.height} pixels; the limit side is {limits.side}."
        raise Refused(ErrorCode.TOO_LARGE, cause, request.id)
    if layer.width * layer.height > limits.pixels:
        cause = f"The layer has {layer.width * layer.height} pixels; the limit pixels is {limits.pixels}."
        raise Refused(ErrorCode.TOO_LARGE, cause, request.id, RAISE_THE_LIMIT)
    if layer.row_bytes > limits.frame_bytes:
        cause = f"One row has {layer.row_bytes} bytes; the limit frame_bytes is {limits.frame_bytes}."
        raise Refused(ErrorCode.TOO_LARGE, cause, request.id)
    check_adjustment(request.id, payload)


def check_adjustment(id: str, payload: Sequence[memoryview]) -> None:
    """Raises Refused unless the payload is one frame that is not empty."""
    _check_count(id, payload, 1)
    if not len(payload[0]):
        raise Refused(ErrorCode.BAD_REQUEST, "The adjustment is empty.", id)


def check_band(id: str, shape: BandShape, payload: Sequence[memoryview]) -> None:
    """Raises Refused unless pixels and mask are exactly as long as the band is large."""
    _check_count(id, payload, 2 if shape.masked else 1)
    _check_length(id, "band's pixels", payload[0], shape.pixel_bytes)
    if shape.masked:
        _check_length(id, "band's mask", payload[1], shape.mask_bytes, ErrorCode.BAD_MASK)


def _check_thumbnail(id: str, name: str, size: Size, limits: Limits) -> None:
    if max(size.width, size.height) > limits.thumbnail_side:
        cause = f"The {name} is {size.width} x {size.height}; the limit thumbnail_side is {limits.thumbnail_side}."
        raise Refused(ErrorCode.TOO_LARGE, cause, id)


def _check_count(id: str, payload: Sequence[memoryview], expected: int) -> None:
    if len(payload) != expected:
        cause = f"The message has {len(payload)} payload frames instead of {expected}."
        raise Refused(ErrorCode.BAD_REQUEST, cause, id)


def _check_length(
    id: str, name: str, frame: memoryview, expected: int, code: ErrorCode = ErrorCode.BAD_REQUEST
) -> None:
    if len(frame) != expected:
        raise Refused(code, f"The {name} has {len(frame)} bytes instead of {expected}.", id)
