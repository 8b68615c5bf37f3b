"""What the artist has locked, pixels or visibility, changes nothing of what is seen around a layer."""

from __future__ import annotations

from collections.abc import Callable

import support
from gi.repository import Gimp

from harmonize_gimp import reading, record  # isort: skip  (support makes it importable)
from harmonize_gimp.layers import box  # isort: skip


class Picture:
    """A scene, a group with two figures one above the other, and a blue layer above all of them."""

    def __init__(self) -> None:
        self.image, self.scene, self.lower = support.composite()
        self.group = support.grouped(self.image, self.lower)
        self.upper = self.lower.copy()
        self.upper.set_name("Upper")
        self.image.insert_layer(self.upper, None, 0)
        _ok, x, y = self.lower.get_offsets()
        self.upper.set_offsets(x + 60, y + 20)
        self.above = Gimp.Layer.new(self.image, "Blue", 300, 200, Gimp.ImageType.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
        self.image.insert_layer(self.above, None, 0)
        support.fill(self.above, 0.1, 0.2, 0.8)


def lock_everything(picture: Picture) -> None:
    for layer in (picture.scene, picture.group, picture.lower, picture.upper, picture.above):
        layer.set_lock_content(True)
        layer.set_lock_position(True)
        layer.set_lock_visibility(True)


LOCKS: dict[str, Callable[[Picture], object]] = {
    "nothing": lambda picture: None,
    "pixels-of-a-layer-below": lambda picture: picture.lower.set_lock_content(True),
    "pixels-of-a-group-below": lambda picture: picture.group.set_lock_content(True),
    "visibility-of-the-background": lambda picture: picture.scene.set_lock_visibility(True),
    "visibility-of-a-layer-above": lambda picture: picture.above.set_lock_visibility(True),
    "everything": lock_everything,
}


def several_layers(what: str) -> None:
    """Both figures at once: the upper one is to see the lower one's result."""
    picture = Picture()
    LOCKS[what](picture)
    status, message = support.call(picture.image, [picture.upper, picture.lower])
    made = {layer.get_name(): layer for layer in picture.image.get_selected_layers()}
    upper = made.get("Upper (harmonized)")
    support.say(
        case=what,
        status=status,
        message=message,
        made=sorted(made),
        adjustment=record.load(upper).adjustment if upper else "",
        pixels=support.pixels(upper).hex() if upper else "",
    )
    picture.image.delete()


def what_a_network_looks_at(what: str) -> None:
    picture = Picture()
    LOCKS[what](picture)
    scene = reading.around(picture.lower, box(picture.lower), needs_background=True)
    support.say(case=f"scene-{what}", rgb=scene.rgb.hex(), mask=scene.mask.hex())
    picture.image.delete()


def again(what: str) -> None:
    """Harmonize Again, when the first result or the group around it was locked meanwhile."""
    picture = Picture()
    support.call(picture.image, [picture.lower])
    result = picture.image.get_selected_layers()[0]
    first = support.pixels(result)
    {"result": result, "group": picture.group}[what].set_lock_content(True)
    status, message = support.call(picture.image, [result], name=support.PLUGIN + "-again")
    now = picture.image.get_selected_layers()[0]
    support.say(
        case=f"again-{what}",
        status=status,
        message=message,
        layers=[layer.get_name() for layer in picture.group.get_children()],
        same=support.pixels(now) == first,
    )
    picture.image.delete()


for what in LOCKS:
    several_layers(what)
    what_a_network_looks_at(what)
again("result")
again("group")
