"""What `--device` takes, and whether the daemon that runs is the one that was asked for."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import pytest
from harmonize_client import Client
from harmonize_daemon import devices, harmonizing
from harmonize_daemon.cli import main
from harmonize_daemon.devices import device_name, is_meant
from harmonize_daemon.harmonizing import NoSuchDevice, WrongDevice, check_device


@dataclass(frozen=True)
class Status:
    device: str
    state: str = "ready"


def client(*statuses: Status) -> Client:
    """A client whose daemon says one status after the other, and then nothing more."""

    class Said:
        _left: Iterable[Status] = iter(statuses)

        def status(self) -> Status:
            return cast(Status, next(cast(Any, self._left)))

    return cast(Client, Said())


@pytest.fixture(autouse=True)
def one_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer with one graphics card."""
    monkeypatch.setattr(
        harmonizing, "chosen_device", lambda wanted: "cuda:0" if wanted in ("cuda", "cuda:0") else "cpu"
    )


@pytest.mark.parametrize("word", ["auto", "cpu", "cuda", "cuda:0", "cuda:12"])
def test_these_are_devices(word: str) -> None:
    assert device_name(word) == word


@pytest.mark.parametrize("word", ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "CPU", "mps", "cpu:0"])
def test_these_are_none(word: str) -> None:
    with pytest.raises(ArgumentTypeError, match="auto, cpu, cuda or cuda:N"):
        device_name(word)


@pytest.mark.parametrize("command", [["daemon", "start"], ["daemon", "run"], ["image", "a.png", "-o", "b.png"]])
def test_a_word_that_is_no_device_is_wrong_usage(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--device", "gpu"])
    assert ended.value.code == 2
    assert "no device is called 'gpu'" in capsys.readouterr().err


def test_cuda_is_any_card_and_a_number_is_that_card() -> None:
    assert is_meant("cuda:1", "cuda")
    assert is_meant("cuda:1", "cuda:1")
    assert is_meant("cpu", "auto")
    assert not is_meant("cuda:0", "cuda:1")
    assert not is_meant("cpu", "cuda")


@pytest.mark.parametrize(("running", "asked"), [("cpu", "cpu"), ("cuda:0", "cuda"), ("cpu", None), ("cuda:0", "auto")])
def test_the_daemon_that_was_asked_for_is_taken(running: str, asked: str | None) -> None:
    check_device(client(Status(running)), asked)


@pytest.mark.parametrize(("running", "asked"), [("cpu", "cuda"), ("cuda:0", "cpu"), ("cuda:1", "cuda:0")])
def test_another_one_is_refused_with_what_to_do(running: str, asked: str) -> None:
    with pytest.raises(WrongDevice, match=f"uses {running}, not {asked}.*harmonize daemon restart --device {asked}"):
        check_device(client(Status(running)), asked)


@pytest.mark.parametrize("running", ["cpu", "cuda:0"])
def test_a_card_that_is_not_there_is_named(running: str) -> None:
    with pytest.raises(NoSuchDevice, match="There is no cuda:1 here"):
        check_device(client(Status(running)), "cuda:1")


def test_a_daemon_that_still_loads_is_waited_for() -> None:
    with pytest.raises(WrongDevice):
        check_device(client(Status("", "starting"), Status("", "restarting"), Status("cpu")), "cuda")


def test_a_daemon_that_can_never_predict_says_so_itself() -> None:
    check_device(client(Status("", "starting"), Status("", "failed")), "cuda")


def test_auto_is_a_device_that_is_there() -> None:
    assert is_meant(devices.chosen_device("auto"), "auto")
    assert devices.chosen_device("cpu") == devices.chosen_device("cuda:999") == "cpu"
