"""The picture in the docker: when it is made, made again, and what is said in place of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from harmonize_client import BadWeights, CannotStart
from harmonize_client.session import State
from harmonize_client.values import LayerFormat, Look, Thumbnail
from harmonize_selection import requests
from harmonize_selection.values import Picture, Rect, Reference, Scene, Source

from .docker import Docker
from .fake_host import NETWORK, STATUS, FakeHost

THREE_NETWORKS = replace(STATUS, networks=tuple(replace(NETWORK, key=key, title=key) for key in ("ours", "b", "c")))
FITS = "The network changes nothing: the foreground fits already, or the network is not sure enough to help."


def test_a_new_selection_or_painting_makes_a_new_picture(docker: Docker) -> None:
    before = docker.state.before
    docker.host.log.clear()
    docker.wait(3)
    assert docker.host.log == []
    docker.host.signature = b"2"
    docker.wait(1.5)
    assert docker.host.log == ["scene figure"]
    assert docker.state.before is not before
    assert docker.state.after is not None


def test_what_lies_above_is_looked_at_only_where_the_layer_is_to_fit_it(docker: Docker) -> None:
    docker.host.log.clear()
    docker.choose(reference=Reference(Source.ABOVE))
    docker.wait(1.5)
    docker.choose(reference=Reference(Source.VISIBLE))
    docker.wait(1.5)
    docker.choose(reference=Reference())
    docker.wait(1.5)
    assert docker.host.log == ["scene figure with what lies above", "scene figure"]


def test_what_goes_on_changing_is_looked_at_when_it_rests(docker: Docker) -> None:
    docker.host.log.clear()
    for number in range(20):
        docker.host.signature = bytes([number])
        docker.wait(0.3)
    assert docker.host.log == []
    docker.wait(1)
    assert docker.host.log == ["scene figure"]


def test_a_scene_that_is_being_worked_on_is_looked_at_when_that_is_done(docker: Docker) -> None:
    docker.host.log.clear()
    docker.host.still = False
    docker.host.signature = b"2"
    docker.wait(3)
    assert docker.host.log == []
    docker.host.still = True
    docker.wait(0.3)
    assert docker.host.log == ["scene figure"]


def test_the_picture_of_another_layer_goes_at_once(docker: Docker) -> None:
    docker.session.slow = True
    docker.host.active_layer = "scene"
    docker.wait(0.35)
    assert docker.state.layer is not None
    assert docker.state.layer.name == "scene"
    assert docker.state.before is docker.state.after is docker.state.shade is None
    assert docker.state.variants == ()


def test_a_daemon_that_has_ended_is_started_for_a_new_picture_only(docker: Docker) -> None:
    docker.session.state = State.IDLE
    docker.session.log.clear()
    docker.wait(10)
    assert docker.session.log == []
    docker.host.active_layer = "scene"
    docker.wait(2)
    assert docker.session.log[0] == "predict"  # a request starts it
    assert docker.state.after is not None


def test_a_daemon_that_cannot_start_is_not_tried_at_every_stroke(docker: Docker) -> None:
    docker.session.state, docker.session.error = State.IDLE, CannotStart("no")
    docker.session.log.clear()
    docker.host.signature = b"2"
    docker.wait(2)
    assert docker.session.log == []


@pytest.mark.parametrize("state", ["ready", "failed"])
def test_nothing_is_asked_of_a_daemon_that_has_nothing_to_do(docker: Docker, state: str) -> None:
    docker.session.daemon = replace(STATUS, state=state)
    docker.wait(70)
    docker.session.log.clear()
    docker.wait(600)
    assert docker.session.log == []
    docker.choose(look=Look(strength=0.5))
    docker.wait(10)
    assert docker.session.log.count("status") >= 1


def test_an_empty_layer_is_said_in_the_pictures_place_and_not_of_the_next_layer(docker: Docker) -> None:
    docker.host.bounds["empty"] = Rect(0, 0, 0, 0)
    docker.host.active_layer = "empty"
    docker.wait(2)
    assert docker.state.problem is None
    assert docker.state.before is None
    assert docker.state.preview_trouble is not None
    assert "empty" in docker.state.preview_trouble.line
    docker.host.active_layer = "figure"
    docker.wait(0.4)
    assert docker.state.preview_trouble is None
    docker.wait(2)
    assert docker.state.after is not None


def test_a_selection_that_made_the_preview_fail_is_looked_at_again_when_it_changes(docker: Docker) -> None:
    docker.host.unreadable, docker.host.signature = "the selection does not touch the layer", b"2"
    docker.wait(2)
    assert docker.state.preview_trouble is not None
    assert docker.state.before is None  # it showed another mask
    docker.host.unreadable, docker.host.signature = "", b"3"
    docker.wait(2)
    assert docker.state.preview_trouble is None
    assert docker.state.after is not None


def test_what_there_is_to_say_of_a_picture_is_not_said_of_the_next(docker: Docker) -> None:
    docker.session.notes = (FITS,)
    docker.presenter.refresh_preview()
    docker.wait(1)
    assert docker.state.preview_note == FITS
    docker.presenter.dismiss()
    docker.wait(1)
    assert docker.state.preview_note == ""
    docker.session.notes = ()
    docker.host.active_layer = "scene"
    docker.wait(2)
    docker.session.notes = (FITS,)
    docker.host.active_layer = "figure"
    docker.wait(2)
    assert docker.state.preview_note == FITS
    docker.session.notes = ()
    docker.host.active_layer = "scene"
    docker.wait(2)
    assert docker.state.after is not None
    assert docker.state.preview_note == ""


def test_the_notes_about_a_result_are_said(docker: Docker) -> None:
    large = Docker(host=FakeHost(canvas=Rect(0, 0, 6000, 4000)))
    large.session.notes = (FITS,)
    large.harmonize()
    assert large.state.note == FITS
    large.session.notes = ()
    large.harmonize()
    assert large.state.note == ""


@pytest.mark.parametrize("cause", ["You have moved this layer", "This layer is locked"])
def test_the_note_about_a_touched_layer_says_what_was_done_to_it(docker: Docker, cause: str) -> None:
    docker.harmonize()
    docker.host.touched = cause
    docker.choose(look=Look(strength=0.5))
    docker.wait(1)
    assert docker.state.note == cause
    assert docker.state.adjusting == ""


def test_a_slider_that_is_moved_while_variants_are_made_leaves_none_out() -> None:
    docker = Docker(status=THREE_NETWORKS)
    assert len(docker.state.variants) == 6
    docker.session.slow = True
    docker.presenter.refresh_preview()
    while len(docker.state.variants) != 2:
        docker.wait(0.05)
        docker.session.answer()
    docker.choose(look=Look(strength=0.5))
    docker.session.slow = False
    docker.wait(2)
    assert len(docker.state.variants) == 6
    assert [variant.chosen for variant in docker.state.variants] == [False, True, False, False, False, False]


def test_a_dragged_slider_shows_its_steps(docker: Docker) -> None:
    docker.session.slow = True
    docker.host.log.clear()
    seen = set()
    for step in range(40):
        docker.choose(look=Look(strength=step / 50))
        docker.wait(0.05)
        if step % 2:
            docker.session.answer()  # each answer takes two steps
        assert docker.state.after is not None
        seen.add(docker.state.after.rgba[0])
    assert len(seen) > 5
    docker.session.slow = False
    docker.wait(1)
    assert Look(strength=39 / 50) in docker.session.looks


def test_edges_that_are_clean_stay_clean_whatever_is_chosen(docker: Docker) -> None:
    docker.wait(3)
    docker.choose(look=Look(strength=0.3, clean_edges=True))
    docker.wait(3)
    assert docker.state.variants
    assert all(variant.look.clean_edges for variant in docker.state.variants)


def test_a_network_that_is_broken_is_only_missing_among_the_variants() -> None:
    docker = Docker(status=THREE_NETWORKS)
    docker.session.refuse_network = {"b": BadWeights("broken")}
    docker.presenter.refresh_preview()
    docker.wait(2)
    assert len(docker.state.variants) == 4
    assert docker.state.preview_trouble is None
    assert docker.state.after is not None


def test_the_picture_of_a_grey_layer_has_no_color() -> None:
    """A slider for warmth would show it, and the layer would never have it."""
    asked = []

    class Session:
        def render(self, *arguments: object, into: bytearray, look: Look) -> None:
            asked.append(arguments[1:3])
            into[:] = bytes([50, 255, 60, 128])

    layer = Picture(2, 1, bytes([7, 7, 7, 255, 9, 9, 9, 128]))
    scene = Scene(Thumbnail(2, 1, bytes(6)), b"\xff\xff", layer, None, grey=True)
    task = requests.render_preview(FakeHost(), Session(), scene, "adjustment", Look(warmth=1))  # type: ignore[arg-type]
    next(task)
    with pytest.raises(StopIteration) as end:
        task.send(None)
    assert asked == [(LayerFormat(2, 1, "YA", "u8"), bytes([7, 255, 9, 128]))]
    assert end.value.value.rgba == bytes([50, 50, 50, 255, 60, 60, 60, 128])
