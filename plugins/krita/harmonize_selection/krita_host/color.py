"""Color spaces: which pixels can be rendered as they are, and converting all others there and back."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..client import LayerFormat
from ..i18n import tr
from ..qt import QtCore
from ..task import HostError
from .documents import Document, Node, application

if TYPE_CHECKING:
    from typing_extensions import Buffer

_SAMPLES = {"RGBA": 4, "GRAYA": 2, "CMYKA": 5, "LABA": 4, "XYZA": 4, "YCbCrA": 4, "A": 1}
_SAMPLE_BYTES = {"U8": 1, "U16": 2, "F16": 2, "F32": 4}
_ENCODED_RGB = "sRGB-elle-V2-srgbtrc.icc"
_ENCODED_GREY = "Gray-D50-elle-V2-srgbtrc.icc"
_SRGB_ALSO_CALLED = frozenset(
    (
        "srgb-elle-v2-srgbtrc.icc",
        "srgb-elle-v4-srgbtrc.icc",
        "srgb built-in",
        "srgb iec61966-2.1",
        "artifex software srgb icc profile",
        "gray-d50-elle-v2-srgbtrc.icc",
        "gray-d50-elle-v4-srgbtrc.icc",
        "artifex software sgray icc profile",
    )
)


@dataclass(frozen=True)
class ColorSpace:
    """Model, depth and profile, as Krita names them."""

    model: str
    depth: str
    profile: str

    def __str__(self) -> str:
        return f"{self.model} {self.depth} {self.profile}"

    @property
    def sample_bytes(self) -> int:
        return _SAMPLE_BYTES[self.depth]

    @property
    def pixel_bytes(self) -> int:
        return _SAMPLES[self.model] * self.sample_bytes

    @property
    def is_encoded(self) -> bool:
        """Whether the samples are sRGB-encoded, as adjustments want them."""
        return self.model in ("RGBA", "GRAYA") and self.profile.casefold() in _SRGB_ALSO_CALLED

    @property
    def is_linear(self) -> bool:
        """Whether samples are proportional to light."""
        name = self.profile.casefold()
        return "-g10" in name or "linear" in name

    @property
    def rendered_in(self) -> ColorSpace:
        """The space to render pixels of this one in: itself where that is exact."""
        if self.is_encoded:
            return self
        if self.model == "GRAYA":
            return ColorSpace("GRAYA", "F32", _ENCODED_GREY)
        return ColorSpace("RGBA", "F32", _ENCODED_RGB)

    def format(self, width: int, height: int) -> LayerFormat:
        """How pixels of this space lie in memory: Krita keeps integers as B G R A, floats as R G B A."""
        depth: Any = self.depth.lower()
        if self.model == "GRAYA":
            return LayerFormat(width, height, "YA", depth)
        return LayerFormat(width, height, "BGRA" if self.depth in ("U8", "U16") else "RGBA", depth)


PICTURE = ColorSpace("RGBA", "U8", _ENCODED_RGB)
"""What thumbnails are made of."""


def color_space(of: Node | Document) -> ColorSpace:
    space = ColorSpace(of.colorModel(), of.colorDepth(), of.colorProfile())
    if space.model not in _SAMPLES or space.depth not in _SAMPLE_BYTES:
        raise HostError(tr("pixels of the kind {model} {depth} are not known", model=space.model, depth=space.depth))
    return space


def wrong_size(size: int, width: int, height: int) -> HostError:
    return HostError(
        tr("Krita gave {bytes} bytes for {width} x {height} pixels", bytes=size, width=width, height=height)
    )


class Converter:
    """Converts pixels with Krita's own color management, in a document that nobody sees.

    The artist's document is no place for it: Krita makes converting a node an undo step, even for a node that is in no
    layer stack.
    """

    def __init__(self, source: ColorSpace, target: ColorSpace) -> None:
        self._source, self._target = source, target
        self._scratch: Document | None = None

    def __enter__(self) -> Converter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._scratch is not None:
            self._scratch.setModified(False)
            self._scratch.close()

    def convert(self, pixels: Buffer, width: int, height: int) -> Any:
        """A QByteArray with the pixels in the target space."""
        size = width * height * self._source.pixel_bytes
        view = memoryview(pixels).cast("B")
        if view.nbytes != size:
            raise wrong_size(view.nbytes, width, height)
        if self._source == self._target:
            return QtCore.QByteArray(bytes(view))
        if self._scratch is None:
            source = self._source
            self._scratch = application().createDocument(1, 1, "", source.model, source.depth, source.profile, 72.0)
            if self._scratch is None or color_space(self._scratch) != source:
                raise HostError(tr("Krita has no color space {name}", name=source))
        node = self._scratch.createNode("conversion", "paintlayer")
        node.setPixelData(QtCore.QByteArray(bytes(view)), 0, 0, width, height)
        target = self._target
        if not node.setColorSpace(target.model, target.depth, target.profile):
            raise HostError(tr("Krita cannot convert to {name}", name=target))
        converted = node.pixelData(0, 0, width, height)
        if converted.size() != width * height * target.pixel_bytes:
            raise wrong_size(converted.size(), width, height)
        return converted
