"""What Krita's undo does not know of: that the original is hidden, and that adding and removing belong together."""

from __future__ import annotations

from dataclasses import dataclass

from ..values import LayerRef
from .documents import Document, application, document_id, find_document, find_in, find_node, redraw


@dataclass
class _Watched:
    original: LayerRef
    written: LayerRef
    shown: tuple[bool, bool] | None
    """Whether the original is, without and with what was written; None: it was replaced."""
    seen: tuple[bool, bool]
    """Whether the original and the new layer were there when we last looked."""
    nothing_to_redo: str
    """What Krita's redo action says then: it stays enabled."""
    undone: bool = False
    """Whether an undo has taken the new layer away."""


class UndoWatch:
    """Looks, a few times a second, whether undo or redo has touched what was written, and does the rest.

    * What is undone leaves the layers around it shown and hidden as they were; redone, as it had left them. What goes
      away otherwise, merged or deleted, is the artist's business: only after an undo there is something to redo.
    * Krita needs two steps to replace a layer (add, remove). When the artist takes back the one, the other follows, so
      that one Ctrl+Z takes back a replacement.
    """

    def __init__(self) -> None:
        self._watched: list[_Watched] = []

    def watch(self, original: LayerRef, written: LayerRef, *, shown: tuple[bool, bool] | None) -> None:
        """To be called right after it was written.

        shown: whether the original is, without and with what was written; None: it was replaced.
        """
        document = find_document(original.document)
        seen = self._look(document, original, written) if document is not None else (False, False)
        self._watched.append(_Watched(original, written, shown, seen, _redo_text()))

    def tick(self) -> None:
        documents = {key: find_document(key) for key in {watched.original.document for watched in self._watched}}
        for watched in list(self._watched):
            document = documents[watched.original.document]
            if document is None:
                self._watched.remove(watched)
                continue
            before, now = watched.seen, self._look(document, watched.original, watched.written)
            if now == before:
                continue
            watched.seen = now
            if watched.shown is None:
                self._finish(watched, before, now)
            elif now[1] != before[1]:
                self._follow(watched, watched.shown, there=now[1])

    @staticmethod
    def _look(document: Document, original: LayerRef, written: LayerRef) -> tuple[bool, bool]:
        return find_in(document, original) is not None, find_in(document, written) is not None

    @staticmethod
    def _follow(watched: _Watched, shown: tuple[bool, bool], there: bool) -> None:
        """there: whether the new layer has come, rather than gone."""
        was_undone, watched.undone = watched.undone, not there and _redo_text() != watched.nothing_to_redo
        if not was_undone and not watched.undone:
            return
        original, written = find_node(watched.original), find_node(watched.written)
        if original is not None:
            original.setVisible(shown[there])
        if written is not None:
            written.setVisible(True)
        document = find_document(watched.original.document)
        if document is not None:
            redraw(document)

    def _finish(self, watched: _Watched, before: tuple[bool, bool], now: tuple[bool, bool]) -> None:
        active = application().activeDocument()
        if now != (True, True) or active is None or document_id(active) != watched.original.document:
            return
        action = application().action("edit_undo" if before == (False, True) else "edit_redo")
        if action is not None and action.isEnabled():
            action.trigger()
            active.waitForDone()
            watched.seen = self._look(active, watched.original, watched.written)


def _redo_text() -> str:
    action = application().action("edit_redo")
    return str(action.text()) if action is not None else ""
