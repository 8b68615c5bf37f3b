"""The dialog's presenter: one prediction a view, the newest look wins, errors stop it until the next wish."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from harmonize_client import (
    Busy,
    ConnectionLost,
    DaemonStatus,
    HarmonizeError,
    JobCounts,
    Limits,
    Look,
    Prediction,
    Rendered,
    State,
    Superseded,
    Thumbnail,
)
from harmonize_gimp import masks
from harmonize_gimp.live import Live, Picture, View
from harmonize_gimp.states import Mood, Shown
from harmonize_gimp.variants import Variant


class FakeJob:
    def __init__(self, **request: Any) -> None:
        self.request = request
        self.done = False
        self.error: HarmonizeError | None = None
        self.progress = None
        self.cancelled = False
        self._value: Any = None
        self._callbacks: list[Callable[[Any], object]] = []

    def when_done(self, callback: Callable[[Any], object]) -> None:
        self._callbacks.append(callback)

    def result(self) -> Any:
        return self._value

    def cancel(self) -> None:
        self.cancelled = True

    def finish(self, value: Any = None, error: HarmonizeError | None = None) -> None:
        self.done, self._value, self.error = True, value, error
        for callback in self._callbacks:
            callback(self)


class FakeSession:
    """Takes requests and lets the test answer them."""

    state = State.READY
    error: HarmonizeError | None = None
    silence = 0.0
    wants_write = False
    daemon: DaemonStatus | None = None

    def __init__(self) -> None:
        self.predicts: list[FakeJob] = []
        self.renders: list[FakeJob] = []

    def start(self) -> None:
        pass

    def fileno(self) -> int:
        return -1

    def poll(self, seconds: float) -> None:
        pass

    def predict(self, thumbnail: Thumbnail, mask: bytes, **request: Any) -> FakeJob:
        self.predicts.append(FakeJob(thumbnail=thumbnail, **request))
        return self.predicts[-1]

    def render(self, adjustment: str, layer: object, pixels: object, mask: object, **request: Any) -> FakeJob:
        self.renders.append(FakeJob(adjustment=adjustment, layer=layer, pixels=pixels, mask=mask, **request))
        return self.renders[-1]


class Rig:
    def __init__(self) -> None:
        self.session = FakeSession()
        self.pictures: list[Picture] = []
        self.states: list[Shown] = []
        self.variants: list[str] = []
        self.live = Live(
            self.session,  # type: ignore[arg-type]
            self.pictures.append,
            self.states.append,
            lambda variant, picture: self.variants.append(variant.title),
        )

    def step(self) -> None:
        self.live.step()


@pytest.fixture
def rig() -> Rig:
    return Rig()


THUMBNAIL = Thumbnail(2, 1, bytes(6))
RENDERED = Rendered(1.0, ())
READY = DaemonStatus("0.1.0", 1, 7, "ready", "", "cpu", (), "x", JobCounts(0, 0), Limits(1, 1, 1, 1, 1), 0)


def view(network: str = "") -> View:
    return View(THUMBNAIL, bytes(2), None, network, "")


BY_ITSELF = bytes((10, 20, 30, 255, 40, 50, 60, 51))


def test_what_is_rendered_is_the_layer_by_itself_and_what_is_seen_is_the_scene(rig: Rig) -> None:
    wanted = replace(view(), layer=BY_ITSELF)
    rig.live.show(wanted, Look(clean_edges=True))
    rig.step()
    rig.session.predicts[-1].finish(prediction())
    rig.step()
    request = rig.session.renders[-1].request
    assert (request["layer"].layout, request["pixels"]) == ("RGBA", BY_ITSELF)
    request["into"][:] = bytes((1, 2, 3, 255, 90, 50, 60, 51))
    rig.session.renders[-1].finish(RENDERED)
    assert rig.pictures[-1].rgb == masks.exchanged(THUMBNAIL.rgb, BY_ITSELF, bytes(request["into"]))


def test_of_a_layer_that_cannot_be_seen_by_itself_the_scene_is_rendered(rig: Rig) -> None:
    rig.live.show(view(), Look(clean_edges=True))
    rig.step()
    rig.session.predicts[-1].finish(prediction())
    rig.step()
    assert rig.session.renders[-1].request["layer"].layout == "RGB"


def test_of_a_half_transparent_layer_half_its_change_is_seen(rig: Rig) -> None:
    rig.live.show(replace(view(), layer=BY_ITSELF, opacity=0.5), Look())
    rig.step()
    rig.session.predicts[-1].finish(prediction())
    rig.step()
    after = rig.session.renders[-1].request["into"]
    after[:] = bytes((50, 20, 30, 255, 90, 50, 60, 51))
    rig.session.renders[-1].finish(RENDERED)
    assert rig.pictures[-1].rgb == masks.exchanged(THUMBNAIL.rgb, BY_ITSELF, bytes(after), opacity=0.5)


def test_so_it_is_where_the_layer_is_not_seen_by_itself(rig: Rig) -> None:
    rig.live.show(replace(view(), mask=bytes((255, 0)), opacity=0.5), Look())
    rig.step()
    rig.session.predicts[-1].finish(prediction())
    rig.step()
    assert rig.session.renders[-1].request["mask"] == bytes((128, 0))


def test_a_grey_layer_by_itself_is_rendered_in_grey(rig: Rig) -> None:
    rig.live.show(replace(view(), layer=BY_ITSELF, grey=True), Look(clean_edges=True))
    rig.step()
    rig.session.predicts[-1].finish(prediction())
    rig.step()
    request = rig.session.renders[-1].request
    assert (request["layer"].layout, request["pixels"]) == ("YA", bytes((10, 255, 40, 51)))
    request["into"][:] = bytes((7, 255, 40, 51))
    rig.session.renders[-1].finish(RENDERED)
    assert rig.pictures[-1].rgb == bytes((7, 7, 7, 0, 0, 0))


def prediction(adjustment: str = "A") -> Prediction:
    return Prediction(adjustment, "n", "cpu", 1.0, (), None)


def shown(rig: Rig, network: str = "") -> View:
    """Brings the rig to where the first prediction has come and its picture is asked for."""
    wanted = view(network)
    rig.live.show(wanted, Look())
    rig.step()
    rig.session.predicts[-1].finish(prediction())
    rig.step()
    return wanted


def test_a_view_is_predicted_once_and_then_only_rendered(rig: Rig) -> None:
    wanted = shown(rig)
    rig.session.renders[-1].finish(RENDERED)
    for strength in (0.2, 0.4):
        rig.live.show(wanted, Look(strength=strength))
        rig.step()
        rig.session.renders[-1].finish(RENDERED)
    assert len(rig.session.predicts) == 1
    assert [job.request["look"].strength for job in rig.session.renders] == [1.0, 0.2, 0.4]
    assert len(rig.pictures) == 3


def test_while_one_preview_is_made_only_the_newest_wish_is_kept(rig: Rig) -> None:
    wanted = shown(rig)
    for strength in (0.1, 0.2, 0.3):
        rig.live.show(wanted, Look(strength=strength))
        rig.step()
    assert len(rig.session.renders) == 1
    rig.session.renders[0].finish(RENDERED)
    rig.step()
    assert rig.session.renders[-1].request["look"].strength == 0.3
    assert len(rig.session.renders) == 2


def test_going_back_to_a_network_asks_it_no_second_time(rig: Rig) -> None:
    first = shown(rig)
    rig.session.renders[-1].finish(RENDERED)
    shown(rig, "other")
    rig.session.renders[-1].finish(RENDERED)
    rig.live.show(first, Look())
    rig.step()
    assert len(rig.session.predicts) == 2
    assert len(rig.session.renders) == 3


def test_what_was_predicted_is_known_by_what_was_seen_not_by_where_it_is_kept(rig: Rig) -> None:
    shown(rig)
    rig.session.renders[-1].finish(RENDERED)
    for level in range(50):  # thumbnails that come and go, at the same addresses
        rig.live.show(View(Thumbnail(2, 1, bytes([level + 1] * 6)), bytes(2), None, "", ""), Look())
        assert rig.live.prediction is None
    rig.live.show(view(), Look())
    assert rig.live.prediction is not None


def test_another_view_drops_the_prediction_under_way(rig: Rig) -> None:
    rig.live.show(view(), Look())
    rig.step()
    rig.live.show(view("other"), Look())
    rig.step()
    assert rig.session.predicts[0].cancelled
    rig.session.predicts[0].finish(prediction("late"))
    assert rig.live.prediction is None


def test_a_picture_of_a_view_that_is_gone_is_not_shown(rig: Rig) -> None:
    shown(rig)
    rig.live.show(view("other"), Look())
    rig.session.renders[0].finish(RENDERED)
    assert rig.pictures == []


def test_an_error_is_said_once_and_stops_until_the_next_wish(rig: Rig) -> None:
    rig.live.show(view(), Look())
    rig.step()
    rig.session.predicts[0].finish(error=Busy("too much to do"))
    for _step in range(3):
        rig.step()
    assert len(rig.session.predicts) == 1
    assert [state.mood for state in rig.states][-1] is Mood.TROUBLE
    rig.live.retry()
    rig.step()
    assert len(rig.session.predicts) == 2


def test_after_an_error_moving_a_slider_tries_again(rig: Rig) -> None:
    wanted = shown(rig)
    rig.session.renders[-1].finish(error=ConnectionLost("the connection to the daemon was lost"))
    rig.step()
    assert rig.states[-1].mood is Mood.TROUBLE
    rig.live.show(wanted, Look(strength=0.3))
    rig.step()
    assert rig.session.renders[-1].request["look"].strength == 0.3
    rig.session.renders[-1].finish(RENDERED)
    rig.step()
    assert rig.states[-1].mood is not Mood.TROUBLE
    assert len(rig.pictures) == 1


def test_variants_that_were_lost_with_the_daemon_are_made_after_the_next_wish(rig: Rig) -> None:
    wanted = shown(rig)
    rig.session.renders[-1].finish(RENDERED)
    rig.live.offer([FULL])
    rig.step()
    rig.session.error = ConnectionLost("the connection to the daemon was lost")
    rig.session.renders[-1].finish(error=rig.session.error)
    rig.live.show(wanted, Look(strength=0.3))
    for _job in ("the picture", "the variant"):
        rig.step()
        rig.session.error = None
        rig.session.renders[-1].finish(RENDERED)
    assert rig.variants == ["Full"]


def test_a_new_connection_is_told_of_and_not_why_the_last_one_ended(rig: Rig) -> None:
    rig.session.state, rig.session.error = State.IDLE, ConnectionLost("the connection to the daemon was lost")
    rig.step()
    assert rig.states[-1].mood is Mood.TROUBLE
    rig.session.state = State.STARTING
    rig.step()
    assert rig.states[-1].mood is Mood.WAITING


def test_a_daemon_that_hangs_is_said_to_be_waited_for_until_it_goes_on(rig: Rig) -> None:
    rig.session.daemon = READY
    for rig.session.silence in (0.0, 0.5, 2.0, 0.0):
        rig.step()
    assert [state.mood for state in rig.states] == [Mood.READY, Mood.WAITING, Mood.READY]


def test_a_superseded_prediction_is_no_error(rig: Rig) -> None:
    rig.live.show(view(), Look())
    rig.step()
    rig.session.predicts[0].finish(error=Superseded("newer"))
    rig.step()
    assert all(state.mood is not Mood.TROUBLE for state in rig.states)
    assert len(rig.session.predicts) == 2


def test_a_choice_that_cannot_work_is_said_until_another_is_made(rig: Rig) -> None:
    trouble = Shown(Mood.TROUBLE, "No reference layer is chosen.", "no_reference")
    rig.live.show(None, Look(), trouble)
    rig.step()
    assert rig.states[-1] == trouble
    rig.live.show(view(), Look())
    rig.step()
    assert rig.states[-1].mood is not Mood.TROUBLE


FULL, HALF = Variant("Full", "", Look()), Variant("Half", "", Look(strength=0.5))
OTHER = Variant("Other", "other", Look())


def test_variants_are_made_one_after_the_other_when_the_picture_is_there(rig: Rig) -> None:
    shown(rig)
    rig.live.offer([FULL, HALF, OTHER])
    rig.step()
    assert len(rig.session.renders) == 1  # the picture itself
    for _variant in range(2):
        rig.session.renders[-1].finish(RENDERED)
        rig.step()
    rig.session.renders[-1].finish(RENDERED)
    rig.step()
    assert rig.session.predicts[-1].request["network"] == "other"
    rig.session.predicts[-1].finish(prediction("B"))
    rig.step()
    assert rig.session.renders[-1].request["adjustment"] == "B"
    rig.session.renders[-1].finish(RENDERED)
    rig.step()
    assert rig.variants == ["Full", "Half", "Other"]
    assert len(rig.pictures) == 1
    assert (len(rig.session.predicts), len(rig.session.renders)) == (2, 4)


def test_a_variant_that_a_newer_preview_drops_is_made_later(rig: Rig) -> None:
    wanted = shown(rig)
    rig.session.renders[-1].finish(RENDERED)
    rig.live.offer([FULL])
    rig.step()
    variant = rig.session.renders[-1]
    rig.live.show(wanted, Look(strength=0.3))
    rig.step()
    variant.finish(error=Superseded("newer"))
    rig.step()
    assert rig.session.renders[-1].request["look"].strength == 0.3
    rig.session.renders[-1].finish(RENDERED)
    rig.step()
    rig.session.renders[-1].finish(RENDERED)
    assert rig.variants == ["Full"]
    assert len(rig.pictures) == 2


def test_a_variant_that_fails_ends_them_without_a_word(rig: Rig) -> None:
    shown(rig)
    rig.session.renders[-1].finish(RENDERED)
    rig.live.offer([OTHER, HALF])
    rig.step()
    rig.session.predicts[-1].finish(error=Busy("too much to do"))
    rig.step()
    assert len(rig.session.predicts) == 2
    assert all(state.mood is not Mood.TROUBLE for state in rig.states)


def test_variants_are_kept_for_another_network_and_not_for_another_scene(rig: Rig) -> None:
    shown(rig)
    rig.session.renders[-1].finish(RENDERED)
    rig.live.offer([FULL])
    rig.step()
    rig.session.renders[-1].finish(RENDERED)
    shown(rig, "other")
    rig.live.offer([FULL])
    assert rig.variants == ["Full", "Full"]
    rig.live.show(View(Thumbnail(2, 1, bytes([9] * 6)), bytes(2), None, "", ""), Look())
    rig.live.offer([FULL])
    assert rig.variants == ["Full", "Full"]


def test_it_is_at_rest_when_the_picture_and_the_variants_are_there(rig: Rig) -> None:
    assert rig.live.at_rest
    wanted = shown(rig)
    rig.live.offer([FULL])
    assert not rig.live.at_rest
    rig.session.renders[-1].finish(RENDERED)
    assert not rig.live.at_rest  # the variant is missed
    rig.step()
    rig.session.renders[-1].finish(RENDERED)
    assert rig.live.at_rest
    rig.live.show(wanted, Look(strength=0.3))
    assert not rig.live.at_rest


def test_it_is_not_at_rest_while_it_connects_or_has_something_to_send(rig: Rig) -> None:
    for rig.session.state in (State.STARTING, State.CONNECTING):
        assert not rig.live.at_rest
    rig.session.state, rig.session.wants_write = State.READY, True
    assert not rig.live.at_rest


def test_after_an_error_it_is_at_rest_until_the_next_wish(rig: Rig) -> None:
    rig.live.show(view(), Look())
    rig.step()
    rig.session.predicts[0].finish(error=Busy("too much to do"))
    assert rig.live.at_rest
    rig.live.retry()
    assert not rig.live.at_rest


def test_showing_nothing_asks_for_nothing(rig: Rig) -> None:
    rig.live.show(None, Look())
    rig.step()
    assert rig.session.predicts == []


def test_the_preview_of_a_grey_image_has_no_color(rig: Rig) -> None:
    grey = Thumbnail(2, 1, bytes([7, 7, 7, 9, 9, 9]))
    rig.live.show(View(grey, bytes(2), None, "", "", grey=True), Look(warmth=1))
    rig.step()
    rig.session.predicts[0].finish(prediction())
    rig.step()
    request = rig.session.renders[0].request
    assert (request["layer"].layout, request["pixels"]) == ("Y", bytes([7, 9]))
    request["into"][:] = bytes([50, 60])
    rig.session.renders[0].finish(Rendered(1.0, ()))
    assert rig.pictures[0].rgb == bytes([50, 50, 50, 60, 60, 60])
