"""One composite file, harmonized through the daemon: what `harmonize image` does, without its options and printing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from harmonize_client import Client, HarmonizeError, LayerFormat, Look, Place, Prediction, Thumbnail, connect
from harmonize_client.values import ForegroundClass, Progress
from harmonize_models.thumbnail import thumbnail
from numpy.typing import NDArray
from PIL import Image, ImageCms

from . import pictures
from .pictures import Picture

CLIENT_NAME = "command-line"
THUMBNAIL_SIDE = 512
_SRGB = ImageCms.createProfile("sRGB")


class WrongDevice(HarmonizeError):
    """The daemon that runs uses another device than was asked for."""

    default_code = "wrong_device"
    default_hint = "run `harmonize daemon stop` first"


@dataclass(frozen=True)
class ImageRequest:
    """What to harmonize, how, and which files to write."""

    composite: Path
    mask: Path
    output: Path
    network: str = ""
    reference: Path | None = None
    foreground_class: ForegroundClass | None = None
    look: Look = field(default_factory=Look)
    cube: Path | None = None
    adjustment: Path | None = None
    before_after: Path | None = None
    device: str | None = None


@dataclass(frozen=True)
class ImageResult:
    """What was done."""

    network: str
    device: str
    milliseconds: float
    """Inference and rendering in the daemon."""
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Box:
    """A rectangle of pixels: left and top inclusive, right and bottom exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    def within(self, width: int, height: int) -> Place:
        """The box in fractions of a scene of that size."""
        return Place(self.left / width, self.top / height, self.right / width, self.bottom / height)


ProgressCallback = Callable[[str, float | None], None]


@dataclass(frozen=True)
class Inputs:
    """The pictures of a request."""

    composite: Picture
    mask: NDArray[np.uint8]
    """[H, W], 255 = foreground."""
    reference: Picture | None

    @classmethod
    def read(cls, request: ImageRequest) -> Inputs:
        """Raises HarmonizeError."""
        composite = pictures.read(request.composite)
        mask = pictures.read_mask(request.mask, composite.width, composite.height)
        return cls(composite, mask, pictures.read(request.reference) if request.reference else None)


def harmonize_image(request: ImageRequest, on_progress: ProgressCallback = lambda stage, fraction: None) -> ImageResult:
    """Read, harmonize through the daemon (started if need be), write. Nothing is written unless all went well.

    Raises HarmonizeError.
    """
    on_progress("reading", None)
    inputs = Inputs.read(request)
    on_progress("starting", None)
    with connect(CLIENT_NAME, start=True) as client:
        check_device(client, request.device)
        return harmonize_inputs(client, request, inputs, on_progress)


def harmonize_inputs(
    client: Client,
    request: ImageRequest,
    inputs: Inputs,
    on_progress: ProgressCallback = lambda stage, fraction: None,
) -> ImageResult:
    """What was read for `request`, harmonized through that daemon and written. Raises HarmonizeError."""
    composite, mask, reference = inputs.composite, inputs.mask, inputs.reference

    def report(progress: Progress) -> None:
        on_progress(progress.stage, progress.fraction)

    prediction = client.predict(
        scene_thumbnail(composite),
        thumbnail(mask, THUMBNAIL_SIDE),
        network=request.network,
        reference=scene_thumbnail(reference) if reference else None,
        foreground_class=request.foreground_class,
        progress=report,
    )
    harmonized, milliseconds = _render(client, prediction, composite, mask, request.look, report)
    cube = client.export(prediction.adjustment, "cube", request.look) if request.cube else None
    on_progress("writing", None)
    result = composite.with_pixels(harmonized)
    pictures.write(request.output, result)
    if request.cube and cube:
        pictures.write_whole(request.cube, cube.text.encode())
    if request.adjustment:
        pictures.write_whole(request.adjustment, prediction.adjustment.encode())
    if request.before_after:
        pictures.write(request.before_after, side_by_side(composite, result))
    notes = prediction.notes
    if cube and not cube.exact:
        notes += ("The change differs across the picture; the .cube file holds its average.",)
    return ImageResult(prediction.network, prediction.device, prediction.milliseconds + milliseconds, notes)


def scene_thumbnail(picture: Picture) -> Thumbnail:
    """The picture as networks want to see it: long side at most 512, sRGB, 8 bit."""
    small = pictures.to_u8_rgb(picture.with_pixels(thumbnail(picture.pixels, THUMBNAIL_SIDE)))
    small = _to_srgb(small, picture.metadata.icc)
    return Thumbnail(small.shape[1], small.shape[0], np.ascontiguousarray(small))


def foreground_box(mask: NDArray[np.uint8]) -> Box | None:
    """The smallest box that holds the mask's pixels above 0; None if there are none."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def side_by_side(before: Picture, after: Picture) -> Picture:
    """Both pictures in one, a thin white line between them."""
    line = np.full(
        (before.height, max(2, before.width // 200), before.pixels.shape[2]), _white(before), before.pixels.dtype
    )
    return after.with_pixels(np.concatenate([before.pixels, line, after.pixels], axis=1))


def check_device(client: Client, device: str | None) -> None:
    """Raises WrongDevice if the daemon uses another device than was asked for (None: any)."""
    if device in (None, "auto"):
        return
    running = client.status().device
    if running and running.split(":")[0] != str(device).split(":")[0]:
        raise WrongDevice(f"The daemon that runs uses {running}, not {device}")


def _render(
    client: Client,
    prediction: Prediction,
    composite: Picture,
    mask: NDArray[np.uint8],
    look: Look,
    report: Callable[[Progress], None],
) -> tuple[NDArray[Any], float]:
    """The harmonized pixels of the whole picture, of which only the foreground's box travels."""
    harmonized = composite.pixels.copy()
    box = foreground_box(mask)
    if box is None:
        return harmonized, 0.0
    region = np.s_[box.top : box.bottom, box.left : box.right]
    layer = np.ascontiguousarray(composite.pixels[region])
    rendered = np.empty_like(layer)
    done = client.render(
        prediction.adjustment,
        LayerFormat(layer.shape[1], layer.shape[0], composite.layout, composite.depth),
        layer,
        np.ascontiguousarray(mask[region]),
        into=rendered,
        place=box.within(composite.width, composite.height),
        look=look,
        progress=report,
    )
    harmonized[region] = rendered
    return harmonized, done.milliseconds


def _to_srgb(pixels: NDArray[np.uint8], icc: bytes | None) -> NDArray[np.uint8]:
    """Pixels of a profile as sRGB, for the networks' eyes only; as they are where the profile is unusable."""
    if not icc:
        return pixels
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(icc))
        if profile.profile.xcolor_space.strip() != "RGB":
            return pixels
        converted = ImageCms.profileToProfile(Image.fromarray(pixels), profile, _SRGB)
    except (ImageCms.PyCMSError, OSError):
        return pixels
    return pixels if converted is None else np.asarray(converted)


def _white(picture: Picture) -> float:
    return 1.0 if picture.pixels.dtype.kind == "f" else float(np.iinfo(picture.pixels.dtype).max)
