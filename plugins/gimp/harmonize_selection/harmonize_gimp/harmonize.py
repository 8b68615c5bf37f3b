"""One run, from layers to results: read, predict, render, write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from harmonize_client import Client, HarmonizeError, Progress, Thumbnail

from . import layers, reading, record, scene, writing
from .errors import CannotHarmonize, from_client
from .layers import Image, Layer
from .options import Options, Output, Reference
from .reading import Region
from .record import Record
from .words import _
from .writing import Change

OnProgress = Callable[[str, float], object]
"""Called with what is being done, in words, and how much of all is done, in [0, 1]."""

# How a layer's share of the progress bar divides, about as time does for a large layer.
_READ, _PREDICTED, _RENDERED = 0.15, 0.3, 0.9


@dataclass(frozen=True)
class Outcome:
    """What a run gave."""

    layers: list[Layer]
    """The layers that hold the results, bottom first."""
    notes: tuple[str, ...]
    """For the artist, from the daemon."""


def run(
    client: Client,
    image: Image,
    drawables: Sequence[Layer],
    options: Options,
    progress: OnProgress,
    sources: Mapping[int, Layer] | None = None,
) -> Outcome:
    """Harmonizes the layers, each against what is below it, bottom first, and writes all results as one undo step.

    `sources` holds the layers that some of these were made from, by the latter's id: those are made anew and replaced.
    The image is touched only after everything has come.
    Raises PluginError; the image is unchanged then.
    """
    if options.output is Output.CURVES:
        writing.require_curves()
    targets = layers.check(image, drawables, options.output)
    reference = reference_thumbnail(image, targets, options)
    changes: list[Change] = []
    notes: dict[str, None] = {}
    changed: dict[tuple[int, ...], Region] = {}
    try:
        for index, layer in enumerate(targets):
            share = _Share(progress, index / len(targets), 1 / len(targets))
            last = index == len(targets) - 1
            made_from = (sources or {}).get(layer.get_id())
            change, region, said = _harmonize(client, layer, made_from, options, reference, changed, share, last)
            changes.append(change)
            changed[layers.position(layer)] = region
            notes.update(dict.fromkeys(said))
    except BaseException as error:
        for change in changes:
            if change.copy is not None:
                change.copy.delete()
        if isinstance(error, HarmonizeError):
            raise from_client(error) from error
        raise
    return Outcome(writing.commit(image, changes, options), tuple(notes))


def reference_thumbnail(image: Image, targets: Sequence[Layer], options: Options) -> Thumbnail | None:
    """The other scene that light and color are taken from; None = what lies below."""
    if options.reference is Reference.VISIBLE:
        return scene.visible_reference(image, targets)
    if options.reference is Reference.LAYER:
        if not options.reference_layer:
            raise CannotHarmonize("no_reference", _("No reference layer is chosen"), _("choose a reference layer"))
        return scene.layer_reference(image, options.reference_layer)
    if options.reference is Reference.FILE:
        return scene.file_reference(options.reference_file)
    return None


@dataclass(frozen=True)
class _Share:
    """One layer's part of the progress bar."""

    progress: OnProgress
    start: float
    length: float

    def __call__(self, text: str, fraction: float) -> None:
        self.progress(text, self.start + self.length * fraction)

    def within(self, low: float, high: float) -> Callable[[Progress], None]:
        """For the client: its progress, as a part of this one."""

        def show(progress: Progress) -> None:
            self(stage_in_words(progress.stage), low + (high - low) * (progress.fraction or 0.0))

        return show


def stage_in_words(stage: str) -> str:
    return {
        "queued": _("Waiting for other jobs"),
        "loading": _("Loading the network"),
        "predicting": _("Looking at the scene"),
        "rendering": _("Rendering"),
    }.get(stage, stage)


def _harmonize(
    client: Client,
    layer: Layer,
    made_from: Layer | None,
    options: Options,
    reference: Thumbnail | None,
    changed: Mapping[tuple[int, ...], Region],
    share: _Share,
    last: bool,
) -> tuple[Change, Region, tuple[str, ...]]:
    """One layer: the change to make, its new pixels (for the layers above it), and notes for the artist."""
    share(_("Reading the layer"), 0.0)
    copy, merged = writing.plain_copy(layer) if options.output is Output.NEW_LAYER else (None, False)
    try:
        if copy is not None and made_from is not None:
            changed = {**changed, layers.position(layer): writing.restore(copy, made_from)}
        target = layer if copy is None else copy
        region = replace(reading.region(target), merged=merged)
        where = layers.box(target)
        around = reading.around(
            layer,
            region.box.shifted(where.x, where.y),
            needs_background=reference is None,
            changed=changed,
            drop=record.NAME if options.output is Output.CURVES else "",
        )
        share(_("Looking at the scene"), _READ)
        prediction = client.predict(
            around.thumbnail,
            around.mask,
            network=options.network,
            reference=reference,
            foreground_class=options.foreground_class or None,  # type: ignore[arg-type]
            progress=share.within(_READ, _PREDICTED),
        )
        notes = list(prediction.notes)
        curves = None
        if options.output is Output.CURVES:
            exported = client.export(prediction.adjustment, "gimp-curves", options.look)
            curves = writing.read_curves(exported.text)
            if not exported.exact:
                notes.append(_("Curves hold the change of the whole layer, not what differs from place to place."))
        if options.output is not Output.CURVES or not last:
            pixels = bytearray(region.format.nbytes)
            rendered = client.render(
                prediction.adjustment,
                region.format,
                region.pixels,
                region.mask,
                into=pixels,
                place=around.place,
                look=options.look,
                progress=share.within(_PREDICTED, _RENDERED),
            )
            notes.extend(rendered.notes)
            region = replace(region, pixels=bytes(pixels))
        share(_("Writing the result"), _RENDERED)
        source = (made_from or layer).get_tattoo() if copy is not None else 0
        stored = Record(options, prediction.adjustment, prediction.network, source)
        if copy is not None:
            reading.put(copy, region)
        new = region if options.output is Output.REPLACE else None
        change = Change(layer, copy, new, curves, stored, supersedes=made_from is not None)
        return change, region, tuple(notes)
    except BaseException:
        if copy is not None:
            copy.delete()
        raise
