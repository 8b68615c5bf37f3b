"""Tasks run in steps, and wait for jobs."""

from __future__ import annotations

from typing import Any

from harmonize_client import Cancelled, HarmonizeError
from harmonize_client.jobs import Job
from harmonize_selection.task import Running, Task


def new_job() -> Job[Any]:
    return Job(({"kind": "test"}, []), "", lambda header, payload: None)


def test_a_task_gets_its_jobs_results_and_gives_its_own() -> None:
    job, done = new_job(), []

    def task() -> Task[str]:
        yield 0.5
        answer = yield job
        return f"got {answer}"

    running = Running(task(), done.append, done.append)
    running.step()
    assert running.fraction == 0.5
    running.step()
    assert running.waits
    running.step()
    assert done == []
    job._finish("it")
    running.step()
    assert done == ["got it"]
    assert running.done


def test_a_jobs_error_is_raised_where_the_task_waits() -> None:
    job, log = new_job(), []

    def task() -> Task[None]:
        try:
            yield job
        except HarmonizeError as error:
            log.append(error.cause)
            raise

    running = Running(task(), log.append, lambda error: log.append(type(error)))
    running.step()
    job.fail(HarmonizeError("no luck"))
    running.step()
    assert log == ["no luck", HarmonizeError]


def test_cancelling_cancels_the_job_and_calls_nobody_back() -> None:
    job, log = new_job(), []

    def task() -> Task[None]:
        try:
            yield job
        finally:
            log.append("cleaned up")

    running = Running(task(), log.append, log.append)
    running.step()
    running.cancel()
    running.step()
    assert isinstance(job.error, Cancelled)
    assert log == ["cleaned up"]
