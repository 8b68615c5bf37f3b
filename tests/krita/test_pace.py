"""What takes long is looked at seldom: Krita's window belongs to the artist."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from harmonize_selection.pace import Pace
from harmonize_selection.values import LayerName, LayerRef

from .docker import Docker
from .fake_host import Clock, FakeHost


@pytest.mark.parametrize(("took", "pause"), [(0.0, 0.1), (0.001, 0.1), (0.004, 0.2), (0.1, 0.5)])
def test_looks_take_their_share_of_the_time_within_limits(took: float, pause: float) -> None:
    clock = Clock(10.0)
    pace = Pace(clock, share=0.02, shortest=0.1, longest=0.5)
    assert pace.is_due
    assert pace.take(lambda: _pass(clock, took)) == "seen"
    clock.now = 10.0 + pause - 0.01
    assert not pace.is_due
    clock.now = 10.0 + pause + 0.01
    assert pace.is_due


def test_a_look_that_fails_counts_as_well() -> None:
    clock = Clock()
    pace = Pace(clock, share=0.1)

    def fail() -> None:
        clock.now += 0.02
        raise LookupError

    with pytest.raises(LookupError):
        pace.take(fail)
    assert not pace.is_due


@dataclass
class SlowHost(FakeHost):
    """Looking at rows of pixels takes 20 ms, as in a large document, and listing the layers 10 ms."""

    clock: Clock = field(default_factory=Clock)
    spent: float = 0.0
    signatures: int = 0

    def fingerprint(self, ref: LayerRef) -> bytes:
        self._spend(0.02)
        return super().fingerprint(ref)

    def layers(self) -> list[LayerName]:
        self._spend(0.01)
        return super().layers()

    def layer_signature(self, ref: LayerRef) -> bytes:
        self.signatures += 1
        self._spend(0.02)
        return super().layer_signature(ref)

    def _spend(self, seconds: float) -> None:
        self.clock.now += seconds
        self.spent += seconds


def at_rest() -> tuple[Docker, SlowHost]:
    host = SlowHost()
    docker = Docker(host=host)
    host.clock = docker.clock
    docker.wait(5)
    host.spent = 0.0
    return docker, host


def test_a_docker_at_rest_leaves_krita_its_time_in_large_documents_too() -> None:
    docker, host = at_rest()
    began = docker.clock.now
    docker.wait(20)
    assert 0 < host.spent / (docker.clock.now - began) < 0.03


def test_a_change_in_a_large_document_is_seen_all_the_same() -> None:
    docker, host = at_rest()
    before = docker.state.before
    host.signature = b"2"
    docker.wait(4)
    assert docker.state.before is not before


def test_live_at_rest_leaves_krita_its_time() -> None:
    docker, host = at_rest()
    docker.presenter.set_live(True)
    docker.wait(5)
    assert docker.presenter.pause == 0.06
    began, host.spent = docker.clock.now, 0.0
    docker.wait(20)
    assert 0 < host.spent / (docker.clock.now - began) < 0.06


def test_live_is_awake_as_soon_as_the_pen_is_down() -> None:
    docker, host = at_rest()
    docker.presenter.set_live(True)
    docker.wait(5)
    host.pen = True
    docker.presenter.tick()
    assert docker.presenter.pause == 0.01
    host.pen = False
    docker.wait(1)
    before, began = host.signatures, docker.clock.now
    docker.wait(0.5)
    assert host.signatures - before >= 10
    assert docker.clock.now - began < 1


def _pass(clock: Clock, seconds: float) -> str:
    clock.now += seconds
    return "seen"
