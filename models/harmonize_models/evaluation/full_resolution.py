"""What a color grid is worth at full resolution: against enlarging what a network says at its own small size.

    python -m harmonize_models.evaluation.full_resolution [--side 2048] [--network KEY] [--sheet FILE.png]

Scenes are rendered here, at any size, so that the true picture is known at every resolution. A light that is local in
space and luma falls on the foreground. Without a network, its 256-px output is the true picture at 256 px plus noise.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..adjustments.adjustment import Adjustment
from ..adjustments.curves import Curves
from ..adjustments.fit import fit_grid
from ..adjustments.grid import LUMA
from ..adjustments.look import Look
from ..commands import carried_out
from ..layer import Depth, LayerFormat, Layout
from ..render import render

Array = NDArray[Any]
SMALL = 256
NOISE = 1 / 255
"""Standard deviation of the noise in a network's output."""


@dataclass(frozen=True)
class Comparison:
    """PSNR in dB inside the foreground, against the true picture at full size."""

    untouched: float
    enlarged: float
    """The network's output, enlarged (bicubic)."""
    residual: float
    """The composite plus the network's change, enlarged."""
    grid: float
    """The composite through the grid that was fitted to the network's output."""


def scene(side: int, seed: int = 0) -> Array:
    """[side, side, 3] in [0, 1]: smooth colors, hard edges and fine texture, the same picture at any size."""
    rng = np.random.default_rng(seed)
    y, x = (np.mgrid[0:side, 0:side] + 0.5) / side
    phases = rng.uniform(0, 3, 3)
    picture = np.stack([0.45 + 0.35 * np.sin(3 * x + phase) * np.cos(4 * y - phase) for phase in phases], -1)
    for _ in range(30):
        center_x, center_y, radius = rng.random(), rng.random(), 0.02 + 0.1 * rng.random()
        picture[np.hypot(x - center_x, y - center_y) < radius] = rng.random(3)
    textured: Array = np.clip(picture + 0.05 * np.sin(700 * x + 300 * y)[..., None], 0, 1)
    return textured


def relit(picture: Array, seed: int = 0) -> Array:
    """A colored light from one side that the shadows take less of."""
    rng = np.random.default_rng(seed + 1000)
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width])[:, None, None]
    at, tone = rng.uniform(0.25, 0.75, 2), rng.uniform(0.8, 1.1, 3)
    light: Array = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / 0.1)[..., None]
    luma = (picture @ LUMA)[..., None]
    lit: Array = picture * (0.8 + 0.25 * light * tone * (0.5 + luma)) + 0.02
    return lit


def disc(side: int, radius: float = 0.4) -> Array:
    """[side, side] in {0, 1}: a foreground in the middle."""
    y, x = (np.mgrid[0:side, 0:side] + 0.5) / side - 0.5
    inside: Array = (np.hypot(x, y) < radius).astype(np.float64)
    return inside


def resized(picture: Array, side: int) -> Array:
    """[H, W, 3] -> [side, side, 3], bicubic, antialiased where it shrinks."""
    bands = [Image.fromarray(picture[..., channel].astype(np.float32)) for channel in range(3)]
    return np.stack([np.asarray(band.resize((side, side), Image.Resampling.BICUBIC)) for band in bands], axis=-1)


def rendered(adjustment: Adjustment, picture: Array) -> Array:
    """[H, W, 3] float through an adjustment."""
    pixels = np.ascontiguousarray(picture, dtype=np.float32)
    out = np.empty_like(pixels)
    render(
        adjustment, Look(), LayerFormat(picture.shape[1], picture.shape[0], Layout.RGB, Depth.F32), pixels, None, out
    )
    return out


def psnr(first: Array, second: Array, mask: Array) -> float:
    """In dB, over the pixels of the foreground, peak 1."""
    inside = mask > 0.5
    return float(-10 * np.log10(np.mean((np.clip(first, 0, 1) - np.clip(second, 0, 1))[inside] ** 2)))


def ways(composite: Array, mask: Array, small_after: Array) -> tuple[Array, Array, Array]:
    """The three full-size results of a network's 256-px output: enlarged, residual, grid."""
    side = composite.shape[0]
    small = resized(composite, SMALL)
    small_mask = resized(np.repeat(mask[..., None], 3, axis=2), SMALL)[..., 0]
    grid = fit_grid(small, small_after, small_mask)
    residual = composite + resized(small_after - small, side)
    return resized(small_after, side), residual, rendered(Adjustment(Curves.identity(), grid), composite)


def compare(side: int, seed: int, network: str = "") -> tuple[Comparison, list[Array]]:
    """One scene: the figures, and the pictures composite, true, enlarged, residual, grid."""
    truth, mask = scene(side, seed), disc(side)
    composite = np.where(mask[..., None] > 0, relit(truth, seed), truth) if network else truth
    wanted = truth if network else np.where(mask[..., None] > 0, relit(truth, seed), truth)
    if network:
        small_after = _answer(network, resized(composite, SMALL), disc(SMALL))
    else:
        small_after = resized(wanted, SMALL) + np.random.default_rng(seed).normal(0, NOISE, (SMALL, SMALL, 3))
    results = ways(composite, mask, small_after)
    figures = Comparison(*(psnr(picture, wanted, mask) for picture in (composite, *results)))
    return figures, [composite, wanted, *results]


def _answer(key: str, small: Array, mask: Array) -> Array:
    import torch

    from .. import checkpoints

    network = checkpoints.load(key)
    with torch.inference_mode():
        pixels = torch.from_numpy(np.clip(small, 0, 1).transpose(2, 0, 1).astype(np.float32))[None]
        alpha = torch.from_numpy(mask.astype(np.float32))[None, None]
        answer: Array = network(pixels, alpha).harmonized[0].permute(1, 2, 0).numpy()
    return answer


def _lines(side: int, seeds: Sequence[int], network: str) -> Iterator[tuple[str, list[Array]]]:
    for seed in seeds:
        figures, pictures = compare(side, seed, network)
        numbers = (figures.untouched, figures.enlarged, figures.residual, figures.grid)
        yield f"{seed:>5}  " + "  ".join(f"{number:>9.2f}" for number in numbers), pictures


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=2048, help="pixels of a side (2048)")
    parser.add_argument("--scenes", type=int, default=4, help="how many scenes (4)")
    parser.add_argument("--network", default="", help="ask this network instead of the true picture")
    parser.add_argument("--sheet", type=Path, help="write a crop of the last scene's pictures side by side")
    return carried_out(parser, argv, _run)


def _run(args: argparse.Namespace) -> int:
    print(f"PSNR in dB inside the foreground at {args.side} px, network at {SMALL} px")
    print("scene  untouched   enlarged   residual       grid")
    pictures: list[Array] = []
    for line, pictures in _lines(args.side, range(args.scenes), args.network):  # noqa: B007
        print(line, flush=True)
    if args.sheet and pictures:
        half, edge = args.side // 2, min(args.side // 2, 200)
        crops = [picture[half - edge : half + edge, half - edge : half + edge] for picture in pictures]
        sheet = np.concatenate([np.clip(crop, 0, 1) for crop in crops], axis=1)
        Image.fromarray((sheet * 255 + 0.5).astype(np.uint8)).save(args.sheet)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
