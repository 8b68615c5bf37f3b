"""Live mode follows a layer, and never touches masks under the artist's pen."""

from __future__ import annotations

from harmonize_client.values import Look
from harmonize_selection.live import Live, LiveState
from harmonize_selection.values import Output, Rect, Reference, Settings, Source, Target

from .fake_host import Clock, FakeHost, FakeSession, layer_ref, moved


class Following:
    def __init__(self) -> None:
        self.host, self.session, self.clock = FakeHost(), FakeSession(), Clock(10.0)
        self.settings = Settings()
        target = Target(layer_ref("figure"), "figure", results=(layer_ref("figure harmonized"),))
        self.live = Live(self.host, self.session, target, lambda: self.settings, self.clock)  # type: ignore[arg-type]
        self.wait(1)

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds * 50)):
            self.clock.now += 0.02
            self.session.poll()
            self.live.tick()

    def move(self, by: int = 1) -> None:
        self.host.bounds["figure"] = moved(self.host.bounds["figure"], by)

    def news(self) -> list[str]:
        news, self.host.log[:] = list(self.host.log), []
        return news


def test_it_begins_with_the_exact_curves() -> None:
    assert Following().news() == ["live scene background layer", "live curves"]


def test_nothing_is_done_while_nothing_changes() -> None:
    following = Following()
    following.news()
    following.wait(5)
    assert following.news() == []
    assert following.live.updates == 1


def test_a_moved_layer_is_followed_at_once_and_exactly_when_it_rests() -> None:
    following = Following()
    following.news()
    following.move()
    following.wait(0.2)
    assert following.news() == ["live scene", "live levels redraw"]
    following.wait(0.5)
    assert following.news() == ["live curves"]


def test_a_dragged_layer_is_followed_without_touching_its_masks() -> None:
    following = Following()
    following.news()
    following.host.pen = True
    for _ in range(20):
        following.move()
        following.wait(0.06)
    news = following.news()
    assert news.count("live levels") >= 5
    assert "live curves" not in news
    following.host.pen = False
    following.wait(1)
    assert following.news()[-1] == "live curves"


def test_a_slow_answer_is_shown_and_then_the_newest_place_is_looked_at() -> None:
    following = Following()
    following.session.slow = True
    following.host.pen = True
    for _ in range(10):
        following.move()
        following.wait(0.1)
    asked = following.session.log.count("predict live")
    following.session.slow = False
    following.wait(0.2)
    assert asked == 2
    assert following.live.updates >= 2


def test_painting_waits_for_the_pen_to_rest() -> None:
    following = Following()
    following.news()
    following.host.pen = True
    following.host.signature = b"2"
    following.wait(1)
    assert following.live.state is LiveState.PAINTING
    assert following.news() == []
    following.host.pen = False
    following.wait(1)
    assert following.news()[0] == "live scene layer"


def test_what_is_being_transformed_is_looked_at_when_that_is_done() -> None:
    following = Following()
    following.move()
    following.wait(0.2)
    following.news()
    following.host.still = False
    following.host.signature = b"2"
    following.host.below_changed = True
    following.wait(2)
    assert following.news() == []
    following.host.still = True
    following.wait(1)
    assert following.news() == ["live scene background layer", "live levels redraw", "live curves"]


def test_an_answer_that_comes_while_something_is_transformed_ends_no_stroke() -> None:
    following = Following()
    following.news()
    following.host.levels_work = False
    following.session.slow = True
    following.move()
    following.wait(0.1)
    following.host.still = False
    following.session.slow = False
    following.wait(2)
    assert following.news() == ["live scene", "live levels"]
    following.host.still = True
    following.wait(1)
    assert following.news() == ["live curves"]


def test_what_changes_below_is_looked_at() -> None:
    following = Following()
    following.news()
    following.host.below_changed = True
    following.wait(1)
    assert following.news()[0] == "live scene background"


def test_what_lies_above_is_looked_at_without_earlier_results_where_the_layer_is_to_fit_it() -> None:
    following = Following()
    following.news()
    following.settings = Settings(reference=Reference(Source.ABOVE))
    following.wait(1)
    assert following.news()[0] == "live scene above without figure harmonized"


def test_after_a_look_that_failed_all_is_read_anew() -> None:
    following = Following()
    following.host.unreadable = "the selection does not touch the layer"
    following.move()
    following.wait(1)
    assert following.live.error is not None
    following.news()
    following.wait(1)
    assert following.news() == []
    following.host.unreadable = ""
    following.move()
    following.wait(1)
    assert following.news()[0] == "live scene background layer"
    assert following.live.error is None


def test_a_slider_needs_no_inference() -> None:
    following = Following()
    following.session.log.clear()
    following.settings = Settings(look=Look(strength=0.5))
    following.wait(1)
    assert following.session.log == ["export"]
    assert following.session.looks[-1] == Look(strength=0.5)


def test_a_grey_layer_gets_curves_when_the_pen_rests() -> None:
    following = Following()
    following.host.levels_work = False
    following.news()
    following.host.pen = True
    following.move()
    following.wait(0.2)
    assert "live curves" not in following.news()
    following.host.pen = False
    following.wait(1)
    assert following.news() == ["live curves"]


def test_a_pen_that_goes_down_while_the_exact_curves_are_made_gets_them_when_it_rests() -> None:
    following = Following()
    following.move()
    following.host.meanwhile = lambda: setattr(following.host, "pen", True)
    following.news()
    following.wait(1)
    assert "live curves" not in following.news()
    following.host.pen = False
    following.wait(1)
    assert following.news() == ["live curves"]


def test_switching_off_leaves_one_mask_of_curves() -> None:
    following = Following()
    following.news()
    result = following.live.stop()
    assert following.news() == ["live clear", "curves figure instead of figure harmonized"]
    assert result is not None
    assert result.settings.output is Output.CURVES


def test_a_deleted_layer_ends_it_quietly() -> None:
    following = Following()
    del following.host.bounds["figure"]
    following.wait(0.5)
    assert following.live.state is LiveState.LOST
    assert following.live.stop() is None
    assert following.live.error is None


def test_an_emptied_layer_pauses_it() -> None:
    following = Following()
    figure, following.host.bounds["figure"] = following.host.bounds["figure"], Rect(0, 0, 0, 0)
    following.news()
    following.wait(0.5)
    assert following.live.state is LiveState.EMPTY
    assert following.news() == []
    following.host.bounds["figure"] = figure
    following.wait(0.5)
    assert following.live.state is LiveState.WATCHING


def test_a_huge_picture_pauses_it() -> None:
    following = Following()
    following.host.canvas = Rect(0, 0, 20_000, 20_000)
    following.move()
    following.wait(0.5)
    assert following.live.state is LiveState.TOO_LARGE
