"""One run, from layers to results: read, predict, render, write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from harmonize_client import Client, HarmonizeError, Look, Progress, Thumbnail

from . import curves, layers, masks, reading, scene, writing
from .errors import NothingChosen, from_client
from .layers import Image, Layer
from .options import Options, Output, Reference
from .reading import Region
from .record import Record
from .tasks import Task
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


def run(client: Client, image: Image, tasks: Sequence[Task], progress: OnProgress) -> Outcome:
    """Harmonizes layers, each against what is below it, bottom first, and writes all results as one undo step.

    The image is touched only after everything has come.
    Raises PluginError; the image is unchanged then.
    """
    targets = [task.layer for task in tasks]
    _check_outputs(tasks)
    references: dict[object, Thumbnail | None] = {}
    changes: list[Change] = []
    notes: dict[str, None] = {}
    changed: dict[tuple[int, ...], Region] = {}
    try:
        for index, task in enumerate(tasks):
            share = _Share(progress, index / len(tasks), 1 / len(tasks))
            last = index == len(tasks) - 1
            matched = task.options.matched
            if matched not in references:
                references[matched] = reference_thumbnail(image, targets, task.options)
            change, region, said = _harmonize(client, task, references[matched], changed, share, last)
            changes.append(change)
            changed[layers.position(task.layer)] = region
            notes.update(dict.fromkeys(said))
        # The image is open all the while: the artist may have removed a layer or locked it.
        layers.require_there(image, targets)
        _check_outputs(tasks)
    except BaseException as error:
        for change in changes:
            writing.discard(change.copy)
        if isinstance(error, HarmonizeError):
            raise from_client(error) from error
        if isinstance(error, Exception):
            # Whatever it is, a layer that is gone is the reason.
            layers.require_there(image, targets)
        raise
    return Outcome(writing.commit(image, changes), tuple(notes))


def _check_outputs(tasks: Sequence[Task]) -> None:
    for task in tasks:
        check_output(task.layer, task.options.output)


def check_output(layer: Layer, output: Output) -> None:
    """Raises CannotHarmonize when the layer, or this GIMP, cannot take such a result."""
    if output is Output.CURVES:
        curves.require()
    layers.check_output(layer, output)


def curves_notes(look: Look) -> list[str]:
    """What artists are told who choose curves: what of a network's change and of their own look these cannot hold."""
    notes = [_("Curves hold the change of the whole layer, not what differs from place to place.")]
    if look.light != 1 or look.color != 1 or look.color_only or look.protect_highlights:
        notes.append(
            _(
                "Curves change red, green and blue each by itself: with Light, Color, Color only or Protect highlights "
                "they come near the preview, and no nearer."
            )
        )
    return notes


def reference_thumbnail(image: Image, targets: Sequence[Layer], options: Options) -> Thumbnail | None:
    """The other scene that light and color are taken from; None = what lies around the layer in its own."""
    if options.reference is Reference.VISIBLE:
        return scene.visible_reference(image, targets)
    if options.reference is Reference.LAYER:
        if not options.reference_layer:
            raise NothingChosen("no_reference", _("No reference layer is chosen"), _("choose a reference layer"))
        return scene.layer_reference(image, options.reference_layer)
    if options.reference is Reference.FILE:
        if not options.reference_file:
            raise NothingChosen(
                "no_reference", _("No reference picture is chosen"), _("choose a picture that GIMP can open")
            )
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
    task: Task,
    reference: Thumbnail | None,
    changed: Mapping[tuple[int, ...], Region],
    share: _Share,
    last: bool,
) -> tuple[Change, Region, tuple[str, ...]]:
    """One layer: the change to make, its new pixels (for the layers above it), and notes for the artist."""
    layer, options, made_from = task.layer, task.options, task.made_from
    share(_("Reading the layer"), 0.0)
    copy, merged = None, False
    if made_from is not None:
        copy = writing.copy_of(layer)
    elif options.output is Output.NEW_LAYER:
        copy, merged = writing.plain_copy(layer)
    try:
        if copy is not None and made_from is not None:
            original = writing.all_of(made_from)
            reading.put(copy, original)
            changed = {**changed, layers.position(layer): original}
        target = layer if copy is None else copy
        region = replace(reading.region(target), merged=merged)
        where = layers.box(target)
        around = reading.around(
            layer,
            region.box.shifted(where.x, where.y),
            needs_background=reference is None,
            to_above=options.reference is Reference.ABOVE,
            changed=changed,
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
        points = None
        if options.output is Output.CURVES:
            exported = client.export(prediction.adjustment, "gimp-curves", options.look)
            points = curves.read(exported.text)
            if not exported.exact:
                notes.extend(curves_notes(options.look))
        if options.output is not Output.CURVES or not last:
            pixels = bytearray(region.format.nbytes)
            shown = reading.cut_out(target, region) if options.look.clean_edges else region.pixels
            rendered = client.render(
                prediction.adjustment,
                region.format,
                shown,
                region.mask,
                into=pixels,
                place=around.place,
                look=options.look,
                progress=share.within(_PREDICTED, _RENDERED),
            )
            if shown is not region.pixels:
                masks.keep_alpha(pixels, region.pixels, region.storage.pixel_bytes, region.storage.sample_bytes)
            notes.extend(rendered.notes)
            region = replace(region, pixels=bytes(pixels))
        share(_("Writing the result"), _RENDERED)
        source = (made_from or layer).get_tattoo() if copy is not None else 0
        stored = Record(options, prediction.adjustment, prediction.network, source)
        if copy is not None and points is None:
            reading.put(copy, region)
        new = region if copy is None and points is None else None
        change = Change(layer, copy, new, points, stored, supersedes=made_from is not None)
        return change, region, tuple(notes)
    except BaseException:
        writing.discard(copy)
        raise
