"""The small picture in the docker, and the variants below it: what harmonizing would do, before it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from . import masks, requests
from .client import DaemonStatus, Look, Prediction, Session
from .host import Host
from .i18n import tr
from .state import Variant
from .task import Running, Task
from .values import LayerInfo, Picture, Scene, Settings

OTHER_NETWORKS = 2
"""How many networks besides the chosen one are shown as variants."""


@dataclass(frozen=True)
class _Key:
    """What a prediction depends on."""

    layer: LayerInfo
    network: str
    reference: object
    daemon: int
    """Its process: what one could not do, the next may."""


class Previews:
    """Call `want` whenever something may have changed, and `step` often; `changed` says when to draw again."""

    def __init__(
        self, host: Host, session: Session, changed: Callable[[], object], on_error: Callable[[Exception], object]
    ) -> None:
        self.before: Picture | None = None
        self.after: Picture | None = None
        self.shade: Picture | None = None
        self.variants: tuple[Variant, ...] = ()
        self.prediction: Prediction | None = None
        self._host, self._session = host, session
        self._changed, self._on_error = changed, on_error
        self._scene: Scene | None = None
        self._scene_of: LayerInfo | None = None
        self._key: _Key | None = None
        self._look: Look | None = None
        self._running: Running[None] | None = None

    def want(self, layer: LayerInfo, settings: Settings, status: DaemonStatus | None, *, fresh: bool = False) -> None:
        """Shows `layer` with `settings`. fresh: also when nothing that we know of has changed.

        What has failed is tried again when something has changed.
        """
        key = _Key(layer, settings.network, settings.reference, status.pid if status else 0)
        if not fresh and key == self._key and settings.look == self._look:
            return
        only_look = not fresh and key == self._key and self.prediction is not None
        if fresh or layer != self._scene_of:
            self._scene = None
        self._key, self._look = key, settings.look
        task = self._render(settings.look) if only_look else self._predict(layer, settings, status)
        self._start(task)

    def clear(self) -> None:
        self._stop()
        had_any = self.before is not None
        self.before = self.after = self.shade = self.prediction = None
        self._scene = self._scene_of = self._key = self._look = None
        self.variants = ()
        if had_any:
            self._changed()

    def step(self, *, host_is_free: bool) -> None:
        """host_is_free: else it only goes on waiting for the daemon."""
        if self._running is not None and (host_is_free or self._running.waits):
            self._running.step()

    @property
    def working(self) -> bool:
        return self._running is not None and not self._running.done

    def _predict(self, layer: LayerInfo, settings: Settings, status: DaemonStatus | None) -> Task[None]:
        self.prediction = None
        if self._scene is None:
            self._scene = yield from self._host.read_scene(layer.ref)
            self._scene_of = layer
            self.before = self._host.compose(self._scene, self._scene.layer)
            self.shade = Picture(self.before.width, self.before.height, masks.shade(self._scene.mask))
            self.after = None
            self.variants = ()
            self._changed()
        self.prediction = yield from requests.predict(self._host, self._session, layer.ref, self._scene, settings)
        yield from self._render(settings.look)
        yield from self._make_variants(layer, settings, status)

    def _render(self, look: Look) -> Task[None]:
        if self._scene is None or self.prediction is None:
            return
        self.after = yield from requests.render_preview(
            self._host, self._session, self._scene, self.prediction.adjustment, look
        )
        self.variants = tuple(
            replace(variant, chosen=variant.look == look and variant.network == self.variants[0].network)
            for variant in self.variants
        )
        self._changed()

    def _make_variants(self, layer: LayerInfo, settings: Settings, status: DaemonStatus | None) -> Task[None]:
        scene, prediction = self._scene, self.prediction
        if scene is None or prediction is None:
            return
        made: list[Variant] = []
        for variant in _variants(settings, status, prediction.network):
            adjustment = prediction.adjustment
            if variant.network != settings.network:
                other = replace(settings, network=variant.network)
                adjustment = (
                    yield from requests.predict(self._host, self._session, layer.ref, scene, other)
                ).adjustment
            picture = yield from requests.render_preview(self._host, self._session, scene, adjustment, variant.look)
            chosen = variant.network == settings.network and variant.look == settings.look
            made.append(replace(variant, picture=picture, chosen=chosen))
            self.variants = tuple(made)
            self._changed()

    def _start(self, task: Task[None]) -> None:
        self._stop()
        self._running = Running(task, lambda _: None, self._on_error)

    def _stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            self._running = None


def _variants(settings: Settings, status: DaemonStatus | None, used: str) -> list[Variant]:
    """Strengths and switches of the chosen network, then other networks."""
    found = [
        Variant(tr("Full"), settings.network, Look()),
        Variant(tr("Half"), settings.network, Look(strength=0.5)),
        Variant(tr("Color only"), settings.network, Look(color_only=True)),
        Variant(tr("Keep lights"), settings.network, Look(protect_highlights=True)),
    ]
    networks = [info for info in (status.networks if status else ()) if info.kind != "baseline" and info.key != used]
    return found + [Variant(info.title, info.key, Look()) for info in networks[:OTHER_NETWORKS]]
