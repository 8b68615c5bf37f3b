"""The dialog while things change behind it, the keys of Split, and a result as what is to be harmonized."""

from __future__ import annotations

from typing import Any

import dialogs
import support
from dialogs import in_loop, press
from gi.repository import Gimp

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
    support.call(image, [figure], contrast=0.5)
    made = image.get_selected_layers()
    dialogs.show(image, made, a_result)
    image.remove_layer(made[0])
    image.remove_layer(background)
    dialogs.show(image, [figure], background_comes)
    dialogs.show(image, [figure], image_is_closed)


def say_scene(dialog: Any) -> None:
    wait_for(dialog, "Ready")
    support.say(case="original", rgb=dialog._scene.rgb.hex())


dialogs.main(main)
