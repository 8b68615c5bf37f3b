"""The non-blocking session, polled as an event loop would, against a daemon in a thread."""

from __future__ import annotations

import gc
import os
import secrets
import select
import socket
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harmonize_client import (
    BadRequest,
    Cancelled,
    CannotConnect,
    ConnectionLost,
    Job,
    LayerFormat,
    Place,
    Progress,
    Session,
    State,
    Superseded,
    Thumbnail,
    TooLarge,
    VersionMismatch,
    conversation,
)
from harmonize_client.paths import Connection, write_connection

from tests.client.fake_daemon import ADJUSTMENT, INVERTED, PATIENCE_SECONDS, FakeDaemon, Message, pid_of_the_dead
from tests.client.raw_peer import RawPeer, opening

LAYER = LayerFormat(40, 100, "RGBA", "u8")
THUMBNAIL = Thumbnail(4, 3, bytes(range(36)))
MASK = bytes(12)


def session_for(folder: Path, **options: Any) -> Session:
    return Session("test/1", start=False, folder=folder, **options)


def run(session: Session, *jobs: Job[Any], until: Callable[[], object] = lambda: True) -> None:
    """Poll until all these jobs are done and `until` is true."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (all(job.done for job in jobs) and until()):
        session.poll()
        assert time.monotonic() < end, f"not done in time: {session.state} {session.error}"
        time.sleep(0.001)


class Clock:
    """Stands still until a test sets it on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """By which connections see how long nothing has come."""
    clock = Clock()
    monkeypatch.setattr(conversation, "time", clock)
    return clock


def wait_for_the_socket(session: Session) -> None:
    """As an event loop does."""
    if session.fileno() >= 0:
        writers = [session.fileno()] if session.wants_write else []
        assert any(select.select([session.fileno()], writers, [], PATIENCE_SECONDS)), "it would have waited for ever"


def random_layer(layer: LayerFormat = LAYER) -> bytes:
    return secrets.token_bytes(layer.nbytes)


