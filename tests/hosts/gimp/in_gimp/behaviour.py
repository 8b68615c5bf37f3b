"""References, several layers, curves, again: what the plug-in does beyond one layer of one kind."""

from __future__ import annotations

from typing import Any

import support
from gi.repository import Gegl, Gimp, Gio

from harmonize_gimp import layers, reading, record  # isort: skip  (support makes it importable)
from harmonize_gimp.scene import file_reference  # isort: skip

AGAIN = support.PLUGIN + "-again"


def seen(image: Any) -> bytes:
    """The image as it is seen."""
    layer = Gimp.Layer.new_from_visible(image, image, "seen")
    try:
        return support.pixels(layer, "R'G'B' u8")
    finally:
        layer.delete()


def several_layers() -> None:
    image, _background, figure = support.composite()
    upper = figure.copy()
    upper.set_name("Upper")
    image.insert_layer(upper, None, 0)
    upper.set_offsets(figure.get_offsets()[1] + 60, figure.get_offsets()[2] + 20)
    status, message = support.call(image, [upper, figure])
    support.say(
        case="several-layers",
        status=status,
        message=message,
        layers=[layer.get_name() for layer in image.get_layers()],
        visible=[layer.get_visible() for layer in image.get_layers()],
        selected=sorted(layer.get_name() for layer in image.get_selected_layers()),
    )
    together = record.load(image.get_layer_by_name("Upper (harmonized)")).adjustment
    image.delete()

    # The same one after the other: the upper layer must have seen the lower one's result.
    image, _background, figure = support.composite()
    upper = figure.copy()
    upper.set_name("Upper")
    image.insert_layer(upper, None, 0)
    upper.set_offsets(figure.get_offsets()[1] + 60, figure.get_offsets()[2] + 20)
    alone = adjustment_of(image, upper)
    support.call(image, [figure])
    support.say(
        case="bottom-first",
        same_as_one_by_one=adjustment_of(image, upper) == together,
        other_than_alone=alone != together,
    )
    image.delete()


def adjustment_of(image: Any, layer: Any, **arguments: Any) -> str:
    """What the network says, without leaving a result behind."""
    status, message = support.call(image, [layer], **arguments)
    if status != "SUCCESS":
        raise RuntimeError(message)
    result = image.get_selected_layers()[0]
    adjustment: str = record.load(result).adjustment
    image.remove_layer(result)
    layer.set_visible(True)
    return adjustment


def references() -> None:
    image, background, figure = support.composite()
    other = Gimp.Layer.new(image, "Blue", 100, 100, Gimp.ImageType.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(other, None, 0)
    support.fill(other, 0.1, 0.2, 0.8)
    below = adjustment_of(image, figure)
    layer = adjustment_of(image, figure, reference="layer", reference_layer=other)
    visible = adjustment_of(image, figure, reference="visible")
    file = adjustment_of(image, figure, reference="file", reference_file="/w/pictures/scene.png")
    support.say(
        case="references",
        different=len({below, layer, visible, file}),
        file_is_scene=file == adjustment_of(image, figure, reference="layer", reference_layer=background),
    )
    image.delete()


def reference_file_with_a_channel() -> None:
    """A document in which the artist looks at a saved selection, a mask and one color, and in which all is locked."""
    image, _background, figure = support.composite()
    path = str(support.OUT / "reference.xcf")
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(path), None)
    plain = file_reference(path)
    channel = Gimp.Channel.new(image, "Saved", image.get_width(), image.get_height(), 50, Gegl.Color.new("red"))
    image.insert_channel(channel, None, 0)
    figure.add_mask(figure.create_mask(Gimp.AddMaskType.WHITE))
    figure.set_show_mask(True)
    figure.set_lock_visibility(True)
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(path), None)
    support.say(case="reference-file", same=file_reference(path) == plain)
    image.delete()


