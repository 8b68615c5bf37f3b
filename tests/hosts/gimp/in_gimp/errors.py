"""Everything that can go wrong: what a script is told, and that the image stays as it was."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import support
from gi.repository import Gegl, Gimp

from harmonize_client import Client, Session  # isort: skip  (support makes it importable)

HOME = Path(os.environ["HARMONIZE_HOME"])
GOOD, SMALL, DOOMED = (support.SHARED / name / "connection.json" for name in sys.argv[1:4])
CONNECTION = HOME / "connection.json"


def state(image: Any) -> list[Any]:
    return [
        [layer.get_name(), layer.get_visible(), layer.get_parasite_list(), support.pixels(layer).hex()]
        for layer in image.get_layers()
    ]


def attempt(case: str, prepare: Callable[[Any, Any], Any] | None = None, **arguments: Any) -> None:
    image, _background, figure = support.composite()
    chosen = prepare(image, figure) if prepare else None
    before = state(image)
    status, message = support.call(image, chosen or [figure], **arguments)
    support.say(case=case, status=status, message=message, unchanged=state(image) == before)
    image.delete()


def connect_to(connection: Path) -> None:
    shutil.copy(connection, CONNECTION)
    CONNECTION.chmod(0o600)


# Layers and selections

connect_to(GOOD)


def group(image: Any, figure: Any) -> list[Any]:
    return [support.grouped(image, figure)]


def locked(_image: Any, figure: Any) -> None:
    figure.set_lock_content(True)


def locked_group(image: Any, figure: Any) -> None:
    group(image, figure)[0].set_lock_content(True)


def elsewhere(image: Any, _figure: Any) -> None:
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 5, 5)


def on_transparency(image: Any, figure: Any) -> None:
    _ok, x, y = figure.get_offsets()
    image.select_rectangle(Gimp.ChannelOps.REPLACE, x, y, 2, 2)


def outside(_image: Any, figure: Any) -> None:
    figure.set_offsets(5000, 5000)


def alone(image: Any, figure: Any) -> None:
    for layer in image.get_layers():
        if layer.get_id() != figure.get_id():
            image.remove_layer(layer)


def floating(image: Any, figure: Any) -> list[Any]:
    image.select_rectangle(Gimp.ChannelOps.REPLACE, *figure.get_offsets()[1:], 50, 150)
    return [Gimp.Selection.float(image, [figure], 5, 5)]


def channel(image: Any, _figure: Any) -> list[Any]:
    channel = Gimp.Channel.new(image, "Channel", 10, 10, 50.0, Gegl.Color.new("red"))
    image.insert_channel(channel, None, 0)
    return [channel]


def stranger(_image: Any, _figure: Any) -> list[Any]:
    return [support.composite()[2]]


def not_in_the_image(_image: Any, figure: Any) -> list[Any]:
    return [figure.copy()]


def path_layer(image: Any, _figure: Any) -> list[Any]:
    return [support.vector_layer(image)]


attempt("group", group)
attempt("locked-replace", locked, output="replace")
attempt("locked-group-replace", locked_group, output="replace")
attempt("elsewhere", elsewhere)
attempt("on-transparency", on_transparency)
attempt("outside", outside)
attempt("alone", alone)
attempt("floating", floating)
attempt("channel", channel)
attempt("layer-of-another-image", stranger)
attempt("layer-not-in-the-image", not_in_the_image)
if hasattr(Gimp, "VectorLayer"):
    attempt("path-layer-replace", path_layer, output="replace")
attempt("no-such-network", network="no-such-network")
attempt("no-reference-layer", reference="layer")
attempt("no-reference-file", reference="file", reference_file="/w/nowhere.png")


def hidden(_image: Any, figure: Any) -> None:
    figure.set_visible(False)


def invisible_or_locked_works() -> None:
    """An invisible layer is harmonized as if it was shown; a locked one gets a new layer."""
    for case, prepare in (("hidden", hidden), ("locked", locked), ("locked-group", locked_group)):
        image, _background, figure = support.composite()
        prepare(image, figure)
        status, message = support.call(image, [figure])
        made = image.get_selected_layers()[0].get_name()
        support.say(case=case, status=status, message=message, made=made)
        image.delete()


invisible_or_locked_works()

# The daemon

connect_to(SMALL)
attempt("too-large")

connect_to(GOOD)
CONNECTION.chmod(0o644)
attempt("untrusted")

CONNECTION.unlink()
attempt("cannot-start")

fields = json.loads(GOOD.read_text())
CONNECTION.write_text(json.dumps({**fields, "protocol": 99, "version": "9.9.9"}))
CONNECTION.chmod(0o600)
attempt("version")

CONNECTION.write_text(json.dumps({**fields, "token": "0" * 64}))
attempt("unauthorized")


# In the middle of the work


def later(seconds: float, act: Callable[[], None]) -> None:
    def wait() -> None:
        time.sleep(seconds)
        act()

    threading.Thread(target=wait, daemon=True).start()


def big_composite() -> tuple[Any, Any]:
    image, _background, figure = support.composite()
    image.scale(3600, 2400)
    return image, figure


def in_the_middle(case: str, act: Callable[[], None], **arguments: Any) -> None:
    image, figure = big_composite()
    before = [[layer.get_name(), layer.get_visible(), layer.get_parasite_list()] for layer in image.get_layers()]
    pixels = support.pixels(figure)
    later(0.1, act)
    status, message = support.call(image, [figure], **arguments)
    after = [[layer.get_name(), layer.get_visible(), layer.get_parasite_list()] for layer in image.get_layers()]
    unchanged = before == after and support.pixels(figure) == pixels
    # A group that was left open would swallow this call's step, or make it fail.
    closed = image.undo_is_enabled()
    support.say(case=case, status=status, message=message, unchanged=unchanged, undo=closed)
    image.delete()


def until_a_job_runs(folder: Path) -> None:
    """Asks without a pause: a job takes less than 0.1 s on a quick machine, and must be caught in the middle."""
    until = time.monotonic() + 30
    with Client(Session("test", start=False, folder=folder)) as client:
        while not client.status().jobs.running:
            if time.monotonic() > until:
                raise TimeoutError("no job has run")


def end_plug_in() -> None:
    """What GIMP does when the artist presses Cancel: the process is gone at once."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                own = Path(os.readlink(entry / "root")) == Path(os.readlink("/proc/self/root"))
            except OSError:
                continue
            # "-run" and not "-query": the one that works.
            if own and b"-run" in words and any(word.endswith(b"harmonize_selection.py") for word in words):
                until_a_job_runs(GOOD.parent)
                os.kill(int(entry.name), signal.SIGKILL)
                return
        time.sleep(0.02)


def end_daemon() -> None:
    """Waits until the plug-in's job runs, then ends the daemon."""
    until_a_job_runs(DOOMED.parent)
    os.kill(json.loads(DOOMED.read_text())["pid"], signal.SIGKILL)


connect_to(GOOD)
in_the_middle("cancelled", end_plug_in)
connect_to(DOOMED)
in_the_middle("daemon-dies", end_daemon)