class TestRequests:
    def test_the_first_request_connects(self, folder: Path) -> None:
        with FakeDaemon(folder) as daemon, session_for(folder) as session:
            assert session.state is State.IDLE
            assert session.fileno() == -1
            job = session.status()
            assert session.state is State.CONNECTING
            run(session, job)
            assert session.state is State.READY
            assert session.fileno() >= 0
            assert job.result().networks[0].title == "S²CRNet"
            assert job.result().limits.window == 4
            assert session.daemon == job.result()
            assert daemon.requests[0]["client"] == "test/1"

    def test_start_connects_without_a_request(self, folder: Path) -> None:
        with FakeDaemon(folder) as daemon, session_for(folder) as session:
            session.start()
            run(session, until=lambda: session.state is State.READY)
            assert session.daemon is not None
            assert daemon.kinds() == ["hello"]

    def test_predict_sends_the_scene_and_gives_the_prediction(self, folder: Path) -> None:
        with FakeDaemon(folder) as daemon, session_for(folder) as session:
            reference = Thumbnail(2, 2, b"r" * 12)
            job = session.predict(
                THUMBNAIL, MASK, network="idih", reference=reference, foreground_class="person", live=True
            )
            run(session, job)
            prediction = job.result()
            assert prediction.adjustment == ADJUSTMENT
            assert (prediction.network, prediction.confidence, prediction.notes) == ("idih", 0.75, ("A note.",))
            sent = daemon.requests[-1]
            assert [frame.bytes for frame in sent.payload] == [THUMBNAIL.rgb, MASK, reference.rgb]
            assert sent["thumbnail"] == {"width": 4, "height": 3}
            assert sent["reference"] == {"width": 2, "height": 2}
            assert (sent["foreground_class"], sent["live"]) == ("person", True)

    def test_render_moves_every_row_there_and_back(self, folder: Path) -> None:
        with FakeDaemon(folder, band_rows=16) as daemon, session_for(folder) as session:
            pixels, mask, into = random_layer(), secrets.token_bytes(4000), bytearray(LAYER.nbytes)
            job = session.render(ADJUSTMENT, LAYER, pixels, mask, into=into, place=Place(0, 0.25, 1, 0.5))
            run(session, job)
            assert job.result().milliseconds == 3.0
            assert into == pixels.translate(INVERTED)
            bands = [message for message in daemon.requests if message["kind"] == "band"]
            assert [band["row"] for band in bands] == [0, 16, 32, 48, 64, 80, 96]
            assert b"".join(band.payload[0].bytes for band in bands) == pixels
            assert b"".join(band.payload[1].bytes for band in bands) == mask
            request = next(message for message in daemon.requests if message["kind"] == "render")
            assert request["layer"] == {"width": 40, "height": 100, "layout": "RGBA", "depth": "u8"}
            assert request["place"] == [0.0, 0.25, 1.0, 0.5]
            assert request["look"]["strength"] == 1.0
            assert request.payload[0].bytes.decode() == ADJUSTMENT

    @pytest.mark.parametrize(
        "layer",
        [
            LayerFormat(1, 1, "Y", "u8"),
            LayerFormat(1, 37, "YA", "u16"),
            LayerFormat(6000, 1, "RGB", "f32"),
            LayerFormat(33, 17, "BGRA", "f16"),
        ],
    )
    def test_layers_of_odd_sizes_come_back_whole(self, folder: Path, layer: LayerFormat) -> None:
        with FakeDaemon(folder, band_rows=5, window=1), session_for(folder) as session:
            pixels, into = random_layer(layer), bytearray(layer.nbytes)
            run(session, session.render(ADJUSTMENT, layer, pixels, None, into=into))
            assert into == pixels.translate(INVERTED)

    def test_render_in_place_gives_the_same(self, folder: Path) -> None:
        with FakeDaemon(folder, band_rows=3, window=2), session_for(folder) as session:
            pixels = random_layer()
            memory = bytearray(pixels)
            run(session, session.render(ADJUSTMENT, LAYER, memory, None, into=memory))
            assert memory == pixels.translate(INVERTED)

    def test_without_a_mask_no_mask_rows_are_sent(self, folder: Path) -> None:
        with FakeDaemon(folder) as daemon, session_for(folder) as session:
            run(session, session.render(ADJUSTMENT, LAYER, random_layer(), None, into=bytearray(LAYER.nbytes)))
            request = next(message for message in daemon.requests if message["kind"] == "render")
            assert request["masked"] is False
            assert {len(message.payload) for message in daemon.requests if message["kind"] == "band"} == {1}

    def test_never_more_than_the_window_is_on_the_way(self, folder: Path) -> None:
        """The daemon answers four bands at once, and looks before whether a fifth one comes."""
        waiting: list[Message] = []
        more: list[int] = []

        def hold(daemon: FakeDaemon, message: Message) -> None:
            waiting.append(message)
            if len(waiting) == 4 or message["row"] + daemon.band_rows >= LAYER.height:
                more.append(message.socket.poll(50))
                for held in waiting:
                    daemon.on_band(held)
                waiting.clear()

        with FakeDaemon(folder, band_rows=5, window=4, band=hold), session_for(folder) as session:
            job = session.render(ADJUSTMENT, LAYER, random_layer(), None, into=bytearray(LAYER.nbytes))
            run(session, job)
            assert more == [0] * 5

    def test_progress_rises_to_the_end(self, folder: Path) -> None:
        with FakeDaemon(folder), session_for(folder) as session:
            job = session.render(ADJUSTMENT, LAYER, random_layer(), None, into=bytearray(LAYER.nbytes))
            seen: list[Progress] = []
            while not job.done:
                session.poll(0)
                if job.progress and job.progress not in seen:
                    seen.append(job.progress)
            assert seen[-1] == Progress("rendering", 1.0)
            assert [item.fraction or 0 for item in seen] == sorted(item.fraction or 0 for item in seen)

    def test_export_gives_text_and_whether_it_is_exact(self, folder: Path) -> None:
        with FakeDaemon(folder), session_for(folder) as session:
            job = session.export(ADJUSTMENT, "cube")
            run(session, job)
            text, exact = job.result()
            assert (text, exact) == ("LUT_3D_SIZE 2", False)

    def test_small_requests_are_answered_in_the_middle_of_a_rendering(self, folder: Path) -> None:
        with FakeDaemon(folder, band_rows=1, window=1), session_for(folder) as session:
            render = session.render(ADJUSTMENT, LAYER, random_layer(), None, into=bytearray(LAYER.nbytes))
            while not (render.progress and render.progress.stage == "rendering"):
                session.poll(0)  # one step: of its ten milliseconds, a quick machine would need no more
            status = session.status()
            while not status.done:
                session.poll(0)
            assert not render.done
            run(session, render)

    def test_two_renderings_at_a_time_keep_to_their_buffers(self, folder: Path) -> None:
        with FakeDaemon(folder, band_rows=7), session_for(folder) as session:
            layers = [random_layer() for _ in range(2)]
            targets = [bytearray(LAYER.nbytes) for _ in layers]
            jobs = [
                session.render(ADJUSTMENT, LAYER, layer, None, into=target)
                for layer, target in zip(layers, targets, strict=True)
            ]
            run(session, *jobs)
            assert targets == [layer.translate(INVERTED) for layer in layers]

    def test_an_error_of_the_daemon_is_raised_by_the_result(self, folder: Path) -> None:
        def refuse(daemon: FakeDaemon, message: Message) -> None:
            message.error("too_large", "The layer has too many pixels", "harmonize a smaller selection")

        with FakeDaemon(folder, render=refuse), session_for(folder) as session:
            job = session.render(ADJUSTMENT, LAYER, random_layer(), None, into=bytearray(LAYER.nbytes))
            run(session, job)
            with pytest.raises(TooLarge, match="too many pixels: harmonize a smaller selection"):
                job.result()
            assert session.state is State.READY

    def test_a_superseded_request_says_so_and_the_newer_one_succeeds(self, folder: Path) -> None:
        first: list[Message] = []

        def supersede(daemon: FakeDaemon, message: Message) -> None:
            if not first:
                first.append(message)
            else:
                first[0].error("superseded")
                daemon.on_predict(message)

        with FakeDaemon(folder, predict=supersede), session_for(folder) as session:
            older = session.predict(THUMBNAIL, MASK, live=True)
            newer = session.predict(THUMBNAIL, MASK, live=True)
            run(session, older, newer)
            assert isinstance(older.error, Superseded)
            assert newer.result().adjustment == ADJUSTMENT

    def test_result_before_the_end_is_an_error_of_the_caller(self, folder: Path) -> None:
        with session_for(folder) as session, pytest.raises(RuntimeError):
            session.status().result()

    def test_callbacks_come_from_poll_and_only_once(self, folder: Path) -> None:
        with FakeDaemon(folder), session_for(folder) as session:
            called: list[Job[Any]] = []
            job = session.status()
            job.when_done(called.append)
            run(session, job)
            session.poll()
            assert called == [job]
            job.when_done(called.append)
            assert called == [job, job]

    def test_a_callback_may_make_the_next_request(self, folder: Path) -> None:
        with FakeDaemon(folder), session_for(folder) as session:
            next_jobs: list[Job[Any]] = []
            job = session.status()
            job.when_done(lambda _: next_jobs.append(session.predict(THUMBNAIL, MASK)))
            run(session, job)
            run(session, *next_jobs)
            assert next_jobs[0].result().adjustment == ADJUSTMENT

    @pytest.mark.parametrize(
        "call",
        [
            lambda session: session.render(ADJUSTMENT, LAYER, bytes(5), None, into=bytearray(LAYER.nbytes)),
            lambda session: session.render(ADJUSTMENT, LAYER, bytes(LAYER.nbytes), bytes(5), into=bytearray(16000)),
            lambda session: session.render(ADJUSTMENT, LAYER, bytes(LAYER.nbytes), None, into=bytearray(5)),
            lambda session: session.render(ADJUSTMENT, LAYER, bytes(LAYER.nbytes), None, into=bytes(LAYER.nbytes)),
            lambda session: session.predict(THUMBNAIL, bytes(5)),
            lambda session: session.predict(THUMBNAIL, MASK, foreground_class="table"),
            lambda session: session.export(ADJUSTMENT, "pdf"),
        ],
    )
    def test_arguments_that_can_never_be_right_raise_at_once(
        self, folder: Path, call: Callable[[Session], Any]
    ) -> None:
        with session_for(folder) as session, pytest.raises(ValueError, match=r"bytes|written|one of"):
            call(session)

    @pytest.mark.parametrize("network", ["\udcff", "x" * (64 << 10)], ids=["no text", "longer than a header"])
    def test_a_request_that_cannot_be_written_fails_alone(self, folder: Path, network: str) -> None:
        with FakeDaemon(folder) as daemon, session_for(folder) as session:
            wrong, right = session.predict(THUMBNAIL, MASK, network=network), session.predict(THUMBNAIL, MASK)
            run(session, wrong, right)
            assert isinstance(wrong.error, BadRequest)
            assert right.result().adjustment == ADJUSTMENT
            assert daemon.kinds() == ["hello", "predict"]


