"""Remembers the most recently used results within a bound on bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from trustlayer.forgetting import forgetful

T = TypeVar("T")


class Memory(Generic[T]):
    """A least-recently-used cache of up to *most* bytes, safe to share between threads."""

    def __init__(self, most: int, size: Callable[[T], int]) -> None:
        self._most = most
        self._size = size
        self._held: OrderedDict[Hashable, T] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()
        forgetful(self)

    def get(self, key: Hashable) -> T | None:
        """Return what is held under *key*, and make it the last to be forgotten."""
        with self._lock:
            if key not in self._held:
                return None
            self._held.move_to_end(key)
            return self._held[key]

    def put(self, key: Hashable, value: T) -> None:
        """Hold *value*, forgetting the oldest while there is no room."""
        size = self._size(value)
        with self._lock:
            if key in self._held or size > self._most:
                return
            self._held[key] = value
            self._bytes += size
            while self._bytes > self._most:
                _, oldest = self._held.popitem(last=False)
                self._bytes -= self._size(oldest)

    def forget(self) -> None:
        """Drop everything; see `trustlayer.forgetting`."""
        with self._lock:
            self._held.clear()
            self._bytes = 0
