"""FAULTS 27 to 29: the worker dies, its device runs out of memory or is lost; and what the front says meanwhile."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from statistics import median

import pytest

from tests.daemon.conftest import Start
from tests.daemon.fake_engine import BIG, INVERTED, SPOILED
from tests.daemon.rig import PATIENCE_SECONDS, Daemon, RawClient, alive, children, descriptors, greeted, until


def is_ready(client: RawClient) -> bool:
    return bool(client.status()["state"] == "ready")


def test_fault_27_a_killed_worker_ends_its_jobs_and_is_started_again(start: Start) -> None:
    daemon = start(restart_seconds=2).ready()
    with daemon.raw() as client:
        first = daemon.worker
        render = client.render(1024, 2560)
        client.expect("accepted", render)
        with daemon.paused_worker():
            predict, waiting = client.predict(), client.predict()
            client.send("band", bytes(1 << 20), id=render, row=0)
            client.status()  # now the daemon has taken them in
            os.kill(first, signal.SIGKILL)
            assert {client.error(id) for id in (render, predict)} == {"worker_died"}
        assert client.status()["state"] == "restarting"
        client.expect("predicted", waiting)  # what only waited is not lost
        assert daemon.worker != first
        assert not alive(first)
        until(lambda: all(alive(pid) for pid in children(daemon.process.pid)))
        pixels = os.urandom(256)
        assert client.bands(client.render(8, 8), 8, 8, pixels) == pixels.translate(INVERTED)


def test_fault_27_a_worker_that_crashes_says_what_it_did(start: Start) -> None:
    daemon = start().ready()
    os.kill(daemon.worker, signal.SIGSEGV)
    crashes = daemon.home / "log" / "crashes.log"
    until(lambda: crashes.exists() and "Current thread" in crashes.read_text())


def test_fault_27_a_worker_that_dies_over_a_job_says_so(start: Start) -> None:
    daemon = start().ready()
    with daemon.raw() as client:
        id = client.predict(network="crash")
        assert client.error(id) == "worker_died"
        until(lambda: is_ready(client))
        before = descriptors(daemon.process.pid)
        render = client.render(8, 8, does="crash")
        client.expect("accepted", render)
        client.send("band", bytes(256), id=render, row=0)
        assert client.error(render) == "worker_died"
        until(lambda: is_ready(client))
        assert descriptors(daemon.process.pid) <= before + 1


def test_fault_27_a_worker_that_always_dies_is_started_again_five_times(start: Start) -> None:
    daemon = start(engine="tests.daemon.fake_engine:DiesAtOnce", restart_seconds=0.01)
    with daemon.raw() as client:
        id = client.predict()
        assert client.error(id, seconds=60) == "worker_failed"
        status = client.status()
        assert status["state"] == "failed"
        assert "5 times" in status["detail"]
        assert client.error(client.predict()) == "worker_failed"
        assert client.error(client.render()) == "worker_failed"
    assert daemon.log().count("started") == 6
    until(lambda: all(alive(pid) for pid in children(daemon.process.pid)))


def test_fault_27_a_worker_whose_front_is_killed_ends_too(start: Start) -> None:
    daemon = start().ready()
    family = children(daemon.process.pid)
    assert len(family) >= 1
    daemon.process.kill()
    until(lambda: not any(alive(pid) for pid in family))


def test_fault_27_a_hung_worker_is_noticed(start: Start) -> None:
    daemon = start(silence_seconds=3.0).ready()
    with daemon.raw() as client, daemon.paused_worker() as first:
        id = client.predict()
        assert client.error(id) == "worker_died"
        until(lambda: is_ready(client))
        assert not alive(first)


def test_fault_27_a_network_that_hangs_does_not_keep_the_next_prediction_waiting_for_ever(start: Start) -> None:
    """As in a graphics driver: the worker's other threads are alive, and say so."""
    daemon = start(inference_seconds=2.0).ready()
    with daemon.raw() as client:
        hung, waiting = client.predict(network="hang"), client.predict()
        assert client.error(hung) == "worker_died"
        client.expect("predicted", waiting)
    log = (daemon.home / "log" / "worker.log").read_text()
    assert log.count("the networks have been at one task for 3 s") == 1


