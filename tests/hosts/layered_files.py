"""What happens to a file with layers between two visits to the program that wrote it."""

from __future__ import annotations

from pathlib import Path

from harmonize_daemon.pictures import read_layered


def with_a_darker_layer(source: Path, folder: Path, name: str) -> Path:
    """The file with a darker copy of its topmost layer, called `name`, in `folder`."""
    file = read_layered(source)
    subject = file.subject()
    picture = file.decoded(subject)
    darker = picture.pixels.copy()
    darker[..., :3] //= 2
    target = folder / f"harmonized{source.suffix}"
    file.write(target, subject, name, picture.with_pixels(darker))
    return target
