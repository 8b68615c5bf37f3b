"""From names to Krita's objects. Nothing keeps a node or document across a pause: it may be gone afterwards."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from krita import Krita  # type: ignore[attr-defined]

from ..i18n import tr
from ..qt import QtCore, QtWidgets
from ..task import HostError
from ..values import LayerRef, Rect

Document = Any
Node = Any

LAYER_KINDS = frozenset(
    ("paintlayer", "grouplayer", "clonelayer", "vectorlayer", "filelayer", "filllayer", "referencelayer")
)

_MOVE_TOOL = "KritaTransform/KisToolMove"


def application() -> Any:
    return Krita.instance()


_keys: list[tuple[Document, str]] = []
"""Of the documents that we have met, while they are open. Krita makes a new object at each question: `==` compares."""
_numbers = itertools.count(1)


def document_id(document: Document) -> str:
    """Its key for as long as it is open. The ids of its nodes tell nothing: those of a copy are the same."""
    for known, key in _keys:
        if known == document:
            return key
    opened = application().documents()
    _keys[:] = [(known, key) for known, key in _keys if known in opened]
    _keys.append((document, f"document {next(_numbers)}"))
    return _keys[-1][1]


def find_document(key: str) -> Document | None:
    known = next((document for document, its_key in _keys if its_key == key), None)
    return next((document for document in application().documents() if document == known), None)


def find_node(ref: LayerRef) -> Node | None:
    document = find_document(ref.document)
    return find_in(document, ref) if document is not None else None


def find_in(document: Document, ref: LayerRef) -> Node | None:
    """The node of a document that is at hand: to look for that takes longer than all the rest."""
    node = document.nodeByUniqueID(QtCore.QUuid(ref.layer))
    return node if node is not None and node.parentNode() is not None else None


def find_nodes(refs: Iterable[LayerRef]) -> list[Node]:
    """Those that are there still."""
    return [node for node in map(find_node, refs) if node is not None]


def need_document(ref: LayerRef) -> Document:
    document = find_document(ref.document)
    if document is None:
        raise HostError(tr("the document was closed"))
    return document


def need_node(ref: LayerRef) -> Node:
    need_document(ref)
    node = find_node(ref)
    if node is None:
        raise HostError(tr("the layer was deleted"))
    return node


def reference_to(document: Document, node: Node) -> LayerRef:
    return reference_in(document_id(document), node)


def reference_in(key: str, node: Node) -> LayerRef:
    """The same of a document whose key is at hand: to look for that takes longer than all the rest."""
    return LayerRef(key, str(node.uniqueId().toString()))


def bounds_of(node: Node) -> Rect:
    """What the layer covers."""
    rect = node.bounds()
    return Rect(rect.x(), rect.y(), rect.width(), rect.height())


def canvas_of(document: Document) -> Rect:
    return Rect(0, 0, document.width(), document.height())


def walk(parent: Node) -> list[Node]:
    """All layers below `parent` in the tree, from the top."""
    found = []
    for node in reversed(parent.childNodes()):
        if node.type() in LAYER_KINDS:
            found += [node, *walk(node)]
    return found


def is_locked(node: Node) -> bool:
    """The node itself, or a group around it."""
    return bool(node.locked()) or ((parent := node.parentNode()) is not None and is_locked(parent))


def make_active(document: Document, node: Node) -> None:
    """Makes the node the artist's, if the document is: for any other, Krita's own checks fail."""
    active = application().activeDocument()
    if active is not None and document_id(active) == document_id(document):
        document.setActiveNode(node)


def end_strokes(document: Document) -> None:
    """Krita's move tool keeps its stroke open after the pen is lifted, and crashes if masks change under it."""
    document.waitForDone()


def is_still(document: Document) -> bool:
    """Whether Krita paints nothing in the document, and no stroke is open that is not for us to end.

    Scaling the image is such a stroke, and so is a transformation that waits for the artist's Enter. The move tool's is
    none: it stays open until another tool is chosen, and the next drag begins another one.
    """
    if document.tryBarrierLock():
        document.unlock()
        return True
    return _is_moving_layers()


def _is_moving_layers() -> bool:
    """Whether the move tool is chosen.

    Its button is looked for in the tool box alone: to search a whole window of Krita takes 20 ms, and this is asked
    fifty times a second.
    """
    window = application().activeWindow()
    boxes = [docker for docker in window.dockers() if docker.objectName() == "ToolBox"] if window is not None else []
    buttons = (box.findChild(QtWidgets.QToolButton, _MOVE_TOOL) for box in boxes)
    return any(button is not None and button.isChecked() for button in buttons)


def still_copy(document: Document) -> Document:
    """A copy of the document, made while Krita paints nothing in it: it crashes over a copy of what it is painting.

    Ends open strokes, and waits for what Krita is at: whoever was not asked by the artist looks at `is_still` before.
    """
    while not document.tryBarrierLock():
        end_strokes(document)
    try:
        return document.clone()
    finally:
        document.unlock()


def twin_of(node: Node, copy: Document) -> Node:
    """The node in a copy of its document.

    Raises `HostError` if it is not there: Krita may call us while it takes a layer out, and copy the document without
    it although it was found a moment before.
    """
    twin = copy.nodeByUniqueID(node.uniqueId())
    if twin is None:
        raise HostError(tr("the layer was deleted"))
    return twin


def hide_in(copy: Document, nodes: Iterable[Node]) -> None:
    """Hides the nodes in a copy of their document, as far as they are in it."""
    for twin in filter(None, (copy.nodeByUniqueID(node.uniqueId()) for node in nodes)):
        twin.setVisible(False)


def redraw(document: Document) -> None:
    """Needed after `setVisible`, `setPixelData` and `setChildNodes`, which do not do it themselves."""
    document.refreshProjection()
