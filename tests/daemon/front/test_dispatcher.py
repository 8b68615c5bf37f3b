"""The dispatcher by itself, with a worker and clients that are only lists of messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from harmonize_daemon.front import dispatcher, renders
from harmonize_daemon.front.dispatcher import Dispatcher
from harmonize_daemon.front.outbox import Delivery
from harmonize_daemon.front.peers import Peer
from harmonize_daemon.options import Limits, Options
from harmonize_daemon.wire import messages
from harmonize_daemon.wire.errors import ErrorCode, Refused
from harmonize_daemon.wire.link import (
    BandDone,
    BandTask,
    CloseTask,
    DeviceLost,
    ExportTask,
    FromFront,
    OpenedTask,
    OpenTask,
    PredictedTask,
    PredictTask,
    PredictTasks,
    TaskFailed,
)
from harmonize_daemon.wire.messages import Layer, Reply, Size
from harmonize_daemon.wire.slots import Slots, slot_bytes

ANN, BEN = Peer(b"ann"), Peer(b"ben")
LIMITS = Limits(window=2, renders=2, frame_bytes=64 * 1024)
WIDTH, ROWS = 4096, 64
"""A layer of which a band is 64 rows."""
COMMON = {"v": 1, "token": "t"}


@dataclass
class Worker:
    """Takes messages down."""

    slots: Slots | None = field(default_factory=lambda: Slots(4, slot_bytes(2 << 20)))
    renders: bool = True
    predicts: bool = True
    device: str = "cpu"
    failure: str = ""
    rendering_failure: str = ""
    told: list[FromFront] = field(default_factory=list)

    def send(self, message: FromFront) -> None:
        self.told.append(message)

    def take(self) -> list[FromFront]:
        told, self.told = self.told, []
        return told

    def predictions(self) -> list[PredictTask]:
        """What it was told to predict together; nothing else may have been said."""
        (message,) = self.take()
        assert isinstance(message, PredictTasks)
        return message.tasks


class Rig:
    """A dispatcher, its worker, what clients were told, and a clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.delivery = Delivery.SENT
        self.said: list[tuple[Peer, Reply, list[bytes]]] = []
        for module in (dispatcher, renders):
            monkeypatch.setattr(module, "monotonic", lambda: self.now)
        self.worker = Worker()
        self.dispatcher = Dispatcher(Options(limits=LIMITS), self._speak)
        self.dispatcher.worker = self.worker
        self._ids = iter(f"{number:032x}" for number in range(1000))

    def _speak(self, peer: Peer, reply: Reply, payload: Sequence[memoryview | bytes]) -> Delivery:
        if self.delivery is Delivery.SENT:
            self.said.append((peer, reply, [bytes(part) for part in payload]))
        return self.delivery

    def heard(self) -> list[Reply]:
        """What clients were told since the last time."""
        said, self.said = self.said, []
        return [reply for _, reply, _ in said]

    def predict(self, peer: Peer = ANN, live: bool = False) -> str:
        request = messages.Predict(**COMMON, id=next(self._ids), thumbnail=Size(2, 2), live=live)
        self.dispatcher.predict(peer, request, [memoryview(bytes(12)), memoryview(bytes(4))])
        return request.id

    def render(self, peer: Peer = ANN, height: int = 4 * ROWS) -> str:
        layer = Layer(WIDTH, height, "RGBA", "u8")
        request = messages.Render(**COMMON, id=next(self._ids), layer=layer, masked=False)
        self.dispatcher.render(peer, request, [memoryview(b"{}")])
        return request.id

    def export(self, peer: Peer = ANN) -> str:
        request = messages.Export(**COMMON, id=next(self._ids), format="cube")
        self.dispatcher.export(peer, request, [memoryview(b"{}")])
        return request.id

    def band(self, id: str, row: int, fill: int = 0, peer: Peer = ANN) -> None:
        data = memoryview(bytes([fill]) * (WIDTH * 4 * ROWS))
        self.dispatcher.band(peer, messages.Band(**COMMON, id=id, row=row), [data])

    def opened(self) -> int:
        """Let the worker open the render that it was told of last; its number."""
        task = self.worker.take()[-1]
        assert isinstance(task, OpenTask)
        self.dispatcher.hear(OpenedTask(task.job, []))
        return task.job

    def wait(self, seconds: float, step: float = 0.1) -> None:
        for _ in range(round(seconds / step)):
            self.now += step
            self.dispatcher.tick()


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    return Rig(monkeypatch)


