"""Where results go and what they are made from. The network is a stand-in that halves all it gets: 239, 119, 59 …"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any

import support
from gi.repository import Gimp

from harmonize_client.values import Exported, Look, Prediction, Rendered  # isort: skip
from harmonize_gimp import harmonize, record, tasks  # isort: skip
from harmonize_gimp.errors import PluginError  # isort: skip
from harmonize_gimp.options import Options, Output  # isort: skip

HALF = '{"red": [[0, 0], [1, 0.5]], "green": [[0, 0], [1, 0.5]], "blue": [[0, 0], [1, 0.5]]}'


class HalvingClient:
    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        """`meanwhile`: what the artist does while the layer is rendered."""
        self._meanwhile = meanwhile

    def predict(self, *_arguments: Any, **_options: Any) -> Prediction:
        return Prediction("{}", "half", "cpu", 1.0, (), None)

    def render(
        self, _adjustment: str, layer: Any, pixels: bytes, _mask: Any, *, into: Any, **_options: Any
    ) -> Rendered:
        channels = len(layer.layout)
        half = bytearray(pixels)
        for color in range(3):
            half[color::channels] = bytes(value // 2 for value in half[color::channels])
        into[:] = half
        self._meanwhile()
        return Rendered(1.0, ())

    def export(self, *_arguments: Any) -> Exported:
        return Exported(HALF, True)


def go(image: Any, layers: list[Any], plan: Any = tasks.as_they_are, **options: Any) -> Any:
    """Harmonizes as scripts do (`tasks.anew`: as the dialog does); the topmost result."""
    return _run(image, plan(image, layers, Options(**options)))


def again(image: Any, layers: list[Any]) -> Any:
    return _run(image, tasks.again(image, layers))


def _run(image: Any, wanted: Any) -> Any:
    client: Any = HalvingClient()
    return harmonize.run(client, image, wanted, lambda text, fraction: None).layers[-1]


def interrupted(output: Output, meanwhile: Callable[[Any, Any], object]) -> dict[str, Any]:
    """While a run goes on, the artist does something to the image or to the upper one of two layers."""
    image, _background, figure = support.composite()
    upper = figure.copy()
    image.insert_layer(upper, None, 0)
    wanted = tasks.as_they_are(image, [figure, upper], Options(output=output))
    client: Any = HalvingClient(lambda: meanwhile(image, upper))
    code = ""
    try:
        harmonize.run(client, image, wanted, lambda text, fraction: None)
    except PluginError as error:
        code = error.code
    return {"code": code, "layers": names(image) if image.is_valid() else []}


def names(image: Any) -> list[str]:
    return [("" if layer.get_visible() else "-") + layer.get_name() for layer in image.get_layers()]


def brightest(layer: Any) -> int:
    """The brightest value of red, with the layer's filters."""
    copy = layer.copy()
    layer.get_image().insert_layer(copy, None, 0)
    copy.merge_filters()
    rgba = support.pixels(copy, "R'G'B'A u8")
    layer.get_image().remove_layer(copy)
    return max(rgba[index] for index in range(0, len(rgba), 4) if rgba[index + 3] == 255)


def add_filter(layer: Any, operation: str, name: str) -> None:
    layer.append_filter(Gimp.DrawableFilter.new(layer, operation, name))


# What is harmonized


def layer_whose_mask_is_edited() -> dict[str, Any]:
    image, _background, figure = support.composite()
    figure.add_mask(figure.create_mask(Gimp.AddMaskType.WHITE))
    figure.set_edit_mask(True)
    image.set_selected_layers([figure])
    chosen = image.get_selected_drawables()
    go(image, chosen)
    return {"chosen": [type(drawable).__name__ for drawable in chosen], "layers": names(image)}


def disabled_mask(kind: str) -> dict[str, Any]:
    image, _background, layer = support.composite()
    if kind == "text":
        layer = Gimp.TextLayer.new(image, "Harmony", Gimp.context_get_font(), 40, Gimp.Unit.pixel())
        image.insert_layer(layer, None, 0)
    elif kind == "vector":
        layer = support.vector_layer(image)
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.BLACK))
    layer.set_apply_mask(False)
    made = go(image, [layer])
    return {"has_mask": made.get_mask() is not None, "applied": made.get_apply_mask(), "edited": made.get_edit_mask()}


def rasterized_layer() -> dict[str, Any]:
    image, _background, _figure = support.composite()
    layer = support.vector_layer(image)
    layer.rasterize()
    before = brightest(layer)
    go(image, [layer], output=Output.REPLACE)
    return {"before": before, "after": brightest(layer)}


def curves_then(output: Output) -> dict[str, Any]:
    image, _background, figure = support.composite()
    before = brightest(figure)
    curved = go(image, [figure], output=Output.CURVES)
    with_curves = brightest(curved)
    made = go(image, [figure], output=output)
    return {"before": before, "curves": with_curves, "after": brightest(made), "filters": len(made.get_filters())}


# Where it goes