def test_fault_29_a_graphics_card_that_hangs_again_is_left_alone(start: Start) -> None:
    """Or else nothing would ever be predicted, and each try would take minutes."""
    daemon = start(inference_seconds=1.0, restart_seconds=0.01, device="cuda:0").ready()
    with daemon.raw() as client:
        for _ in range(2):  # what goes well in between counts from the beginning
            assert client.error(client.predict(network="hang")) == "worker_died"
            assert client.expect("predicted", client.predict())[0]["device"] == "cuda:0"
        for _ in range(2):
            assert client.error(client.predict(network="hang")) == "worker_died"
        assert client.expect("predicted", client.predict())[0]["device"] == "cpu"
        status = client.status()
        assert status["state"] == "ready"
        assert status["device"] == "cpu"
        assert "The graphics card has hung" in status["detail"]


def test_a_worker_that_is_idle_does_not_hang(start: Start) -> None:
    daemon = start(inference_seconds=1.0).ready()
    worker = daemon.worker
    with daemon.raw() as client:
        client.expect("predicted", client.predict())
        time.sleep(3.5)  # more than three beats
        client.expect("predicted", client.predict())
    assert daemon.worker == worker


def test_networks_that_cannot_be_loaded_are_named_with_their_cause(start: Start) -> None:
    daemon = start(engine="tests.daemon.fake_engine:NoTorch")
    with daemon.raw() as client:
        early = client.predict()
        assert client.error(early) == "worker_failed"
        status = client.status()
        assert status["state"] == "failed"
        assert "No module named 'torch'" in status["detail"]
        reply = client.receive()[0] if client.predict() else {}
        assert reply["code"] == "worker_failed"
        assert "torch" in reply["cause"]
        # Stored adjustments still render: that needs no network.
        pixels = os.urandom(256)
        assert client.bands(client.render(8, 8), 8, 8, pixels) == pixels.translate(INVERTED)


def test_modules_where_the_daemon_is_started_do_not_stand_before_the_workers(start: Start, tmp_path: Path) -> None:
    started_in = tmp_path / "user"
    started_in.mkdir()
    (started_in / "pickle.py").write_text("raise SystemExit('cucumbers')")
    start(cwd=started_in).ready()


@pytest.mark.parametrize(("engine", "cause"), [("NoKernels", "No space left"), ("NoNumpy", "No module named 'numpy'")])
def test_rendering_that_cannot_be_is_named_with_its_cause(start: Start, engine: str, cause: str) -> None:
    daemon = start(engine=f"tests.daemon.fake_engine:{engine}")
    with daemon.raw() as client:
        early = client.render()
        assert client.error(early) == "worker_failed"
        until(lambda: client.status()["state"] == "failed")
        assert cause in client.status()["detail"]
        reply = client.receive()[0] if client.render() else {}
        assert reply["code"] == "worker_failed"
        assert cause in reply["cause"]
        # Predictions go on: they need no rendering.
        until(lambda: client.status()["device"])
        client.expect("predicted", client.predict())
        assert client.status()["state"] == "failed"


def test_a_daemon_whose_networks_cannot_be_loaded_soon_makes_room_for_another(start: Start) -> None:
    daemon = start(engine="tests.daemon.fake_engine:NoTorch", failed_exit_seconds=3)
    with daemon.raw() as client:
        until(lambda: client.status()["state"] == "failed")
    assert daemon.process.wait(PATIENCE_SECONDS) == 0


def test_fault_29_a_lost_device_is_tried_again_and_then_the_cpu_is_used(start: Start) -> None:
    daemon = start(device="cuda:0").ready()
    with daemon.raw() as client:
        id = client.predict(network="lost")
        waiting = client.predict()
        reply = client.expect("predicted", id, seconds=30)[0]
        assert reply["device"] == "cpu"
        assert client.expect("predicted", waiting)[0]["device"] == "cuda:0"
    assert daemon.log().count("worker") >= 3


def test_on_a_graphics_card_what_waits_is_predicted_together(start: Start) -> None:
    daemon = start(device="cuda:0").ready()
    with daemon.raw() as ann, daemon.raw() as ben:
        with daemon.paused_worker():
            before = [ann.predict(network="slow") for _ in range(2)]
            mine = ann.predict()
            ann.status()  # now the daemon has taken them in
            theirs = ben.predict()
            ben.status()
        for id in before:
            ann.expect("predicted", id)
        assert ann.expect("predicted", mine)[0]["notes"] == ["2 together"]
        assert ben.expect("predicted", theirs)[0]["notes"] == ["2 together"]