def answer(task: PredictTask, device: str = "cpu") -> PredictedTask:
    return PredictedTask(task.job, b"{}", "n", device, 1.0, [], None)


def test_one_prediction_is_at_the_worker_at_a_time(rig: Rig) -> None:
    first, second = rig.predict(), rig.predict(BEN)
    (task,) = rig.worker.predictions()
    rig.dispatcher.hear(answer(task))
    (other,) = rig.worker.predictions()
    rig.dispatcher.hear(answer(other))
    assert [reply.id for reply in rig.heard()] == [first, second]


def test_on_a_graphics_card_all_that_waits_for_a_network_is_at_the_worker(rig: Rig) -> None:
    rig.worker.device = "cuda:0"
    first = rig.predict()
    waiting = [rig.predict(BEN), rig.predict(), rig.predict(BEN)]
    (task,) = rig.worker.predictions()
    rig.dispatcher.hear(answer(task))
    together = rig.worker.predictions()
    last = rig.predict()
    for one in together:
        assert rig.worker.take() == []  # not before the worker has answered all of them
        rig.dispatcher.hear(answer(one))
    (task,) = rig.worker.predictions()
    rig.dispatcher.hear(answer(task))
    assert [reply.id for reply in rig.heard()] == [first, *waiting, last]


def test_on_a_graphics_card_each_of_several_predictions_ends_for_itself(rig: Rig) -> None:
    rig.worker.device = "cuda:0"
    rig.predict()
    cancelled, old, spoiled = rig.predict(BEN), rig.predict(live=True), rig.predict()
    rig.dispatcher.hear(answer(rig.worker.predictions()[0]))
    together = rig.worker.predictions()
    newer = rig.predict(live=True)
    rig.dispatcher.cancel(BEN, cancelled)
    rig.heard()
    rig.dispatcher.hear(answer(together[0]))
    rig.dispatcher.hear(answer(together[1]))
    rig.dispatcher.hear(TaskFailed(together[2].job, "internal", "A defect."))
    (reply,) = rig.heard()
    assert isinstance(reply, messages.ErrorReply)
    assert reply.id == spoiled
    rig.dispatcher.hear(answer(rig.worker.predictions()[0]))
    assert [reply.id for reply in rig.heard()] == [newer]
    assert old not in {job.id for job in rig.dispatcher.jobs}


def test_fault_29_all_unanswered_predictions_wait_for_another_worker_when_the_device_is_lost(rig: Rig) -> None:
    rig.worker.device = "cuda:0"
    rig.predict()
    answered, *unanswered = [rig.predict() for _ in range(3)]
    rig.dispatcher.hear(answer(rig.worker.predictions()[0]))
    rig.heard()
    rig.dispatcher.hear(answer(rig.worker.predictions()[0]))
    for _ in range(2):
        rig.dispatcher.hear(DeviceLost("lost"))
        rig.dispatcher.worker_died("The device was lost.")
        rig.worker.take()
        rig.worker.predicts = True
        rig.dispatcher.hear(TaskFailed(999, "internal", ""))
    for _ in unanswered:
        (task,) = rig.worker.predictions()
        assert task.force_cpu
        rig.dispatcher.hear(answer(task))
    assert [reply.id for reply in rig.heard()] == [answered, *unanswered]


def test_a_superseded_prediction_still_occupies_the_worker(rig: Rig) -> None:
    """Or else live requests that come faster than inference would queue up there."""
    for _ in range(5):
        newest = rig.predict(live=True)
    (task,) = rig.worker.predictions()
    assert [reply.code for reply in rig.heard() if isinstance(reply, messages.ErrorReply)] == ["superseded"] * 4
    rig.dispatcher.hear(answer(task))
    assert rig.heard() == []  # the late reply is dropped
    (last,) = rig.worker.predictions()
    rig.dispatcher.hear(answer(last))
    assert [reply.id for reply in rig.heard()] == [newest]


def test_bands_are_answered_in_order_whatever_order_they_are_rendered_in(rig: Rig) -> None:
    id = rig.render()
    job = rig.opened()
    rig.band(id, 0, fill=1)
    rig.band(id, ROWS, fill=2)
    first, second = rig.worker.take()
    assert isinstance(first, BandTask)
    assert isinstance(second, BandTask)
    rig.heard()
    rig.dispatcher.hear(BandDone(job, second.slot, True))
    assert rig.said == []
    rig.dispatcher.hear(BandDone(job, first.slot, True))
    assert [(reply.row, payload[0][0]) for _, reply, payload in rig.said if isinstance(reply, messages.BandReply)] == [
        (0, 1),
        (ROWS, 2),
    ]