def roles_reversed() -> None:
    """The scene, in a group and with a drawing below it, is to fit the figure, which is pasted from the night."""
    image, background, figure = support.composite()
    group = Gimp.GroupLayer.new(image, "Place")
    image.insert_layer(group, None, 1)
    image.reorder_item(background, group, 0)
    drawing = Gimp.Layer.new(image, "Drawing", 50, 50, Gimp.ImageType.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(drawing, None, 2)
    below = adjustment_of(image, background, reference="below")
    figure.curves_explicit(Gimp.HistogramChannel.VALUE, [value / 255 * 0.3 for value in range(256)])
    scene = reading.around(background, layers.box(background), needs_background=True, to_above=True)
    (support.OUT / "reversed.mask").write_bytes(scene.mask)
    (support.OUT / "reversed.rgb").write_bytes(scene.rgb)
    before = seen(image)
    status, message = support.call(image, [background], reference="above")
    above = record.load(image.get_selected_layers()[0]).adjustment if status == "SUCCESS" else ""
    (support.OUT / "reversed.before").write_bytes(before)
    (support.OUT / "reversed.after").write_bytes(seen(image))
    again, message_again = support.call(image, [background], reference="above")
    same = again == "SUCCESS" and record.load(image.get_selected_layers()[0]).adjustment == above
    alone = support.call(image, [figure], reference="above")
    support.say(
        case="reversed",
        status=status,
        message=message,
        size=[scene.width, scene.height],
        figure=[*figure.get_offsets()[1:], figure.get_width(), figure.get_height()],
        image=[image.get_width(), image.get_height()],
        other_than_below=above != below,
        again=same or message_again,
        nothing_above=list(alone),
    )
    image.delete()


def curves(version: str) -> None:
    image, _background, figure = support.composite()
    image.select_rectangle(Gimp.ChannelOps.REPLACE, *figure.get_offsets()[1:], figure.get_width(), 100)
    before = seen(image)
    stored = support.pixels(figure)
    status, message = support.call(image, [figure], output="curves", warmth=0.5)
    names = [entry.get_name() for entry in figure.get_filters()]
    after = seen(image)
    path = Gio.File.new_for_path(str(support.OUT / "curves.xcf"))
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, path, None)
    loaded = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, path)
    again_status = ""
    if status == "SUCCESS":
        again_status = support.call(image, [figure], output="curves", warmth=0.5)[0]
    support.say(
        case="curves",
        version=version,
        status=status,
        message=message,
        filters=names,
        changed=sum(a != b for a, b in zip(before, after, strict=True)),
        pixels_kept=stored == support.pixels(figure),
        same_after_reload=seen(loaded) == after,
        filters_after_reload=[entry.get_name() for entry in loaded.get_layers()[0].get_filters()],
        record_after_reload=record.load(loaded.get_layers()[0]) == record.load(figure)
        and record.load(figure) is not None,
        again_status=again_status,
        filters_after_second_time=len(figure.get_filters()),
    )
    if status == "SUCCESS":
        compare_with_pixels(image, figure)
    loaded.delete()
    image.delete()


def compare_with_pixels(image: Any, figure: Any) -> None:
    """The curves filter gives what the renderer gives, for a network whose change is curves alone."""
    Gimp.Selection.none(image)
    for entry in figure.get_filters():
        entry.delete()
    support.call(image, [figure], output="curves", network="s2crnet")
    shown = figure.copy()
    image.insert_layer(shown, None, 0)
    shown.merge_filters()
    for entry in figure.get_filters():
        entry.delete()
    support.call(image, [figure], network="s2crnet")
    rendered = image.get_selected_layers()[0]
    (support.OUT / "curves.filter").write_bytes(support.pixels(shown, "R'G'B'A u8"))
    (support.OUT / "curves.rendered").write_bytes(support.pixels(rendered, "R'G'B'A u8"))


def again() -> None:
    image, _background, figure = support.composite()
    support.call(image, [figure], strength=0.7)
    result = image.get_selected_layers()[0]
    first = support.pixels(result)
    status, message = support.call(image, [result], name=AGAIN)
    second = image.get_selected_layers()[0]
    layers = [layer.get_name() for layer in image.get_layers()]
    same = support.pixels(second) == first
    second.set_offsets(10, 30)
    support.call(image, [second], name=AGAIN)
    moved = image.get_selected_layers()[0]
    figure.set_offsets(10, 30)
    figure.set_visible(True)
    moved.set_visible(False)
    support.call(image, [figure], strength=0.7)
    support.say(
        case="again",
        status=status,
        message=message,
        layers=layers,
        same=same,
        strength=record.load(moved).options.look.strength,
        offsets=list(moved.get_offsets()[1:]),
        like_anew=support.pixels(moved) == support.pixels(image.get_selected_layers()[0]),
    )
    image.delete()


