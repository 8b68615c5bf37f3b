"""Values to headers, and headers to values (`docs/protocol.md`).

Readers raise `ProtocolError` for what breaks that page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, cast, get_args

from .values import (
    DaemonStatus,
    Exported,
    ExportFormat,
    ForegroundClass,
    JobCounts,
    LayerFormat,
    Limits,
    Look,
    NetworkInfo,
    Place,
    Prediction,
    Progress,
    Rendered,
    Stage,
    Thumbnail,
    byte_view,
)
from .wire import Header, ProtocolError, take

if TYPE_CHECKING:
    from .values import Buffer

Request = tuple[dict[str, object], list[memoryview]]
"""A header's fields without `v`, `token` and `id`, and the payload frames."""

_MOST_CLIENT_NAME = 64


def hello(client: str) -> Request:
    return {"kind": "hello", "client": client[:_MOST_CLIENT_NAME]}, []


def status() -> Request:
    return {"kind": "status"}, []


def shutdown() -> Request:
    return {"kind": "shutdown"}, []


def cancel(target: str) -> Request:
    return {"kind": "cancel", "target": target}, []


def predict(
    thumbnail: Thumbnail,
    mask: Buffer,
    network: str,
    reference: Thumbnail | None,
    foreground_class: ForegroundClass | None,
    live: bool,
) -> Request:
    if foreground_class not in (None, *get_args(ForegroundClass)):
        raise ValueError(f"the foreground class {foreground_class!r} is not one of {get_args(ForegroundClass)}")
    fields: dict[str, object] = {
        "kind": "predict",
        "network": network,
        "thumbnail": _size(thumbnail),
        "reference": _size(reference) if reference else None,
        "foreground_class": foreground_class,
        "live": live,
    }
    payload = [_pixels(thumbnail), byte_view(mask, thumbnail.width * thumbnail.height, "the mask")]
    return fields, [*payload, _pixels(reference)] if reference else payload


def render(adjustment: str, layer: LayerFormat, masked: bool, place: Place, look: Look, live: bool) -> Request:
    fields = {
        "kind": "render",
        "layer": asdict(layer),
        "masked": masked,
        "place": [float(corner) for corner in place.corners],
        "look": _look(look),
        "live": live,
    }
    return fields, [_text(adjustment)]


def export(adjustment: str, format: ExportFormat, look: Look) -> Request:
    if format not in get_args(ExportFormat):
        raise ValueError(f"the format {format!r} is not one of {get_args(ExportFormat)}")
    return {"kind": "export", "format": format, "look": _look(look)}, [_text(adjustment)]


def read_status(header: Header, payload: list[memoryview]) -> DaemonStatus:
    jobs, limits = take(header, "jobs", dict), take(header, "limits", dict)
    return DaemonStatus(
        version=take(header, "version", str),
        protocol=take(header, "protocol", int),
        pid=take(header, "pid", int),
        state=take(header, "state", str),
        detail=take(header, "detail", str),
        device=take(header, "device", str),
        networks=tuple(_read_network(network) for network in take(header, "networks", list)),
        default_network=take(header, "default_network", str),
        jobs=JobCounts(take(jobs, "running", int), take(jobs, "queued", int)),
        limits=Limits(
            pixels=take(limits, "pixels", int),
            side=take(limits, "side", int),
            frame_bytes=take(limits, "frame_bytes", int),
            window=take(limits, "window", int),
            thumbnail_side=take(limits, "thumbnail_side", int),
        ),
        idle_exit_seconds=take(header, "idle_exit_seconds", int),
    )


def read_prediction(header: Header, payload: list[memoryview]) -> Prediction:
    return Prediction(
        adjustment=_read_text(payload),
        network=take(header, "network", str),
        device=take(header, "device", str),
        milliseconds=take(header, "milliseconds", float),
        notes=_read_notes(header),
        confidence=_read_fraction(header, "confidence"),
    )


def read_rendered(header: Header, payload: list[memoryview]) -> Rendered:
    return Rendered(take(header, "milliseconds", float), _read_notes(header))


def read_exported(header: Header, payload: list[memoryview]) -> Exported:
    return Exported(_read_text(payload), take(header, "exact", bool))


def read_nothing(header: Header, payload: list[memoryview]) -> None:
    return None


def read_progress(header: Header) -> Progress:
    stage = take(header, "stage", str)
    if stage not in get_args(Stage):
        raise ProtocolError(f"the stage {stage!r} is unknown")
    return Progress(cast("Stage", stage), _read_fraction(header, "fraction"))


def _size(thumbnail: Thumbnail) -> dict[str, int]:
    return {"width": thumbnail.width, "height": thumbnail.height}


def _pixels(thumbnail: Thumbnail) -> memoryview:
    return byte_view(thumbnail.rgb, thumbnail.width * thumbnail.height * 3, "the thumbnail")


def _look(look: Look) -> dict[str, object]:
    return {name: value if isinstance(value, bool) else float(value) for name, value in asdict(look).items()}


def _text(text: str) -> memoryview:
    return memoryview(text.encode())


def _read_network(fields: object) -> NetworkInfo:
    if not isinstance(fields, Mapping):
        raise ProtocolError("a network is not a map")
    return NetworkInfo(
        key=take(fields, "key", str),
        title=take(fields, "title", str),
        kind=take(fields, "kind", str),
        paper=take(fields, "paper", str),
        parameters=take(fields, "parameters", int),
        license=take(fields, "license", str),
        summary=take(fields, "summary", str),
        milliseconds=take(fields, "milliseconds", float),
    )


def _read_notes(header: Header) -> tuple[str, ...]:
    notes = take(header, "notes", list)
    if not all(isinstance(note, str) for note in notes):
        raise ProtocolError("a note is not text")
    return tuple(notes)


def _read_fraction(header: Header, name: str) -> float | None:
    if header.get(name) is None:
        return None
    value = take(header, name, float)
    if not 0 <= value <= 1:
        raise ProtocolError(f"{name} is {value}, not in [0, 1]")
    return value


def _read_text(payload: list[memoryview]) -> str:
    if len(payload) != 1:
        raise ProtocolError(f"a reply has {len(payload)} payload frames, not one")
    try:
        return str(payload[0], "utf-8")
    except UnicodeDecodeError:
        raise ProtocolError("a reply is not UTF-8 text") from None
