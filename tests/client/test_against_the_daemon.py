"""The real client and the real daemon: its front and worker processes, with an engine that needs no network."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harmonize_client import (
    BadRequest,
    CannotConnect,
    Client,
    ConnectionLost,
    LayerFormat,
    Session,
    ShuttingDown,
    State,
    Superseded,
    Thumbnail,
    UnknownNetwork,
    WorkerDied,
    connect,
)
from harmonize_client.paths import CONNECTION_FILE
from harmonize_client.paths import home as shared_folder

pytest.importorskip("msgspec", reason="the daemon is not installed for this Python")

from tests.client.test_session import run
from tests.daemon.rig import _RUN, FAKE_ENGINE, PATIENCE_SECONDS, Daemon, environment

ADJUSTMENT = '{"does": "invert"}'
SLOW = '{"does": "slow"}'
LAYER = LayerFormat(1000, 1000, "RGBA", "u8")
THUMBNAIL = Thumbnail(4, 4, bytes(48))
MASK = bytes(16)
INVERTED = bytes(range(256))[::-1]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("daemon")
    folder.chmod(0o700)
    return folder


@pytest.fixture(scope="module")
def daemon(home: Path) -> Iterator[Daemon]:
    """One daemon for all tests that leave it as it was."""
    daemon = Daemon(home).ready()
    yield daemon
    daemon.stop()


@pytest.fixture
def client(daemon: Daemon) -> Iterator[Client]:
    with connect("test/1", start=False, folder=daemon.home) as client:
        yield client


@pytest.fixture
def session(daemon: Daemon) -> Iterator[Session]:
    with Session("test/1", start=False, folder=daemon.home) as session:
        yield session


def test_its_status_is_understood(client: Client, daemon: Daemon) -> None:
    status = client.status()
    assert status.pid == daemon.process.pid
    assert [network.key for network in status.networks] == ["invert"]
    assert status.limits.frame_bytes == 4 << 20


def test_a_prediction_an_export_and_a_rendering(client: Client) -> None:
    prediction = client.predict(THUMBNAIL, MASK, reference=Thumbnail(2, 2, bytes(12)), foreground_class="food")
    assert prediction.network == "invert"
    assert client.export(prediction.adjustment, "cube") == ("cube 1", True)
    pixels, into = secrets.token_bytes(LAYER.nbytes), bytearray(LAYER.nbytes)
    half = LAYER.nbytes // 2
    client.render(prediction.adjustment, LAYER, pixels, bytes(500_000) + b"\xff" * 500_000, into=into)
    assert into[:half] == pixels[:half]
    assert into[half:] == pixels[half:].translate(INVERTED)


@pytest.mark.parametrize(
    "layer",
    [LayerFormat(1, 1, "Y", "u8"), LayerFormat(1, 500, "YA", "f16"), LayerFormat(6000, 1, "BGRA", "f32")],
)
def test_layers_of_odd_sizes(client: Client, layer: LayerFormat) -> None:
    memory = bytearray(secrets.token_bytes(layer.nbytes))
    before = bytes(memory)
    client.render(ADJUSTMENT, layer, memory, None, into=memory)
    assert memory == before.translate(INVERTED)


def test_errors_have_their_classes(client: Client) -> None:
    with pytest.raises(UnknownNetwork, match="no network nonsense"):
        client.predict(THUMBNAIL, MASK, network="nonsense")
    with pytest.raises(BadRequest, match="not valid"):
        client.render("nonsense", LAYER, bytes(LAYER.nbytes), None, into=bytearray(LAYER.nbytes))
    client.status()


def test_a_newer_live_request_supersedes_the_older_one(session: Session) -> None:
    jobs = [session.predict(THUMBNAIL, MASK, network="slow", live=True) for _ in range(5)]
    run(session, *jobs)
    assert jobs[-1].error is None
    assert any(isinstance(job.error, Superseded) for job in jobs[:-1])


def test_a_cancelled_rendering_leaves_the_way_free(session: Session) -> None:
    for _ in range(3):
        cancelled = session.render(ADJUSTMENT, LAYER, bytes(LAYER.nbytes), None, into=bytearray(LAYER.nbytes))
        run(session, until=lambda job=cancelled: job.progress and job.progress.stage == "rendering")
        cancelled.cancel()
        pixels, into = secrets.token_bytes(LAYER.nbytes), bytearray(LAYER.nbytes)
        run(session, session.render(ADJUSTMENT, LAYER, pixels, None, into=into))
        assert into == pixels.translate(INVERTED)
    status = session.status()
    run(session, status)
    assert (status.result().jobs.running, status.result().jobs.queued) == (0, 0)


def test_two_renderings_at_a_time(session: Session) -> None:
    layers = [secrets.token_bytes(LAYER.nbytes) for _ in range(2)]
    targets = [bytearray(LAYER.nbytes) for _ in layers]
    jobs = [
        session.render(ADJUSTMENT, LAYER, layer, None, into=into) for layer, into in zip(layers, targets, strict=True)
    ]
    run(session, *jobs)
    assert targets == [layer.translate(INVERTED) for layer in layers]


def test_a_worker_that_dies_twice_fails_the_request_and_not_the_next(client: Client) -> None:
    with pytest.raises(WorkerDied):
        client.predict(THUMBNAIL, MASK, network="crash")
    assert client.predict(THUMBNAIL, MASK).network == "invert"


class TestWhenItEnds:
    @pytest.fixture
    def mortal(self, tmp_path: Path) -> Iterator[Daemon]:
        """A daemon for one test, to be ended by it."""
        tmp_path.chmod(0o700)
        daemon = Daemon(tmp_path).ready()
        yield daemon
        daemon.stop()

    def test_a_killed_daemon_fails_the_jobs_within_a_moment(self, mortal: Daemon) -> None:
        with Session("test/1", start=False, folder=mortal.home) as session:
            job = session.render(SLOW, LAYER, bytes(LAYER.nbytes), None, into=bytearray(LAYER.nbytes))
            run(session, until=lambda: job.progress and job.progress.stage == "rendering")
            with mortal.paused_worker():
                mortal.process.kill()
                run(session, job)
            assert isinstance(job.error, ConnectionLost)
            job = session.status()
            run(session, job)
            assert isinstance(job.error, CannotConnect)

    def test_a_shut_down_daemon_ends_the_jobs_of_others(self, mortal: Daemon) -> None:
        with Session("test/1", start=False, folder=mortal.home) as session:
            job = session.render(SLOW, LAYER, bytes(LAYER.nbytes), None, into=bytearray(LAYER.nbytes))
            run(session, until=lambda: job.progress and job.progress.stage == "rendering")
            with mortal.paused_worker(), connect("test/2", start=False, folder=mortal.home) as other:
                other.shutdown()
                run(session, job)
            assert isinstance(job.error, ShuttingDown)
            run(session, until=lambda: session.state is State.IDLE)

    def test_a_stopped_daemon_is_no_daemon(self, mortal: Daemon) -> None:
        mortal.process.send_signal(signal.SIGSTOP)
        with Session("test/1", start=False, folder=mortal.home, hello_seconds=0.3) as session:
            job = session.status()
            run(session, job)
            assert isinstance(job.error, CannotConnect)
            assert "does not answer" in str(job.error)

    def test_the_next_request_finds_the_daemon_that_came_after(self, mortal: Daemon) -> None:
        with connect("test/1", start=False, folder=mortal.home) as client:
            mortal.stop()
            after = Daemon(mortal.home).ready()
            try:
                assert client.status().pid == after.process.pid
                assert client.predict(THUMBNAIL, MASK).network == "invert"
            finally:
                after.stop()


class TestStarting:
    @pytest.fixture
    def command(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
        """What starts a daemon with the engine for tests; ended afterwards."""
        tmp_path.chmod(0o700)
        for name, value in environment(tmp_path).items():
            monkeypatch.setenv(name, value)
        settings = f'{{"engine": "{FAKE_ENGINE}", "idle_exit_seconds": 60}}'
        yield [sys.executable, "-c", _RUN.replace("sys.argv[1]", repr(settings))]
        with Session("test/1", start=False) as session:
            run(session, session.shutdown())
        end = time.monotonic() + PATIENCE_SECONDS
        while (shared_folder() / CONNECTION_FILE).exists():
            assert time.monotonic() < end
            time.sleep(0.02)

    def test_clients_that_start_at_the_same_time_share_one_daemon(self, command: list[str]) -> None:
        pids: list[int] = []

        def work() -> None:
            with connect("test/1", command=command) as client:
                pids.append(client.status().pid)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(pids) == 4
        assert len(set(pids)) == 1
        assert os.getpid() not in pids

    def test_a_daemon_that_is_just_ending_is_followed_by_another(self, command: list[str]) -> None:
        """It holds its lock for a moment longer than its connection file, or the other way round."""
        pids = set()
        for _ in range(2):
            with connect("test/1", command=command) as client:
                pids.add(client.status().pid)
                client.shutdown()
        with connect("test/1", command=command) as client:
            pids.add(client.status().pid)
        assert len(pids) == 3
