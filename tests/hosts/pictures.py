"""A scene at sunset and a figure photographed at noon, both rendered here: no photograph is needed, or shown, anywhere.

    python -m tests.hosts.pictures FOLDER [WIDTH HEIGHT]

writes `scene.png` and `figure.png` (with alpha, same size, to be laid over the scene).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ball:
    center: tuple[float, float, float]
    radius: float
    color: tuple[float, float, float]
    gloss: float = 0.25


@dataclass(frozen=True)
class Light:
    """A sun, and a sky that fills the shadows; linear light."""

    direction: tuple[float, float, float]
    sun: tuple[float, float, float]
    sky: tuple[float, float, float]


EVENING = Light((-0.62, 0.30, 0.50), sun=(2.3, 1.15, 0.42), sky=(0.20, 0.15, 0.22))
NOON = Light((0.45, 0.85, 0.55), sun=(0.92, 1.02, 1.16), sky=(0.36, 0.43, 0.55))

SCENERY = (
    Ball((-2.3, 0.75, -0.6), 0.75, (0.62, 0.20, 0.12)),
    Ball((-1.15, 0.42, 0.75), 0.42, (0.75, 0.58, 0.22), gloss=0.6),
    Ball((2.35, 1.0, -1.6), 1.0, (0.22, 0.34, 0.24)),
    Ball((1.75, 0.30, 1.05), 0.30, (0.55, 0.42, 0.34)),
    Ball((-3.6, 1.15, -2.8), 1.15, (0.36, 0.30, 0.40)),
)
FIGURE = (
    Ball((0.45, 0.62, 0.15), 0.62, (0.80, 0.80, 0.80)),
    Ball((0.45, 1.48, 0.15), 0.44, (0.82, 0.82, 0.82)),
    Ball((0.45, 2.10, 0.15), 0.30, (0.84, 0.84, 0.84)),
    Ball((0.36, 2.16, 0.43), 0.04, (0.05, 0.05, 0.06), gloss=0.9),
    Ball((0.55, 2.16, 0.43), 0.04, (0.05, 0.05, 0.06), gloss=0.9),
    Ball((0.46, 2.07, 0.48), 0.055, (0.85, 0.36, 0.10)),
    Ball((0.45, 1.80, 0.20), 0.335, (0.16, 0.42, 0.72)),
    Ball((0.45, 1.52, 0.59), 0.045, (0.16, 0.42, 0.72), gloss=0.9),
    Ball((0.45, 1.32, 0.57), 0.045, (0.16, 0.42, 0.72), gloss=0.9),
    Ball((0.45, 2.42, 0.13), 0.17, (0.16, 0.42, 0.72)),
)


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def _hit(origin: Array, rays: Array, ball: Ball) -> Array:
    """Distance to the ball along each ray; infinite where there is none."""
    offset = origin - np.array(ball.center)
    along = np.sum(offset * rays, axis=-1)
    inside = along**2 - (np.sum(offset * offset, axis=-1) - ball.radius**2)
    near = -along - np.sqrt(np.maximum(inside, 0))
    return np.where((inside > 0) & (near > 1e-3), near, np.inf)


def _shade(
    points: Array, normals: Array, rays: Array, color: Array, gloss: Array, light: Light, casts: tuple[Ball, ...]
) -> Array:
    to_sun = _unit(np.array(light.direction))
    lit = np.clip(np.sum(normals * to_sun, axis=-1), 0, 1)
    for ball in casts:
        distance = _hit(points + normals * 2e-3, np.broadcast_to(to_sun, points.shape), ball)
        lit = np.where(np.isfinite(distance), 0, lit)
    half = _unit(to_sun - rays)
    spark = gloss * np.clip(np.sum(normals * half, axis=-1), 0, 1) ** 40 * (lit > 0)
    open_sky = 0.55 + 0.45 * normals[..., 1]
    sun, sky = np.array(light.sun), np.array(light.sky)
    return np.asarray(color * (sun * lit[..., None] + sky * open_sky[..., None]) + sun * spark[..., None])


def render(width: int, height: int, balls: tuple[Ball, ...], light: Light, *, world: bool, samples: int = 2) -> Array:
    """[height, width, 4]: R, G, B sRGB-encoded and coverage, all in [0, 1]; `world` adds ground and sky."""
    rows, columns = height * samples, width * samples
    y, x = np.mgrid[0:rows, 0:columns]
    scale = 0.84 / rows
    eye = np.array([0.0, 1.55, 6.2])
    rays = _unit(
        np.stack([(x + 0.5 - columns / 2) * scale, (rows / 2 - y - 0.5) * scale - 0.05, -np.ones(x.shape)], axis=-1)
    )
    nearest = np.full(x.shape, np.inf)
    picture = np.zeros((*x.shape, 3))
    if world:
        picture += _sky(rays)
        down = rays[..., 1] < -1e-4
        distance = np.where(down, -eye[1] / np.where(down, rays[..., 1], -1), np.inf)
        points = eye + rays * np.where(down, distance, 0)[..., None]
        up = np.broadcast_to(np.array([0.0, 1.0, 0.0]), points.shape)
        planks = 0.5 + 0.5 * np.sin(points[..., 0] * 9) * np.sin(points[..., 2] * 1.3 + np.floor(points[..., 0] * 1.43))
        wood = np.stack([0.42 + 0.07 * planks, 0.30 + 0.05 * planks, 0.20 + 0.035 * planks], axis=-1)
        ground = _shade(points, up, rays, wood, np.full(x.shape, 0.02), light, balls)
        haze = np.exp(-np.where(down, distance, 0) / 26)[..., None]
        picture = np.where(down[..., None], ground * haze + picture * (1 - haze), picture)
        nearest = distance
    covered = np.full(x.shape, 1.0 if world else 0.0)
    for ball in balls:
        distance = _hit(eye, rays, ball)
        seen = distance < nearest
        points = eye + rays * np.where(seen, distance, 1)[..., None]
        normals = _unit(points - np.array(ball.center))
        color = np.broadcast_to(np.array(ball.color), points.shape)
        shaded = _shade(points, normals, rays, color, np.full(x.shape, ball.gloss), light, balls)
        picture = np.where(seen[..., None], shaded, picture)
        covered = np.where(seen, 1.0, covered)
        nearest = np.where(seen, distance, nearest)
    encoded = np.clip(picture, 0, None)
    encoded = encoded / (1 + 0.25 * encoded)  # a soft shoulder, so that highlights do not clip hard
    encoded = np.clip(
        np.where(encoded <= 0.0031308, 12.92 * encoded, 1.055 * np.maximum(encoded, 1e-9) ** (1 / 2.4) - 0.055), 0, 1
    )
    weights = covered.reshape(height, samples, width, samples)
    alpha = weights.mean(axis=(1, 3))
    color_sum = (encoded * covered[..., None]).reshape(height, samples, width, samples, 3).mean(axis=(1, 3))
    color = color_sum / np.maximum(alpha, 1e-6)[..., None]
    return np.concatenate([color, alpha[..., None]], axis=-1)


def _sky(rays: Array) -> Array:
    height = np.clip(rays[..., 1], 0, 1)[..., None]
    glow = np.clip(np.sum(rays * _unit(np.array([-0.62, 0.10, -0.9])), axis=-1), 0, 1)[..., None]
    horizon, zenith = np.array([1.25, 0.52, 0.20]), np.array([0.16, 0.16, 0.34])
    return np.asarray(
        horizon * np.exp(-height * 5) + zenith * (1 - np.exp(-height * 5)) + np.array([1.4, 0.75, 0.3]) * glow**24
    )


def scene(width: int, height: int) -> npt.NDArray[np.uint8]:
    """[height, width, 3]: the scene at sunset."""
    picture = render(width, height, SCENERY, EVENING, world=True)
    return np.asarray(np.round(picture[..., :3] * 255), np.uint8)


def figure(width: int, height: int) -> npt.NDArray[np.uint8]:
    """[height, width, 4]: a snowman at noon, on nothing, as a cut-out for the same camera."""
    picture = render(width, height, FIGURE, NOON, world=False)
    return np.asarray(np.round(picture * 255), np.uint8)


def main(folder: str, width: str = "1200", height: str = "800") -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene(int(width), int(height))).save(Path(folder) / "scene.png")
    Image.fromarray(figure(int(width), int(height))).save(Path(folder) / "figure.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
