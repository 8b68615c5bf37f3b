"""What can be set when a daemon starts, and the limits that it holds every request to."""

from __future__ import annotations

from dataclasses import dataclass, field

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """How much one daemon takes on. All sizes in bytes unless named otherwise."""

    pixels: int = 500_000_000
    """Pixels of one layer."""
    side: int = 262_144
    """Longest side of a layer, in pixels: one row of RGBA f32 just fits a frame."""
    frame_bytes: int = 4 * MIB
    """One payload frame."""
    header_bytes: int = 64 * 1024
    """One header from a client."""
    window: int = 6
    """Bands of one render that may be on the way at a time."""
    renders: int = 4
    """Renders that run at a time; window x renders band slots bound the memory that pixels take."""
    renders_per_client: int = 2
    """Renders of one connection that run at a time."""
    thumbnail_side: int = 1024
    """Longest side of a scene's thumbnail, in pixels."""
    front_bytes: int = 512 * MIB
    """Memory of the front process: beyond it, connections are closed."""
    strangers: int = 100
    """Connections that have not sent the token: clients send it at once, and of too many the oldest are closed."""
    waiting: int = 64
    """Requests that wait or run, of all clients together."""
    waiting_per_client: int = 8
    """Requests that wait or run, of one connection."""
    waiting_bytes: int = 96 * MIB
    """Payload of the requests that wait or run, of all clients together."""
    waiting_bytes_per_client: int = 24 * MIB
    """Payload of the requests that wait or run, of one connection."""


@dataclass(frozen=True)
class Options:
    """How to run a daemon."""

    device: str = "auto"
    """`auto`, `cpu`, `cuda` or `cuda:N`: where networks run."""
    port: int = 0
    """TCP port on 127.0.0.1; 0 = any free one."""
    idle_exit_seconds: int = 15 * 60
    """Exit after so long without a request; 0 = never."""
    failed_exit_seconds: int = 20
    """The same for a daemon whose worker cannot start: whoever mends what is wrong wants a new one soon."""
    band_timeout_seconds: float = 30.0
    """A render whose next band is later than this ends."""
    rest_seconds: float = 120.0
    """Networks leave the GPU after so long without a request."""
    restart_seconds: float = 0.25
    """How soon a worker that died is started again for the first time; each further time takes twice as long."""
    silence_seconds: float = 60.0
    """A worker that is silent so long hangs. Importing torch from a cold disk can keep one silent for a while."""
    inference_seconds: float = 300.0
    """A worker whose networks have not come to an end for so long hangs in a driver, perhaps for ever, and is replaced.
    On some graphics cards the first prediction takes minutes, while the driver compiles."""
    limits: Limits = field(default_factory=Limits)
    engine: str = "harmonize_daemon.worker.engine:Engine"
    """`module:class` that the worker runs; tests put a small one in."""
