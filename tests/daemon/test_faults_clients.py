"""FAULTS 21 to 26: clients that vanish, that do not read, that change their mind."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time

import msgpack
import pytest

from tests.daemon.conftest import Start
from tests.daemon.fake_engine import INVERTED, SLOW_SECONDS
from tests.daemon.rig import (
    PATIENCE_SECONDS,
    Daemon,
    RawClient,
    adjustment,
    children,
    descriptors,
    environment,
    forget_peak,
    greeted,
    memory_mb,
    until,
    zmtp_message,
)

SIDE = 1024
ROWS = 256
"""Rows of a band of that width."""
BAND = bytes(SIDE * ROWS * 4)

SENDER = """
import sys
sys.path[:0] = sys.path and [sys.argv[3]]
from tests.daemon.rig import RawClient
client = RawClient(sys.argv[1], sys.argv[2])
id = client.render(1024, 256 * 100)
client.expect("accepted", id)
for band in range(100):
    client.send("band", bytes(1 << 20), id=id, row=256 * band)
    print(band, flush=True)
    client.expect("band", id)
"""


def front_and_worker_mb(daemon: Daemon) -> float:
    return memory_mb(daemon.process.pid) + memory_mb(daemon.worker)


def no_jobs(client: RawClient) -> bool:
    return client.status()["jobs"] == {"running": 0, "queued": 0}


def host_program(daemon: Daemon) -> subprocess.Popen[str]:
    """Another process that streams 100 MB."""
    connection = daemon.connection()
    command = [sys.executable, "-c", SENDER, connection["endpoint"], connection["token"], "."]
    return subprocess.Popen(command, env=environment(daemon.home), stdout=subprocess.PIPE, text=True)


def test_fault_21_clients_killed_while_they_send_leave_no_memory_behind(
    shared_daemon: Daemon, client: RawClient
) -> None:
    # One layer first, so that buffers that stay for good are there.
    pixels = os.urandom(8 << 20)
    assert client.bands(client.render(1024, 2048), 1024, 2048, pixels) == pixels.translate(INVERTED)
    before, open_before = front_and_worker_mb(shared_daemon), descriptors(shared_daemon.process.pid)
    delays = []
    for _ in range(5):
        with host_program(shared_daemon) as program:
            assert program.stdout is not None
            assert "5\n" in iter(program.stdout.readline, "")
            program.kill()
        begun = time.monotonic()
        until(lambda: no_jobs(client))
        delays.append(time.monotonic() - begun)
    assert min(delays) < 3  # this is fault 26 as well
    until(lambda: front_and_worker_mb(shared_daemon) < before + 12)
    until(lambda: descriptors(shared_daemon.process.pid) <= open_before + 1)


def test_fault_21_neither_process_ever_holds_a_layer(shared_daemon: Daemon, client: RawClient) -> None:
    """24 megapixels: 96 MB there and back."""
    pixels, mask = bytes(range(256)) * (6000 * 4000 * 4 // 256), b"\xff" * (6000 * 4000)
    processes = (shared_daemon.process.pid, shared_daemon.worker)
    before = [memory_mb(pid) for pid in processes]
    for pid in processes:
        forget_peak(pid)
    id = client.render(6000, 4000, masked=True)
    assert client.bands(id, 6000, 4000, pixels, mask) == pixels.translate(INVERTED)
    for pid, memory in zip(processes, before, strict=True):
        assert memory_mb(pid, peak=True) < memory + 50


def test_fault_22_a_client_that_is_gone_before_its_reply_is_no_trouble(
    shared_daemon: Daemon, client: RawClient
) -> None:
    log_before = len(shared_daemon.log())
    with shared_daemon.raw() as other:
        for _ in range(4):
            other.predict(network="slow")
        other.status()
    until(lambda: no_jobs(client))
    assert len(shared_daemon.log()) - log_before < 500


def test_fault_23_ten_clients_that_send_24_mb_each_and_vanish_take_bounded_memory(
    shared_daemon: Daemon, client: RawClient
) -> None:
    before = front_and_worker_mb(shared_daemon)
    others = [shared_daemon.raw() for _ in range(10)]
    busy = client.render(SIDE, ROWS * 6, does="slow")
    client.expect("accepted", busy)
    for band in range(6):
        client.send("band", BAND, id=busy, row=band * ROWS)
    highest = 0.0
    for other in others:
        id = other.render(SIDE, ROWS * 24, does="slow")
        for band in range(24):  # without waiting for `accepted`, and far beyond the window
            other.send("band", BAND, id=id, row=band * ROWS)
        highest = max(highest, front_and_worker_mb(shared_daemon))
    for other in others:
        other.close()
    for _ in range(10):
        highest = max(highest, front_and_worker_mb(shared_daemon))
        time.sleep(0.02)
    assert highest < before + 120
    for band in range(6):
        assert client.expect("band", busy)[0]["row"] == band * ROWS
    client.expect("done", busy)
    until(lambda: no_jobs(client))


def test_fault_24_a_reader_that_stops_is_dropped_and_nobody_else_notices(start: Start) -> None:
    daemon = start(band_timeout_seconds=3).ready()
    endpoint, token = daemon.connection()["endpoint"], daemon.connection()["token"]
    with RawClient(endpoint, token, RCVHWM=1, RCVBUF=4096) as deaf, daemon.raw() as client:
        before = memory_mb(daemon.process.pid)
        id = deaf.render(SIDE, ROWS * 100)
        deaf.expect("accepted", id)
        for band in range(6):
            deaf.send("band", BAND, id=id, row=band * ROWS)
        pixels = os.urandom(4 << 20)
        assert client.bands(client.render(SIDE, 1024), SIDE, 1024, pixels) == pixels.translate(INVERTED)
        until(lambda: no_jobs(client))
        assert memory_mb(daemon.process.pid) < before + 30


def test_fault_24_a_client_that_asks_and_never_reads_is_disconnected(shared_daemon: Daemon, client: RawClient) -> None:
    before = memory_mb(shared_daemon.process.pid)

    def ask_on(deaf: socket.socket) -> None:
        for _ in range(100_000):
            deaf.sendall(zmtp_message(msgpack.packb(client.header("status"))))

    with greeted(shared_daemon) as deaf, pytest.raises(ConnectionError):
        ask_on(deaf)
    assert memory_mb(shared_daemon.process.pid) < before + 30
    assert client.status()["state"] == "ready"


def test_fault_24_a_client_that_asks_much_before_it_reads_is_answered(shared_daemon: Daemon) -> None:
    for _ in range(20):  # how far libzmq's threads are apart is a matter of luck
        with shared_daemon.raw() as eager:
            asked = [eager.send("status") for _ in range(300)]
            for id in asked:
                eager.expect("status", id)


def test_fault_24_a_client_that_reads_nothing_for_a_while_loses_nothing(start: Start) -> None:
    """As a program does whose user interface hangs for some seconds, and then reads what has come meanwhile."""
    daemon = start().ready()
    endpoint, token = daemon.connection()["endpoint"], daemon.connection()["token"]
    with RawClient(endpoint, token, RCVHWM=1, RCVBUF=4096) as busy, daemon.raw() as other:
        renders = [busy.render(SIDE, ROWS * 6) for _ in range(2)]
        for id in renders:
            busy.expect("accepted", id)
        for band in range(6):
            for id in renders:
                busy.send("band", BAND, id=id, row=band * ROWS)
        until(lambda: no_jobs(other))
        os.kill(daemon.worker, signal.SIGSTOP)
        predictions = [busy.predict() for _ in range(8)]
        time.sleep(2)  # 80 times progress, far more than is kept for anybody
        os.kill(daemon.worker, signal.SIGCONT)
        until(lambda: no_jobs(other))
        replies = [busy.receive()[0] for _ in range(12 + 2 + 8)]
        assert {reply["id"] for reply in replies if reply["kind"] in ("done", "predicted")} == {*renders, *predictions}


def test_fault_24_a_client_that_renders_and_never_reads_is_disconnected(
    shared_daemon: Daemon, client: RawClient
) -> None:
    before = highest = memory_mb(shared_daemon.process.pid)
    layer = {"width": SIDE, "height": ROWS * 6, "layout": "RGBA", "depth": "u8"}

    def send_on(deaf: socket.socket) -> None:
        nonlocal highest
        end = time.monotonic() + 2 * PATIENCE_SECONDS
        while time.monotonic() < end:
            render = client.header("render", layer=layer, masked=False)
            deaf.sendall(zmtp_message(msgpack.packb(render), adjustment()))
            time.sleep(0.1)  # bands that come before they are awaited end their render, and the next one is begun
            for band in range(6):
                header = {**client.header("band", row=band * ROWS), "id": render["id"]}
                deaf.sendall(zmtp_message(msgpack.packb(header), BAND))
            highest = max(highest, memory_mb(shared_daemon.process.pid))

    with greeted(shared_daemon) as deaf, pytest.raises(ConnectionError):
        send_on(deaf)
    assert highest < before + 60
    until(lambda: no_jobs(client))


def test_fault_25_cancel_stops_a_render_within_a_band(client: RawClient) -> None:
    delays = []
    for _ in range(5):
        id = client.render(SIDE, ROWS * 20, does="slow")
        client.expect("accepted", id)
        for band in range(6):
            client.send("band", BAND, id=id, row=band * ROWS)
        client.expect("band", id)
        begun = time.monotonic()
        cancel = client.send("cancel", target=id)
        header, _ = client.receive()
        while header["kind"] == "band":  # rendered before the daemon has read that it need not be
            header, _ = client.receive()
        assert (header["kind"], header["id"], header["code"]) == ("error", id, "cancelled")
        client.expect("cancelled", cancel)
        # Bands that were on their way, and replies that come late, meet nobody.
        client.send("band", BAND, id=id, row=6 * ROWS)
        assert client.status()["jobs"] == {"running": 0, "queued": 0}
        pixels = os.urandom(256)
        assert client.bands(client.render(8, 8), 8, 8, pixels) == pixels.translate(INVERTED)
        delays.append(time.monotonic() - begun)
    assert min(delays) < 3 * SLOW_SECONDS  # on one thread, the bands that were left would take five times as long


def test_fault_25_cancelling_gives_all_slots_back(shared_daemon: Daemon, client: RawClient) -> None:
    for _ in range(12):
        id = client.render(SIDE, ROWS * 20, does="slow")
        client.expect("accepted", id)
        with shared_daemon.paused_worker():
            client.send("band", BAND, id=id, row=0)
            client.send("cancel", target=id)
            assert {client.receive()[0]["kind"] for _ in range(2)} == {"error", "cancelled"}


def test_cancelling_what_is_unknown_or_finished_is_no_error(client: RawClient) -> None:
    assert client.ask("cancel", target="0" * 32)["kind"] == "cancelled"
    id = client.predict()
    client.expect("predicted", id)
    assert client.ask("cancel", target=id)["kind"] == "cancelled"


def test_a_waiting_prediction_can_be_cancelled(shared_daemon: Daemon, client: RawClient) -> None:
    with shared_daemon.paused_worker():
        first, second = client.predict(), client.predict()
        client.send("cancel", target=second)
        assert client.error(second) == "cancelled"
        client.expect("cancelled")
    client.expect("predicted", first)


def test_a_newer_live_prediction_supersedes_the_older_ones(shared_daemon: Daemon, client: RawClient) -> None:
    before = client.expect("predicted", client.predict())[0]["milliseconds"]  # the fake engine counts them
    with shared_daemon.paused_worker():
        ids = [client.predict(live=True) for _ in range(5)]
        for id in ids[:-1]:
            assert client.error(id) == "superseded"
    made = client.expect("predicted", ids[-1])[0]["milliseconds"] - before
    assert made == 2  # the first, which the worker had already, and the last


def test_a_live_prediction_does_not_supersede_what_is_not_live_or_anothers(
    shared_daemon: Daemon, client: RawClient
) -> None:
    with shared_daemon.raw() as other:
        ids = [client.predict(network="slow"), client.predict(network="slow", live=True)]
        foreign = other.predict(network="slow", live=True)
        client.expect("predicted", ids[0])
        client.expect("predicted", ids[1])
        other.expect("predicted", foreign)


def test_a_newer_live_render_supersedes_the_older_one(client: RawClient) -> None:
    older = client.render(SIDE, ROWS * 20, live=True)
    client.expect("accepted", older)
    client.send("band", BAND, id=older, row=0)
    newer = client.render(8, 8, live=True)
    header = client.receive()[0]
    if header["kind"] == "band":
        header = client.receive()[0]
    assert (header["id"], header["code"]) == (older, "superseded")
    pixels = os.urandom(256)
    assert client.bands(newer, 8, 8, pixels) == pixels.translate(INVERTED)


def test_a_band_that_is_late_ends_the_job(start: Start) -> None:
    daemon = start(band_timeout_seconds=2).ready()
    with daemon.raw() as client:
        id = client.render(8, 8)
        client.expect("accepted", id)
        assert client.error(id) == "timeout"
        pixels = os.urandom(256)
        assert client.bands(client.render(8, 8), 8, 8, pixels) == pixels.translate(INVERTED)


def test_progress_comes_at_least_every_quarter_of_a_second(client: RawClient) -> None:
    def longest_pause() -> float:
        last = {client.predict(network="slow"): time.monotonic() for _ in range(5)}
        longest = 0.0
        while last:
            header = msgpack.unpackb(client.socket.recv_multipart()[0])
            now = time.monotonic()
            longest = max(longest, now - last[header["id"]])
            last[header["id"]] = now
            if header["kind"] == "predicted":
                del last[header["id"]]
            else:
                assert header["stage"] in ("queued", "predicting")
        return longest

    assert any(longest_pause() < 0.5 for _ in range(5))  # 0.25 and the delays of a busy machine


def test_fault_26_the_daemon_exits_after_its_idle_time_without_a_zombie(start: Start) -> None:
    daemon = start(idle_exit_seconds=3).ready()
    worker = daemon.worker
    begun = time.monotonic()
    with host_program(daemon) as program:
        assert program.stdout is not None
        with daemon.raw() as client:  # a busy machine may take longer to start the program than a daemon stays idle
            until(lambda: client.status() and select.select([program.stdout], [], [], 0)[0], 30)
        program.send_signal(signal.SIGKILL)
    assert daemon.output() == ""
    assert daemon.process.returncode == 0
    assert time.monotonic() - begun > 3
    assert not children(daemon.process.pid)
    until(lambda: not os.path.exists(f"/proc/{worker}"))
    assert not (daemon.home / "connection.json").exists()


def test_status_keeps_a_daemon_from_being_idle(start: Start) -> None:
    daemon = start(idle_exit_seconds=3).ready()
    with daemon.raw() as client:
        for _ in range(8):
            time.sleep(0.5)
            client.status()
    assert daemon.process.poll() is None


@pytest.mark.parametrize("window", [1, 3])
def test_renders_of_several_clients_run_side_by_side(start: Start, window: int) -> None:
    daemon = start(limits={"window": window, "renders": 2}).ready()
    clients = [daemon.raw() for _ in range(3)]
    ids = []
    for client in clients:
        ids.append(client.render(8, 8))
        if client is not clients[2]:
            assert client.expect("accepted", ids[-1])[0]["window"] == window
    assert clients[2].status()["jobs"] == {"running": 2, "queued": 1}
    for client, id in zip(clients[:2], ids[:2], strict=True):
        client.send("band", bytes(256), id=id, row=0)
        client.expect("band", id)
        client.expect("done", id)
    clients[2].expect("accepted", ids[2])
    for client in clients:
        client.close()
