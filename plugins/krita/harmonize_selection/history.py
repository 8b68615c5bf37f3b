"""What has been harmonized in a document, newest first, as text that is kept with the document."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from .client import Look
from .values import LayerRef, Output, Reference, Result, Settings, Source

LONGEST = 20
_VERSION = 1


def added(history: tuple[Result, ...], result: Result) -> tuple[Result, ...]:
    """With `result` in front, in place of an earlier one that wrote the same layer."""
    return (result, *(old for old in history if old.written != result.written))[:LONGEST]


def moved(history: tuple[Result, ...], document: str) -> tuple[Result, ...]:
    """As part of `document`: a file that is opened again is another document with the same layers."""
    return tuple(
        replace(
            result,
            original=replace(result.original, document=document),
            written=replace(result.written, document=document),
        )
        for result in history
    )


def to_text(history: tuple[Result, ...]) -> str:
    return json.dumps({"version": _VERSION, "results": [_to_json(result) for result in history]})


def from_text(text: str) -> tuple[Result, ...]:
    """What `to_text` wrote; entries that cannot be read (of a newer version, damaged) are left out."""
    try:
        data = json.loads(text)
        entries = data["results"] if data["version"] == _VERSION else []
    except (ValueError, KeyError, TypeError):
        return ()
    found = []
    for entry in entries:
        try:
            found.append(_from_json(entry))
        except (ValueError, KeyError, TypeError):
            continue
    return tuple(found[:LONGEST])


def adjustment_for(layer: LayerRef, result: Result) -> str:
    """What a result was made with; for another layer without the colors of that one's edges."""
    if layer == result.original:
        return result.adjustment
    try:
        adjustment = json.loads(result.adjustment)
        adjustment.pop("edges", None)
    except (ValueError, AttributeError, TypeError):
        return result.adjustment  # not for us to judge: the daemon says what is wrong
    return json.dumps(adjustment)


def _to_json(result: Result) -> dict[str, Any]:
    data = asdict(replace(result, notes=()))
    data["settings"]["output"] = result.settings.output.value
    data["settings"]["reference"]["source"] = result.settings.reference.source.value
    return data


def _from_json(data: dict[str, Any]) -> Result:
    settings = data["settings"]
    return Result(
        original=LayerRef(**data["original"]),
        written=LayerRef(**data["written"]),
        layer_name=str(data["layer_name"]),
        settings=Settings(
            network=str(settings["network"]),
            look=Look(**settings["look"]),
            output=Output(settings["output"]),
            reference=Reference(Source(settings["reference"]["source"]), str(settings["reference"]["name"])),
            hide_original=bool(settings["hide_original"]),
        ),
        adjustment=str(data["adjustment"]),
        network=str(data["network"]),
        when=str(data["when"]),
    )
