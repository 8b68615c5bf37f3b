"""All that the docker shows, as one value: the presenter makes it, the view draws it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from .client import Look, NetworkInfo
from .values import LayerInfo, LayerName, Picture, Reference, Settings, Source


class Health(Enum):
    """The color of the dot beside the daemon's words."""

    READY = "ready"
    WORKING = "working"
    OFF = "off"
    BROKEN = "broken"


@dataclass(frozen=True)
class Problem:
    """One quiet line, and what stands behind its details button."""

    line: str
    details: str


@dataclass(frozen=True)
class Variant:
    """Another choice of network and look, to click on."""

    title: str
    network: str
    look: Look
    picture: Picture | None = None
    chosen: bool = False


@dataclass(frozen=True)
class HistoryRow:
    title: str
    details: str


@dataclass(frozen=True)
class DockerState:
    settings: Settings = field(default_factory=Settings)
    layer: LayerInfo | None = None
    """The layer that would be harmonized."""
    selected: int = 0
    """How many layers are selected in the layer list."""
    adjusting: str = ""
    """Name of the harmonized layer that the sliders change; empty if they only change the preview."""
    busy: str = ""
    """What is being done, in words; empty while nothing is."""
    fraction: float | None = None
    health: Health = Health.OFF
    daemon: str = ""
    """The daemon's state in words."""
    problem: Problem | None = None
    note: str = ""
    before: Picture | None = None
    after: Picture | None = None
    shade: Picture | None = None
    """Dark where nothing will change, to lay over the preview."""
    preview_waits: bool = False
    """The picture is so large that the preview is only made when asked for."""
    preview_note: str = ""
    """What there is to say about the preview; `note` is about what was done."""
    preview_trouble: Problem | None = None
    """Why there is no preview, or only half of one."""
    variants: tuple[Variant, ...] = ()
    networks: tuple[NetworkInfo, ...] = ()
    default_network: str = ""
    layers: tuple[LayerName, ...] = ()
    """That light and color can be taken from."""
    history: tuple[HistoryRow, ...] = ()
    comparing: bool = False
    """The original is shown."""
    can_compare: bool = False
    live: bool = False
    live_text: str = ""
    live_busy: bool = False


def possible(state: DockerState) -> Settings:
    """The settings without what is not there to be chosen any more: a network, a layer to take light and color from."""
    settings = state.settings
    if state.networks and settings.network not in ("", *(network.key for network in state.networks)):
        settings = replace(settings, network="")
    there = {layer.ref.layer for layer in state.layers if state.layer is None or layer.ref != state.layer.ref}
    if settings.reference.source is Source.LAYER and settings.reference.name not in there:
        settings = replace(settings, reference=Reference())
    return settings
