"""Native curves masks. Krita's scripting cannot set the curves of its `perchannel` filter: not in 5.2, not in 5.3.

Its file reader can: so the smallest document that holds such a mask is written, opened unseen, and the mask is cloned
out of it. That takes 50 to 100 ms, and Krita's own curve dialog edits the mask afterwards.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from typing import Any

from ..curve_text import filter_config
from ..i18n import tr
from ..task import HostError
from ..values import Curves, LayerRef
from .color import color_space
from .documents import (
    Document,
    Node,
    application,
    bounds_of,
    end_strokes,
    make_active,
    need_document,
    need_node,
    redraw,
    reference_to,
)
from .writing import remove_all_children, set_pixels

_MAIN = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE DOC PUBLIC '-//KDE//DTD krita 2.0//EN' 'http://www.calligra.org/DTD/krita-2.0.dtd'>
<DOC xmlns="http://www.calligra.org/DTD/krita" syntaxVersion="2.0" editor="Krita" kritaVersion="5.2.0">
 <IMAGE mime="application/x-kra" name="curves" description="" width="1" height="1" x-res="100" y-res="100"
  colorspacename="RGBA" profile="sRGB-elle-V2-srgbtrc.icc">
  <layers>
   <layer name="layer" filename="layer" nodetype="grouplayer" visible="1" opacity="255" x="0" y="0">
    <masks>
     <mask name="curves" filename="mask" nodetype="filtermask" filtername="perchannel" filterversion="1" visible="1"
      x="0" y="0"/>
    </masks>
   </layer>
  </layers>
 </IMAGE>
</DOC>
"""
_EMPTY_SELECTION = b"VERSION 2\nTILEWIDTH 64\nTILEHEIGHT 64\nPIXELSIZE 1\nDATA 0\n"


_to_close: list[Document] = []


def close_files() -> None:
    """Closing takes Krita as long as opening: it is done when nobody waits."""
    while _to_close:
        _to_close.pop().close()


def make(ref: LayerRef, curves: Curves, name: str) -> Any:
    """A mask with these curves for the layer, restricted to the selection, in no layer yet.

    Krita lets events in meanwhile: the layer may be gone afterwards, its document closed, the pen down.
    """
    document, node = need_document(ref), need_node(ref)
    space, selection, bounds = color_space(node), document.selection(), bounds_of(node)
    if space.model not in ("RGBA", "GRAYA"):
        raise HostError(tr("curves need a layer in RGB or grey"), tr("press Harmonize, with a new layer as the result"))
    if node.type() == "grouplayer" and node.passThroughMode():
        raise HostError(
            tr("a pass-through group does not show curves"),
            tr("switch pass-through off, or press Harmonize, with a new layer as the result"),
        )
    config = filter_config(curves, grey=space.model == "GRAYA", linear=space.is_linear)
    mask = _read(config, everywhere=selection is None)
    mask.setName(name)
    if selection is not None and not bounds.is_empty:
        set_pixels(mask, bytes(selection.pixelData(bounds.x, bounds.y, bounds.width, bounds.height)), bounds)
    return mask


def add(ref: LayerRef, mask: Node) -> LayerRef:
    """Puts a new mask on top of the layer's masks. One undo step."""
    document, node = need_document(ref), need_node(ref)
    end_strokes(document)
    children = node.childNodes()
    if not node.addChildNode(mask, children[-1] if children else None):
        raise HostError(tr("Krita did not take the curves mask"))
    return reference_to(document, mask)


def show(ref: LayerRef, mask: Node) -> None:
    """Puts a new mask on top of the layer's masks, or in place of the one of its name. No undo step."""
    document, node = need_document(ref), need_node(ref)
    end_strokes(document)
    swap(node, find(node, mask.name()), mask)
    redraw(document)


def remove(ref: LayerRef, name: str) -> None:
    """Takes away the mask that `show` has put there. No undo step."""
    document, node = need_document(ref), need_node(ref)
    end_strokes(document)
    old = find(node, name)
    if old is not None:
        swap(node, old, None)
        redraw(document)


def find(node: Node, name: str) -> Node | None:
    return next((child for child in node.childNodes() if child.type() == "filtermask" and child.name() == name), None)


def swap(node: Node, old: Node | None, new: Node | None) -> None:
    """Puts `new` in the place of `old`, or on top. No undo step: `setChildNodes` goes past Krita's undo."""
    children = node.childNodes()
    if old is not None:
        kept = [new if child.uniqueId() == old.uniqueId() else child for child in children]
    else:
        kept = [*children, new]
    remove_all_children(node)
    node.setChildNodes([child for child in kept if child is not None])


def keep_out_of_the_way(document: Document, name: str) -> None:
    """Krita makes a new mask the active node, a moment later; the artist's next stroke would go to the mask."""
    active = document.activeNode()
    if active is not None and active.type() == "filtermask" and active.name() == name:
        make_active(document, active.parentNode())


def _read(config: str, *, everywhere: bool) -> Any:
    """A mask with that filter, through a file. everywhere: it covers all of its layer, else nothing yet."""
    handle, path = tempfile.mkstemp(suffix=".kra", prefix="harmonize-")
    os.close(handle)
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
            file.writestr("mimetype", "application/x-krita")
            file.writestr("maindoc.xml", _MAIN)
            file.writestr("curves/layers/mask.pixelselection", _EMPTY_SELECTION)
            file.writestr("curves/layers/mask.pixelselection.defaultpixel", b"\xff" if everywhere else b"\0")
            file.writestr("curves/layers/mask.filterconfig", config)
        return _mask_in(path)
    finally:
        os.unlink(path)


def _mask_in(path: str) -> Any:
    krita = application()
    quiet = krita.batchmode()
    krita.setBatchmode(True)  # a warning about the file must not open a window
    try:
        document = krita.openDocument(path)
    finally:
        krita.setBatchmode(quiet)
    try:
        masks = [mask for layer in (document.topLevelNodes() if document else []) for mask in layer.childNodes()]
        if not masks:
            raise HostError(tr("Krita did not read the curves"), tr("press Harmonize, with a new layer as the result"))
        return masks[0].clone()
    finally:
        if document is not None:
            _to_close.append(document)