def original_once_more(run: Callable[..., Any]) -> dict[str, Any]:
    image, _background, figure = support.composite()
    first = go(image, [figure])
    second = run(image, [figure])
    third = run(image, [figure])
    order = [layer.get_id() for layer in image.get_layers()]
    return {
        "newest_first": order[:4] == [third.get_id(), second.get_id(), first.get_id(), figure.get_id()],
        "visible": [layer.get_visible() for layer in image.get_layers()],
    }


def original_below_a_moved_result() -> dict[str, Any]:
    image, _background, figure = support.composite()
    moved = go(image, [figure])
    moved.set_offsets(5, 5)
    moved.set_name("Moved")
    go(image, [figure])
    return {"layers": names(image)}


# Twice


def result(prepare: Callable[[Any], object], run: Callable[..., Any]) -> dict[str, Any]:
    """A result, once more."""
    image, _background, figure = support.composite()
    prepare(figure)
    first = go(image, [figure])
    before = brightest(first)
    second = run(image, image.get_selected_layers())
    larger = second.get_width() > figure.get_width()
    return {"layers": names(image), "before": before, "after": brightest(second), "larger": larger}


def dialog(image: Any, layers: list[Any], **options: Any) -> Any:
    return go(image, layers, tasks.anew, **options)


def to_replace(image: Any, layers: list[Any]) -> Any:
    return dialog(image, layers, output=Output.REPLACE)


def to_curves(image: Any, layers: list[Any]) -> Any:
    return dialog(image, layers, output=Output.CURVES)


def curves_again(image: Any, layers: list[Any]) -> Any:
    return again(image, [to_curves(image, layers)])


def filtered_result() -> dict[str, Any]:
    """The artist has put filters on the result, one of which makes it larger."""
    image, _background, figure = support.composite()
    made = go(image, [figure])
    inverted(made)
    shadowed(made)
    before = brightest(made)
    now = again(image, [made])
    kept = [entry.get_name() for entry in now.get_filters()]
    return {"layers": names(image), "filters": kept, "before": before, "after": brightest(now)}


def scaled_result(run: Callable[..., Any]) -> dict[str, Any]:
    image, _background, figure = support.composite()
    first = go(image, [figure])
    first.scale(first.get_width() // 2, first.get_height() // 2, False)
    try:
        run(image, [first])
    except PluginError as error:
        return {"code": error.code, "message": str(error), "layers": names(image)}
    return {"code": "", "layers": names(image)}


def two_results() -> dict[str, Any]:
    image, _background, figure = support.composite()
    upper = figure.copy()
    image.insert_layer(upper, None, 0)
    strong = go(image, [figure], look=Look(strength=0.9))
    weak = go(image, [upper], look=Look(strength=0.2))
    again(image, [strong, weak])
    made = image.get_selected_layers()
    return {"strengths": sorted(record.load(layer).options.look.strength for layer in made)}


def closed_image() -> dict[str, Any]:
    image, _background, figure = support.composite()
    image.delete()
    try:
        go(image, [figure])
    except PluginError as error:
        return {"code": error.code, "message": str(error)}
    return {"code": ""}


def case(name: str, run: Callable[..., dict[str, Any]], *arguments: Any) -> None:
    try:
        support.say(case=name, error="", **run(*arguments))
    except Exception as error:
        traceback.print_exc(file=sys.stdout)
        support.say(case=name, error=repr(error))


def shadowed(layer: Any) -> None:
    """A filter that makes the layer larger."""
    add_filter(layer, "gegl:dropshadow", "Shadow")


def inverted(layer: Any) -> None:
    add_filter(layer, "gegl:invert-gamma", "Inverted")


def plain(_layer: Any) -> None:
    pass


def remove(image: Any, layer: Any) -> None:
    if layer.is_valid():
        image.remove_layer(layer)


def close(image: Any, _layer: Any) -> None:
    if image.is_valid():
        image.delete()


def lock(_image: Any, layer: Any) -> None:
    layer.set_lock_content(True)


SINCE_3_2 = hasattr(Gimp, "Curve")

case("mask-edited", layer_whose_mask_is_edited)
for kind in ("plain", "text", *(["vector"] if SINCE_3_2 else [])):
    case(f"disabled-mask-{kind}", disabled_mask, kind)
case("original-by-the-filter", original_once_more, dialog)
case("original-by-again", original_once_more, again)
case("moved", original_below_a_moved_result)
for prepare in (plain, inverted, shadowed):
    case(f"{prepare.__name__}-again", result, prepare, again)
    case(f"{prepare.__name__}-dialog", result, prepare, dialog)
case("plain-replace", result, plain, to_replace)
case("filtered", filtered_result)
case("scaled-again", scaled_result, again)
case("scaled-dialog", scaled_result, dialog)
case("two", two_results)
case("closed", closed_image)
for output in (Output.NEW_LAYER, Output.REPLACE):
    case(f"removed-before-{output.value}", interrupted, output, remove)
    case(f"closed-before-{output.value}", interrupted, output, close)
case("locked-before-replace", interrupted, Output.REPLACE, lock)
if SINCE_3_2:
    case("rasterized", rasterized_layer)
    case("plain-curves", result, plain, to_curves)
    case("plain-curves-again", result, plain, curves_again)
    for output in Output:
        case(f"curves-then-{output.value}", curves_then, output)
