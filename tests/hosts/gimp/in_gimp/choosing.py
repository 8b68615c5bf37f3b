"""A small screen; choices that are half made; an image that cannot hold the colors of the preview."""

from __future__ import annotations

from typing import Any

import dialogs
import support
from dialogs import Acting, Pause, Until
from gi.repository import Gimp, Gtk

from harmonize_gimp import scene  # isort: skip  (support makes it importable)


def text(dialog: Any) -> str:
    return str(dialog._state._text.get_text())


def labels(widget: Any) -> list[str]:
    """All that is written below a widget."""
    inner = (
        [text for child in widget.get_children() for text in labels(child)] if hasattr(widget, "get_children") else []
    )
    return [widget.get_text(), *inner] if hasattr(widget, "get_text") else inner


def ready(dialog: Any) -> Until:
    return Until(lambda: text(dialog).startswith("Ready"), "Ready")


def a_square(dialog: Any, _config: Any) -> Acting:
    yield ready(dialog)
    yield Pause(1)
    number = support.window("Harmonize Selection")
    support.shot("small")
    place = dict(line.split("=") for line in support.xdotool("getwindowgeometry", "--shell", number).splitlines())
    preview = dialog._preview
    width, height = preview._shown
    preview.set_mode(type(preview._mode).SPLIT)
    yield Pause()
    margin = (preview.get_allocated_width() - width) // 2
    point = preview.get_window().get_root_coords(margin + width // 4, 10)
    support.xdotool("mousemove", *map(str, point), "click", "1")
    yield Pause()
    support.say(
        case="small",
        right=int(place["X"]) + int(place["WIDTH"]),
        bottom=int(place["Y"]) + int(place["HEIGHT"]),
        shown=[width, height],
        column=preview._column / preview._width,
    )


def a_larger_window(dialog: Any, config: Any) -> Acting:
    """The artist enlarges it and makes it as it was; then something that takes room comes and goes."""
    yield ready(dialog)
    yield Pause(1)
    window, preview = dialog._window, dialog._preview
    width, height = window.get_size()
    shown = [preview._shown]
    for larger in (400, 0):
        window.resize(width + larger, height + larger)
        yield Pause(1)
        shown.append(preview._shown)
    heights = [height]
    for reference in ("file", "below"):
        config.set_property("reference", reference)
        yield Pause(1)
        heights.append(window.get_size()[1])
    support.say(case="larger", shown=shown, heights=heights)


def a_slightly_larger_window(dialog: Any, config: Any) -> Acting:
    """The artist gives it a little more room, and goes on."""
    yield ready(dialog)
    yield Until(lambda: dialog._live.prediction and dialog._live.at_rest, "everything to be shown")
    yield Pause(1)
    window, preview = dialog._window, dialog._preview
    width, height = window.get_size()
    window.resize(width + 60, height + 60)
    yield Until(lambda: window.get_size() == (width + 60, height + 60), "more room")
    seen = preview._after
    config.set_property("warmth", 0.37)
    yield Until(lambda: preview._after is not seen, "a preview")
    yield Pause(1)
    support.say(case="slightly-larger", before=[width, height], after=window.get_size())


def long_names(dialog: Any, config: Any) -> Acting:
    """The window is as wide as it was when a layer with a long name can be chosen."""
    yield ready(dialog)
    widths = []
    for reference in ("below", "layer"):
        config.set_property("reference", reference)
        yield Pause()
        widths.append(dialog._window.get_size()[0])
    dialog._layer.set_active(0)
    yield Pause()
    widths.append(dialog._window.get_size()[0])
    support.say(case="long-names", widths=widths, text=text(dialog))


def choices(dialog: Any, config: Any) -> Acting:
    yield ready(dialog)
    for reference in ("layer", "file"):
        config.set_property("reference", reference)
        yield Pause()
        buttons = dialog._state._ways_out.get_visible()
        support.say(case=reference, text=text(dialog), buttons=buttons, ok=can_agree(dialog))
    config.set_property("reference", "below")
    yield Pause()
    support.say(case="below", ok=can_agree(dialog))


def can_agree(dialog: Any) -> bool:
    return bool(dialog._window.get_widget_for_response(Gtk.ResponseType.OK).get_sensitive())


def clean_edges(dialog: Any, config: Any) -> Acting:
    yield ready(dialog)
    preview = dialog._preview
    yield Until(lambda: preview._after is not preview._before, "a preview")
    plain = preview._after
    yield Pause()
    support.shot("fringed")
    config.set_property("clean-edges", True)
    yield Until(lambda: preview._after is not plain, "a preview with clean edges")
    yield Pause()
    support.shot("clean")
    support.say(case="clean", before=green(plain), after=green(preview._after), notes=notes(dialog))
    if hasattr(Gimp, "Curve"):
        clean = preview._after
        config.set_property("saturation", -1.0)
        yield Until(lambda: preview._after is not clean, "a preview in grey")
        clean = preview._after
        config.set_property("output", "curves")
        yield Until(lambda: preview._after is not clean, "a preview of curves")
        sensitive = any(widget.get_sensitive() for widget in dialog._not_for_curves)
        support.say(case="curves", after=green(preview._after), notes=notes(dialog), sensitive=sensitive)
        plain = preview._after
        config.set_property("color-only", True)
        yield Until(lambda: preview._after is not plain, "a preview of curves with color alone")
        support.say(case="curves-color-only", notes=notes(dialog))


def clean_edges_of_a_blended_layer(dialog: Any, config: Any) -> Acting:
    yield ready(dialog)
    config.set_property("clean-edges", True)
    yield Until(lambda: notes(dialog), "a note")
    support.say(case="blended", notes=notes(dialog))


def with_much_warmth(dialog: Any, config: Any) -> Acting:
    """Keeps what the dialog shows of a large change."""
    preview = dialog._preview
    yield Until(lambda: preview._after is not preview._before, "a preview")
    plain = preview._after
    config.set_property("warmth", 1.0)
    yield Until(lambda: preview._after is not plain, "a preview of a large change")
    seen.append((preview._before, preview._after, dialog._scene.mask, notes(dialog)))


seen: list[tuple[bytes, bytes, bytes, str]] = []


def beside_the_result(case: str, image: Any, layer: Any) -> None:
    """The preview of a large change, and what that change then is."""
    dialogs.show(image, [layer], with_much_warmth)
    before, after, mask, said = seen[-1]
    result = seen_of_the_result(image, layer, warmth=1.0)
    for part, levels in (("solid", range(255, 256)), ("edge", range(1, 255))):
        off, change = (difference(picture, result, mask, levels) for picture in (after, before))
        support.say(case=f"{case}-{part}", off=off, change=change, notes=said)


def seen_of_the_result(image: Any, layer: Any, **arguments: Any) -> bytes:
    """The scene with a result, which is then taken away: R G B, as the preview shows it."""
    support.call(image, [layer], **arguments)
    rgba = scene.picture(image)[1]
    image.remove_layer(image.get_selected_layers()[0])
    layer.set_visible(True)
    return bytes(value for index, value in enumerate(rgba) if index % 4 != 3)


def difference(one: bytes, other: bytes, mask: bytes, levels: range) -> float:
    """How much two pictures differ on average, where the mask has one of these levels."""
    places = [3 * index + channel for index, value in enumerate(mask) if value in levels for channel in range(3)]
    return sum(abs(one[place] - other[place]) for place in places) / len(places)


def notes(dialog: Any) -> str:
    return str(dialog._notes.get_text())


def green(rgb: bytes) -> int:
    """How many pixels are plainly green."""
    return sum(g > max(r, b) + 30 for r, g, b in zip(rgb[::3], rgb[1::3], rgb[2::3], strict=True))


def an_indexed_image(dialog: Any, _config: Any) -> Acting:
    yield Pause()
    support.say(case="indexed", labels=labels(dialog._window))


def main() -> None:
    image, background, figure = support.composite()
    dialogs.show(image, [figure], choices)
    background.set_name("A scene that somebody has given a name " * 5)
    dialogs.show(image, [figure], long_names)
    figure.set_opacity(40)
    beside_the_result("preview-faint", image, figure)
    figure.set_opacity(100)
    beside_the_result("preview-plain", image, figure)
    figure.set_mode(Gimp.LayerMode.MULTIPLY)
    beside_the_result("preview-multiplied", image, figure)
    figure.set_mode(Gimp.LayerMode.NORMAL)
    support.green_fringe(figure)
    dialogs.show(image, [figure], clean_edges)
    for clean in (False, True):
        result = seen_of_the_result(image, figure, clean_edges=clean)
        support.say(case="clean-result" if clean else "fringed-result", green=green(result))
    figure.set_mode(Gimp.LayerMode.MULTIPLY)
    dialogs.show(image, [figure], clean_edges_of_a_blended_layer)
    figure.set_mode(Gimp.LayerMode.NORMAL)
    image.scale(900, 900)
    dialogs.show(image, [figure], a_square)
    dialogs.show(image, [figure], a_larger_window)
    dialogs.show(image, [figure], a_slightly_larger_window)
    palette = Gimp.ConvertPaletteType.GENERATE
    image.convert_indexed(Gimp.ConvertDitherType.NONE, palette, 16, False, False, "")
    dialogs.show(image, [figure], an_indexed_image)


dialogs.main(main)
