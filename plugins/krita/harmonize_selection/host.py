"""What the presenter needs from a painting program. `krita_host` is the real one; tests bring a small fake."""

from __future__ import annotations

from typing import Protocol

from .client import Thumbnail
from .values import (
    Curves,
    LayerInfo,
    LayerName,
    LayerRef,
    Output,
    Picture,
    Rect,
    Reference,
    Region,
    Scene,
    Steps,
    Target,
)


class Host(Protocol):
    """All in the GUI thread; only `Steps` take long, and they pause. Raises `HostError`, in words for the artist."""

    def active(self) -> LayerInfo | None:
        """The layer that the artist works on; None without a document or layer."""

    def selected(self) -> list[LayerInfo]:
        """The layers selected in the layer list, from the bottom: each is fitted to those below it."""

    def find(self, ref: LayerRef) -> LayerInfo | None:
        """None when it, or its document, is gone."""

    def exists(self, ref: LayerRef) -> bool:
        """Also for masks."""

    def layers(self) -> list[LayerName]:
        """All layers of the active document, from the top."""

    # Reading

    def read_scene(self, target: Target, *, with_above: bool = False) -> Steps[Scene]:
        """The scene with the layer on it, as a thumbnail, without earlier curves of ours.

        with_above: and with what lies above the layer, which is what it is to fit, but for its own earlier results.
        """

    def fingerprint(self, ref: LayerRef) -> bytes:
        """Another one when the layer, the selection or the scene has changed, as far as some rows of pixels tell."""

    def is_still(self, ref: LayerRef) -> bool:
        """Whether the layer's document can be read without ending what the artist or the program is at in it."""

    def read_reference(self, ref: LayerRef, reference: Reference) -> Steps[Thumbnail | None]:
        """The scene to take light and color from; None for the layer's own."""

    def read_region(self, ref: LayerRef) -> Steps[Region]:
        """The layer's pixels at full size and depth, where it is selected."""

    def compose(self, scene: Scene, layer: Picture) -> Picture:
        """The scene's thumbnail with another picture in place of the layer's."""

    # Writing: each adds exactly one undo step, unless it says otherwise

    def write_layer(
        self,
        ref: LayerRef,
        region: Region,
        pixels: bytearray,
        name: str,
        output: Output,
        *,
        hide: bool,
        cover: LayerRef | None,
    ) -> Steps[LayerRef]:
        """A new layer above `ref` with these pixels, or in its place.

        Raises `HostError` if `ref` is not as `region` was read from it any more: what the artist did meanwhile stays.
        hide: the original, when it is kept. cover: an earlier result above it, which the new layer covers, and hides.
        """

    def rewrite_layer(self, ref: LayerRef, region: Region, pixels: bytearray) -> Steps[None]:
        """Other pixels for a layer that `write_layer` has made; no undo step.

        Raises `Touched` if it is not ours any more since however short a time: see `need_untouched`.
        """

    def write_curves(
        self, ref: LayerRef, curves: Curves, name: str, *, instead_of: tuple[LayerRef, ...] = ()
    ) -> LayerRef:
        """A native, editable curves mask on the layer, restricted to the selection.

        instead_of: earlier ones, and new layers above; it hides them, and shows the layer; an undo takes that back.
        """

    def show_original(self, original: LayerRef, written: LayerRef, shown: bool) -> None:
        """Before (True), or as it was before that (False, nothing if it was not); no undo step."""

    def need_untouched(self, ref: LayerRef, rect: Rect) -> None:
        """Raises `Touched` if the artist has painted on a layer since it was written, or has moved or locked it."""

    # The document's memory

    def remember(self, document: str, text: str) -> None:
        """Keeps `text` with the document, also when it is saved."""

    def recall(self, document: str) -> str:
        """What `remember` has kept, or nothing."""


class LiveHost(Protocol):
    """What live mode needs besides. Cheap enough to ask fifty times a second while the artist is at it."""

    def layer_bounds(self, ref: LayerRef) -> Rect | None:
        """None when the layer is gone."""

    def layer_signature(self, ref: LayerRef) -> bytes:
        """Changes when the layer's own pixels or the selection change, not when the layer is moved."""

    def surroundings_changed(self, ref: LayerRef, *, with_above: bool) -> bool:
        """Whether the document has changed outside the layer since the last call; with_above: or anywhere."""

    def pen_is_down(self) -> bool:
        """Whether a mouse button or pen is pressed."""

    def live_scene(self, target: Target, *, fresh_background: bool, fresh_layer: bool, with_above: bool) -> Scene:
        """Like `read_scene` at once, from thumbnails that are kept between calls."""

    def set_live_curves(self, ref: LayerRef, curves: Curves) -> bool:
        """Shows the layer through curves, without an undo step. Not while the pen is down; False: it went down."""

    def set_live_levels(self, ref: LayerRef, curves: Curves, layer: Picture, *, redraw: bool) -> bool:
        """Nearly the same at once, also while the pen is down. False: not possible here."""

    def clear_live_curves(self, ref: LayerRef) -> None:
        """Takes them away, without an undo step."""
