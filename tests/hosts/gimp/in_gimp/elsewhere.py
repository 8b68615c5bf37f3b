"""Harmonized layers that come to other images: the layers that their records name are not there, but others are."""

from __future__ import annotations

import json
from typing import Any

import support
from gi.repository import Gimp, Gio

from harmonize_gimp import record  # isort: skip  (support makes it importable)

AGAIN = support.PLUGIN + "-again"


def names(image: Any) -> list[str]:
    return [layer.get_name() for layer in image.get_layers()]


def harmonized(**arguments: Any) -> tuple[Any, Any, Any]:
    """An image, its figure, and what was made of that."""
    image, _background, figure = support.composite()
    status, message = support.call(image, [figure], **arguments)
    if status != "SUCCESS":
        raise RuntimeError(message)
    return image, figure, image.get_selected_layers()[0]


def copied(layer: Any, image: Any) -> Any:
    """What dragging a layer into another image gives."""
    copy = Gimp.Layer.new_from_drawable(layer, image)
    image.insert_layer(copy, None, 0)
    copy.set_offsets(*layer.get_offsets()[1:])
    copy.set_name("Dragged")
    return copy


def saved_and_opened(image: Any) -> Any:
    file = Gio.File.new_for_path(str(support.OUT / "elsewhere.xcf"))
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, file, None)
    return Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file)


def make_old(layer: Any) -> None:
    """Leaves of a record what it held before layers had marks."""
    fields = json.loads(bytes(layer.get_parasite(record.PARASITE).get_data()))
    known = ("version", "options", "adjustment", "network", "source")
    data = json.dumps({name: fields[name] for name in known}).encode()
    layer.attach_parasite(Gimp.Parasite.new(record.PARASITE, Gimp.PARASITE_PERSISTENT, list(data)))


def beside_a_stranger() -> None:
    """The other image has a layer of the same tattoo and the same size, which is blue."""
    _image, figure, result = harmonized()
    other, _background, stranger = support.composite()
    support.fill(stranger, 0.1, 0.2, 0.8)
    stranger.set_name("Stranger")
    dragged = copied(result, other)
    before = support.pixels(dragged)
    status, message = support.call(other, [dragged], name=AGAIN)
    made = other.get_selected_layers()[0]
    opaque = support.pixels(made, "R'G'B'A u8")
    support.say(
        case="beside-a-stranger",
        same_tattoo=stranger.get_tattoo() == figure.get_tattoo(),
        status=status,
        message=message,
        layers=names(other),
        dragged_kept=dragged.is_valid() and support.pixels(dragged) == before,
        colors=len({opaque[index : index + 3] for index in range(0, len(opaque), 4) if opaque[index + 3] == 255}),
    )


def as_its_own_namesake(case: str, *, old: bool = False, twice: bool = False) -> None:
    """In the other image the layer itself gets the tattoo that its record names."""
    image, figure, result = harmonized()
    if twice:
        support.call(image, [figure])
        result = image.get_selected_layers()[0]
    if old:
        make_old(result)
    other = support.load("scene.png")
    dragged = copied(result, other)
    status, message = support.call(other, [dragged], name=AGAIN)
    support.say(
        case=case,
        same_tattoo=dragged.get_tattoo() == figure.get_tattoo(),
        status=status,
        message=message,
        layers=names(other),
    )


def at_home(case: str, *, old: bool = False, opened: bool = False, duplicated: bool = False) -> None:
    """Again, where the source is."""
    image, figure, result = harmonized()
    first = support.pixels(result)
    marks = result.get_parasite_list()
    if old:
        make_old(result)
        figure.detach_parasite(record.MARK)
    if opened:
        image = saved_and_opened(image)
    if duplicated:
        image = image.duplicate()
    layer = image.get_layer_by_name("Snowman (harmonized)")
    status, message = support.call(image, [layer], name=AGAIN)
    made = image.get_selected_layers()[0]
    support.say(
        case=case,
        status=status,
        message=message,
        layers=names(image),
        same=support.pixels(made) == first,
        parasites=[marks, made.get_parasite_list()],
        record_marked=bool(record.load(made).source_mark),
    )


def copied_with_its_source() -> None:
    """Source and result are dragged, the result first, so that neither has its old tattoo."""
    _image, figure, result = harmonized()
    other = support.load("scene.png")
    other.insert_layer(Gimp.Layer.new_from_visible(other, other, "More"), None, 0)
    dragged = copied(result, other)
    copied(figure, other).set_name("Source")
    status, message = support.call(other, [dragged], name=AGAIN)
    support.say(case="with-its-source", status=status, message=message, layers=names(other))


def result_of_a_result() -> None:
    """The layer that another was made from is itself made anew: the other one finds what took its place."""
    image, _figure, result = harmonized()
    support.call(image, [result])
    upper = image.get_layer_by_name("Snowman (harmonized) (harmonized)")
    support.call(image, [result], name=AGAIN)
    before = names(image)
    status, message = support.call(image, [upper], name=AGAIN)
    support.say(case="result-of-a-result", status=status, message=message, before=before, after=names(image))


def added(image: Any, name: str, *color: float) -> Any:
    layer = Gimp.Layer.new(image, name, 100, 100, Gimp.ImageType.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, None, 0)
    support.fill(layer, *color)
    return layer


def with_reference() -> tuple[Any, Any]:
    """An image in which the figure was matched with a blue layer, and the result."""
    image, _background, figure = support.composite()
    blue = added(image, "Reference", 0.1, 0.2, 0.8)
    support.call(image, [figure], reference="layer", reference_layer=blue)
    return image, image.get_selected_layers()[0]


def references() -> None:
    image, result = with_reference()
    adjustment = record.load(result).adjustment
    other, _background, _figure = support.composite()
    stranger = added(other, "Stranger", 0.9, 0.2, 0.1)
    dragged = copied(result, other)
    before = names(other)
    status, message = support.call(other, [dragged], name=AGAIN)
    support.say(
        case="reference-elsewhere",
        same_tattoo=stranger.get_tattoo() == record.load(result).options.reference_layer,
        status=status,
        message=message,
        unchanged=names(other) == before,
    )
    for case, place in (("home", image), ("duplicate", image.duplicate()), ("opened", saved_and_opened(image))):
        layer = place.get_layer_by_name("Snowman (harmonized)")
        status, message = support.call(place, [layer], name=AGAIN)
        same = record.load(place.get_selected_layers()[0]).adjustment == adjustment
        support.say(case=f"reference-{case}", status=status, message=message, same=same)
    make_old(old := image.get_layer_by_name("Snowman (harmonized)"))
    status, message = support.call(image, [old], name=AGAIN)
    same = record.load(image.get_selected_layers()[0]).adjustment == adjustment
    support.say(case="reference-old", status=status, message=message, same=same)

    foreign, _background, figure = support.composite()
    namesake = added(foreign, "Namesake", 0.9, 0.2, 0.1)
    status, message = support.call(foreign, [figure], reference="layer", reference_layer=stranger)
    support.say(
        case="reference-of-another-image",
        same_tattoo=namesake.get_tattoo() == stranger.get_tattoo(),
        status=status,
        message=message,
        layers=names(foreign),
    )


beside_a_stranger()
as_its_own_namesake("itself")
as_its_own_namesake("itself-twice", twice=True)
as_its_own_namesake("itself-old", old=True)
at_home("home")
at_home("home-old", old=True)
at_home("opened", opened=True)
at_home("duplicate", duplicated=True)
copied_with_its_source()
result_of_a_result()
references()
