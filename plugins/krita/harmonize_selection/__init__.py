"""Harmonize Selection for Krita: a docker that makes a pasted layer belong to its scene.

```
view/        widgets: what the artist sees
presenter    decides what happens, and when; knows neither Qt nor Krita
krita_host/  pixels, masks, layers, undo: the only place that calls Krita
```

Outside Krita, importing this package does nothing, so that the presenter can be tested anywhere.
"""

try:
    from krita import Krita as _Krita  # type: ignore[attr-defined]
except ImportError:
    _Krita = None  # type: ignore[misc, assignment]

if _Krita is not None:
    from .register import add_to_krita

    add_to_krita()
