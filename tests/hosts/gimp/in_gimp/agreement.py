"""Harmonizes an image of every kind, and takes outside what went in and what came out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import support
from gi.repository import Gimp

from harmonize_gimp import layers, reading, writing  # isort: skip  (support makes it importable)
from harmonize_gimp.options import Output  # isort: skip

PRECISIONS = {
    "u8": Gimp.Precision.U8_NON_LINEAR,
    "u8-linear": Gimp.Precision.U8_LINEAR,
    "u8-perceptual": Gimp.Precision.U8_PERCEPTUAL,
    "u16": Gimp.Precision.U16_NON_LINEAR,
    "u16-linear": Gimp.Precision.U16_LINEAR,
    "u32": Gimp.Precision.U32_NON_LINEAR,
    "half": Gimp.Precision.HALF_NON_LINEAR,
    "half-linear": Gimp.Precision.HALF_LINEAR,
    "float": Gimp.Precision.FLOAT_NON_LINEAR,
    "float-linear": Gimp.Precision.FLOAT_LINEAR,
    "double": Gimp.Precision.DOUBLE_NON_LINEAR,
}
GREY = ("u8", "u8-linear", "u16", "half", "float-linear")


@dataclass
class Case:
    """One kind of image."""

    name: str
    precision: str = "u8"
    kind: str = "rgb"
    alpha: bool = True
    selection: str = "soft"
    mask: bool = False
    output: str = "new-layer"
    profile: bool = False
    group: bool = False
    opacity: float = 100.0
    mode: Any = None
    filtered: bool = False
    larger: bool = False
    scaled: bool = False
    contrast: float = 0.3
    """Something to see, also where the network finds little to change; a palette hides little."""


def cases() -> list[Case]:
    found = [Case(f"rgb-{precision}", precision) for precision in PRECISIONS]
    found += [Case(f"grey-{precision}", precision, "grey") for precision in GREY]
    found += [Case(f"opaque-{precision}", precision, alpha=False) for precision in ("u8", "u16", "float")]
    found += [Case(f"replace-{precision}", precision, output="replace") for precision in ("u8", "u16-linear", "float")]
    found += [
        Case("grey-opaque", kind="grey", alpha=False),
        Case("indexed", kind="indexed", contrast=0.5),
        Case("profile-u8", profile=True),
        Case("profile-float", "float", profile=True),
        Case("whole-layer", selection="none"),
        Case("hard-selection", selection="hard"),
        Case("layer-mask", mask=True),
        Case("layer-mask-replace", "u16", mask=True, output="replace"),
        Case("in-group", group=True),
        Case("blend-mode", opacity=70.0, mode=Gimp.LayerMode.MULTIPLY),
        Case("filtered", filtered=True, selection="none"),
        Case("filtered-replace", filtered=True, output="replace"),
        Case("larger-than-image", larger=True, selection="none"),
        Case("scaled", scaled=True, selection="hard"),
        Case("larger-than-image-replace", larger=True, output="replace"),
    ]
    return found


def build(case: Case) -> tuple[Any, Any]:
    image, _background, figure = support.composite()
    if case.scaled:
        image.scale(image.get_width() * 4, image.get_height() * 4)
    if case.kind == "grey":
        image.convert_grayscale()
    if case.kind == "indexed":
        image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 200, False, False, "")
    if case.precision != "u8":
        image.convert_precision(PRECISIONS[case.precision])
    if case.profile:
        image.convert_color_profile(Gimp.ColorProfile.new_rgb_adobe(), Gimp.ColorRenderingIntent.PERCEPTUAL, False)
    if not case.alpha:
        figure.flatten()
    if case.group:
        support.grouped(image, figure)
        above = figure.copy()
        image.insert_layer(above, None, 0)
        above.set_name("Above")
    if case.mask:
        mask = figure.create_mask(Gimp.AddMaskType.WHITE)
        figure.add_mask(mask)
        image.select_rectangle(Gimp.ChannelOps.REPLACE, *_part(figure, 0.0, 0.5))
        Gimp.Selection.feather(image, 12)
        Gimp.context_set_foreground(_grey(0.0))
        mask.edit_fill(Gimp.FillType.FOREGROUND)
        Gimp.Selection.none(image)
    if case.larger:
        figure.resize(700, 500, 100, 80)
        figure.set_offsets(-100, -60)
    figure.set_opacity(case.opacity)
    if case.mode is not None:
        figure.set_mode(case.mode)
    if case.filtered:
        blur = Gimp.DrawableFilter.new(figure, "gegl:gaussian-blur", "Blur")
        blur.get_config().set_property("std-dev-x", 2.0)
        blur.update()
        figure.append_filter(blur)
    if case.selection != "none":
        image.select_rectangle(Gimp.ChannelOps.REPLACE, *_part(figure, 0.2, 0.9))
        if case.selection == "soft":
            Gimp.Selection.feather(image, 8)
    image.set_selected_layers([figure])
    return image, figure


def _part(layer: Any, top: float, bottom: float) -> tuple[float, float, float, float]:
    """A band across a layer, in image coordinates."""
    box = layers.box(layer)
    return box.x + 3, box.y + int(box.height * top), box.width - 6, int(box.height * (bottom - top))


def _grey(value: float) -> Any:
    from gi.repository import Gegl

    color = Gegl.Color.new("black")
    color.set_rgba(value, value, value, 1.0)
    return color


def run(case: Case) -> None:
    image, figure = build(case)
    merged = writing.plain_copy(figure)[0] if case.output == "new-layer" else figure
    region = reading.region(merged)
    where = layers.box(merged)
    scene = reading.around(figure, region.box.shifted(where.x, where.y), needs_background=True)
    before = support.pixels(merged)
    box = region.box
    files = {
        "pixels": region.pixels,
        "mask": region.mask or b"",
        "thumbnail": scene.rgb,
        "thumbnail-mask": scene.mask,
        "before": before,
    }
    names = [layer.get_name() for layer in image.get_layers()]
    status, message = support.call(image, [figure], output=case.output, contrast=case.contrast)
    result = image.get_selected_layers()[0]
    after_region = reading.region(result)
    files["after"] = support.pixels(result)
    files["result"] = after_region.pixels
    for name, data in files.items():
        (support.OUT / f"{case.name}.{name}").write_bytes(data)
    support.say(
        case=case.name,
        status=status,
        message=message,
        output=Output(case.output).value,
        box=[box.x, box.y, box.width, box.height],
        result_box=[after_region.box.x, after_region.box.y, after_region.box.width, after_region.box.height],
        layer=[where.x, where.y, where.width, where.height],
        image=[image.get_width(), image.get_height()],
        layout=region.storage.layout,
        depth=region.storage.depth,
        exact=region.storage.exact,
        thumbnail=[scene.width, scene.height],
        place=list(scene.place.corners),
        contrast=case.contrast,
        name=result.get_name(),
        names=names,
        layers=[layer.get_name() for layer in image.get_layers()],
        visible=[layer.get_visible() for layer in layers.siblings(result)],
        parent=result.get_parent().get_name() if result.get_parent() else None,
        opacity=result.get_opacity(),
        same_mode=result.get_mode() == figure.get_mode(),
        has_mask=result.get_mask() is not None,
        profile=(image.get_color_profile() or image.get_effective_color_profile()).get_label(),
        filters=len(result.get_filters()),
        parasites=result.get_parasite_list(),
        pixel_bytes=len(before) // (where.width * where.height),
    )
    if merged is not figure:
        merged.delete()
    image.delete()


for case in cases():
    run(case)
