"""Curves in the words of Krita's color adjustment filter (`perchannel`)."""

from __future__ import annotations

from .values import Curves

_IDENTITY = "0,0;1,1;"


def to_light(value: float) -> float:
    """From sRGB-encoded to proportional to light (IEC 61966-2-1)."""
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def in_light(curve: str) -> str:
    """A curve for sRGB-encoded values as one for values that are proportional to light."""
    points = [[float(value) for value in point.split(",")] for point in curve.split(";") if point]
    return "".join(f"{to_light(x):.6g},{to_light(y):.6g};" for x, y in points)


def filter_config(curves: Curves, *, grey: bool, linear: bool) -> str:
    """The filter's settings as Krita keeps them in a file. grey, linear: what the layer's values are.

    Krita counts, for color: all channels, R, G, B, alpha, hue, saturation, lightness; for grey: grey, alpha.
    """
    red, green, blue = (in_light(curve) if linear else curve for curve in (curves.red, curves.green, curves.blue))
    transfers = [green, _IDENTITY] if grey else [_IDENTITY, red, green, blue, *[_IDENTITY] * 4]
    lines = [f' <param name="curve{index}">{curve}</param>' for index, curve in enumerate(transfers)]
    count = f' <param name="nTransfers">{len(transfers)}</param>'
    return "\n".join(["<!DOCTYPE params>", '<params version="1">', count, *lines, "</params>", ""])
