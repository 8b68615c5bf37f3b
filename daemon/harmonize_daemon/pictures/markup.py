"""XML of strangers, as a tree.

Names keep their prefixes: nothing is looked up and nothing renamed, so that the tree is written as it was read.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from .errors import PictureError, UnreadablePicture, UnsupportedPicture

MAX_DEPTH = 300
"""Elements within elements: more than groups may take (`check_nesting`), less than Python's writer can."""


def parsed(text: bytes, name: str) -> Element:
    """name: of the file, for errors. Raises UnreadablePicture, UnsupportedPicture.

    A document type may be named (Krita does), but may not declare anything, such as entities.
    """
    builder = TreeBuilder()
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise UnsupportedPicture(f"{name} has more than {MAX_DEPTH} elements within elements", "merge some groups")
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    def doctype(_root: str, _system: str | None, _public: str | None, declares: int) -> None:
        if declares:
            raise UnsupportedPicture(f"{name} declares entities of its own", "save it again with another program")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(text, True)
        return builder.close()
    except PictureError:
        raise
    except (expat.ExpatError, LookupError, ValueError, AssertionError) as error:
        raise UnreadablePicture(f"{name} has a damaged list of layers ({error})", "save it again") from error


def size(element: Element, width: str, height: str, name: str) -> tuple[int, int]:
    """Two attributes that must be there, of any value. Raises UnreadablePicture."""
    try:
        return int(element.attrib[width]), int(element.attrib[height])
    except (KeyError, ValueError) as error:
        raise UnreadablePicture(f"{name} does not say how large it is ({error})", "save it again") from error


def integer(element: Element, name: str, default: int = 0) -> int:
    """An attribute that is a number, rounded; the default where it is none, or one beyond a million."""
    return round(number(element, name, default))


def number(element: Element, name: str, default: float = 0.0) -> float:
    """An attribute that is a number; the default where it is none, or one beyond a million."""
    try:
        value = float(element.get(name, default))
    except ValueError:
        return default
    return value if abs(value) < 1e6 else default  # NaN is not
