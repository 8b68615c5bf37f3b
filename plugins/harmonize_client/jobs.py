"""Requests under way.

A `Job` is what callers hold. What they need comes first; the rest is for the session, which sends `request`, asks
`place` where to receive payload, hands replies to `take`, and sends what `next_band` gives.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from .errors import Cancelled, HarmonizeError, error_from_wire
from .messages import Request, read_progress, read_rendered, render
from .values import LayerFormat, Look, Place, Progress, Rendered, byte_view
from .wire import MAX_FRAME, Header, ProtocolError, take

if TYPE_CHECKING:
    from .values import Buffer

T = TypeVar("T")

Reader = Callable[[Header, list[memoryview]], T]
"""Makes the result from the header and payload of the last reply."""


class Job(Generic[T]):
    """A request under way. Its buffers are in use until it is `done`."""

    def __init__(self, request: Request, answer: str, read: Reader[T]) -> None:
        """`answer`: the kind of the reply that ends it well; `read`: makes its result."""
        self.id = secrets.token_hex(16)
        self.kind = str(request[0]["kind"])
        self.progress: Progress | None = None
        self.error: HarmonizeError | None = None
        self.done = False
        self.request = request
        self._answer = answer
        self._read = read
        self._results: list[T] = []
        self._called_back = False
        self._callbacks: list[Callable[[Job[T]], object]] = []
        self.on_cancel: Callable[[Job[T]], None] | None = None

    def result(self) -> T:
        """The value, or raises the job's `HarmonizeError`. Raises RuntimeError while it is not done."""
        if not self.done:
            raise RuntimeError("the job is not done")
        if self.error is not None:
            raise self.error
        return self._results[0]

    def cancel(self) -> None:
        """End the job now, with `Cancelled`; the daemon is told at the next poll. Does nothing when it is done."""
        if not self.done:
            self.fail(Cancelled("the request was cancelled"))
            if self.on_cancel:
                self.on_cancel(self)

    def when_done(self, callback: Callable[[Job[T]], object]) -> None:
        """Call it with this job from within the session's `poll` or `close` that ends the job; at once if one did."""
        if self._called_back:
            callback(self)
            return
        self._callbacks.append(callback)

    # For the session

    def call_back(self) -> None:
        self._called_back = True
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback(self)

    def place(self, header: Header, index: int, size: int) -> memoryview:
        """The memory for payload frame `index` (from 1) of the reply with that header."""
        return memoryview(bytearray(size))

    def take(self, header: Header, payload: list[memoryview]) -> None:
        """A reply has come. Raises `ProtocolError` if it is not one that this job can get."""
        kind = take(header, "kind", str)
        if kind == "progress":
            self.progress = read_progress(header)
        elif kind == "error":
            self.fail(error_from_wire(*(take(header, name, str) for name in ("code", "cause", "hint"))))
        elif kind == self._answer:
            self._finish(self._read(header, payload))
        else:
            raise ProtocolError(f"a {self.kind} was answered by {kind!r}")

    def next_band(self) -> Request | None:
        """What to send next, when there is something."""
        return None

    def fail(self, error: HarmonizeError) -> None:
        self.error = error
        self._end()

    def _finish(self, result: T) -> None:
        self._results.append(result)
        self._end()

    def _end(self) -> None:
        self.done = True
        self.request = ({}, [])


class RenderJob(Job[Rendered]):
    """Moves a layer's bands both ways, straight from and into the caller's buffers, a window of them at a time."""

    def __init__(
        self,
        adjustment: str,
        layer: LayerFormat,
        pixels: Buffer,
        mask: Buffer | None,
        into: Buffer,
        place: Place,
        look: Look,
        live: bool,
    ) -> None:
        """Raises `ValueError` for buffers of another size than the layer's."""
        super().__init__(render(adjustment, layer, mask is not None, place, look, live), "done", read_rendered)
        self._layer = layer
        self._pixels = byte_view(pixels, layer.nbytes, "the layer")
        self._mask = None if mask is None else byte_view(mask, layer.width * layer.height, "the mask")
        self._into = byte_view(into, layer.nbytes, "the target", writable=True)
        self._rows = 0
        self._window = 0
        self._sent_row = 0
        self._received_row = 0

    def place(self, header: Header, index: int, size: int) -> memoryview:
        if header.get("kind") != "band":
            return super().place(header, index, size)
        row = take(header, "row", int)
        rows = min(self._rows, self._layer.height - row)
        if index != 1 or row != self._received_row or row >= self._sent_row or size != rows * self._layer.row_bytes:
            raise ProtocolError("a band came that was not due")
        return self._into[row * self._layer.row_bytes :][:size]

    def take(self, header: Header, payload: list[memoryview]) -> None:
        kind = take(header, "kind", str)
        if kind == "accepted":
            self._accept(take(header, "rows", int), take(header, "window", int))
        elif kind == "band":
            if len(payload) != 1:
                raise ProtocolError("a band has no pixels")
            self._received_row += payload[0].nbytes // self._layer.row_bytes
            self.progress = Progress("rendering", self._received_row / self._layer.height)
        elif kind == "done" and self._received_row < self._layer.height:
            raise ProtocolError("a rendering ended before its last band")
        elif kind != "progress" or not self._rows:
            # Once bands move, they tell the progress more exactly.
            super().take(header, payload)

    def next_band(self) -> Request | None:
        on_the_way = -(-(self._sent_row - self._received_row) // self._rows) if self._rows else 0
        if not self._rows or self._sent_row == self._layer.height or on_the_way >= self._window:
            return None
        row = self._sent_row
        self._sent_row = end = min(row + self._rows, self._layer.height)
        payload = [self._pixels[row * self._layer.row_bytes : end * self._layer.row_bytes]]
        if self._mask is not None:
            payload.append(self._mask[row * self._layer.width : end * self._layer.width])
        return {"kind": "band", "row": row}, payload

    def _accept(self, rows: int, window: int) -> None:
        if self._rows or rows < 1 or window < 1 or rows * self._layer.row_bytes > MAX_FRAME:
            raise ProtocolError(f"a rendering was accepted in {window} bands of {rows} rows")
        self._rows, self._window = rows, window

    def _end(self) -> None:
        super()._end()
        self._pixels = self._into = memoryview(b"")
        self._mask = None