def test_a_cancelled_render_gives_its_slots_back_when_the_worker_lets_go(rig: Rig) -> None:
    ids = [rig.render(), rig.render()]
    numbers = [task.job for task in rig.worker.take() if isinstance(task, OpenTask)]
    for number in numbers:
        rig.dispatcher.hear(OpenedTask(number, []))
    rig.band(ids[0], 0)
    (band,) = rig.worker.take()
    assert isinstance(band, BandTask)
    waiting = rig.render(BEN)
    rig.dispatcher.cancel(ANN, ids[0])
    assert rig.worker.take() == [CloseTask(numbers[0])]  # one slot is missing: the next render has to wait
    rig.dispatcher.hear(BandDone(numbers[0], band.slot, False))
    (task,) = rig.worker.take()
    assert isinstance(task, OpenTask)
    job = rig.dispatcher.jobs.by_number(task.job)
    assert job is not None
    assert job.id == waiting


def test_adjustments_of_cancelled_requests_do_not_pile_up_on_their_way_to_the_worker(rig: Rig) -> None:
    """Each has up to megabytes, and to ask and cancel is quicker than to read them."""
    for _ in range(50):
        rig.dispatcher.cancel(ANN, rig.render())
        rig.dispatcher.cancel(ANN, rig.export())
    waiting = rig.render(BEN)
    sent = [task for task in rig.worker.take() if isinstance(task, (OpenTask, ExportTask))]
    assert len(sent) == LIMITS.renders
    rig.dispatcher.hear(OpenedTask(sent[0].job, []))
    (task,) = rig.worker.take()
    assert isinstance(task, OpenTask)
    rig.dispatcher.hear(TaskFailed(task.job, "internal", "A defect."))
    assert rig.heard()[-1].id == waiting
    rig.render()
    assert isinstance(rig.worker.take()[-1], OpenTask)


def test_a_worker_that_has_died_takes_the_adjustments_with_it(rig: Rig) -> None:
    for _ in range(LIMITS.renders):
        rig.dispatcher.cancel(ANN, rig.render())
    rig.dispatcher.worker_died("It ended.")
    rig.worker.take()
    rig.render()
    assert isinstance(rig.worker.take()[-1], OpenTask)


def test_a_client_that_is_gone_loses_its_jobs(rig: Rig) -> None:
    rig.predict()
    rig.render()
    rig.predict(BEN)
    rig.delivery = Delivery.GONE
    rig.wait(0.3)
    assert len(rig.dispatcher.jobs) == 0


def test_a_client_that_takes_no_progress_is_let_go_after_a_while(rig: Rig) -> None:
    rig.predict()
    rig.delivery = Delivery.FULL
    rig.wait(9)
    assert len(rig.dispatcher.jobs) == 1
    rig.wait(2)
    assert len(rig.dispatcher.jobs) == 0


def test_a_client_that_is_slow_for_a_moment_is_kept(rig: Rig) -> None:
    rig.predict()
    for _ in range(5):
        rig.delivery = Delivery.FULL
        rig.wait(5)
        rig.delivery = Delivery.SENT
        rig.wait(1)
    assert len(rig.dispatcher.jobs) == 1


def test_a_band_that_is_late_ends_the_render_but_a_suspended_computer_does_not(rig: Rig) -> None:
    rig.render()
    rig.opened()
    rig.wait(20)
    rig.now += 3600  # asleep
    rig.wait(29)
    assert len(rig.dispatcher.jobs) == 1
    rig.wait(2)
    last = rig.heard()[-1]
    assert isinstance(last, messages.ErrorReply)
    assert last.code == "timeout"


def test_a_band_is_not_late_while_the_window_is_full(rig: Rig) -> None:
    id = rig.render()
    rig.opened()
    rig.band(id, 0)
    rig.band(id, ROWS)
    rig.wait(60)
    assert len(rig.dispatcher.jobs) == 1


