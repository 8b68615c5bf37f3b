import numpy as np
import pytest
from harmonize_models.adjustments import Curves, Look
from harmonize_models.adjustments.finish import finish_curves


def finished(**sliders: float) -> Curves:
    curves = finish_curves(Look(**sliders))  # type: ignore[arg-type]
    assert curves is not None
    return curves


def test_without_sliders_there_is_nothing_to_do() -> None:
    assert finish_curves(Look(strength=0.3, saturation=1)) is None


@pytest.mark.parametrize("warmth", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("tint", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("contrast", [-1.0, 0.0, 1.0])
def test_every_corner_of_the_sliders_stays_monotone_and_within_black_and_white(
    warmth: float, tint: float, contrast: float
) -> None:
    if warmth == tint == contrast == 0:
        return
    curves = finished(warmth=warmth, tint=tint, contrast=contrast)
    assert (np.diff(curves.values, axis=1) >= 0).all()
    assert curves.values[:, 0] == pytest.approx([0, 0, 0], abs=1e-6)
    assert curves.values.max() <= 1 + 1e-6


def test_warmth_runs_from_blue_to_amber_in_shadows_and_in_white_alike() -> None:
    for level in (0.1, 0.5, 1.0):
        warm, cold = finished(warmth=0.5).sample([level] * 3), finished(warmth=-0.5).sample([level] * 3)
        assert warm[0] > warm[1] > warm[2]
        assert cold[0] < cold[1] < cold[2]
        assert warm[0] / warm[1] == pytest.approx(1.18**0.5, rel=1e-3)
        assert warm[1] / warm[2] == pytest.approx(1.18**0.5, rel=1e-3)


def test_tint_runs_from_green_to_magenta() -> None:
    magenta, green = finished(tint=0.5).sample([0.5] * 3), finished(tint=-0.5).sample([0.5] * 3)
    assert magenta[0] > magenta[1] < magenta[2]
    assert green[0] < green[1] > green[2]


def test_contrast_spreads_around_middle_grey() -> None:
    curves = finished(contrast=0.5)
    assert curves.sample([0.5] * 3) == pytest.approx([0.5] * 3)
    assert (curves.sample([0.25] * 3) < 0.25).all()
    assert (curves.sample([0.75] * 3) > 0.75).all()
    assert (finished(contrast=-0.5).sample([0.25] * 3) > 0.25).all()
