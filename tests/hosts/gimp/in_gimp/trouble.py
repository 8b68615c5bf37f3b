"""The dialog while things change behind it, the keys of Split, and a result as what is to be harmonized."""

from __future__ import annotations

import time
from typing import Any

import dialogs
import support
from dialogs import in_loop, press
from gi.repository import Gimp

from harmonize_gimp import choices, masks  # isort: skip  (support makes it importable)

WAIT = 30


def text(dialog: Any) -> str:
    return str(dialog._state._text.get_text())


def wait_for(dialog: Any, words: str) -> None:
    support.until(lambda: words in text(dialog), WAIT, words)


def background_comes(dialog: Any, _config: Any) -> None:
    wait_for(dialog, "There is nothing below")
    before = text(dialog)
    image = dialog._image
    other = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, support.file("scene.png"))
    in_loop(lambda: image.insert_layer(other, None, 1))
    in_loop(lambda: buttons(dialog)[1].clicked())
    wait_for(dialog, "Ready")
    support.say(case="background", before=before, after=text(dialog), predicted=dialog._live.prediction is not None)


def what_is_done_elsewhere(dialog: Any, config: Any) -> None:
    """The artist goes to the image's window, moves the layer and selects a part of it, and comes back."""
    wait_for(dialog, "Ready")
    image, layer, preview = dialog._image, dialog._targets[0], dialog._preview
    here, there = support.window("Harmonize Selection"), support.window("GNU Image Manipulation Program")
    support.until(lambda: preview._after is not preview._before, WAIT, "a preview")
    before = dialog._scene
    looked_at = dialog._views.view(choices.options_from(config, image))[1]
    in_loop(dialog._network.popup)
    press("Escape")
    listed = dialog._views.view(choices.options_from(config, image))[1] is looked_at
    visit(there, here)
    unchanged = dialog._scene is before and preview._after is not preview._before
    support.xdotool("windowfocus", "--sync", there)
    time.sleep(0.5)
    layer.set_offsets(0, 0)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, layer.get_width() // 2, layer.get_height())
    support.xdotool("windowfocus", "--sync", here)
    support.until(lambda: dialog._scene is not before, WAIT, "another look at the scene")
    support.until(lambda: preview._after is not preview._before, WAIT, "a preview of it")
    found = masks.bounds(dialog._scene.mask, dialog._scene.width)
    wanted = layer.get_width() // 2 * dialog._scene.width / image.get_width()
    support.xdotool("windowfocus", "--sync", there)
    time.sleep(0.5)
    added = layer.copy()
    image.insert_layer(added, None, 0)
    added.set_name("Added meanwhile")
    support.xdotool("windowfocus", "--sync", here)
    support.until(lambda: len(dialog._layer.get_model()) == 2, WAIT, "the layer that was added")
    listed_now = [row[0] for row in dialog._layer.get_model()]
    in_loop(lambda: config.set_property("reference-layer", added))
    chosen = dialog._layer.get_active_text()
    image.remove_layer(added)
    visit(there, here)
    gone = dialog._layer.get_active_text()
    support.say(case="layers", listed=listed_now, chosen=chosen, gone=gone)
    support.say(case="elsewhere", unchanged=unchanged, listed=listed, left=found.x, right=found.right, wanted=wanted)
    Gimp.Selection.none(image)


def a_floating_selection(dialog: Any, config: Any) -> None:
    """Something is pasted while the dialog is open."""
    wait_for(dialog, "Ready")
    image, layer = dialog._image, dialog._targets[0]
    image.select_rectangle(Gimp.ChannelOps.REPLACE, *layer.get_offsets()[1:], 50, 150)
    floating = Gimp.Selection.float(image, [layer], 5, 5)
    in_loop(lambda: config.set_property("strength", 0.5))
    support.say(case="floating", after=text(dialog))
    Gimp.floating_sel_anchor(floating)
    Gimp.Selection.none(image)


def visit(there: str, here: str) -> None:
    for number in (there, here):
        support.xdotool("windowfocus", "--sync", number)
        time.sleep(0.5)


def buttons(dialog: Any) -> Any:
    return dialog._state._ways_out.get_children()


def image_is_closed(dialog: Any, config: Any) -> None:
    wait_for(dialog, "Ready")
    in_loop(lambda: dialog._image.delete())
    in_loop(lambda: config.set_property("strength", 0.5))
    support.say(case="closed", after=text(dialog))


def keys_of_split(dialog: Any, _config: Any) -> None:
    wait_for(dialog, "Ready")
    preview = dialog._preview
    columns = [preview._column]
    press("alt+i")
    focused = preview.has_focus()
    for key in ("Right", "Right", "Left"):
        press(key)
        columns.append(preview._column)
    support.shot("split", support.window("Harmonize Selection"))
    press("Tab")
    support.shot("unfocused", support.window("Harmonize Selection"))
    support.say(case="keys", focused=focused, columns=columns, width=preview._width)


def a_result(dialog: Any, config: Any) -> None:
    wait_for(dialog, "Ready")
    rgb = dialog._scene.rgb
    support.shot("result", support.window("Harmonize Selection"))
    in_loop(lambda: config.set_property("output", "replace"))
    support.say(case="result", rgb=rgb.hex(), after=text(dialog))


def main() -> None:
    image, background, figure = support.composite()
    dialogs.show(image, [figure], lambda dialog, config: say_scene(dialog))
    dialogs.show(image, [figure], keys_of_split)
    _ok, x, y = figure.get_offsets()
    dialogs.show(image, [figure], what_is_done_elsewhere)
    figure.set_offsets(x, y)
    support.call(image, [figure], contrast=0.5)
    made = image.get_selected_layers()
    dialogs.show(image, made, a_result)
    image.remove_layer(made[0])
    image.remove_layer(background)
    dialogs.show(image, [figure], background_comes)
    dialogs.show(image, [figure], a_floating_selection)
    dialogs.show(image, [figure], image_is_closed)


def say_scene(dialog: Any) -> None:
    wait_for(dialog, "Ready")
    support.say(case="original", rgb=dialog._scene.rgb.hex())


dialogs.main(main)
