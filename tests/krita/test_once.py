"""However often a layer is harmonized: a change is never made on top of a change, and with what was chosen then."""

from __future__ import annotations

import pytest
from harmonize_client.values import Look
from harmonize_selection.values import Output, Settings

from .docker import Docker


def test_harmonize_takes_back_what_live_shows_before_it_reads_the_layer(docker: Docker) -> None:
    docker.presenter.set_live(True)
    docker.wait(1)
    assert docker.harmonize() == [
        "live clear",
        "scene figure",
        "region figure",
        "write figure harmonized new-layer",
        *docker.host.log[4:],
    ]
    assert not docker.state.live
    assert "curves figure" not in docker.host.log


def test_an_earlier_change_is_applied_without_what_live_shows(docker: Docker) -> None:
    docker.harmonize()
    docker.presenter.set_live(True)
    docker.wait(1)
    docker.host.log.clear()
    docker.presenter.reuse(0)
    docker.wait(1)
    assert docker.host.log[:3] == ["live clear", "show written", "region figure"]
    assert not docker.state.live


def test_new_curves_take_the_place_of_earlier_ones() -> None:
    docker = Docker(Settings(output=Output.CURVES))
    docker.harmonize()
    log = docker.harmonize()
    assert log[:2] == ["scene figure without mask 1", "curves figure instead of mask 1"]


def test_new_curves_take_the_place_of_a_harmonized_copy(docker: Docker) -> None:
    docker.harmonize()
    docker.choose(output=Output.CURVES)
    assert docker.harmonize()[:2] == ["scene figure", "curves figure instead of figure harmonized"]


def test_a_layer_with_our_curves_is_rendered_without_them(docker: Docker) -> None:
    docker.choose(output=Output.CURVES)
    docker.harmonize()
    docker.choose(output=Output.NEW_LAYER)
    assert docker.harmonize()[:5] == [
        "scene figure without mask 1",
        "show original",
        "region figure",
        "write figure harmonized new-layer",
        "show written",
    ]


@pytest.mark.parametrize("ending", ["cancelled", "failed"])
def test_our_curves_are_shown_again_whatever_happens(docker: Docker, ending: str) -> None:
    docker.choose(output=Output.CURVES)
    docker.harmonize()
    docker.choose(output=Output.NEW_LAYER)
    docker.wait(1)
    docker.session.log.clear()
    docker.session.slow = True
    docker.presenter.harmonize()
    docker.wait(0.3)
    docker.session.answer()
    docker.wait(0.3)
    assert docker.session.log == ["predict", "render"]
    assert docker.host.hidden == {"mask 1"}
    if ending == "cancelled":
        docker.presenter.cancel()
    else:
        del docker.host.bounds["figure"]
        docker.host.write_layer = None  # type: ignore[method-assign, assignment]
        docker.session.answer()
        docker.wait(1)
    assert docker.host.hidden == set()


def test_the_preview_does_not_count_our_curves(docker: Docker) -> None:
    docker.choose(output=Output.CURVES)
    docker.harmonize()
    assert docker.host.log[-1] == "scene figure without mask 1"


def test_a_copy_and_its_original_among_the_selected_are_harmonized_once(docker: Docker) -> None:
    docker.harmonize()
    docker.host.log.clear()
    docker.host.selected_layers = ["scene", "figure", "figure harmonized"]
    docker.wait(1)
    assert docker.state.selected == 2
    docker.presenter.harmonize_selected()
    docker.wait(3)
    assert docker.written == [
        "write scene harmonized new-layer",
        "write figure harmonized new-layer over figure harmonized",
    ]


def test_what_is_chosen_during_the_first_of_two_layers_is_for_the_next_time(docker: Docker) -> None:
    docker.host.selected_layers = ["scene", "figure"]
    docker.session.slow = True
    docker.presenter.harmonize_selected()
    docker.wait(0.3)
    docker.choose(output=Output.REPLACE)
    docker.session.slow = False
    docker.wait(3)
    assert docker.written == ["write scene harmonized new-layer", "write figure harmonized new-layer"]


def test_a_slider_that_is_moved_while_the_layer_is_rendered_changes_it_afterwards(docker: Docker) -> None:
    docker.session.slow = True
    docker.presenter.harmonize()
    docker.wait(0.5)
    docker.choose(look=Look(strength=0.3))
    docker.session.slow = False
    docker.wait(3)
    assert [entry for entry in docker.host.log if "write" in entry] == [
        "write figure harmonized new-layer",
        "rewrite figure harmonized",
    ]
    assert docker.presenter._results.all[0].settings.look == Look(strength=0.3)


def test_an_undone_result_leaves_the_one_before_it_at_hand(docker: Docker) -> None:
    docker.host.names = ["first", "second", "third"]
    docker.harmonize()
    docker.harmonize()
    del docker.host.bounds["second"]
    docker.wait(1)
    assert docker.state.can_compare
    docker.harmonize()
    assert docker.written == ["write third new-layer over first"]


def test_earlier_curves_come_back_when_live_cannot_leave_others(docker: Docker) -> None:
    docker.presenter.set_live(True)
    docker.wait(1)
    docker.presenter.set_live(False)
    docker.presenter.set_live(True)
    docker.wait(1)
    docker.host.refuses_curves = True
    docker.presenter.set_live(False)
    assert docker.host.log[-1] == "show written"
    assert docker.state.problem is not None
    assert not docker.state.live
