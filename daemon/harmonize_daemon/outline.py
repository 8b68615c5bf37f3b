"""The layers of a file as a list to read: which there are, and what they are called."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harmonize_client.errors import BadRequest

from . import pictures
from .pictures.layered import Group, Layer, Node


def outline(path: Path) -> Iterator[str]:
    """A line for each layer and group, topmost first: whether it is visible, what it is, where, and its name.

    Raises BadRequest for a flat picture, and PictureError.
    """
    if path.suffix.lower() not in pictures.LAYERED_SUFFIXES:
        raise BadRequest(f"{path.name} has no layers", "give a mask with --mask")
    yield from _lines(pictures.read_layered(path).nodes, 0)


def _lines(nodes: tuple[Node, ...], level: int) -> Iterator[str]:
    for node in nodes:
        what = f"layer at {node.left}, {node.top}" if isinstance(node, Layer) else "group"
        problem = f"  ({node.problem})" if node.problem else ""
        yield f"{'visible' if node.visible else 'hidden':8} {what:20} {'  ' * level}{in_one_line(node.name)}{problem}"
        if isinstance(node, Group):
            yield from _lines(node.inside, level + 1)


def in_one_line(name: str) -> str:
    """Programs name text layers after their text, line breaks and all; and terminals obey some characters, of names of
    files as well."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