def clean_edges() -> None:
    """The figure's soft edge is green: so was what it was cut out of."""
    image, _background, figure = support.composite()
    soft = support.green_fringe(figure)
    stored = support.pixels(figure, "R'G'B'A u8")
    for clean in (False, True):
        status, message = support.call(image, [figure], clean_edges=clean)
        written = support.pixels(image.get_selected_layers()[0], "R'G'B'A u8")
        support.say(
            case="clean" if clean else "fringed",
            status=status,
            message=message,
            soft=len(soft),
            green=sum(written[i + 1] - (written[i] + written[i + 2]) / 2 for i in soft) / len(soft),
            same_alpha=written[3::4] == stored[3::4],
        )
    figure.set_visible(True)
    plain = by_itself(figure)
    figure.set_opacity(50)
    faint = by_itself(figure)
    figure.set_opacity(100)
    figure.set_mode(Gimp.LayerMode.MULTIPLY)
    blended = by_itself(figure)
    figure.set_mode(Gimp.LayerMode.NORMAL)
    masked = cut_out_by_a_mask(figure, stored)
    masked_too = by_itself(figure)
    support.say(case="by-itself", plain=bool(plain), faint=faint == plain, blended=blended, masked=masked_too == plain)
    status, message = support.call(image, [figure], clean_edges=True)
    result = image.get_selected_layers()[0]
    written = support.pixels(result, "R'G'B'A u8")
    support.say(
        case="clean-mask",
        status=status,
        message=message,
        green=sum(written[i + 1] - (written[i] + written[i + 2]) / 2 for i in soft) / len(soft),
        same_alpha=written[3::4] == masked[3::4],
        same_mask=support.pixels(result.get_mask()) == support.pixels(figure.get_mask()),
    )
    image.delete()


