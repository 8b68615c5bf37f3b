"""The queue: order, lanes, budgets."""

from __future__ import annotations

from typing import TypeVar

import pytest
from harmonize_daemon.front.jobs import MOST_TOGETHER, Job, Jobs, Lane, PredictJob
from harmonize_daemon.front.peers import Peer
from harmonize_daemon.options import Limits
from harmonize_daemon.wire.errors import ErrorCode, Refused
from harmonize_daemon.wire.link import PredictTask
from harmonize_daemon.wire.messages import Size

ANN, BEN = Peer(b"ann"), Peer(b"ben")


def job(peer: Peer = ANN, lane: Lane = Lane.INFERENCE, live: bool = False, cost: int = 0) -> Job:
    return Job(peer, f"{id(object()):032x}", lane, live, cost)


def prediction(peer: Peer = ANN, network: str = "", attempts: int = 0) -> PredictJob:
    task = PredictTask(0, network, Size(1, 1), b"", b"", None, b"", None)
    return PredictJob(peer, f"{id(object()):032x}", Lane.INFERENCE, False, 0, task=task, attempts=attempts)


AnyJob = TypeVar("AnyJob", bound=Job)


def added(jobs: Jobs, *new: AnyJob) -> list[AnyJob]:
    for one in new:
        jobs.add(one)
    return list(new)


def test_the_oldest_waiting_prediction_starts() -> None:
    jobs = Jobs(Limits())
    assert jobs.predictions(together=True) == []
    first, second = added(jobs, prediction(), prediction(BEN))
    assert jobs.predictions(together=False) == [first]
    first.running = True
    assert jobs.predictions(together=False) == [second]


def test_predictions_by_the_same_network_start_together_in_order_of_arrival() -> None:
    jobs = Jobs(Limits(waiting_per_client=99))
    first, _, third, *more = added(
        jobs, prediction(), prediction(network="other"), *(prediction(BEN) for _ in range(MOST_TOGETHER))
    )
    assert jobs.predictions(together=True) == [first, third, *more[: MOST_TOGETHER - 2]]


def test_what_has_to_be_made_on_the_cpu_is_made_alone() -> None:
    jobs = Jobs(Limits())
    first, second, third, forced = added(
        jobs, prediction(attempts=2), prediction(), prediction(attempts=1), prediction(attempts=2)
    )
    assert jobs.predictions(together=True) == [first]
    first.running = True
    assert jobs.predictions(together=True) == [second, third]
    assert forced.forced_onto_cpu


def test_renders_run_side_by_side_but_nobody_takes_all_lanes() -> None:
    jobs = Jobs(Limits(renders=3, renders_per_client=2))
    mine = added(jobs, *(job(ANN, Lane.RENDERING) for _ in range(3)))
    theirs = added(jobs, *(job(BEN, Lane.RENDERING) for _ in range(2)))
    started = []
    while one := jobs.rendering():
        one.running = True
        started.append(one)
    assert started == [mine[0], mine[1], theirs[0]]
    assert jobs.running == 3


@pytest.mark.parametrize(
    ("limits", "peers", "costs"),
    [
        (Limits(waiting_per_client=2), [ANN, ANN, ANN], [0, 0, 0]),
        (Limits(waiting=2), [ANN, ANN, BEN], [0, 0, 0]),
        (Limits(waiting_bytes_per_client=10), [ANN, BEN, ANN], [6, 6, 6]),
        (Limits(waiting_bytes=15), [ANN, BEN, BEN], [5, 5, 6]),
    ],
)
def test_what_is_beyond_a_budget_is_busy(limits: Limits, peers: list[Peer], costs: list[int]) -> None:
    jobs = Jobs(limits)
    added(jobs, *(job(peer, cost=cost) for peer, cost in zip(peers[:2], costs[:2], strict=True)))
    with pytest.raises(Refused) as caught:
        jobs.add(job(peers[2], cost=costs[2]))
    assert caught.value.code is ErrorCode.BUSY
    assert len(jobs) == 2


def test_a_job_is_found_by_its_own_client_only() -> None:
    jobs = Jobs(Limits())
    (mine,) = added(jobs, job(ANN))
    assert jobs.by_id(mine.id, ANN) is mine
    assert jobs.by_id(mine.id, BEN) is None
    assert jobs.by_number(mine.number) is mine
    assert jobs.remove(mine)
    assert not jobs.remove(mine)
    assert jobs.by_id(mine.id, ANN) is None


def test_live_jobs_supersede_live_jobs_of_their_client() -> None:
    jobs = Jobs(Limits())
    old, still, other = added(jobs, job(live=True), job(live=False), job(BEN, live=True))
    assert jobs.superseded_by(job(live=True)) == [old]
    assert jobs.superseded_by(job(live=False)) == []
    assert {still, other} <= set(jobs)
