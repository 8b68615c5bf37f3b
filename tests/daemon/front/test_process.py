"""What keeps the front quick, and what it says of itself."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from harmonize_daemon.front.auth import SeenIds, Token

from tests.daemon.conftest import Start
from tests.daemon.fake_engine import SLOW_SECONDS
from tests.daemon.rig import Daemon, RawClient, environment

HEAVY = {"torch", "numpy", "numba", "PIL", "rich", "tifffile", "multiprocessing", "platformdirs", "harmonize_models"}


def test_the_front_imports_nothing_heavy(shared_daemon: Daemon) -> None:
    code = "import sys, harmonize_daemon.front.process; print(*{name.partition('.')[0] for name in sys.modules})"
    output = subprocess.run(
        [sys.executable, "-c", code], env=environment(shared_daemon.home), capture_output=True, text=True, check=True
    ).stdout
    assert not HEAVY & set(output.split())


def test_status_says_what_a_client_needs_to_know(shared_daemon: Daemon, client: RawClient) -> None:
    status = client.ask("hello", client="test/1")
    assert status["pid"] == shared_daemon.process.pid
    assert status["default_network"] in [network["key"] for network in status["networks"]]
    assert set(status["limits"]) == {"pixels", "side", "frame_bytes", "window", "thumbnail_side"}
    assert status["idle_exit_seconds"] == 120
    assert (status["state"], status["jobs"]) == ("ready", {"running": 0, "queued": 0})


def test_status_is_answered_at_once_while_renders_stream(shared_daemon: Daemon, client: RawClient) -> None:
    with shared_daemon.raw() as other:
        id = client.render(1024, 256 * 10, does="slow")
        client.expect("accepted", id)
        delays = []
        for band in range(10):
            client.send("band", bytes(1 << 20), id=id, row=256 * band)
            begun = time.perf_counter()
            state = other.status()["state"]
            assert state == "busy" or band == 9
            delays.append(time.perf_counter() - begun)
            client.expect("band", id)
        client.expect("done", id)
    assert min(delays) < SLOW_SECONDS / 3  # so long is each band rendered while the other client asks


def test_an_idle_front_uses_no_processor_time(start: Start) -> None:
    daemon = start().ready()

    def processor_seconds() -> float:
        fields = Path(f"/proc/{daemon.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def used() -> float:
        before = processor_seconds()
        time.sleep(1.5)
        return processor_seconds() - before

    assert any(used() <= 0.05 for _ in range(4))


def test_ids_are_known_until_many_newer_ones_came() -> None:
    seen = SeenIds(capacity=3)
    ids = [f"{number:032x}" for number in range(5)]
    assert [seen.add(id) for id in ids] == [True] * 5
    assert [id in seen for id in ids] == [False, False, True, True, True]
    assert not seen.add(ids[4])


def test_only_the_right_token_matches() -> None:
    token = Token("ab" * 32)
    assert token.matches("ab" * 32)
    for wrong in ("", "ab" * 31, "ab" * 33, "AB" * 32, "ÿ" * 64, "\ud800"):
        assert not token.matches(wrong)
