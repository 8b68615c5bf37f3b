"""Harmonize Selection for Krita: a docker that makes a pasted layer belong to its scene.

```
view/        widgets: what the artist sees
presenter    decides what happens, and when; knows neither Qt nor Krita
krita_host/  pixels, masks, layers, undo: the only place that calls Krita
```

Outside Krita, importing this package does nothing, so that the presenter can be tested anywhere.
"""

from importlib.util import find_spec

_krita = find_spec("krita")
if _krita is not None and _krita.origin:  # a mere folder of that name has none
    from .register import add_to_krita

    add_to_krita()
