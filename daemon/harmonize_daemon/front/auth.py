"""Who may speak: the token, and the ids that were used before."""

from __future__ import annotations

import hmac
from collections import OrderedDict


class Token:
    """The connection file's secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def matches(self, token: str) -> bool:
        """Compare in a time that does not depend on where the two differ."""
        return hmac.compare_digest(self._secret, token.encode("utf-8", "replace"))


class SeenIds:
    """The ids of the latest requests. The oldest are forgotten, so that memory stays bounded."""

    def __init__(self, capacity: int = 100_000) -> None:
        self._capacity = capacity
        self._ids: OrderedDict[bytes, None] = OrderedDict()

    def __contains__(self, id: str) -> bool:
        return bytes.fromhex(id) in self._ids

    def add(self, id: str) -> bool:
        """Remember an id; False if it was there before."""
        key = bytes.fromhex(id)
        if key in self._ids:
            return False
        self._ids[key] = None
        if len(self._ids) > self._capacity:
            self._ids.popitem(last=False)
        return True
