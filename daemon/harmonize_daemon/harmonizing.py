"""One composite file, harmonized through the daemon: what `harmonize image` does, without its options and printing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from os.path import realpath
from pathlib import Path
from time import sleep

import numpy as np
from harmonize_client import Client, HarmonizeError, LayerFormat, Look, Prediction, Thumbnail, connect
from harmonize_client.errors import BadRequest
from harmonize_client.values import ForegroundClass, Progress
from harmonize_models.adjustments import Adjustment, EdgeColors
from harmonize_models.thumbnail import thumbnail
from numpy.typing import NDArray

from . import CLIENT_NAME, pictures
from .composites import Composite, Foreground, check_output, read_composite
from .devices import CPU, chosen_device, is_meant
from .pictures import Picture, PictureTooLarge, Pixels
from .pictures.errors import opening
from .pictures.profiles import Conversion

THUMBNAIL_SIDE = 512
NO_TRANSPARENCY = "No edges were cleaned: the picture has no transparent pixels."
NOTHING_SOLID = "No edges were cleaned: no part of the foreground is opaque, so that nothing shows their true color."


class NothingBelow(HarmonizeError):
    """All that lies around the foreground is transparent."""

    default_code = "nothing_below"
    default_hint = "put it above its background, or give --reference"


class EmptyReference(HarmonizeError):
    """The reference is transparent everywhere."""

    default_code = "no_reference"
    default_hint = "choose another reference"


class WrongDevice(HarmonizeError):
    """The daemon that runs uses another device than was asked for."""

    default_code = "wrong_device"


class NoSuchDevice(HarmonizeError):
    """What was asked for is not in this computer, or torch cannot use it."""

    default_code = "no_such_device"
    default_hint = "leave --device out; `harmonize doctor` says which graphics card torch can use"


class NoConfidence(BadRequest):
    """The network does not say how sure it is."""

    default_hint = "leave --min-confidence out, or use a network that says it, such as scenefit"


@dataclass(frozen=True)
class ImageRequest:
    """What to harmonize, how, and which files to write."""

    composite: Path
    mask: Path | None
    """None: the composite has layers."""
    output: Path
    layer: str = ""
    """Of a composite with layers, the one to harmonize; empty: the topmost that is visible."""
    network: str = ""
    reference: Path | None = None
    to_foreground: bool = False
    """The roles reversed: what lies around the foreground is changed to fit it."""
    foreground_class: ForegroundClass | None = None
    look: Look = field(default_factory=Look)
    min_confidence: float = 0.0
    """The picture is left as it is where the network is less sure than this that its change helps."""
    adjustment: str = ""
    """A change (docs/protocol.md, The adjustment) that is carried out; empty: the network is asked for one."""
    cube: Path | None = None
    adjustment_out: Path | None = None
    before_after: Path | None = None
    device: str | None = None


@dataclass(frozen=True)
class ImageResult:
    """What was done."""

    network: str
    device: str
    """Empty if no network was asked."""
    milliseconds: float
    """Inference and rendering in the daemon."""
    notes: tuple[str, ...]
    confidence: float | None
    """In [0, 1]: how sure the network is that its change helps; None if it does not say."""


ProgressCallback = Callable[[str, float | None], None]


@dataclass(frozen=True)
class Inputs:
    """The pictures of a request."""

    composite: Composite
    reference: Thumbnail | None
    """What lends light and color."""

    @classmethod
    def read(cls, request: ImageRequest) -> Inputs:
        """Raises HarmonizeError, also where the results could not be written."""
        check_output(request.composite, request.output)
        check_places(request)
        if request.before_after:
            pictures.check_suffix(request.before_after)
        with fitting_in_memory(request.composite):
            composite = read_composite(
                request.composite, request.mask, request.layer, to_foreground=request.to_foreground
            )
            return cls(composite, read_reference(request.reference) if request.reference else None)


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
    with fitting_in_memory(request.composite):
        files, result = _harmonized(client, request, inputs, on_progress)
        pictures.write_all(files)
    return result


def check_places(request: ImageRequest) -> None:
    """Raises BadRequest where a result would overwrite another one, or one of the pictures, and UnwritablePicture where
    none can be written.

    The output alone may overwrite the composite: it is what it replaces.
    """
    results = [request.output, request.cube, request.adjustment_out, request.before_after]
    taken = {realpath(file) for file in (request.mask, request.reference) if file is not None}
    for file in filter(None, results):
        place = realpath(file)
        if place in taken:
            raise BadRequest(f"{file} would be overwritten by another file", "give each file a name of its own")
        pictures.check_place(file)
        taken |= {place, realpath(request.composite)}


@contextmanager
def fitting_in_memory(path: Path) -> Iterator[None]:
    """Raises PictureTooLarge where memory does not suffice for a picture."""
    try:
        yield
    except MemoryError as error:
        raise PictureTooLarge(f"{path.name} takes more memory than there is") from error


def _harmonized(
    client: Client, request: ImageRequest, inputs: Inputs, on_progress: ProgressCallback
) -> tuple[list[tuple[Path, bytes]], ImageResult]:
    """The files to write, and what was done."""
    composite, reference = inputs.composite, inputs.reference

    def report(progress: Progress) -> None:
        on_progress(progress.stage, progress.fraction)

    if request.adjustment:
        prediction = stored(request.adjustment, edge_colors(composite) if request.look.clean_edges else None)
    else:
        mask = thumbnail(composite.mask, THUMBNAIL_SIDE)
        predicted = client.predict(
            scene_thumbnail(composite.scene, mask, needs_background=reference is None),
            mask,
            network=request.network,
            reference=reference,
            foreground_class=request.foreground_class,
            progress=report,
        )
        prediction = held_back(predicted, request.min_confidence)
    foreground = composite.foreground()
    pixels, milliseconds = _render(client, prediction, foreground, request.look, report) if foreground else (None, 0.0)
    cube = client.export(prediction.adjustment, "cube", request.look) if request.cube else None
    on_progress("writing", None)
    files: list[tuple[Path, bytes]] = []
    if request.cube and cube:
        files.append((request.cube, cube.text.encode()))
    if request.adjustment_out:
        files.append((request.adjustment_out, prediction.adjustment.encode()))
    if request.before_after:
        both = side_by_side(composite.harmonized(None), composite.harmonized(pixels))
        files.append((request.before_after, pictures.encode(request.before_after.suffix, both)))
    files.append((request.output, composite.encoded(request.output, pixels)))
    notes = prediction.notes
    if request.look.clean_edges and foreground:
        notes += uncleaned(prediction.adjustment, foreground.picture)
    if cube and not cube.exact:
        notes += ("The .cube file holds the change as a whole, not what differs from place to place.",)
    milliseconds += prediction.milliseconds
    return files, ImageResult(prediction.network, prediction.device, milliseconds, notes, prediction.confidence)


def stored(adjustment: str, edges: EdgeColors | None) -> Prediction:
    """What a network has said earlier, about this picture or another one, with the edges of this one.

    Raises AdjustmentError.
    """
    found = replace(Adjustment.from_json(adjustment), edges=edges)
    return Prediction(found.to_json(), found.network, "", 0.0, (), None)


def edge_colors(composite: Composite) -> EdgeColors | None:
    """What its edges can be cleaned with, without asking a network."""
    return EdgeColors.of(_without_alpha(_small(composite.scene)), thumbnail(composite.mask, THUMBNAIL_SIDE))


def uncleaned(adjustment: str, picture: Picture) -> tuple[str, ...]:
    """A note, where the edges of a foreground cannot be cleaned."""
    if not picture.has_alpha:
        return (NO_TRANSPARENCY,)
    return () if Adjustment.from_json(adjustment).edges else (NOTHING_SOLID,)


def held_back(prediction: Prediction, min_confidence: float) -> Prediction:
    """The prediction, or one that changes nothing where the network is less sure than that, and a note that says so.

    Raises NoConfidence.
    """
    adjustment = Adjustment.from_json(prediction.adjustment)
    if min_confidence <= 0 or adjustment.is_identity:
        return prediction
    if prediction.confidence is None:
        raise NoConfidence(f"{prediction.network} does not say how sure it is")
    if prediction.confidence >= min_confidence:
        return prediction
    unchanged = Adjustment(network=prediction.network, edges=adjustment.edges).to_json()
    note = f"The network's change is left out: it is only {prediction.confidence:.0%} sure that it would help."
    return replace(prediction, adjustment=unchanged, notes=(*prediction.notes, note))


def scene_thumbnail(picture: Picture, mask: NDArray[np.uint8], *, needs_background: bool) -> Thumbnail:
    """The scene as networks want to see it. mask: of its foreground, [h, w] of the thumbnail's size.

    Raises NothingBelow if a background is needed, and there is none.
    """
    seen = _small(picture)
    colors = without_holes(seen, mask)
    if colors is None and needs_background:
        raise NothingBelow("There is nothing around the foreground to match")
    if colors is None:
        colors = without_holes(seen, np.zeros_like(mask))
    return _as_thumbnail(np.zeros((*mask.shape, 3), np.uint8) if colors is None else colors)


def read_reference(path: Path) -> Thumbnail:
    """Raises EmptyReference, PictureError."""
    with opening(path):
        changed = path.stat().st_mtime_ns
    return _reference(path, changed)


@lru_cache(maxsize=1)
def _reference(path: Path, changed: int) -> Thumbnail:
    """All pictures of a batch have the same; it may be a large document."""
    return reference_thumbnail(pictures.read_merged(path))


def reference_thumbnail(picture: Picture) -> Thumbnail:
    """The picture that lends light and color, as networks want to see it. Raises EmptyReference."""
    seen = _small(picture)
    colors = without_holes(seen, np.zeros(seen.shape[:2], np.uint8))
    if colors is None:
        raise EmptyReference("There is nothing to match: the reference is transparent everywhere")
    return _as_thumbnail(colors)


def without_holes(pixels: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """[h, w, 3]: transparent pixels take the mean color of the opaque ones outside the mask.

    pixels: [h, w, C], C = 1 … 4. None when nothing but transparency lies outside the mask. To the bit as
    `scene.without_holes` in the plug-in for GIMP.
    """
    colors = _without_alpha(pixels)
    alpha = pixels[..., -1:].astype(np.int64) if pixels.shape[2] in (2, 4) else np.full((1, 1, 1), 255)
    if (alpha == 255).all():
        return np.ascontiguousarray(colors)
    weights = alpha * (mask[..., None] == 0)
    if not weights.any():
        return None
    mean = (colors * weights).sum(axis=(0, 1)) / weights.sum()
    filled: NDArray[np.uint8] = np.rint(mean + (colors - mean) * alpha / 255).astype(np.uint8)
    return filled


def _without_alpha(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[h, w, C], C = 1 … 4 -> [h, w, 3]."""
    return pixels[..., :3] if pixels.shape[2] >= 3 else np.repeat(pixels[..., :1], 3, axis=2)


