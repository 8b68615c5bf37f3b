"""`python -m harmonize_models.evaluation.gallery`: real composites before and after, side by side, to be looked at.

A folder holds `KEY.jpg` (or .png) and `KEY.mask.png`. Every column goes through the product's own path: a thumbnail, an
adjustment, rendering at the picture's own size. There is no ground truth: the sheets are for eyes, not for figures.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..adjustments.look import Look
from ..baselines import Baseline
from ..commands import carried_out
from ..errors import NoPhotos
from ..layer import Depth, LayerFormat, Layout
from ..networks.scenefit import SceneFit
from ..predict import Predicted, predict, predict_baseline
from ..render import render
from .weights import network_of, titles_of

Pixels = NDArray[np.uint8]
Predict = Callable[[Pixels, Pixels], Predicted]


@dataclass(frozen=True)
class RealComposite:
    """A composite that somebody made by hand."""

    name: str
    picture: Pixels
    """[H, W, 3], sRGB."""
    mask: Pixels
    """[H, W]: 255 = foreground."""


def read_composites(folder: Path) -> Iterator[RealComposite]:
    """All composites of a folder, by name. Raises NoPhotos for a mask without its picture."""
    for file in sorted(folder.glob("*.mask.png")):
        name = file.name.removesuffix(".mask.png")
        picture = next((p for p in (folder / f"{name}.jpg", folder / f"{name}.png") if p.exists()), None)
        if picture is None:
            raise NoPhotos(f"{file.name} has no {name}.jpg or {name}.png beside it.", "Put the composite there.")
        pixels = np.asarray(Image.open(picture).convert("RGB"))
        mask = Image.open(file).convert("L").resize((pixels.shape[1], pixels.shape[0]))
        yield RealComposite(name, pixels, np.asarray(mask))


def harmonized(composite: RealComposite, ask: Predict) -> tuple[Pixels, Predicted]:
    """The composite as the product would give it back, and what was predicted."""
    predicted = ask(composite.picture, composite.mask)
    pixels = np.ascontiguousarray(composite.picture)
    out = pixels.copy()
    height, width = composite.mask.shape
    mask = np.ascontiguousarray(composite.mask)
    render(predicted.adjustment, Look(), LayerFormat(width, height, Layout.RGB, Depth.U8), pixels, mask, out)
    return out, predicted


def column_of(name: str, guard: float | None) -> Predict:
    """How a column predicts: a network's key, KEY=FILE, or the name of a baseline."""
    if name in {baseline.value for baseline in Baseline}:
        return partial(predict_baseline, Baseline(name))
    spec, network = network_of(name)
    if guard is not None and isinstance(network, SceneFit):
        network.guard.fill_(guard)
    return partial(predict, network, spec)


def row(composite: RealComposite, columns: dict[str, Predict], height: int) -> Image.Image:
    """The composite, its mask and every column in a strip of pictures `height` pixels tall, with captions."""
    pictures = [(composite.name, composite.picture), ("mask", np.repeat(composite.mask[..., None], 3, axis=2))]
    for title, ask in columns.items():
        picture, predicted = harmonized(composite, ask)
        sure = "" if predicted.confidence is None else f" {predicted.confidence:.2f}"
        pictures.append((f"{title}{sure}", picture))
    width = round(height * composite.picture.shape[1] / composite.picture.shape[0])
    strip = Image.new("RGB", (len(pictures) * width, height + 14))
    draw = ImageDraw.Draw(strip)
    for place, (title, picture) in enumerate(pictures):
        strip.paste(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS), (place * width, 14))
        draw.text((place * width + 2, 1), title, fill="white")
    return strip


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the module."""
    parser = argparse.ArgumentParser(prog="python -m harmonize_models.evaluation.gallery", description=__doc__)
    parser.add_argument("columns", nargs="+", help="keys, KEY=FILE, reinhard, mkl, histogram")
    parser.add_argument("--composites", type=Path, required=True, help="folder of KEY.jpg and KEY.mask.png")
    parser.add_argument("--output", type=Path, required=True, help="folder for the sheets (they show the photos)")
    parser.add_argument("--height", type=int, default=240, help="of a row in pixels")
    parser.add_argument("--rows", type=int, default=4, help="composites in a sheet")
    parser.add_argument("--guard", type=float, help="SceneFit: use this threshold instead of the stored one")
    return carried_out(parser, argv, run)


def run(args: argparse.Namespace) -> int:
    """Make the sheets as the flags say; returns the exit status. Raises a ModelError."""
    torch.set_num_threads(1)
    titles = zip(titles_of(args.columns), args.columns, strict=True)
    columns = {title: column_of(name, args.guard) for title, name in titles}
    strips = [row(composite, columns, args.height) for composite in read_composites(args.composites)]
    args.output.mkdir(parents=True, exist_ok=True)
    for number, start in enumerate(range(0, len(strips), args.rows)):
        part = strips[start : start + args.rows]
        sheet = Image.new("RGB", (max(s.width for s in part), sum(s.height for s in part)))
        for place, strip in enumerate(part):
            sheet.paste(strip, (0, sum(s.height for s in part[:place])))
        sheet.save(args.output / f"sheet-{number:02d}.png")
    print(f"{len(strips)} composites in {args.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
