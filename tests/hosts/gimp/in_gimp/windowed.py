"""What an artist does, with mouse and keyboard: menu, dialog, sliders, OK, undo, redo, cancel."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import support
from gi.repository import Gimp

from harmonize_gimp import record  # isort: skip  (support makes it importable)

TIMES = Path(os.environ["HARMONIZE_GIMP_TIMES"])
NETWORK_SECONDS = 60


def previews() -> int:
    return len(TIMES.read_text().splitlines()) if TIMES.exists() else 0


def wait_for_previews(more_than: int, what: str) -> None:
    support.until(lambda: previews() > more_than, NETWORK_SECONDS, what)
    time.sleep(0.4)


def press(*keys: str) -> None:
    for key in keys:
        support.xdotool("key", key)
        time.sleep(0.35)


def step(key: str, done: Callable[[], Any]) -> None:
    """Presses a key and waits for what it does; what did not come, the test outside will say."""
    press(key)
    with contextlib.suppress(TimeoutError):
        support.until(done, 15, key)


def open_dialog(main: str) -> str:
    support.xdotool("windowfocus", "--sync", main)
    time.sleep(0.3)
    seen = previews()
    press("alt+r")
    time.sleep(0.7)
    if not (support.OUT / "menu.png").exists():
        support.shot("menu")
    press("z")
    dialog = support.window("Harmonize Selection")
    wait_for_previews(seen, "the first preview")
    return dialog


def names(image: Any) -> list[str]:
    return [layer.get_name() for layer in image.get_layers()]


def result_pixels(image: Any) -> bytes:
    return support.pixels(image.get_layers()[0])


def main() -> None:
    image, _background, figure = support.composite()
    image.set_selected_layers([figure])
    Gimp.Display.new(image)
    window = support.window(r"\*?\[?.*GIMP$", 60)
    support.xdotool("windowsize", "--sync", window, "1438", "874")
    support.xdotool("windowmove", "--sync", window, "0", "0")
    time.sleep(3)

    dialog = open_dialog(window)
    support.shot("dialog", dialog)
    seen = previews()
    press("alt+w")
    support.xdotool("type", "40")
    press("Tab")
    wait_for_previews(seen, "a preview after the slider moved")
    support.shot("warmth", dialog)
    press("alt+w")
    for _step in range(12):
        # A slider that is dragged: many wishes, of which the newest wins.
        support.xdotool("key", "Up")
    time.sleep(0.6)
    press("alt+w")
    support.xdotool("type", "25")
    press("Tab")
    time.sleep(0.6)
    press("alt+p")
    time.sleep(0.5)
    press("alt+p")
    press("alt+b")
    support.shot("before", dialog)
    press("alt+i")
    support.shot("split", dialog)
    press("alt+k")
    time.sleep(0.4)
    support.shot("mask", dialog)
    support.shot("screen")
    support.say(case="times", seconds=[float(line) for line in TIMES.read_text().splitlines()])
    # From the mask's switch, the first variant is the next stop.
    press("alt+k", "Tab")
    seen = previews()
    press("space")
    wait_for_previews(seen, "a preview after a variant was chosen")
    support.shot("variant", dialog)

    press("alt+o")
    support.until(lambda: len(image.get_layers()) == 3, NETWORK_SECONDS, "the new layer")
    time.sleep(1.5)
    support.shot("result")
    done = result_pixels(image)
    look = record.load(image.get_layers()[0]).options.look
    support.say(case="variant", strength=look.strength, warmth=look.warmth)
    said: dict[str, Any] = {"done": names(image)}
    support.xdotool("windowfocus", "--sync", window)
    step("ctrl+z", lambda: len(image.get_layers()) == 2)
    said["undone"] = names(image)
    said["figure_visible_after_undo"] = figure.get_visible()
    said["figure_parasites_after_undo"] = figure.get_parasite_list()
    step("ctrl+y", lambda: len(image.get_layers()) == 3)
    said["redone"] = names(image)
    said["same_pixels_after_redo"] = result_pixels(image) == done
    step("ctrl+z", lambda: len(image.get_layers()) == 2)
    support.say(case="undo", **said)

    # Replacing pixels is one step as well, and gives back every bit.
    before = support.pixels(figure)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, *figure.get_offsets()[1:], figure.get_width(), 90)
    Gimp.Selection.feather(image, 10)
    image.set_selected_layers([figure])
    support.call(image, [figure], output="replace", contrast=0.3)
    replaced = support.pixels(figure)
    Gimp.displays_flush()
    support.xdotool("windowfocus", "--sync", window)
    step("ctrl+z", lambda: support.pixels(figure) == before)
    undone = support.pixels(figure)
    selected = Gimp.Selection.is_empty(image)
    step("ctrl+y", lambda: support.pixels(figure) == replaced)
    support.say(
        case="undo-replace",
        changed=replaced != before,
        undone=undone == before,
        selection_kept=not selected,
        redone=support.pixels(figure) == replaced,
    )
    step("ctrl+z", lambda: support.pixels(figure) == before)
    Gimp.Selection.none(image)

    if hasattr(Gimp, "Curve"):
        support.call(image, [figure], output="curves")
        added = len(figure.get_filters())
        support.xdotool("windowfocus", "--sync", window)
        step("ctrl+z", lambda: not figure.get_filters())
        taken_back = (len(figure.get_filters()), len(figure.get_parasite_list()))
        step("ctrl+y", lambda: figure.get_filters())
        support.say(case="undo-curves", added=added, undone=taken_back, redone=len(figure.get_filters()))

        # What replaces the pixels takes the curves away, and one step brings both back.
        support.call(image, [figure], output="replace", contrast=0.3)
        taken_off = len(figure.get_filters())
        Gimp.displays_flush()
        step("ctrl+z", lambda: figure.get_filters())
        same = support.pixels(figure) == before
        support.say(case="undo-both", taken_off=taken_off, undone=len(figure.get_filters()), same=same)
        step("ctrl+z", lambda: not figure.get_filters())

    image.set_selected_layers([figure])
    layers_before = names(image)
    open_dialog(window)
    press("Escape")
    time.sleep(1.5)
    support.say(
        case="cancel", before=layers_before, after=names(image), open=bool(support.windows("Harmonize Selection"))
    )

    subprocess.run(["touch", str(support.OUT / "finished")], check=True)
    # GIMP would ask about unsaved images.
    os.kill(gimp_process(), signal.SIGKILL)


def gimp_process() -> int:
    """The GIMP that started this script."""
    return os.getppid()


try:
    main()
except BaseException as error:
    print("FAILED", repr(error), flush=True)
    import traceback

    traceback.print_exc(file=sys.stdout)
    sys.stdout.flush()
    support.shot("failure")
    os.kill(gimp_process(), signal.SIGKILL)
