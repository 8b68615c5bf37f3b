"""SceneFit, this project's own network: it looks at a thumbnail and predicts the adjustment itself.

What the composite's regions look like is measured (`region_statistics`) and seen (a small convolutional encoder);
attention lets the foreground ask the background; heads answer with tone curves, one affine color transform, a coarse
grid of local ones, and how likely all that is to help. See docs/network.md.

Ideas taken from: Liang 2021 (curves with fixed ends, separate regions), Hao 2020 (foreground queries, background keys),
Shen 2023 (long-distance references by attention layers), Gharbi 2017 (bilateral grid of affine transforms).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the name that everyone knows)

from harmonize_models.networks.base import HarmonizationNetwork, Kind, NetworkSpec, Prediction
from harmonize_models.networks.region_statistics import PER_REGION, REGIONS, region_statistics
from harmonize_models.networks.rendering import apply_curves, apply_grid, monotone_curves

INPUT_SIZE = 96
"""Pixels along a side. At 96 a second of training shows almost twice as many composites as at 128; that larger pictures
teach more about each (as S²CRNet's later training at 128 and 192 px suggests) is not tried out here yet."""
PIECES = 16
"""Pieces of a tone curve."""
DEPTH, CELLS = 4, INPUT_SIZE // 16
"""The color grid: luma levels, and cells along each side of the scene (one for each token)."""
FINE, MIDDLE = 32, 80
"""Channels of the encoder at a quarter and at an eighth of the input's side."""
WIDTH = 160
"""Channels of a token."""
LAYERS, HEADS = 2, 8
SUMMARY = 256
GUARD_WIDTH = 1.5
"""The guard opens between its threshold divided by this and its threshold multiplied by this."""
GUARD_OFF = 0.0


class ConvNorm(nn.Sequential):
    """Convolution without bias, batch norm, and GELU if `active`."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, active: bool = True) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.GELU(approximate="tanh") if active else nn.Identity(),
        )


class Residual(nn.Module):
    """Two 3x3 convolutions around a shortcut; the second starts at zero, so that depth costs nothing at first."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels)
        self.second = ConvNorm(channels, channels, active=False)
        norm = self.second[1]
        assert isinstance(norm, nn.BatchNorm2d)
        nn.init.zeros_(norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(x + self.second(self.first(x)), approximate="tanh")


def encoder() -> nn.Sequential:
    """[B, 4, S, S] -> [B, WIDTH, S/16, S/16]; overlapping windows at each step down, so that shifts change little.

    `FINE` and `MIDDLE` channels at S/4 and S/8 on the way.
    """
    return nn.Sequential(
        ConvNorm(4, FINE, kernel=7, stride=4),
        Residual(FINE),
        ConvNorm(FINE, MIDDLE, stride=2),
        Residual(MIDDLE),
        ConvNorm(MIDDLE, WIDTH, stride=2),
        Residual(WIDTH),
        Residual(WIDTH),
    )


class RegionAttention(nn.Module):
    """A pre-norm transformer layer in which half of the heads look at background tokens and half at foreground tokens.

    The look is a bias on the keys (the log of the share of that region in the token), not a hard mask.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.joined = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(approximate="tanh"), nn.Linear(2 * width, width))
        for layer in (self.joined, self.mlp[2]):
            assert isinstance(layer, nn.Linear)
            nn.init.normal_(layer.weight, std=0.02 / math.sqrt(2 * LAYERS))

    def forward(self, tokens: Tensor, bias: Tensor) -> Tensor:
        """tokens: [B, N, W]; bias: [B, heads, 1, N], added to the logits of the keys."""
        split = self.queries_keys_values(self.before_attention(tokens)).unflatten(-1, (3, self.heads, -1))
        queries, keys, values = split.permute(2, 0, 3, 1, 4).unbind(0)
        # Written out: on CPUs the fused kernel's backward pass takes longer than all the rest of the network.
        likeness = queries @ keys.transpose(2, 3) * queries.shape[-1] ** -0.5 + bias.to(queries.dtype)
        seen = likeness.softmax(dim=-1).to(values.dtype) @ values
        tokens = tokens + self.joined(seen.transpose(1, 2).flatten(2))
        mixed: Tensor = tokens + self.mlp(self.before_mlp(tokens))
        return mixed


def region_pools(features: Tensor, mask: Tensor) -> Tensor:
    """[B, C, H, W] and a mask of any size -> [B, 4 C]: mean and spread of the features in foreground and background."""
    share = F.adaptive_avg_pool2d(mask, (features.shape[2], features.shape[3])).flatten(2)
    regions = torch.cat([share, 1 - share], dim=1)
    weights = (regions / (regions.sum(dim=2, keepdim=True) + 1e-2)).to(features.dtype)
    values = features.permute(0, 2, 3, 1).flatten(1, 2)  # [B, HW, C]: no copy, as the encoder works channels-last
    mean = (weights @ values).float()
    variance = (weights @ values.square()).float() - mean.square()
    return torch.stack([mean, variance.clamp(min=1e-4).sqrt()], dim=2).flatten(1)


@dataclass(frozen=True)
class Plan:
    """What SceneFit decides about a batch, before anything is rendered and before the guard."""

    curves: Tensor
    """[B, 3, PIECES + 1]: monotone tone curves from 0 to 1."""
    grid: Tensor
    """[B, DEPTH, CELLS, CELLS, 3, 4]: affine color transforms, applied after the curves."""
    change: Tensor
    """[B]: how much all that changes the foreground, in levels of 255 (root mean square). Without gradient."""
    certainty: Tensor
    """[B]: the log-odds that the change helps."""

    def scaled(self, share: Tensor) -> Plan:
        """The same plan carried out by `share` [B] in [0, 1]: 0 changes nothing."""
        straight = torch.linspace(0, 1, self.curves.shape[-1], device=self.curves.device)
        curves = straight + share[:, None, None] * (self.curves - straight)
        still = torch.eye(3, 4, device=self.grid.device)
        grid = still + share[:, None, None, None, None, None] * (self.grid - still)
        return Plan(curves, grid, self.change, self.certainty)

    def let_through(self, threshold: Tensor | float) -> Tensor:
        """[B] in [0, 1]: the share of the change that a guard at `threshold` (levels of 255) lets through; smooth.

        The expected gain of a network that predicts the mean of what is possible is the square of its own change: small
        changes have little to win, and are as often wrong as right.
        """
        ratio = (self.change + 1e-3) / torch.as_tensor(threshold, device=self.change.device).float().clamp(min=1e-6)
        open_by = (ratio.log() / (2 * math.log(GUARD_WIDTH)) + 0.5).clamp(0, 1)
        return open_by * open_by * (3 - 2 * open_by)

    def first(self, count: int) -> Plan:
        """The plan of the first `count` composites, without gradients."""
        parts = (self.curves, self.grid, self.change, self.certainty)
        return Plan(*(part[:count].detach() for part in parts))

    def render(self, pixels: Tensor) -> Tensor:
        """[B, 3, H, W] in [0, 1] -> the changed colors of every pixel, not clamped."""
        return apply_grid(self.grid, apply_curves(self.curves, pixels))


@torch.no_grad()
def size_of_change(curves: Tensor, grid: Tensor, pixels: Tensor, mask: Tensor) -> Tensor:
    """[B]: root mean square of the change within the mask, levels of 255; shapes as in `Plan` and for its `render`."""
    pixels, mask = pixels.float(), mask.float()
    rendered = apply_grid(grid, apply_curves(curves, pixels)).float().clamp(0, 1)
    square = (rendered - pixels).square() * mask
    return (square.sum(dim=(1, 2, 3)) / (3 * mask.sum(dim=(1, 2, 3)) + 1e-3)).sqrt() * 255


class SceneFit(HarmonizationNetwork):
    """The network. In training mode `harmonized` is the whole change; in evaluation mode the guard holds it back."""

    guard: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.encoder = encoder()
        self.places = nn.Parameter(torch.randn(CELLS * CELLS, WIDTH) * 0.02)
        self.foreground_place = nn.Parameter(torch.randn(WIDTH) * 0.02)
        self.standardise = nn.BatchNorm1d(REGIONS * PER_REGION, affine=False, momentum=0.02)
        self.statistics = nn.Sequential(
            nn.Linear(REGIONS * PER_REGION, SUMMARY),
            nn.GELU(approximate="tanh"),
            nn.Linear(SUMMARY, SUMMARY),
            nn.GELU(approximate="tanh"),
        )
        self.statistics_tokens = nn.Linear(SUMMARY, REGIONS * WIDTH)
        self.layers = nn.ModuleList(RegionAttention(WIDTH, HEADS) for _ in range(LAYERS))
        self.settled = nn.LayerNorm(WIDTH)
        self.summary = nn.Sequential(
            nn.Linear((REGIONS + 2) * WIDTH + SUMMARY, 2 * SUMMARY), nn.GELU(approximate="tanh")
        )
        pools = 4 * (FINE + MIDDLE)
        self.standardise_pools = nn.BatchNorm1d(pools, affine=False, momentum=0.05)
        self.pools = nn.Linear(pools, 2 * SUMMARY, bias=False)
        nn.init.zeros_(self.pools.weight)
        self.curve_head = nn.Linear(2 * SUMMARY, 4 * PIECES)
        self.affine_head = nn.Linear(2 * SUMMARY, 12)
        self.local_head = nn.Linear(WIDTH, DEPTH * 12)
        self.certainty_head = nn.Linear(1, 1)
        for head in (self.curve_head, self.affine_head, self.local_head):
            nn.init.normal_(head.weight, std=1e-3)
            nn.init.zeros_(head.bias)
        self.local_share = 0.7
        """In training: the share of samples whose plan has a local part, so that it can be switched off later."""
        self.register_buffer("guard", torch.tensor(GUARD_OFF))
        """The guard's threshold: the change in levels of 255 of which it lets half through."""

    def plan(self, composite: Tensor, mask: Tensor) -> Plan:
        """[B, 3, S, S] in [0, 1] and [B, 1, S, S] at S = INPUT_SIZE -> what should change."""
        half, half_mask = F.avg_pool2d(composite, 2), F.avg_pool2d(mask, 2)
        measured = region_statistics(half, half_mask).detach().flatten(1).to(composite.dtype)
        measured = self.standardise(measured).clamp(-6, 6)
        known = self.statistics(measured)

        seen = torch.cat([(composite - 0.45) * 4, mask * 2 - 1], dim=1).contiguous(memory_format=torch.channels_last)
        fine = self.encoder[:2](seen)
        middle = self.encoder[2:4](fine)
        view = self.encoder[4:](middle).flatten(2).transpose(1, 2)
        # At these finer steps foreground and background are still apart.
        pools = torch.cat([region_pools(fine, mask), region_pools(middle, mask)], dim=1).to(composite.dtype)
        pools = self.pools(self.standardise_pools(pools).clamp(-6, 6))
        share = F.adaptive_avg_pool2d(mask, CELLS).flatten(2).transpose(1, 2)  # [B, cells, 1]
        view = view + self.places + share * self.foreground_place
        tokens = torch.cat([self.statistics_tokens(known).unflatten(1, (REGIONS, WIDTH)), view], dim=1)
        bias = self.key_bias(share[..., 0])
        for layer in self.layers:
            tokens = layer(tokens, bias)
        tokens = self.settled(tokens)

        regions, view = tokens[:, :REGIONS].flatten(1), tokens[:, REGIONS:]
        foreground = (view * share).sum(dim=1) / (share.sum(dim=1) + 1e-2)
        background = (view * (1 - share)).sum(dim=1) / ((1 - share).sum(dim=1) + 1e-2)
        summary = self.summary[0](torch.cat([regions, foreground, background, known], dim=1))
        summary = self.summary[1](summary + pools)

        logits = self.curve_head(summary).float().unflatten(1, (4, PIECES))
        curves = monotone_curves(logits[:, :1] + logits[:, 1:])
        affine = self.affine_head(summary).float().view(-1, 1, 1, 1, 3, 4)
        local = self.local_head(view).float().view(-1, CELLS, CELLS, DEPTH, 3, 4).permute(0, 3, 1, 2, 4, 5)
        if self.training:
            kept = torch.rand(len(local), device=local.device) < self.local_share
            local = local * kept.view(-1, 1, 1, 1, 1, 1)
        grid = torch.eye(3, 4, device=local.device) + affine + local
        change = size_of_change(curves, grid, half, half_mask)
        certainty = self.certainty_head((change + 0.1).log()[:, None].to(summary.dtype)).float()[:, 0]
        return Plan(curves, grid, change, certainty)

    @staticmethod
    def key_bias(share: Tensor) -> Tensor:
        """[B, cells] foreground shares -> [B, HEADS, 1, REGIONS + cells]; the tokens of statistics are always open."""
        both = torch.stack([1 - share, share], dim=1).clamp(min=0) + 0.02
        bias = F.pad(both.log(), (REGIONS, 0)).repeat_interleave(HEADS // 2, dim=1)
        return bias[:, :, None]

    def forward(self, composite: Tensor, mask: Tensor, label: Tensor | None = None) -> Prediction:
        """Pictures of any size: planned at INPUT_SIZE, where the network was trained, rendered at their own."""
        plan = self.plan(*self.thumbnail(composite, mask))
        if not self.training:
            plan = plan.scaled(plan.let_through(self.guard))
        harmonized = plan.render(composite) * mask + composite * (1 - mask)
        return Prediction(harmonized, curves=plan.curves, grid=plan.grid, confidence=plan.certainty.sigmoid())

    @staticmethod
    def thumbnail(composite: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Both at INPUT_SIZE, by the filter of the product's thumbnails."""
        size = (INPUT_SIZE, INPUT_SIZE)
        if composite.shape[2:] == size:
            return composite, mask
        both = F.interpolate(torch.cat([composite, mask], dim=1), size, mode="bilinear", antialias=True)
        return both[:, :3], both[:, 3:]


def _recognises(names: Mapping[str, torch.Size]) -> bool:
    return names.get("local_head.weight") == (DEPTH * 12, WIDTH) and "places" in names


SPECS: tuple[NetworkSpec, ...] = (
    NetworkSpec(
        key="scenefit",
        title="SceneFit",
        paper="Harmonize Selection's own network (docs/network.md)",
        kind=Kind.ADJUSTMENT,
        input_size=INPUT_SIZE,
        parameters=2_868_862,
        build=SceneFit,
        recognises=_recognises,
    ),
)
