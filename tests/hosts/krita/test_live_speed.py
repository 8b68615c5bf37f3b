"""How soon live mode follows at 3.8 megapixels.

    pytest -s tests/hosts/krita/test_live_speed.py

Two times of the wall clock: from noticing a move to Krita's picture in the new color; and from the move itself, which
has Krita draw the moved layer first. Krita's canvas is drawn without OpenGL: without a graphics card, as here, that
would take the processor as long as all the rest.
"""

from __future__ import annotations

from statistics import median

from .krita import Krita


def test_it_keeps_the_gui_thread_less_than_150_ms_at_four_megapixels(krita: Krita) -> None:
    """Time of the processor: the wall clock depends on what else the machine does, and is printed beside it."""
    said = krita.run("live_speed", opengl=False)["speed"]
    noticed, moved, own, inference = zip(*said["measured"], strict=True)
    print(f"\nKrita {krita.host.krita}, live mode, {said['pixels'] / 1e6:.1f} megapixels, {len(noticed)} moves")
    print(f"  from noticing to the new color {median(noticed):4.0f} ms ({min(noticed):.0f} to {max(noticed):.0f})")
    print(f"  from the move to the new color {median(moved):4.0f} ms")
    print(f"  of it the GUI thread computes  {median(own):4.0f} ms")
    print(f"  of it the network              {median(inference):4.0f} ms")
    assert "KisQPainterCanvas" in said["canvas"]
    assert median(own) < 150
