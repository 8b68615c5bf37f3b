"""The harmonize client: the copy beside this module in an installed plug-in, the package itself in a checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import harmonize_client
else:
    try:
        from . import harmonize_client
    except ImportError:
        import harmonize_client

ConnectionLost = harmonize_client.ConnectionLost
DaemonStatus = harmonize_client.DaemonStatus
Exported = harmonize_client.Exported
HarmonizeError = harmonize_client.HarmonizeError
Job = harmonize_client.Job
LayerFormat = harmonize_client.LayerFormat
Look = harmonize_client.Look
NetworkInfo = harmonize_client.NetworkInfo
Place = harmonize_client.Place
Prediction = harmonize_client.Prediction
Rendered = harmonize_client.Rendered
Session = harmonize_client.Session
State = harmonize_client.State
Stopped = harmonize_client.Stopped
Superseded = harmonize_client.Superseded
Thumbnail = harmonize_client.Thumbnail
__version__ = harmonize_client.__version__
