"""The dialog while things change behind it, the keys of Split, and a result as what is to be harmonized."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import dialogs
import support
from dialogs import Acting, Pause, Until, press
from gi.repository import Gimp, Gtk

from harmonize_gimp import choices, masks, views  # isort: skip  (support makes it importable)


def text(dialog: Any) -> str:
    return str(dialog._state._text.get_text())


def comes(dialog: Any, words: str) -> Until:
    return Until(lambda: words in text(dialog), words)


def background_comes(dialog: Any, _config: Any) -> Acting:
    yield comes(dialog, "There is nothing below")
    before = text(dialog)
    image = dialog._image
    other = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, support.file("scene.png"))
    image.insert_layer(other, None, 1)
    buttons(dialog)[1].clicked()
    yield comes(dialog, "Ready")
    support.say(case="background", before=before, after=text(dialog), predicted=dialog._live.prediction is not None)


def what_is_done_elsewhere(dialog: Any, config: Any) -> Acting:
    """The artist goes to the image's window, moves the layer and selects a part of it, and comes back."""
    yield comes(dialog, "Ready")
    image, layer, preview = dialog._image, dialog._targets[0], dialog._preview
    here, there = support.window("Harmonize Selection"), support.window("GNU Image Manipulation Program")
    yield Until(lambda: preview._after is not preview._before, "a preview")
    before = dialog._scene
    looked_at = dialog._views.view(choices.options_from(config, image))[1]
    dialog._network.popup()
    yield Pause()
    yield from press("Escape")
    listed = dialog._views.view(choices.options_from(config, image))[1] is looked_at
    yield from focus(there, here)
    unchanged = dialog._scene is before and preview._after is not preview._before
    yield from focus(there)
    layer.set_offsets(0, 0)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, layer.get_width() // 2, layer.get_height())
    yield from focus(here)
    yield Until(lambda: dialog._scene is not before, "another look at the scene")
    yield Until(lambda: preview._after is not preview._before, "a preview of it")
    found = masks.bounds(dialog._scene.mask, dialog._scene.width)
    wanted = layer.get_width() // 2 * dialog._scene.width / image.get_width()
    support.say(case="elsewhere", unchanged=unchanged, listed=listed, left=found.x, right=found.right, wanted=wanted)
    yield from layers_come_and_go(dialog, config, here, there)
    Gimp.Selection.none(image)


def layers_come_and_go(dialog: Any, config: Any, here: str, there: str) -> Acting:
    yield from focus(there)
    added = dialog._targets[0].copy()
    dialog._image.insert_layer(added, None, 0)
    added.set_name("Added meanwhile")
    yield from focus(here)
    yield Until(lambda: len(dialog._layer.get_model()) == 2, "the layer that was added")
    listed = [row[0] for row in dialog._layer.get_model()]
    config.set_property("reference-layer", added)
    yield Pause()
    chosen = dialog._layer.get_active_text()
    dialog._image.remove_layer(added)
    yield from focus(there, here)
    support.say(case="layers", listed=listed, chosen=chosen, gone=dialog._layer.get_active_text())


def a_floating_selection(dialog: Any, config: Any) -> Acting:
    """Something is pasted while the dialog is open."""
    yield comes(dialog, "Ready")
    image, layer = dialog._image, dialog._targets[0]
    image.select_rectangle(Gimp.ChannelOps.REPLACE, *layer.get_offsets()[1:], 50, 150)
    floating = Gimp.Selection.float(image, [layer], 5, 5)
    config.set_property("strength", 0.5)
    yield Pause()
    support.say(case="floating", after=text(dialog))
    Gimp.floating_sel_anchor(floating)
    Gimp.Selection.none(image)


def no_daemon(dialog: Any, _config: Any) -> Acting:
    """There is none, and none can be started."""
    yield Until(lambda: dialog._state._code, "trouble")
    support.say(case="no-daemon", after=text(dialog), ok=can_agree(dialog))


def a_daemon_that_hangs(dialog: Any, config: Any) -> Acting:
    yield comes(dialog, "Ready")
    pid = json.loads((Path(os.environ["HARMONIZE_HOME"]) / "connection.json").read_text())["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        config.set_property("strength", 0.37)  # that of no variant, whose picture may be there already
        yield comes(dialog, "Waiting for the Harmonize daemon")
    finally:
        os.kill(pid, signal.SIGCONT)
    yield comes(dialog, "Ready")
    support.say(case="hangs", after=text(dialog), ok=can_agree(dialog))


def first_look(image: Any, layer: Any) -> None:
    """What is on the screen while the image is looked at for the first time: of a large one that takes seconds."""
    look = views.Views.view

    def seen(self: Any, options: Any) -> Any:
        views.Views.view = look
        for number in support.windows("Harmonize Selection"):
            support.shot("first-look", number)
        return look(self, options)

    views.Views.view = seen
    dialogs.show(image, [layer], say_scene)


def at_rest(dialog: Any, config: Any) -> Acting:
    """When all is shown the daemon is seldom looked at, until there is a wish."""
    yield Until(lambda: dialog._live.prediction and dialog._live.at_rest, "everything to be shown")
    yield Pause()
    seen, paces = dialog._preview._after, [dialog._pace]
    config.set_property("warmth", 0.37)  # that of no variant
    paces.append(dialog._pace)
    yield Until(lambda: dialog._preview._after is not seen, "a preview")
    yield Until(lambda: dialog._live.at_rest, "rest")
    yield Pause()
    support.say(case="rest", paces=[*paces, dialog._pace])


def can_agree(dialog: Any) -> bool:
    return bool(dialog._window.get_widget_for_response(Gtk.ResponseType.OK).get_sensitive())


def focus(*numbers: str) -> Acting:
    """Goes from window to window."""
    for number in numbers:
        support.xdotool("windowfocus", "--sync", number)
        yield Pause()


def buttons(dialog: Any) -> Any:
    return dialog._state._ways_out.get_children()


def image_is_closed(dialog: Any, config: Any) -> Acting:
    yield comes(dialog, "Ready")
    dialog._image.delete()
    yield Pause()
    config.set_property("strength", 0.5)
    yield Pause()
    support.say(case="closed", after=text(dialog))


def keys_of_split(dialog: Any, _config: Any) -> Acting:
    yield comes(dialog, "Ready")
    preview = dialog._preview
    columns = [preview._column]
    yield from press("alt+i")
    focused = preview.has_focus()
    for key in ("Right", "Right", "Left"):
        yield from press(key)
        columns.append(preview._column)
    support.shot("split", support.window("Harmonize Selection"))
    yield from press("Tab")
    support.shot("unfocused", support.window("Harmonize Selection"))
    support.say(case="keys", focused=focused, columns=columns, width=preview._width)


def a_result(dialog: Any, config: Any) -> Acting:
    yield comes(dialog, "Ready")
    rgb = dialog._scene.rgb
    support.shot("result", support.window("Harmonize Selection"))
    config.set_property("output", "replace")
    yield Pause()
    support.say(case="result", rgb=rgb.hex(), after=text(dialog))


def main() -> None:
    image, background, figure = support.composite()
    first_look(image, figure)
    dialogs.show(image, [figure], at_rest)
    dialogs.show(image, [figure], keys_of_split)
    dialogs.show(image, [figure], no_daemon, home=Path("/w/nowhere"))
    dialogs.show(image, [figure], a_daemon_that_hangs)
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


def say_scene(dialog: Any, _config: Any) -> Acting:
    yield comes(dialog, "Ready")
    support.say(case="original", rgb=dialog._scene.rgb.hex())


dialogs.main(main)