class TestCancelling:
    def test_a_cancelled_job_is_over_at_once_and_the_daemon_is_told(self, folder: Path) -> None:
        with FakeDaemon(folder, predict=lambda daemon, message: None) as daemon, session_for(folder) as session:
            job = session.predict(THUMBNAIL, MASK)
            run(session, until=lambda: "predict" in daemon.kinds())
            job.cancel()
            assert isinstance(job.error, Cancelled)
            run(session, until=lambda: "cancel" in daemon.kinds())
            assert daemon.requests[-1]["target"] == job.id
            assert daemon.requests[-1]["id"] != job.id

    def test_a_job_that_was_not_sent_is_never_sent(self, folder: Path) -> None:
        with FakeDaemon(folder) as daemon, session_for(folder) as session:
            session.predict(THUMBNAIL, MASK).cancel()
            run(session, session.status())
            assert daemon.kinds() == ["hello", "status"]

    def test_late_replies_are_dropped_by_their_id(self, folder: Path) -> None:
        held: list[Message] = []

        def answer_both(daemon: FakeDaemon, message: Message) -> None:
            daemon.on_predict(held[0])
            daemon.on_hello(message)

        hold = FakeDaemon(folder, predict=lambda daemon, message: held.append(message), status=answer_both)
        with hold, session_for(folder) as session:
            job = session.predict(THUMBNAIL, MASK)
            run(session, until=lambda: held)
            job.cancel()
            run(session, session.status())
            assert isinstance(job.error, Cancelled)
            assert session.state is State.READY

    def test_late_replies_with_an_empty_frame_are_dropped(self, folder: Path) -> None:
        def answer_nobody(daemon: FakeDaemon, message: Message) -> None:
            message.reply("predicted", b"", id="f" * 32)
            daemon.on_hello(message)

        with FakeDaemon(folder, status=answer_nobody), session_for(folder) as session:
            job = session.status()
            run(session, job)
            assert job.error is None

    def test_after_cancelling_a_rendering_its_buffers_are_free(self, folder: Path) -> None:
        """The session is full of bands both ways when it is cancelled; then the caller reuses the memory."""
        layer = LayerFormat(1000, 1000, "RGBA", "u8")
        with FakeDaemon(folder, band_rows=250, window=4) as daemon, session_for(folder) as session:
            pixels, into = bytearray(random_layer(layer)), bytearray(layer.nbytes)
            job = session.render(ADJUSTMENT, layer, pixels, None, into=into)
            while not (job.progress and job.progress.stage == "rendering"):
                session.poll(0)
            session.poll(0)
            job.cancel()
            job_gone = weakref.ref(job)
            del job
            gc.collect()
            into[:] = bytes(layer.nbytes)
            pixels.clear()  # raises BufferError if anybody still holds the memory
            run(session, session.status())
            run(session, until=lambda: "cancel" in daemon.kinds())
            run(session, session.status())
            assert not any(into)
            into.clear()
            assert job_gone() is None

    def test_a_rendering_after_a_cancelled_one_is_whole(self, folder: Path) -> None:
        with FakeDaemon(folder, band_rows=4), session_for(folder) as session:
            for turn in range(8):
                first = session.render(ADJUSTMENT, LAYER, random_layer(), None, into=bytearray(LAYER.nbytes))
                for _ in range(turn):
                    session.poll(0)
                first.cancel()
                pixels, into = random_layer(), bytearray(LAYER.nbytes)
                run(session, session.render(ADJUSTMENT, LAYER, pixels, None, into=into))
                assert into == pixels.translate(INVERTED)

    def test_cancelling_what_is_done_changes_nothing(self, folder: Path) -> None:
        with FakeDaemon(folder), session_for(folder) as session:
            job = session.status()
            run(session, job)
            job.cancel()
            assert job.result().pid == os.getpid()


