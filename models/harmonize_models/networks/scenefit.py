"""SceneFit, this project's own network: it looks at a thumbnail and predicts the adjustment itself.

What the composite's regions look like is measured (`region_statistics`) and seen: one convolutional encoder looks at
the foreground, at its own scale, and at the background; attention lets the foreground ask the background; heads answer
with tone curves, one affine color transform, a coarse grid of local ones, and how likely all that is to help. See
docs/network.md.

Ideas taken from: Liang 2021 (curves with fixed ends, regions encoded apart), Hao 2020 (foreground queries, background
keys), Shen 2023 (long-distance references by attention layers), Gharbi 2017 (bilateral grid of affine transforms).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the name that everyone knows)

from harmonize_models.networks.base import Decision, HarmonizationNetwork, Kind, NetworkSpec, Prediction
from harmonize_models.networks.region_statistics import PER_REGION, REGIONS, region_statistics
from harmonize_models.networks.rendering import apply_curves, apply_grid, composed_curves, monotone_curves
from harmonize_models.networks.s2crnet import FEATURES, crop, places_in_mask, squeezenet_features

INPUT_SIZE = 192
"""Pixels along a side of the thumbnail that is looked at."""
PIECES = 16
"""Pieces of a tone curve."""
DEPTH, CELLS = 4, 8
"""The color grid: luma levels, and cells along each side of the scene."""
WIDTH = 192
"""Channels of a token."""
LAYERS, HEADS = 2, 8
SUMMARY = 256
WAVES = 3
"""Frequencies in which a token's place in the scene is told, each twice the one before."""
LOOKS = 2
"""How often it looks: at the composite, and at what its own first plan makes of it."""
LATER_SHARE = 0.5
"""How much of what a later look wants is done: all of it gains no more, and spoils more pictures."""
COMPOSED_PIECES = 4 * PIECES
"""Pieces of the curve that several curves make together."""
GUARD_WIDTH = 1.5
"""The guard opens between its threshold divided by this and its threshold multiplied by this."""
GUARD_OFF = 0.0


class RegionAttention(nn.Module):
    """A pre-norm transformer layer; what each token weighs as a key is biased by how much of its region it holds."""

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
        """tokens: [B, N, W]; bias: [B, N], added to the logits of the keys."""
        split = self.queries_keys_values(self.before_attention(tokens)).unflatten(-1, (3, self.heads, -1))
        queries, keys, values = split.permute(2, 0, 3, 1, 4).unbind(0)
        # Written out: on CPUs the fused kernel's backward pass takes longer than all the rest of the network.
        likeness = queries @ keys.transpose(2, 3) * queries.shape[-1] ** -0.5 + bias[:, None, None].to(queries.dtype)
        seen = likeness.softmax(dim=-1).to(values.dtype) @ values
        tokens = tokens + self.joined(seen.transpose(1, 2).flatten(2))
        mixed: Tensor = tokens + self.mlp(self.before_mlp(tokens))
        return mixed


def waves(rows: Tensor, columns: Tensor) -> Tensor:
    """Places in [-1, 1], [B, M] and [B, N] -> [B, M * N, 4 WAVES]: sines and cosines that tell each pair's place."""
    frequencies = math.pi / 2 * 2 ** torch.arange(WAVES, device=rows.device, dtype=torch.float32)

    def told(places: Tensor) -> Tensor:
        angles = places.float()[..., None] * frequencies
        return torch.cat([angles.sin(), angles.cos()], dim=-1)

    down = told(rows)[:, :, None].expand(-1, -1, columns.shape[1], -1)
    across = told(columns)[:, None].expand(-1, rows.shape[1], -1, -1)
    return torch.cat([down, across], dim=-1).flatten(1, 2).to(rows.dtype)


def centers(count: int, like: Tensor) -> Tensor:
    """The centers of `count` cells along one side of the scene, [B, count] in [-1, 1], for the batch of `like`."""
    places = (torch.arange(count, device=like.device, dtype=like.dtype) + 0.5) * (2 / count) - 1
    return places.expand(like.shape[0], -1)


def seen_from(box: Tensor, places: Tensor) -> Tensor:
    """Places in the scene [B, N] as places in the frame over which `box` [B, S] spreads the foreground; [-1, 1]."""
    first, last = box[:, :1], box[:, -1:]
    return ((places - first) / (last - first).clamp(min=1e-3) * 2 - 1).clamp(-1, 1)


