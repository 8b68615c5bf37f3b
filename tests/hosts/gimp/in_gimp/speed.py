"""Times one large layer from the click to the written layer, by phases."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import support
from gi.repository import Gegl, Gimp

from harmonize_client import Client, Session  # isort: skip  (support makes these importable)
from harmonize_gimp import harmonize, reading, tasks, writing  # isort: skip
from harmonize_gimp.options import Options  # isort: skip

spent: dict[str, float] = defaultdict(float)


def timed(module: Any, name: str, phase: str) -> None:
    """Adds the time of a function to a phase, without what phases inside it take."""
    inner: Callable[..., Any] = getattr(module, name)

    def outer(*arguments: Any, **options: Any) -> Any:
        before, started = sum(spent.values()), time.perf_counter()
        try:
            return inner(*arguments, **options)
        finally:
            spent[phase] += time.perf_counter() - started - (sum(spent.values()) - before)

    setattr(module, name, outer)


def large_composite(width: int, height: int) -> tuple[Any, Any]:
    """A scene, and a layer of the same size on it that is opaque but for a frame."""
    image, background, figure = support.composite()
    image.remove_layer(figure)
    image.scale(width, height)
    layer = background.copy()
    layer.add_alpha()
    image.insert_layer(layer, None, 0)
    border = Gegl.Rectangle.new(0, 0, width, 200)
    layer.get_buffer().set(border, "R'G'B'A u8", bytes(4 * 200 * width))
    layer.update(0, 0, width, 200)
    layer.set_name("Large")
    return image, layer


def main() -> None:
    width, height = map(int, sys.argv[1:3])
    image, layer = large_composite(width, height)
    timed(reading, "region", "GIMP: read the layer")
    timed(reading, "around", "GIMP: render the scene")
    timed(reading, "put", "GIMP: write the layer")
    timed(writing, "commit", "GIMP: insert, undo step")
    timed(writing, "plain_copy", "GIMP: copy")
    timed(Client, "predict", "ours: predict")
    timed(Client, "render", "ours: render and transport")
    with Client(Session("speed", start=False)) as client:
        for _attempt in range(3):
            spent.clear()
            started = time.perf_counter()
            wanted = tasks.as_they_are(image, [layer], Options())
            outcome = harmonize.run(client, image, wanted, lambda text, fraction: None)
            total = time.perf_counter() - started
            support.say(case="speed", total=total, phases=dict(spent), other=total - sum(spent.values()))
            image.remove_layer(outcome.layers[0])
            layer.set_visible(True)
    Gimp.displays_flush()


main()