def cut_out_by_a_mask(figure: Any, stored: bytes) -> bytes:
    """Gives a layer its alpha as a layer mask instead; its pixels then."""
    figure.add_mask(figure.create_mask(Gimp.AddMaskType.ALPHA))
    opaque = bytearray(stored)
    opaque[3::4] = b"\xff" * (len(stored) // 4)
    support.paint(figure, opaque)
    return bytes(opaque)


def masked_by_its_group() -> None:
    """Half of the figure is hidden: by its own mask, by its group's, and by that of a faint group in another mode."""
    image, _background, figure = support.composite()
    mask = figure.create_mask(Gimp.AddMaskType.WHITE)
    figure.add_mask(mask)
    half = figure.get_height() // 2
    hide(mask, figure.get_width(), half)
    own = reading.around(figure, layers.box(figure), needs_background=True).mask
    figure.remove_mask(Gimp.MaskApplyMode.DISCARD)
    group = support.grouped(image, figure)
    group.add_mask(group.create_mask(Gimp.AddMaskType.WHITE))
    hide(group.get_mask(), figure.get_width(), half)
    grouped = reading.around(figure, layers.box(figure), needs_background=True).mask
    group.set_opacity(30)
    group.set_mode(Gimp.LayerMode.MULTIPLY)
    blended = reading.around(figure, layers.box(figure), needs_background=True).mask
    support.say(case="masked-by-its-group", hidden=own.count(0), same=grouped == own, blended=blended == own)
    image.delete()


def mask_that_is_looked_at() -> None:
    """While masks are painted on, GIMP can show them in place of their layers."""
    image, _background, figure = support.composite()
    group = support.grouped(image, figure)
    for layer in (figure, group):
        layer.add_mask(layer.create_mask(Gimp.AddMaskType.WHITE))
    plain = reading.around(figure, layers.box(figure), needs_background=True)
    same = []
    for layer in (figure, group):
        layer.set_show_mask(True)
        same.append(reading.around(figure, layers.box(figure), needs_background=True) == plain)
        layer.set_show_mask(False)
    support.say(case="mask-looked-at", same=same)
    image.delete()


def channels_that_are_looked_at() -> None:
    """The quick mask, or a saved selection, tints all that is seen; and single colors can be hidden."""
    image, _background, figure = support.composite()
    plain = reading.around(figure, layers.box(figure), needs_background=True)
    for component in (Gimp.ChannelType.RED, Gimp.ChannelType.ALPHA):
        image.set_component_visible(component, False)
    few = reading.around(figure, layers.box(figure), needs_background=True) == plain
    for component in (Gimp.ChannelType.RED, Gimp.ChannelType.ALPHA):
        image.set_component_visible(component, True)
    channel = Gimp.Channel.new(image, "Quick Mask", image.get_width(), image.get_height(), 50, Gegl.Color.new("red"))
    image.insert_channel(channel, None, 0)
    tinted = reading.around(figure, layers.box(figure), needs_background=True) == plain
    support.say(case="channels-looked-at", few=few, tinted=tinted, visible=channel.get_visible())
    image.delete()


def in_a_filtered_group() -> None:
    """The group's filter changes the colors in which its layer is seen."""
    image, _background, figure = support.composite()
    group = support.grouped(image, figure)
    plain = by_itself(figure)
    group.append_filter(Gimp.DrawableFilter.new(group, "gegl:invert-gamma", "Invert"))
    support.say(case="in-a-filtered-group", plain=bool(plain), filtered=bool(by_itself(figure)))
    image.delete()


def hide(mask: Any, width: int, height: int) -> None:
    """Makes the upper rows of a mask black."""
    mask.get_buffer().set(Gegl.Rectangle.new(0, 0, width, height), "Y u8", bytes(width * height))
    mask.get_buffer().flush()
    mask.update(0, 0, width, height)


def by_itself(layer: Any) -> bytes | None:
    """The layer's own thumbnail, from which its preview with clean edges is made."""
    return reading.around(layer, layers.box(layer), needs_background=True).layer


def text_layer() -> None:
    image, _background, _figure = support.composite()
    text = Gimp.TextLayer.new(image, "Harmony", Gimp.context_get_font(), 40, Gimp.Unit.pixel())
    image.insert_layer(text, None, 0)
    text.set_mode(Gimp.LayerMode.HARDLIGHT)
    text.set_blend_space(Gimp.LayerColorSpace.RGB_LINEAR)
    text.set_composite_space(Gimp.LayerColorSpace.RGB_LINEAR)
    text.set_composite_mode(Gimp.LayerCompositeMode.CLIP_TO_BACKDROP)
    status, message = support.call(image, [text])
    result = image.get_selected_layers()[0]
    blended = [
        (layer.get_mode(), layer.get_blend_space(), layer.get_composite_space(), layer.get_composite_mode())
        for layer in (text, result)
    ]
    support.say(
        case="text",
        status=status,
        message=message,
        still_text=result.is_text_layer(),
        name=result.get_name(),
        alike=blended[0] == blended[1],
    )
    image.delete()


def link_layer() -> None:
    """A picture that GIMP reads from its file again and again, and the same one read once."""
    image, _background, figure = support.composite()
    image.remove_layer(figure)
    link = Gimp.LinkLayer.new(image, support.file("figure.png"))
    once = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, support.file("figure.png"))
    results = []
    for layer in (link, once):
        image.insert_layer(layer, None, 0)
        layer.set_name("Figure")
        support.call(image, [layer])
        results.append(image.get_selected_layers()[0])
        for item in (layer, results[-1]):
            item.set_visible(False)
    (linked, changed), stored = (support.pixels(result) for result in results), support.pixels(once)
    support.say(
        case="link",
        kind=type(results[0]).__name__,
        same=linked == changed,
        changed=linked != stored,
        of=type(link).__name__,
    )
    image.delete()


several_layers()
references()
roles_reversed()
curves(Gimp.version())
again()
clean_edges()
masked_by_its_group()
mask_that_is_looked_at()
channels_that_are_looked_at()
reference_file_with_a_channel()
in_a_filtered_group()
text_layer()
if hasattr(Gimp, "LinkLayer"):
    link_layer()
