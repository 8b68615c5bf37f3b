"""The blocking client."""

from __future__ import annotations

import secrets
import signal
import threading
import time
from pathlib import Path

import pytest
from harmonize_client import (
    Cancelled,
    CannotConnect,
    Client,
    LayerFormat,
    Look,
    Progress,
    Session,
    Thumbnail,
    WorkerDied,
    connect,
)

from tests.client.fake_daemon import ADJUSTMENT, INVERTED, PATIENCE_SECONDS, FakeDaemon, Message

LAYER = LayerFormat(40, 100, "RGBA", "u8")
THUMBNAIL = Thumbnail(4, 3, bytes(36))
MASK = bytes(12)


def test_the_whole_of_a_harmonization(folder: Path) -> None:
    with FakeDaemon(folder) as daemon, connect("test/1", start=False) as client:
        assert client.status().device == "cpu"
        prediction = client.predict(THUMBNAIL, MASK)
        pixels, into = secrets.token_bytes(LAYER.nbytes), bytearray(LAYER.nbytes)
        client.render(prediction.adjustment, LAYER, pixels, None, into=into, look=Look(strength=0.5))
        assert into == pixels.translate(INVERTED)
        text, exact = client.export(prediction.adjustment, "cube")
        assert (text, exact) == ("LUT_3D_SIZE 2", False)
        client.shutdown()
        assert daemon.kinds()[-1] == "shutdown"


def test_connect_without_a_daemon_raises(folder: Path) -> None:
    with pytest.raises(CannotConnect):
        connect("test/1", start=False)


def test_progress_is_called_in_order(folder: Path) -> None:
    with FakeDaemon(folder, window=1) as _, connect("test/1", start=False) as client:
        seen: list[Progress] = []
        client.render(ADJUSTMENT, LAYER, bytes(LAYER.nbytes), None, into=bytearray(LAYER.nbytes), progress=seen.append)
        assert seen[-1] == Progress("rendering", 1.0)
        assert len(seen) == len(set(seen))
        assert client.predict(THUMBNAIL, MASK, progress=seen.append).network == "s2crnet"
        assert Progress("predicting", None) in seen


def never(daemon: FakeDaemon, message: Message) -> None:
    """An answer that does not come."""


def test_cancelled_ends_the_call_and_the_daemon_is_told(folder: Path) -> None:
    with FakeDaemon(folder, predict=never) as daemon, connect("test/1", start=False) as client:
        with pytest.raises(Cancelled):
            client.predict(THUMBNAIL, MASK, cancelled=lambda: "predict" in daemon.kinds())
        daemon.wait_for("cancel")
        client.status()


@pytest.mark.usefixtures("keyboard_interrupts")
def test_an_interrupt_from_the_keyboard_cancels_and_goes_on(folder: Path) -> None:
    with FakeDaemon(folder, predict=never) as daemon, connect("test/1", start=False) as client:

        def interrupt() -> None:
            daemon.wait_for("predict")
            # As the terminal does it: a signal, which also wakes a thread that waits for the socket.
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            client.predict(THUMBNAIL, MASK)
        thread.join()
        daemon.wait_for("cancel")
        client.status()


def test_an_exception_of_the_callers_progress_cancels(folder: Path) -> None:
    def start_only(daemon: FakeDaemon, message: Message) -> None:
        message.reply("progress", stage="queued", fraction=0.5)

    def fail(progress: Progress) -> None:
        raise ZeroDivisionError

    with FakeDaemon(folder, predict=start_only) as daemon, connect("test/1", start=False) as client:
        with pytest.raises(ZeroDivisionError):
            client.predict(THUMBNAIL, MASK, progress=fail)
        daemon.wait_for("cancel")


@pytest.mark.parametrize("deaths", [1, 2])
def test_a_request_that_died_with_the_worker_is_made_once_more(folder: Path, deaths: int) -> None:
    left = [deaths]

    def die(daemon: FakeDaemon, message: Message) -> None:
        if left[0]:
            left[0] -= 1
            message.error("worker_died")
        else:
            daemon.on_predict(message)

    with FakeDaemon(folder, predict=die) as daemon, connect("test/1", start=False) as client:
        if deaths == 1:
            assert client.predict(THUMBNAIL, MASK).adjustment == ADJUSTMENT
        else:
            with pytest.raises(WorkerDied):
                client.predict(THUMBNAIL, MASK)
        predictions = [message for message in daemon.requests if message["kind"] == "predict"]
        assert len({str(message["id"]) for message in predictions}) == 2


def test_a_rendering_in_place_that_died_half_way_is_not_made_twice(folder: Path) -> None:
    def die_later(daemon: FakeDaemon, message: Message) -> None:
        if message["row"]:
            message.error("worker_died")
        else:
            daemon.on_band(message)

    with FakeDaemon(folder, band=die_later, window=1) as daemon, connect("test/1", start=False) as client:
        memory = bytearray(LAYER.nbytes)
        with pytest.raises(WorkerDied):
            client.render(ADJUSTMENT, LAYER, memory, None, into=memoryview(memory))
        assert daemon.kinds().count("render") == 1
        with pytest.raises(WorkerDied):
            client.render(ADJUSTMENT, LAYER, bytes(LAYER.nbytes), None, into=memory)
        assert daemon.kinds().count("render") == 3


def test_a_daemon_that_dies_in_the_middle_does_not_hang_the_caller(folder: Path) -> None:
    daemon = FakeDaemon(folder, predict=never)
    with daemon, connect("test/1", start=False) as client:
        thread = threading.Thread(target=lambda: (daemon.wait_for("predict"), daemon.kill()))
        thread.start()
        start = time.monotonic()
        with pytest.raises(Exception, match="connection to the daemon was lost"):
            client.predict(THUMBNAIL, MASK)
        assert time.monotonic() - start < PATIENCE_SECONDS
        thread.join()


def test_a_fake_daemon_that_several_threads_end_ends_once(folder: Path) -> None:
    """As above where the test fails before its thread is done: the block ends the daemon meanwhile."""
    for _ in range(5):
        with FakeDaemon(folder) as daemon:
            threads = [threading.Thread(target=daemon.kill) for _ in range(8)]
            for thread in threads:
                thread.start()
        for thread in threads:
            thread.join()


def test_arguments_that_can_never_be_right_leave_the_client_usable(folder: Path) -> None:
    with FakeDaemon(folder), Client(Session("test/1", start=False)) as client:
        with pytest.raises(ValueError, match="mask"):
            client.predict(THUMBNAIL, bytes(3))
        client.status()
