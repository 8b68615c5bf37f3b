"""The small picture in the docker, and the variants below it: what harmonizing would do, before it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from . import masks, requests
from .client import DaemonStatus, Look, Prediction, Session
from .host import Host
from .i18n import tr
from .state import Variant
from .task import Running, Task
from .values import LayerInfo, LayerRef, Picture, Scene, Settings, Target

OTHER_NETWORKS = 2
"""How many networks besides the chosen one are shown as variants."""


@dataclass(frozen=True)
class Sight:
    """What a scene is read from. Equal ones show the same."""

    layer: LayerInfo
    fingerprint: bytes = b""
    """See `Host.fingerprint`."""
    curves: tuple[LayerRef, ...] = ()
    """See `Target.curves`."""
    results: tuple[LayerRef, ...] = field(default=(), compare=False)
    """See `Target.results`: one more is nothing new to see."""

    @property
    def target(self) -> Target:
        return Target(self.layer.ref, self.layer.name, results=self.results, curves=self.curves)


class Previews:
    """Say with `want` what is to be seen, and call `step` often; `changed` says when to draw again.

    One piece is made after the other, always the one that is missed most: scene, prediction, picture, then variants.
    A newer wish for another look so waits for the picture that is being made, and breaks off nothing but variants.
    """

    def __init__(self, host: Host, session: Session, changed: Callable[[], object]) -> None:
        self.before: Picture | None = None
        self.after: Picture | None = None
        self.shade: Picture | None = None
        self.trouble: Exception | None = None
        """Why there is nothing more to see; until something changes."""
        self._host, self._session, self._changed = host, session, changed
        self._sight: Sight | None = None
        self._settings = Settings()
        self._scene: Scene | None = None
        self._predictions: dict[str, Prediction] = {}
        """Of the scene, by network as it was asked for."""
        self._shown: tuple[str, Look] | None = None
        """Network and look of `after`."""
        self._made: dict[tuple[str, Look], Picture] = {}
        """The variants' pictures."""
        self._variants_fail = False
        self._running: Running[None] | None = None
        self._aside = False
        """Whether it makes a variant."""
        self._failed_with = 0
        """The daemon's process then: what one could not do, the next may."""

    @property
    def prediction(self) -> Prediction | None:
        return self._predictions.get(self._settings.network)

    @property
    def variants(self) -> tuple[Variant, ...]:
        chosen = (self._settings.network, self._settings.look)
        return tuple(
            replace(variant, picture=self._made[variant.network, variant.look], chosen=key == chosen)
            for variant in self._wanted_variants()
            if (key := (variant.network, variant.look)) in self._made
        )

    @property
    def working(self) -> bool:
        return self._running is not None and not self._running.done

    def want(self, sight: Sight, settings: Settings, *, fresh: bool = False) -> None:
        """From now on `sight` with `settings`. fresh: also when nothing that we know of has changed.

        What has failed is tried again when something has changed.
        """
        before, self._settings = self._settings, settings
        if fresh or sight != self._sight:
            if self._sight is None or sight.layer.ref != self._sight.layer.ref:
                self._forget_pictures()
            self._scene = None
            self._stop()
        elif settings.reference != before.reference:
            if settings.reference.is_above != before.reference.is_above:
                self._scene = None
            self._forget_answers()
            self._stop()
        elif settings.network != before.network or (settings.look != before.look and self._aside):
            self._stop()
        elif settings.look == before.look and not self._is_another_daemon():
            return
        self._sight = sight
        self.trouble, self._variants_fail = None, False
        self._changed()

    def clear(self) -> None:
        """From now on nothing."""
        if self._sight is not None:
            self._stop()
            self._sight = self._scene = self.trouble = None
            self._forget_pictures()
            self._changed()

    def step(self, *, host_is_free: bool) -> None:
        """host_is_free: else it only goes on waiting for the daemon."""
        if self._running is not None and (host_is_free or self._running.waits):
            self._running.step()
        if not self.working and self._sight is not None and self.trouble is None:
            task = self._next(self._sight)
            self._running = Running(task, lambda _: self._changed(), self._failed) if task is not None else None

    def _next(self, sight: Sight) -> Task[None] | None:
        """What is missed most; None when all is there, or the scene is still being worked on."""
        network, look = self._settings.network, self._settings.look
        self._aside = False
        if self._scene is None:
            return self._read(sight) if self._host.is_still(sight.layer.ref) else None
        if network not in self._predictions:
            return self._predict(sight, self._scene, network)
        if self._shown != (network, look):
            return self._render(self._scene, network, look)
        missing = (one for one in self._wanted_variants() if (one.network, one.look) not in self._made)
        variant = next(missing, None)
        if variant is None or self._variants_fail:
            return None
        self._aside = True
        return self._make(sight, self._scene, variant)

    def _read(self, sight: Sight) -> Task[None]:
        above = self._settings.reference.is_above
        scene = yield from self._host.read_scene(sight.target, with_above=above)
        self._forget_pictures()
        self._scene = scene
        self.before = self._host.compose(scene, scene.layer)
        self.shade = Picture(self.before.width, self.before.height, masks.shade(scene.mask))

    def _predict(self, sight: Sight, scene: Scene, network: str) -> Task[None]:
        settings = replace(self._settings, network=network)
        ref = sight.layer.ref
        self._predictions[network] = yield from requests.predict(self._host, self._session, ref, scene, settings)

    def _render(self, scene: Scene, network: str, look: Look) -> Task[None]:
        adjustment = self._predictions[network].adjustment
        self.after = yield from requests.render_preview(self._host, self._session, scene, adjustment, look)
        self._shown = (network, look)

    def _make(self, sight: Sight, scene: Scene, variant: Variant) -> Task[None]:
        if variant.network not in self._predictions:
            yield from self._predict(sight, scene, variant.network)
        adjustment = self._predictions[variant.network].adjustment
        picture = yield from requests.render_preview(self._host, self._session, scene, adjustment, variant.look)
        self._made[variant.network, variant.look] = picture

    def _wanted_variants(self) -> list[Variant]:
        used = self.prediction
        return _variants(self._settings, self._session.daemon, used.network) if used is not None else []

    def _failed(self, error: Exception) -> None:
        if self._aside:
            self._variants_fail = True  # nobody has asked for them
            return
        self.trouble, self._failed_with = error, self._daemon()
        if self._scene is None:
            self._forget_pictures()
        self._changed()

    def _is_another_daemon(self) -> bool:
        return self.trouble is not None and self._failed_with != self._daemon()

    def _daemon(self) -> int:
        return self._session.daemon.pid if self._session.daemon is not None else 0

    def _forget_pictures(self) -> None:
        self.before = self.after = self.shade = None
        self._forget_answers()

    def _forget_answers(self) -> None:
        self._predictions, self._made, self._shown = {}, {}, None

    def _stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            self._running = None


def _variants(settings: Settings, status: DaemonStatus | None, used: str) -> list[Variant]:
    """Strengths and switches of the chosen network, then other networks.

    Edges are clean in all of them or in none: that is no question of taste.
    """
    full = Look(clean_edges=settings.look.clean_edges)
    found = [
        Variant(tr("Full"), settings.network, full),
        Variant(tr("Half"), settings.network, replace(full, strength=0.5)),
        Variant(tr("Color only"), settings.network, replace(full, color_only=True)),
        Variant(tr("Keep lights"), settings.network, replace(full, protect_highlights=True)),
    ]
    networks = [info for info in (status.networks if status else ()) if info.kind != "baseline" and info.key != used]
    return found + [Variant(info.title, info.key, full) for info in networks[:OTHER_NETWORKS]]