def test_stages_say_what_is_waited_for(rig: Rig) -> None:
    def stages() -> dict[str, str]:
        rig.wait(0.5)
        return {reply.id: reply.stage for reply in rig.heard() if isinstance(reply, messages.Progress)}

    rig.worker.predicts = rig.worker.renders = False
    predict, render = rig.predict(), rig.render()
    assert stages() == {predict: "loading", render: "loading"}
    rig.worker.predicts = rig.worker.renders = True
    second = rig.predict()
    assert stages() == {predict: "predicting", render: "rendering", second: "queued"}


def test_fault_27_the_death_of_the_worker_ends_what_ran_and_keeps_what_waited(rig: Rig) -> None:
    running, waiting, render = rig.predict(), rig.predict(), rig.render()
    rig.worker.predicts = rig.worker.renders = False
    rig.worker.slots = None
    rig.heard()
    rig.dispatcher.worker_died("It died.")
    replies = {reply.id: reply for reply in rig.heard()}
    assert set(replies) == {running, render}
    assert {reply.code for reply in replies.values() if isinstance(reply, messages.ErrorReply)} == {"worker_died"}
    assert [job.id for job in rig.dispatcher.jobs] == [waiting]
    rig.worker.take()
    rig.worker.predicts = rig.worker.renders = True
    rig.worker.slots = Slots(4, slot_bytes(2 << 20))
    rig.dispatcher.hear(TaskFailed(999, "internal", "of the old worker"))
    assert len(rig.worker.predictions()) == 1
    assert rig.render()
    assert isinstance(rig.worker.take()[0], OpenTask)  # all slots are free again


def test_fault_29_a_prediction_whose_device_is_lost_twice_is_forced_onto_the_cpu(rig: Rig) -> None:
    id = rig.predict()
    forced = []
    for _ in range(3):
        (task,) = rig.worker.predictions()
        forced.append(task.force_cpu)
        if task.force_cpu:
            rig.dispatcher.hear(answer(task))
        else:
            rig.dispatcher.hear(DeviceLost("lost"))
            rig.dispatcher.worker_died("The device was lost.")
            rig.worker.predicts = True
            rig.dispatcher.hear(TaskFailed(999, "internal", ""))
    assert forced == [False, False, True]
    assert [reply.id for reply in rig.heard()] == [id]


def test_when_there_is_no_hope_everybody_is_told(rig: Rig) -> None:
    rig.predict()
    rig.worker.predicts = False
    rig.worker.failure = "No torch."
    rig.dispatcher.hear(TaskFailed(999, "internal", ""))
    (reply,) = rig.heard()
    assert isinstance(reply, messages.ErrorReply)
    assert (reply.code, reply.cause, reply.hint) == ("worker_failed", "No torch.", "Run `harmonize doctor`.")
    with pytest.raises(Refused) as caught:
        rig.predict()
    assert caught.value.code is ErrorCode.WORKER_FAILED
    assert rig.render()  # needs no network


@pytest.mark.parametrize("running", [True, False])
def test_a_render_that_can_never_be_made_is_not_kept_waiting(rig: Rig, running: bool) -> None:
    rig.worker.renders = running
    rig.render()
    rig.worker.rendering_failure = "No numpy."
    rig.dispatcher.hear(TaskFailed(999, "internal", ""))
    (reply,) = rig.heard()
    assert isinstance(reply, messages.ErrorReply)
    assert (reply.code, reply.cause) == ("worker_failed", "No numpy.")
    with pytest.raises(Refused) as caught:
        rig.render()
    assert caught.value.code is ErrorCode.WORKER_FAILED
    assert rig.predict()


def test_a_hint_of_the_workers_goes_before_the_codes_own(rig: Rig) -> None:
    for hint in ("Ask a network again.", ""):
        rig.predict()
        (task,) = rig.worker.predictions()
        rig.dispatcher.hear(TaskFailed(task.job, "bad_request", "A cause.", hint))
        (reply,) = rig.heard()
        assert isinstance(reply, messages.ErrorReply)
        assert reply.hint == (hint or ErrorCode.BAD_REQUEST.hint)


def test_exports_and_the_end(rig: Rig) -> None:
    request = messages.Export(**COMMON, id="e" * 32, format="cube")
    rig.dispatcher.export(ANN, request, [memoryview(b"{}")])
    (task,) = rig.worker.take()
    assert isinstance(task, ExportTask)
    rig.dispatcher.end_all(Refused(ErrorCode.SHUTTING_DOWN, "Bye."))
    (reply,) = rig.heard()
    assert isinstance(reply, messages.ErrorReply)
    assert reply.code == "shutting_down"
    assert len(rig.dispatcher.jobs) == 0