def mean_over(tokens: Tensor, share: Tensor) -> Tensor:
    """[B, N, W] weighted by [B, N] -> [B, W]."""
    return (tokens * share[..., None]).sum(dim=1) / (share.sum(dim=1, keepdim=True) + 1e-2)


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

    def then(self, later: Plan) -> Plan:
        """This plan and after it another one, as one plan; of the size of the change and the certainty, the later's.

        The later curves are applied before this one's grid instead of after it. What they change in each other's place
        is the product of two small changes, and not to be seen.
        """
        curves = composed_curves([self.curves, later.curves], COMPOSED_PIECES)
        bottom = self.grid.new_tensor([0, 0, 0, 1]).expand(*self.grid.shape[:-2], 1, 4)
        grid = later.grid @ torch.cat([self.grid, bottom], dim=-2)
        return Plan(curves, grid, later.change, later.certainty)

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
        self.squeezenet1_1 = squeezenet_features()
        for module in self.squeezenet1_1.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        self.token = nn.Linear(FEATURES, WIDTH)
        self.place = nn.Linear(4 * WAVES, WIDTH)
        self.region = nn.Parameter(torch.randn(2, WIDTH) * 0.02)
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
        self.standardise_pools = nn.BatchNorm1d(2 * FEATURES, affine=False, momentum=0.02)
        self.summary = nn.Sequential(
            nn.Linear((REGIONS + 2) * WIDTH + 2 * FEATURES + SUMMARY, 2 * SUMMARY), nn.GELU(approximate="tanh")
        )
        self.curve_head = nn.Linear(2 * SUMMARY, 4 * PIECES)
        self.affine_head = nn.Linear(2 * SUMMARY, 12)
        self.local_head = nn.Linear(WIDTH, DEPTH * 12)
        self.certainty_head = nn.Linear(1, 1)
        for head in (self.curve_head, self.affine_head, self.local_head):
            nn.init.normal_(head.weight, std=5e-4)
            nn.init.zeros_(head.bias)
        self.looks = LOOKS
        self.local_share = 0.7
        """In training: the share of samples whose plan has a local part, so that it can be switched off later."""
        self.register_buffer("guard", torch.tensor(GUARD_OFF))
        """The guard's threshold: the change in levels of 255 of which it lets half through."""

    def plan(self, composite: Tensor, mask: Tensor) -> Plan:
        """[B, 3, S, S] in [0, 1] and [B, 1, S, S] at S = INPUT_SIZE -> what all looks together want to change."""
        plan, background = self.look(composite, mask)
        for _ in range(self.looks - 1):
            result = torch.lerp(composite, plan.render(composite).clamp(0, 1).to(composite.dtype), mask)
            later = self.look(result, mask, background)[0]
            plan = plan.then(later.scaled(torch.full_like(later.change, LATER_SHARE)))
        return self.judged(plan, composite, mask)

    def judged(self, plan: Plan, composite: Tensor, mask: Tensor) -> Plan:
        """The plan with the size of its change of that composite, and how certain it is to help."""
        change = size_of_change(plan.curves, plan.grid, F.avg_pool2d(composite, 2), F.avg_pool2d(mask, 2))
        certainty = self.certainty_head((change + 0.1).log()[:, None].to(composite.dtype)).float()[:, 0]
        return replace(plan, change=change, certainty=certainty)

    def look(self, composite: Tensor, mask: Tensor, background: Tensor | None = None) -> tuple[Plan, Tensor]:
        """What one look wants to change, not judged yet, and the features of the background, for the next look."""
        half, half_mask = F.avg_pool2d(composite, 2), F.avg_pool2d(mask, 2)
        measured = region_statistics(half, half_mask).detach().flatten(1).to(composite.dtype)
        known = self.statistics(self.standardise(measured).clamp(-6, 6))

        rows, columns = self.looked_at(mask)
        close = crop(torch.cat([composite * mask, mask], dim=1), rows, columns)
        regions = [close[:, :3]] if background is not None else [close[:, :3], composite * (1 - mask)]
        features = self.squeezenet1_1(torch.cat(regions).contiguous(memory_format=torch.channels_last))
        if background is not None:
            features = torch.cat([features, background])
        pools = torch.cat(features.mean(dim=(2, 3)).tensor_split(2), dim=1)
        pools = self.standardise_pools(pools.to(composite.dtype)).clamp(-6, 6)

        side = (features.shape[2], features.shape[3])
        shares = F.adaptive_avg_pool2d(torch.cat([close[:, 3:], 1 - mask]), side).flatten(1)
        foreground_share, background_share = shares.tensor_split(2)
        places = torch.cat(
            [
                waves(F.adaptive_avg_pool1d(rows, side[0]), F.adaptive_avg_pool1d(columns, side[1])),
                waves(centers(side[0], rows), centers(side[1], columns)),
            ]
        )
        view = self.token(features.flatten(2).transpose(1, 2)) + self.place(places)
        near, far = view.tensor_split(2)
        tokens = torch.cat(
            [
                self.statistics_tokens(known).unflatten(1, (REGIONS, WIDTH)),
                near + self.region[0],
                far + self.region[1],
            ],
            dim=1,
        )
        bias = F.pad((torch.cat([foreground_share, background_share], dim=1).float() + 0.02).log(), (REGIONS, 0))
        for layer in self.layers:
            tokens = layer(tokens, bias)
        tokens = self.settled(tokens)

        asked, view = tokens[:, :REGIONS].flatten(1), tokens[:, REGIONS:]
        near, far = view.tensor_split(2, dim=1)
        means = [mean_over(near, foreground_share), mean_over(far, background_share)]
        summary = self.summary(torch.cat([asked, *means, pools, known], dim=1))

        logits = self.curve_head(summary).float().unflatten(1, (4, PIECES))
        curves = monotone_curves(logits[:, :1] + logits[:, 1:])
        affine = self.affine_head(summary).float().view(-1, 1, 1, 1, 3, 4)
        local = self.local(view, side, rows, columns)
        if self.training:
            kept = torch.rand(len(local), device=local.device) < self.local_share
            local = local * kept.view(-1, 1, 1, 1, 1, 1)
        grid = torch.eye(3, 4, device=local.device) + affine + local
        unjudged = curves.new_zeros(len(curves))
        return Plan(curves, grid, unjudged, unjudged), features.tensor_split(2)[1]

    def looked_at(self, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Rows and columns of the scene that fill the frame in which the foreground is seen."""
        return places_in_mask(mask)

    def local(self, view: Tensor, side: tuple[int, int], rows: Tensor, columns: Tensor) -> Tensor:
        """Tokens of both regions [B, 2 N, WIDTH] -> [B, DEPTH, CELLS, CELLS, 3, 4]: what each cell adds to the whole.

        Each cell of the scene reads the background's tokens at its place, and the foreground's where its box has it.
        """
        maps = self.local_head(view).float().transpose(1, 2).unflatten(2, (2, *side))
        down, across = centers(CELLS, rows.float()), centers(CELLS, columns.float())
        near = crop(maps[:, :, 0], seen_from(rows.float(), down), seen_from(columns.float(), across))
        cells = near + crop(maps[:, :, 1], down, across)
        return cells.view(-1, DEPTH, 3, 4, CELLS, CELLS).permute(0, 1, 4, 5, 2, 3)

    def forward(self, composite: Tensor, mask: Tensor, label: Tensor | None = None) -> Prediction:
        """Pictures of any size: planned at INPUT_SIZE, where the network was trained, rendered at their own."""
        plan = self.guarded(composite, mask)
        harmonized = plan.render(composite) * mask + composite * (1 - mask)
        return Prediction(harmonized, curves=plan.curves, grid=plan.grid, confidence=plan.certainty.sigmoid())

    def decide(self, composite: Tensor, mask: Tensor, label: Tensor | None = None) -> Decision:
        plan = self.guarded(composite, mask)
        return Decision(curves=plan.curves, grid=plan.grid, confidence=plan.certainty.sigmoid())

    def guarded(self, composite: Tensor, mask: Tensor) -> Plan:
        """The plan; in evaluation mode, what the guard lets through of it."""
        plan = self.plan(*self.thumbnail(composite, mask))
        return plan if self.training else plan.scaled(plan.let_through(self.guard))

    @staticmethod
    def thumbnail(composite: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Both at INPUT_SIZE, by the filter of the product's thumbnails."""
        size = (INPUT_SIZE, INPUT_SIZE)
        if composite.shape[2:] == size:
            return composite, mask
        both = F.interpolate(torch.cat([composite, mask], dim=1), size, mode="bilinear", antialias=True)
        return both[:, :3], both[:, 3:]


def _recognises(names: Mapping[str, torch.Size]) -> bool:
    return names.get("local_head.weight") == (DEPTH * 12, WIDTH) and "squeezenet1_1.0.weight" in names


SPECS: tuple[NetworkSpec, ...] = (
    NetworkSpec(
        key="scenefit",
        title="SceneFit",
        paper="Harmonize Selection's own network (docs/network.md)",
        kind=Kind.ADJUSTMENT,
        input_size=INPUT_SIZE,
        parameters=2_896_254,
        build=SceneFit,
        recognises=_recognises,
    ),
)