def _small(picture: Picture) -> NDArray[np.uint8]:
    """[h, w, C]: long side at most 512, sRGB, 8 bit, alpha as it is."""
    conversion = Conversion.of(picture)
    return thumbnail((conversion.seen(picture) if conversion else picture).pixels, THUMBNAIL_SIDE)


def _as_thumbnail(colors: NDArray[np.uint8]) -> Thumbnail:
    return Thumbnail(colors.shape[1], colors.shape[0], colors)


def side_by_side(before: Picture, after: Picture) -> Picture:
    """Both pictures in one, a thin white line between them."""
    line = np.full(
        (before.height, max(2, before.width // 200), before.pixels.shape[2]), before.white, before.pixels.dtype
    )
    return after.with_pixels(np.concatenate([before.pixels, line, after.pixels], axis=1))


def check_device(client: Client, device: str | None) -> None:
    """Raises WrongDevice if the daemon uses another device than was asked for (None: any), or NoSuchDevice.

    Waits until the daemon knows its device; one that never will says why when it is asked to predict.
    """
    if device is None:
        return
    while not (status := client.status()).device and status.state != "failed":
        sleep(0.05)
    if not status.device or is_meant(status.device, device):
        return
    if device != CPU and chosen_device(device) == CPU:
        raise NoSuchDevice(f"There is no {device} here that torch can use")
    cause = f"The daemon that runs uses {status.device}, not {device}"
    raise WrongDevice(cause, f"run `harmonize daemon restart --device {device}` first")


def _render(
    client: Client,
    prediction: Prediction,
    foreground: Foreground,
    look: Look,
    report: Callable[[Progress], None],
) -> tuple[Pixels, float]:
    """The foreground's harmonized pixels, and how many milliseconds that took."""
    conversion = Conversion.of(foreground.picture)
    picture = conversion.to_srgb(foreground.picture) if conversion else foreground.picture
    rendered = np.empty_like(picture.pixels)
    done = client.render(
        prediction.adjustment,
        LayerFormat(picture.width, picture.height, picture.layout, picture.depth),
        picture.pixels,
        foreground.mask,
        into=rendered,
        place=foreground.place,
        look=look,
        progress=report,
    )
    return conversion.back(rendered, picture, foreground.picture) if conversion else rendered, done.milliseconds