class TestConnections:
    def test_no_daemon_fails_the_job_with_a_hint(self, folder: Path) -> None:
        with session_for(folder) as session:
            job = session.status()
            run(session, job)
            with pytest.raises(CannotConnect, match="no daemon is running: start it with `harmonize daemon start`"):
                job.result()
            assert session.state is State.IDLE
            assert session.error is job.error

    def test_a_lost_connection_fails_what_was_sent_and_the_next_request_reconnects(self, folder: Path) -> None:
        with session_for(folder) as session:
            with FakeDaemon(folder, predict=lambda daemon, message: None) as daemon:
                jobs = [session.predict(THUMBNAIL, MASK) for _ in range(2)]
                run(session, until=lambda: daemon.kinds().count("predict") == 2)
            run(session, *jobs)
            assert {type(job.error) for job in jobs} == {ConnectionLost}
            assert isinstance(session.error, ConnectionLost)
            with FakeDaemon(folder):
                job = session.predict(THUMBNAIL, MASK)
                run(session, job)
                assert job.result().adjustment == ADJUSTMENT
                assert session.error is None

    def test_a_daemon_that_restarted_while_idle_is_no_error(self, folder: Path) -> None:
        with session_for(folder) as session:
            with FakeDaemon(folder):
                run(session, session.status())
            with FakeDaemon(folder):
                job = session.predict(THUMBNAIL, MASK)
                run(session, job)
                assert job.error is None

    def test_an_idle_connection_that_ends_is_no_error(self, folder: Path) -> None:
        with session_for(folder) as session:
            with FakeDaemon(folder):
                run(session, session.status())
            run(session, until=lambda: session.state is State.IDLE)
            assert session.error is None

    def test_a_stale_file_of_a_dead_process_is_ignored(self, folder: Path) -> None:
        child = pid_of_the_dead()
        write_connection(folder, Connection(1, "a" * 64, child, "0.1.0"))
        with session_for(folder) as session:
            job = session.status()
            run(session, job)
            assert isinstance(job.error, CannotConnect)
            assert f"process {child}) is gone" in str(job.error)

    @pytest.mark.parametrize("says", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", opening()])
    def test_a_port_that_others_have_taken_is_no_daemon(self, folder: Path, says: bytes) -> None:
        with RawPeer(lambda connection: connection.sendall(says)) as peer:
            write_connection(folder, Connection(peer.port, "a" * 64, os.getpid(), "0.1.0"))
            with session_for(folder, hello_seconds=0.2) as session:
                job = session.status()
                run(session, job)
                assert isinstance(job.error, CannotConnect)

    def test_the_file_is_read_again_when_its_token_is_refused(self, folder: Path) -> None:
        with FakeDaemon(folder) as daemon, session_for(folder) as session:
            right = (folder / "connection.json").read_bytes()
            daemon.token, token = "b" * 64, daemon.token
            job = session.status()
            run(session, job)
            assert isinstance(job.error, CannotConnect)
            assert "another token" in str(job.error)
            daemon.token = token
            assert (folder / "connection.json").read_bytes() == right
            job = session.status()
            run(session, job)
            assert job.error is None

    def test_another_protocol_version_fails_the_job(self, folder: Path) -> None:
        def refuse(daemon: FakeDaemon, message: Message) -> None:
            message.error("version_mismatch", "the client is too old", "update it")

        with FakeDaemon(folder, hello=refuse), session_for(folder) as session:
            job = session.status()
            run(session, job)
            assert isinstance(job.error, VersionMismatch)
            assert session.state is State.IDLE

    def test_a_daemon_that_falls_silent_is_given_up(self, folder: Path) -> None:
        with (
            FakeDaemon(folder, predict=lambda daemon, message: None),
            session_for(folder, silence_seconds=0.2) as session,
        ):
            job = session.predict(THUMBNAIL, MASK)
            run(session, job)
            assert isinstance(job.error, ConnectionLost)
            assert "does not answer" in str(job.error)

    def test_until_then_it_is_known_how_long_it_has_said_nothing(self, folder: Path, clock: Clock) -> None:
        asked = threading.Event()
        with FakeDaemon(folder, predict=lambda daemon, message: asked.set()), session_for(folder) as session:
            run(session, session.status())
            assert session.silence == 0.0
            session.predict(THUMBNAIL, MASK)
            run(session, until=asked.is_set)
            clock.now += 0.5
            session.poll()
            assert session.silence == 0.5
            run(session, session.status())
            assert session.silence == 0.0

    def test_an_event_loop_that_is_busy_while_connecting_loses_nothing(self, folder: Path, clock: Clock) -> None:
        with FakeDaemon(folder), session_for(folder, hello_seconds=0.05) as session:
            job = session.status()
            while not job.done:
                wait_for_the_socket(session)
                clock.now += 0.1
                session.poll(0)
            assert job.error is None

    def test_waiting_without_polling_is_no_silence(self, folder: Path, clock: Clock) -> None:
        with FakeDaemon(folder), session_for(folder, silence_seconds=0.1) as session:
            run(session, session.status())
            clock.now += 0.2
            session.poll()
            assert session.state is State.READY
            job = session.predict(THUMBNAIL, MASK)
            run(session, job)
            assert job.error is None

    def test_a_computer_that_slept_gives_the_daemon_its_time_again(self, folder: Path, clock: Clock) -> None:
        held: list[Message] = []

        def answer_both(daemon: FakeDaemon, message: Message) -> None:
            daemon.on_predict(held[0])
            daemon.on_hello(message)

        hold = FakeDaemon(folder, predict=lambda daemon, message: held.append(message), status=answer_both)
        with hold, session_for(folder, silence_seconds=30) as session:
            job = session.predict(THUMBNAIL, MASK)
            run(session, until=lambda: held)
            clock.now += 3600
            session.poll()
            run(session, job, session.status())
            assert job.result().adjustment == ADJUSTMENT

    def test_a_hello_that_is_answered_by_nonsense_is_no_daemon(self, folder: Path) -> None:
        with (
            FakeDaemon(folder, hello=lambda daemon, message: message.reply("status")),
            session_for(folder) as session,
        ):
            job = session.status()
            run(session, job)
            assert isinstance(job.error, CannotConnect)

    @pytest.mark.parametrize(
        "reply",
        [
            pytest.param(lambda message: message.reply("done", milliseconds=1, notes=[]), id="done too early"),
            pytest.param(lambda message: message.reply("accepted", rows=0, window=1), id="no rows"),
            pytest.param(lambda message: message.reply("accepted", rows=10**9, window=1), id="too many rows"),
            pytest.param(lambda message: message.reply("band", bytes(10), row=0), id="band before it was sent"),
            pytest.param(lambda message: message.reply("surprise"), id="unknown kind"),
            pytest.param(lambda message: message.reply("predicted", b"{}"), id="reply to something else"),
            pytest.param(lambda message: message.reply("progress", stage=1, fraction=None), id="field of another type"),
            pytest.param(lambda message: message.reply("error"), id="error without a code"),
        ],
    )
    def test_replies_that_break_the_protocol_end_the_connection(
        self, folder: Path, reply: Callable[[Message], object]
    ) -> None:
        with FakeDaemon(folder, render=lambda daemon, message: reply(message)), session_for(folder) as session:
            job = session.render(ADJUSTMENT, LAYER, random_layer(), None, into=bytearray(LAYER.nbytes))
            run(session, job)
            assert isinstance(job.error, ConnectionLost)
            run(session, session.status())

    @pytest.mark.parametrize(
        "reply",
        [
            pytest.param(lambda message: message.reply("band", bytes(5), row=message["row"]), id="too short"),
            pytest.param(lambda message: message.reply("band", bytes(2560), row=16), id="another row"),
            pytest.param(lambda message: message.reply("band", row=message["row"]), id="without pixels"),
            pytest.param(lambda message: message.reply("band", bytes(2560), b"", row=message["row"]), id="two frames"),
        ],
    )
    def test_bands_that_were_not_due_end_the_connection(self, folder: Path, reply: Callable[[Message], object]) -> None:
        with FakeDaemon(folder, band=lambda daemon, message: reply(message), window=1), session_for(folder) as session:
            job = session.render(ADJUSTMENT, LAYER, random_layer(), None, into=bytearray(LAYER.nbytes))
            run(session, job)
            assert isinstance(job.error, ConnectionLost)

    def test_closing_fails_what_is_under_way(self, folder: Path) -> None:
        with FakeDaemon(folder, predict=lambda daemon, message: None), session_for(folder) as session:
            sent, called = session.predict(THUMBNAIL, MASK), []
            session.poll()
            unsent = session.status()
            unsent.when_done(called.append)
            session.close()
            assert {type(sent.error), type(unsent.error)} == {ConnectionLost}
            assert called == [unsent]
            assert session.state is State.CLOSED
            assert session.fileno() == -1
            session.poll()
            with pytest.raises(RuntimeError):
                session.status()

    def test_nothing_stays_open_after_many_connections(self, folder: Path) -> None:
        def descriptors() -> int:
            gc.collect()
            return len(os.listdir("/proc/self/fd"))

        with FakeDaemon(folder):
            with session_for(folder) as session:
                before = descriptors()
                run(session, session.status())
            for _ in range(10):
                with session_for(folder) as session:
                    run(session, session.status())
            # The daemon's ends of the connections are here, too, and its own thread closes them.
            end = time.monotonic() + PATIENCE_SECONDS
            while descriptors() > before + 1:
                assert time.monotonic() < end
                time.sleep(0.01)


class TestEventLoops:
    def test_poll_returns_at_once_when_nothing_happens(self, folder: Path) -> None:
        with FakeDaemon(folder, predict=lambda daemon, message: None), session_for(folder) as session:
            session.predict(THUMBNAIL, MASK)
            run(session, until=lambda: session.state is State.READY)

            def seconds() -> float:
                start = time.monotonic()
                for _ in range(100):
                    session.poll()
                return time.monotonic() - start

            assert any(seconds() < 0.5 for _ in range(10))

    def test_poll_keeps_to_its_time_while_there_is_much_to_do(self, folder: Path) -> None:
        """Counted in steps rather than by the clock: a poll of zero seconds makes one."""
        layer = LayerFormat(1000, 2000, "RGBA", "u8")
        with FakeDaemon(folder, band_rows=250), session_for(folder) as session:
            job = session.render(ADJUSTMENT, layer, bytes(layer.nbytes), None, into=bytearray(layer.nbytes))
            polls = 0
            while not job.done:
                session.poll(0)
                polls += 1
            assert polls > 20

    def test_its_descriptor_tells_when_to_poll(self, folder: Path) -> None:
        """As with QSocketNotifier: poll only when the socket is readable, or writable while that is wanted."""
        with FakeDaemon(folder, band_rows=5), session_for(folder) as session:
            session.start()
            while session.fileno() < 0:
                session.poll()
            pixels, into = random_layer(), bytearray(LAYER.nbytes)
            job = session.render(ADJUSTMENT, LAYER, pixels, None, into=into)
            while not job.done:
                wait_for_the_socket(session)
                session.poll()
            assert into == pixels.translate(INVERTED)

    def test_a_peer_that_accepts_and_says_nothing_does_not_block(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            write_connection(folder, Connection(server.getsockname()[1], "a" * 64, os.getpid(), "0.1.0"))
            with session_for(folder) as session:
                session.start()
                for _ in range(50):
                    session.poll()
                    time.sleep(0.001)
                assert session.state is State.CONNECTING


def test_96_megabytes_survive_the_way_there_and_back(folder: Path) -> None:
    layer = LayerFormat(6000, 4000, "RGBA", "u8")
    block = secrets.token_bytes(1 << 20)
    pixels = (block * (layer.nbytes // len(block) + 1))[: layer.nbytes]

    def echo(daemon: FakeDaemon, message: Message) -> None:
        message.reply("band", message.payload[0], row=message["row"])
        if message["row"] + daemon.band_rows >= layer.height:
            message.reply("done", milliseconds=1, notes=[])

    with FakeDaemon(folder, band_rows=43, window=8, band=echo), session_for(folder) as session:
        into = bytearray(layer.nbytes)
        job = session.render(ADJUSTMENT, layer, pixels, bytes(layer.width * layer.height), into=into)
        run(session, job)
        assert into == pixels


def test_sessions_in_several_threads_do_not_disturb_each_other(folder: Path) -> None:
    wrong: list[int] = []

    def work(number: int) -> None:
        with session_for(folder) as session:
            for _ in range(3):
                pixels, into = random_layer(), bytearray(LAYER.nbytes)
                run(session, session.render(ADJUSTMENT, LAYER, pixels, None, into=into))
                if into != pixels.translate(INVERTED):
                    wrong.append(number)

    with FakeDaemon(folder, band_rows=9):
        threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []
