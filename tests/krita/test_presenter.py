"""What the docker decides, without Qt and without Krita."""

from __future__ import annotations

from dataclasses import replace

import pytest
from harmonize_client import CannotConnect, ConnectionLost, UnknownNetwork
from harmonize_client.session import State
from harmonize_client.values import Look
from harmonize_selection.state import Health
from harmonize_selection.values import Output, Rect, Reference, Settings, Source

from .docker import Docker
from .fake_host import NETWORK, STATUS, FakeHost, moved


def test_a_visible_docker_shows_the_active_layer_before_and_after(docker: Docker) -> None:
    assert docker.state.layer is not None
    assert docker.state.layer.name == "figure"
    assert docker.state.before is not None
    assert docker.state.after is not None
    assert [variant.chosen for variant in docker.state.variants] == [True, False, False, False]


def test_a_hidden_docker_asks_nothing_of_anybody() -> None:
    docker = Docker()
    docker.presenter.set_visible(False)
    docker.host.log.clear()
    docker.session.log.clear()
    docker.host.bounds["figure"] = Rect(0, 0, 1, 1)
    docker.wait(5)
    assert docker.host.log == []
    assert docker.session.log == []


def test_harmonize_writes_one_new_layer(docker: Docker) -> None:
    docker.presenter.harmonize()
    assert docker.state.busy
    docker.wait(1)
    assert [entry for entry in docker.host.log if entry.startswith("write")] == ["write figure harmonized new-layer"]
    assert docker.state.busy == ""
    assert [row.title for row in docker.state.history] == ["figure"]


def test_the_result_is_remembered_with_the_document(docker: Docker) -> None:
    docker.presenter.harmonize()
    docker.wait(1)
    other = Docker()
    other.host.memory = docker.host.memory
    other.host.active_layer = "nothing"
    other.wait(1)
    other.host.active_layer = "figure"
    other.wait(1)
    assert [row.title for row in other.state.history] == ["figure"]


def test_curves_are_written_as_a_mask_without_reading_pixels() -> None:
    docker = Docker(Settings(output=Output.CURVES))
    docker.presenter.harmonize()
    docker.wait(1)
    assert "curves figure" in docker.host.log
    assert not any(entry.startswith("region") for entry in docker.host.log)


def test_sliders_render_again_without_another_inference(docker: Docker) -> None:
    docker.presenter.harmonize()
    docker.wait(1)
    docker.host.active_layer = "figure harmonized"
    docker.wait(1)
    assert docker.state.adjusting == "figure harmonized"  # not the original, which stays as it is
    docker.session.log.clear()
    docker.choose(look=Look(strength=0.5))
    docker.wait(1)
    assert "predict" not in docker.session.log
    assert docker.session.looks[-1] == Look(strength=0.5)
    assert docker.host.log.count("rewrite figure harmonized") == 1


def test_many_small_slider_steps_render_the_layer_once(docker: Docker) -> None:
    docker.presenter.harmonize()
    docker.wait(1)
    for step in range(10):
        docker.choose(look=Look(strength=step / 10))
        docker.presenter.tick()
    docker.wait(1)
    assert docker.host.log.count("rewrite figure harmonized") == 1


def test_a_layer_that_was_painted_on_is_left_alone(docker: Docker) -> None:
    docker.presenter.harmonize()
    docker.wait(1)
    docker.host.touched = "You have painted on this layer"
    docker.choose(look=Look(strength=0.5))
    docker.wait(1)
    assert "rewrite figure harmonized" not in docker.host.log
    assert "painted" in docker.state.note


def test_a_layer_that_is_painted_on_while_it_is_rendered_is_left_alone(docker: Docker) -> None:
    docker.presenter.harmonize()
    docker.wait(1)
    docker.session.slow = True
    docker.choose(look=Look(strength=0.5))
    docker.wait(0.5)
    assert docker.session.log[-1] == "render"
    docker.host.touched = "You have painted on this layer"
    docker.session.slow = False
    docker.wait(1)
    assert "rewrite figure harmonized" not in docker.host.log
    assert "painted" in docker.state.note
    assert docker.state.problem is None
    assert docker.state.busy == ""


def test_nothing_is_read_or_written_during_a_stroke(docker: Docker) -> None:
    docker.session.slow = True
    docker.presenter.harmonize()
    docker.wait(0.5)
    docker.host.pen = True
    docker.session.slow = False
    docker.host.log.clear()
    docker.wait(1)
    assert docker.host.log == []
    assert docker.state.busy
    docker.host.pen = False
    docker.wait(1)
    assert docker.host.log == ["region figure", "write figure harmonized new-layer"]


def test_a_preview_is_not_read_during_a_stroke(docker: Docker) -> None:
    docker.presenter.refresh_preview()
    docker.host.pen = True
    docker.host.log.clear()
    docker.wait(1)
    assert docker.host.log == []
    docker.host.pen = False
    docker.wait(1)
    assert docker.host.log == ["scene figure"]


def test_a_slider_changes_the_layer_while_it_is_dragged(docker: Docker) -> None:
    docker.presenter.harmonize()
    docker.wait(1)
    docker.host.pen = True
    docker.choose(look=Look(strength=0.5))
    docker.wait(1)
    assert docker.host.log[-1] == "rewrite figure harmonized"
    docker.host.pen = False
    docker.wait(0.1)
    docker.host.pen = True
    docker.host.log.clear()
    docker.presenter.harmonize()
    docker.wait(1)
    assert docker.host.log == []


def test_the_harmonized_copy_stands_for_its_original(docker: Docker) -> None:
    docker.presenter.harmonize()
    docker.wait(1)
    docker.host.active_layer = "figure harmonized"
    docker.wait(1)
    assert docker.state.layer is not None
    assert docker.state.layer.name == "figure"


def test_harmonizing_again_covers_the_earlier_result(docker: Docker) -> None:
    docker.presenter.harmonize()
    docker.wait(1)
    docker.presenter.harmonize()
    docker.wait(1)
    assert docker.host.log[-1] == "write figure harmonized new-layer over figure harmonized"


def test_a_result_of_another_document_is_kept_with_that_document(docker: Docker) -> None:
    docker.presenter.harmonize()
    docker.host.active_layer = "nothing"
    docker.wait(1)
    assert docker.state.history == ()
    assert "figure harmonized" in docker.host.memory


def test_a_copy_that_was_moved_is_a_layer_of_its_own(docker: Docker) -> None:
    docker.presenter.harmonize()
    docker.wait(1)
    docker.host.bounds["figure harmonized"] = Rect(5, 1, 2, 2)
    docker.host.active_layer = "figure harmonized"
    docker.wait(1)
    assert docker.state.layer is not None
    assert docker.state.layer.name == "figure harmonized"


def test_all_selected_layers_are_written_one_after_the_other(docker: Docker) -> None:
    docker.host.selected_layers = ["figure", "scene"]
    docker.presenter.harmonize_selected()
    docker.wait(2)
    written = [entry for entry in docker.host.log if entry.startswith("write")]
    assert written == ["write figure harmonized new-layer", "write scene harmonized new-layer"]


def test_cancel_ends_the_request_and_writes_nothing(docker: Docker) -> None:
    docker.session.slow = True
    docker.presenter.harmonize()
    docker.wait(0.5)
    docker.presenter.cancel()
    docker.session.slow = False
    docker.wait(1)
    assert docker.state.busy == ""
    assert not any(entry.startswith("write") for entry in docker.host.log)


@pytest.mark.parametrize("act", ["cancel", "refresh_preview", "look_now", "tick"])
def test_what_comes_in_while_a_mask_is_written_waits_for_it(docker: Docker, act: str) -> None:
    docker.choose(output=Output.CURVES)
    docker.host.meanwhile = getattr(docker.presenter, act)
    docker.presenter.harmonize()
    docker.wait(1)
    assert docker.state.problem is None
    assert (docker.state.busy, docker.state.note) == ("", "")
    assert [row.title for row in docker.state.history] == ["figure"]


@pytest.mark.parametrize("act", ["harmonize", "harmonize_selected", "reuse"])
def test_what_is_asked_for_while_a_mask_is_written_is_not_done_after_it(docker: Docker, act: str) -> None:
    docker.choose(output=Output.CURVES)
    docker.harmonize()
    docker.host.log.clear()
    again = getattr(docker.presenter, act)
    docker.host.meanwhile = lambda: again(0) if act == "reuse" else again()
    docker.presenter.harmonize()
    docker.wait(3)
    assert [entry for entry in docker.host.log if entry.startswith("curves")] == ["curves figure instead of mask 1"]


@pytest.mark.parametrize("act", ["harmonize", "set_live"])
def test_what_ends_live_mode_while_it_shows_its_curves_waits_for_them(docker: Docker, act: str) -> None:
    presenter = docker.presenter
    docker.host.meanwhile = presenter.harmonize if act == "harmonize" else lambda: presenter.set_live(False)
    presenter.set_live(True)
    docker.wait(2)
    assert docker.state.problem is None
    assert not docker.state.live
    left = [entry for entry in docker.host.log if entry.startswith(("live curves", "live clear", "curves", "write"))]
    last = "write figure harmonized new-layer" if act == "harmonize" else "curves figure"
    assert left == ["live curves", "live clear", last]


def test_an_error_of_the_daemon_is_one_quiet_line_with_details(docker: Docker) -> None:
    docker.session.refuse = UnknownNetwork('no network "x"', "choose another")
    docker.presenter.harmonize()
    docker.wait(1)
    assert docker.state.problem is not None
    assert docker.state.problem.line == "That network is not installed"
    assert "choose another network" in docker.state.problem.details
    assert 'no network "x" (unknown_network)' in docker.state.problem.details
    docker.presenter.dismiss()
    assert docker.state.problem is None


def test_a_layer_deleted_in_the_middle_is_one_quiet_line(docker: Docker) -> None:
    docker.presenter.harmonize()
    del docker.host.bounds["figure"]
    docker.wait(1)
    assert docker.state.problem is not None
    assert docker.state.problem.line == "the layer was deleted"


def test_what_is_said_of_a_layer_goes_when_the_artist_goes_on_to_another(docker: Docker) -> None:
    docker.session.refuse = UnknownNetwork('no network "x"')
    docker.presenter.harmonize()
    docker.wait(1)
    docker.session.refuse = None
    docker.wait(5)
    assert docker.state.problem is not None
    docker.host.active_layer = "scene"
    docker.wait(1)
    assert docker.state.problem is None


def test_what_is_said_of_a_layer_that_is_gone_stays(docker: Docker) -> None:
    docker.presenter.harmonize()
    del docker.host.bounds["figure"]
    docker.host.active_layer = "scene"
    docker.wait(1)
    assert docker.state.problem is not None
    assert docker.state.problem.line == "the layer was deleted"


def test_what_one_of_several_layers_fails_with_is_said_although_krita_goes_on_to_their_results(docker: Docker) -> None:
    docker.host.selected_layers = ["figure", "scene"]
    docker.host.active_layer = "scene"
    docker.wait(1)
    docker.presenter.harmonize_selected()
    while "write figure harmonized new-layer" not in docker.host.log:
        docker.wait(0.05)
    docker.host.active_layer = "figure harmonized"
    del docker.host.bounds["scene"]
    docker.wait(2)
    assert docker.state.problem is not None


def test_the_daemons_state_is_shown_in_words(docker: Docker) -> None:
    assert (docker.state.health, docker.state.daemon) == (Health.READY, "Ready, on the CPU")
    docker.session.state, docker.session.error = State.IDLE, CannotConnect("no daemon")
    docker.wait(1)
    assert docker.state.health is Health.BROKEN
    docker.session.state, docker.session.error = State.STARTING, None
    docker.wait(1)
    assert docker.state.health is Health.WORKING


def test_a_large_picture_is_previewed_only_when_asked() -> None:
    fresh = Docker(host=FakeHost(canvas=Rect(0, 0, 6000, 4000)))
    assert fresh.state.before is None
    assert fresh.state.preview_waits
    fresh.presenter.refresh_preview()
    fresh.wait(1)
    assert fresh.state.before is not None


def test_before_shows_the_original_until_it_is_released(docker: Docker) -> None:
    docker.presenter.harmonize()
    docker.wait(1)
    docker.presenter.compare(True)
    assert docker.state.comparing
    docker.presenter.compare(False)
    assert not docker.state.comparing
    assert docker.host.log[-2:] == ["show original", "show written"]


@pytest.mark.parametrize("what", ["slider", "harmonize", "live", "another layer", "another document", "close"])
def test_before_ends_when_the_picture_is_to_change(docker: Docker, what: str) -> None:
    docker.presenter.harmonize()
    docker.wait(1)
    docker.presenter.compare(True)
    docker.host.log.clear()
    if what == "slider":
        docker.choose(look=Look(strength=0.5))
    elif what == "harmonize":
        docker.presenter.harmonize()
    elif what == "live":
        docker.presenter.set_live(True)
    elif what == "close":
        docker.presenter.close()
    else:
        docker.host.active_layer = "scene" if what == "another layer" else "nothing"
    docker.wait(1)
    assert docker.host.log[0] == "show written"
    assert ("show original" in docker.host.log) == (what == "live")  # which shows the layer itself
    assert not docker.state.comparing


def test_before_of_a_layer_that_is_gone_just_ends(docker: Docker) -> None:
    docker.presenter.harmonize()
    docker.wait(1)
    docker.presenter.compare(True)
    del docker.host.bounds["figure harmonized"]
    docker.wait(1)
    assert not docker.state.comparing
    assert docker.state.problem is None


def test_a_reference_that_cannot_be_chosen_any_more_is_not_used(docker: Docker) -> None:
    reference = Reference(Source.LAYER, "scene")
    docker.choose(reference=reference)
    docker.wait(1)
    assert docker.state.settings.reference == reference
    docker.host.active_layer = "scene"
    docker.wait(1)
    assert docker.state.settings.reference == Reference()
    docker.host.active_layer = "figure"
    docker.wait(1)
    docker.choose(reference=reference)
    del docker.host.bounds["scene"]
    docker.wait(1)
    assert docker.state.settings.reference == Reference()


def test_a_network_that_is_not_installed_any_more_is_not_used(docker: Docker) -> None:
    docker.choose(network="ours")
    docker.wait(1)
    assert docker.state.settings.network == "ours"
    docker.session.daemon = replace(STATUS, networks=(replace(NETWORK, key="other"),))
    docker.wait(1)
    assert docker.state.settings.network == ""


def test_the_chosen_network_is_kept_until_the_installed_ones_are_known() -> None:
    docker = Docker(Settings(network="chosen"))
    assert docker.state.settings.network == ""
    docker = Docker(Settings(network="chosen"), replace(STATUS, networks=()))
    assert docker.state.settings.network == "chosen"


@pytest.mark.parametrize("side", ["host", "daemon"])
def test_a_preview_that_fails_is_tried_again_when_something_changes(docker: Docker, side: str) -> None:
    docker.host.unreadable = "the selection does not touch the layer" if side == "host" else ""
    docker.session.refuse = UnknownNetwork("no network") if side == "daemon" else None
    docker.host.bounds["figure"] = Rect(3, 1, 2, 2)
    docker.wait(2)
    assert docker.state.preview_trouble is not None
    assert docker.state.problem is None
    docker.host.log.clear()
    docker.session.log.clear()
    docker.wait(3)
    assert docker.host.log == []
    assert "predict" not in docker.session.log
    docker.host.unreadable, docker.session.refuse = "", None
    docker.choose(look=Look(strength=0.5))
    docker.wait(1)
    assert docker.session.log.count("predict") == 1


def test_a_preview_that_failed_is_tried_again_with_a_new_daemon(docker: Docker) -> None:
    docker.session.refuse = ConnectionLost("the daemon is gone")
    docker.host.bounds["figure"] = Rect(3, 1, 2, 2)
    docker.wait(2)
    docker.session.refuse, docker.session.daemon = None, replace(STATUS, pid=8)
    docker.presenter.dismiss()
    docker.session.log.clear()
    docker.wait(1)
    assert "predict" in docker.session.log


def test_closing_krita_leaves_no_live_mask(docker: Docker) -> None:
    docker.presenter.set_live(True)
    docker.wait(1)
    docker.presenter.close()
    assert docker.host.log[-1] == "live clear"
    assert docker.session.log[-1] == "close"


def test_live_hides_the_curves_that_it_left_before(docker: Docker) -> None:
    docker.presenter.set_live(True)
    docker.wait(1)
    docker.presenter.set_live(False)
    docker.host.log.clear()
    docker.presenter.set_live(True)
    assert docker.host.log[0] == "show original"
    docker.wait(1)
    docker.presenter.set_live(False)
    assert docker.host.log[-1] == "curves figure instead of mask 1"
    assert "show written" not in docker.host.log


def test_a_copy_that_was_moved_covers_nothing_but_its_own_place(docker: Docker) -> None:
    docker.harmonize()
    docker.host.bounds["figure harmonized"] = Rect(5, 1, 2, 2)
    docker.host.active_layer = "figure harmonized"
    docker.wait(1)
    docker.presenter.set_live(True)
    docker.wait(1)
    assert docker.host.hidden == set()
    docker.presenter.set_live(False)
    assert docker.host.log[-1] == "curves figure harmonized"


def test_a_copy_that_was_moved_stays_when_its_original_is_harmonized(docker: Docker) -> None:
    docker.host.names = ["first", "second"]
    docker.harmonize()
    docker.host.bounds["first"] = Rect(5, 1, 2, 2)
    assert docker.harmonize()[-1] == "write second new-layer"


def test_before_is_not_to_be_had_while_live_shows_the_layer(docker: Docker) -> None:
    docker.harmonize()
    docker.presenter.set_live(True)
    docker.wait(1)
    docker.presenter.compare(True)
    docker.presenter.compare(False)
    assert docker.host.hidden == {"figure harmonized"}


def test_of_an_animated_layer_one_frame_is_said_to_be_harmonized(docker: Docker) -> None:
    docker.harmonize()
    assert docker.state.note == ""
    docker.host.animated = True
    docker.harmonize()
    assert docker.state.note.startswith("Only this frame")


def test_live_shows_the_layer_in_place_of_its_harmonized_copy(docker: Docker) -> None:
    docker.harmonize()
    docker.host.active_layer = "figure harmonized"
    docker.wait(1)
    docker.presenter.set_live(True)
    docker.wait(1)
    assert docker.host.hidden == {"figure harmonized"}
    docker.presenter.set_live(False)
    assert docker.host.log[-1] == "curves figure instead of figure harmonized"


@pytest.mark.parametrize("hidden_by_live", [False, True])
def test_a_redo_that_brings_an_earlier_copy_back_ends_live(docker: Docker, hidden_by_live: bool) -> None:
    docker.harmonize()
    copy = docker.host.bounds["figure harmonized"]
    if not hidden_by_live:
        del docker.host.bounds["figure harmonized"]
    docker.presenter.set_live(True)
    docker.wait(1)
    docker.host.bounds.pop("figure harmonized", None)
    docker.wait(1)
    assert docker.state.live
    docker.host.bounds["figure harmonized"] = copy
    docker.wait(1)
    assert not docker.state.live
    assert docker.host.hidden == set()
    assert not [entry for entry in docker.host.log if entry.startswith("curves")]


def test_a_redo_right_after_live_was_switched_on_ends_it(docker: Docker) -> None:
    docker.harmonize()
    copy = docker.host.bounds.pop("figure harmonized")
    docker.wait(1)
    docker.presenter.set_live(True)
    docker.host.bounds["figure harmonized"] = copy
    docker.wait(1)
    assert not docker.state.live


def test_live_goes_on_when_deleting_a_copy_that_was_moved_is_undone(docker: Docker) -> None:
    docker.harmonize()
    docker.host.bounds["figure harmonized"] = moved = Rect(5, 1, 2, 2)
    docker.wait(1)
    docker.presenter.set_live(True)
    docker.wait(1)
    del docker.host.bounds["figure harmonized"]
    docker.wait(1)
    docker.host.bounds["figure harmonized"] = moved
    docker.wait(1)
    assert docker.state.live


def test_live_goes_on_beside_an_earlier_copy_that_is_moved_away_and_back(docker: Docker) -> None:
    docker.harmonize()
    there, away = docker.host.bounds["figure harmonized"], Rect(5, 1, 2, 2)
    docker.host.bounds["figure harmonized"] = away
    docker.presenter.set_live(True)
    for place in (away, there, away):
        docker.host.bounds["figure harmonized"] = place
        docker.wait(1)
    assert docker.state.live


def test_what_went_wrong_in_live_is_said_until_it_goes_well_again(docker: Docker) -> None:
    docker.presenter.set_live(True)
    docker.wait(1)
    docker.host.unreadable = "the selection does not touch the layer"
    docker.host.bounds["figure"] = Rect(3, 1, 2, 2)
    docker.wait(1)
    assert docker.state.problem is not None
    assert docker.state.live_text == "Live pauses until something changes."
    docker.presenter.dismiss()
    docker.wait(1)
    assert docker.state.problem is None
    docker.host.bounds["figure"] = Rect(4, 1, 2, 2)
    docker.wait(1)
    assert docker.state.problem is not None
    docker.host.unreadable = ""
    docker.host.bounds["figure"] = Rect(2, 1, 2, 2)
    docker.wait(1)
    assert docker.state.problem is None


def test_live_names_its_layer_while_another_one_is_at_hand(docker: Docker) -> None:
    docker.presenter.set_live(True)
    docker.wait(1)
    docker.host.active_layer = "scene"
    docker.wait(1)
    assert docker.state.live_text == "Live follows the layer “figure”."
    docker.host.active_layer = "figure"
    docker.wait(1)
    assert docker.state.live_text.startswith("Live: ")


def test_a_layer_that_live_follows_keeps_its_look_when_another_one_is_harmonized(docker: Docker) -> None:
    docker.presenter.set_live(True)
    docker.wait(1)
    docker.host.active_layer = "scene"
    docker.wait(1)
    assert docker.harmonize()[:3] == ["live clear", "curves figure", "scene scene"]
    assert not docker.state.live
    assert [row.title for row in docker.state.history] == ["scene", "figure"]


def test_curves_that_live_has_hidden_come_back_when_it_leaves_none(docker: Docker) -> None:
    docker.presenter.set_live(True)
    docker.wait(1)
    docker.presenter.set_live(False)
    docker.presenter.set_live(True)
    docker.presenter.set_live(False)
    assert docker.host.log[-2:] == ["live clear", "show written"]
    docker.presenter.set_live(True)
    docker.presenter.close()
    assert docker.host.log[-2:] == ["live clear", "show written"]


def test_live_ends_quietly_when_its_layer_is_gone(docker: Docker) -> None:
    docker.presenter.set_live(True)
    docker.wait(1)
    docker.presenter.set_live(False)
    docker.presenter.set_live(True)
    docker.wait(1)
    figure, mask = docker.host.bounds.pop("figure"), docker.host.bounds.pop("mask 1")
    docker.host.active_layer = "scene"
    docker.wait(1)
    assert not docker.state.live
    assert "gone" in docker.state.note
    docker.host.log.clear()
    docker.host.bounds |= {"figure": figure, "mask 1": mask}
    docker.wait(1)
    assert [entry for entry in docker.host.log if "scene" not in entry] == ["live clear", "show written"]
    docker.host.log.clear()
    docker.wait(1)
    assert "live clear" not in docker.host.log
    del docker.host.bounds["figure"]
    docker.wait(1)
    docker.host.bounds["figure"] = figure
    docker.wait(1)
    assert "live clear" in docker.host.log


def test_live_goes_on_when_a_cut_is_undone(docker: Docker) -> None:
    docker.presenter.set_live(True)
    docker.wait(1)
    figure, docker.host.bounds["figure"] = docker.host.bounds["figure"], Rect(0, 0, 0, 0)
    docker.wait(1)
    assert docker.state.live
    assert docker.state.live_text == "Live pauses: the layer is empty."
    docker.host.bounds["figure"] = moved(figure, 1)
    docker.host.log.clear()
    docker.wait(1)
    assert docker.state.live
    assert docker.host.log[-1] == "live curves"


def test_an_earlier_change_is_applied_again_without_an_inference(docker: Docker) -> None:
    docker.presenter.harmonize()
    docker.wait(1)
    docker.host.active_layer = "scene"
    docker.wait(0.4)
    docker.host.log.clear()
    docker.presenter.reuse(0)
    docker.wait(1)
    assert [entry for entry in docker.host.log if entry.startswith("write")] == ["write scene harmonized new-layer"]