def test_on_a_cpu_predictions_are_made_one_by_one(start: Start) -> None:
    daemon = start().ready()
    with daemon.raw() as client:
        with daemon.paused_worker():
            ids = [client.predict() for _ in range(3)]
            client.status()  # now the daemon has taken them in
        assert [client.expect("predicted", id)[0]["notes"] for id in ids] == [[], [], []]


def test_fault_28_a_batch_that_does_not_fit_is_predicted_one_by_one(start: Start) -> None:
    daemon = start(device="cuda:0").ready()
    with daemon.raw() as client:
        with daemon.paused_worker():
            ids = [client.predict(network="slow"), client.predict(), client.predict(fill=BIG)]
            client.status()  # now the daemon has taken them in
        assert [client.expect("predicted", id)[0]["notes"] for id in ids] == [[], [], []]


def test_a_picture_that_fails_in_a_batch_fails_only_itself(start: Start) -> None:
    daemon = start(device="cuda:0").ready()
    with daemon.raw() as client:
        with daemon.paused_worker():
            first = client.predict(network="slow")
            good, bad, last = client.predict(), client.predict(fill=SPOILED), client.predict()
            client.status()  # now the daemon has taken them in
        client.expect("predicted", first)
        client.expect("predicted", good)
        assert client.error(bad) == "internal"
        client.expect("predicted", last)


def test_fault_29_a_batch_that_loses_its_device_is_made_on_the_cpu_in_the_end(start: Start) -> None:
    daemon = start(device="cuda:0").ready()
    with daemon.raw() as client:
        with daemon.paused_worker():
            first = client.predict(network="slow")
            ids = [client.predict(network="lost") for _ in range(3)]
            client.status()  # now the daemon has taken them in
        client.expect("predicted", first)
        for id in ids:
            assert client.expect("predicted", id, seconds=30)[0]["device"] == "cpu"
        id = client.predict()
        assert client.expect("predicted", id)[0]["device"] == "cuda:0"


def test_the_first_hello_is_answered_while_the_networks_load(start: Start) -> None:
    daemon = start(engine="tests.daemon.fake_engine:SlowStart")
    with daemon.raw() as client:
        with daemon.paused_worker():
            assert client.ask("hello", client="test/1")["state"] == "starting"
            id = client.predict()
            delays = []
            for _ in range(100):
                begun = time.perf_counter()
                assert client.status()["state"] == "starting"
                delays.append(time.perf_counter() - begun)
                time.sleep(0.002)
            assert median(delays) < 0.25
        client.expect("predicted", id)


def test_shutdown_ends_jobs_and_processes(start: Start) -> None:
    daemon = start().ready()
    family = children(daemon.process.pid)
    with daemon.raw() as client, daemon.paused_worker():
        id = client.predict()
        bye = client.send("shutdown")
        client.expect("bye", bye)
        assert client.error(id) == "shutting_down"
    assert daemon.output() == ""
    assert daemon.process.returncode == 0
    until(lambda: not any(alive(pid) for pid in family))
    assert not (daemon.home / "connection.json").exists()


def test_a_daemon_that_was_asked_to_end_answers_nobody_else(start: Start) -> None:
    """Or a client that comes at that moment would take it for the daemon to work with."""
    daemon = start().ready()
    with daemon.raw() as client:
        client.status()
        os.kill(daemon.process.pid, signal.SIGSTOP)  # so that it finds both at once
        bye, late = client.send("shutdown"), client.send("status")
        time.sleep(0.1)
        os.kill(daemon.process.pid, signal.SIGCONT)
        client.expect("bye", bye)
        daemon.output()
        with pytest.raises(TimeoutError):
            client.expect("status", late, seconds=0.1)


def test_clients_hear_that_a_daemon_ends_before_it_waits_for_its_worker(start: Start) -> None:
    """Or what they ask meanwhile would be lost: one that ends when it is idle may just then be wanted again."""
    daemon = start().ready()
    worker = daemon.worker
    with greeted(daemon) as connection:
        os.kill(worker, signal.SIGSTOP)
        daemon.process.terminate()
        assert connection.recv(1) == b""
        assert alive(worker)
    assert daemon.output() == ""
    assert not alive(worker)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_end_the_daemon_cleanly(start: Start, number: int) -> None:
    daemon: Daemon = start()
    with daemon.raw() as client:
        client.status()
        daemon.process.send_signal(number)
        assert daemon.output() == ""
    assert daemon.process.returncode == 0
    assert not (daemon.home / "connection.json").exists()
