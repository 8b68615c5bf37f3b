"""Other ways to harmonize the same layer, from which artists choose by what they see. Needs no GIMP."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harmonize_client import DaemonStatus, Look

from .words import _

OTHER_NETWORKS = 1
"""How many networks besides the chosen one are offered: as many as fit below the preview."""


@dataclass(frozen=True)
class Variant:
    """A network with a look."""

    title: str
    network: str
    """As in `Options`: empty = the daemon's default."""
    look: Look


def variants(network: str, look: Look, daemon: DaemonStatus | None) -> tuple[Variant, ...]:
    """The chosen network with other strengths and switches, then other networks, as far as they are known yet.

    look: the artist's, whose edges are clean in all of them or in none: that is no question of taste.
    """
    full = Look(clean_edges=look.clean_edges)
    looks = (
        Variant(_("Full"), network, full),
        Variant(_("Half"), network, replace(full, strength=0.5)),
        Variant(_("Color only"), network, replace(full, color_only=True)),
        Variant(_("Keep lights"), network, replace(full, protect_highlights=True)),
    )
    if daemon is None:
        return looks
    used = network or daemon.default_network
    others = [info for info in daemon.networks if info.kind != "baseline" and info.key != used]
    return looks + tuple(Variant(info.title, info.key, full) for info in others[:OTHER_NETWORKS])
