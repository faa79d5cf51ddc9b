"""Memories that detectors keep from one batch to the next, and how to have them dropped.

A result that comes out of a memory may differ from a fresh one in its third digit where a
model depends on what is read together (a quantised one in padded batches, say). Where the
same input has to give the same findings, byte by byte, whoever examines it and whatever was
examined before, all memories are dropped between batches.
"""

from __future__ import annotations

from threading import Lock
from typing import Protocol, TypeVar
from weakref import WeakSet


class Forgetful(Protocol):
    """Holds results of earlier batches."""

    def forget(self) -> None:
        """Drop them; they can be had again."""
        ...


F = TypeVar("F", bound=Forgetful)

_all: WeakSet[Forgetful] = WeakSet()
_lock = Lock()


def forgetful(memory: F) -> F:
    """Have `forget_all` reach *memory*, for as long as it lives."""
    with _lock:
        _all.add(memory)
    return memory


def forget_all() -> None:
    """Have every memory of this process drop what it holds."""
    with _lock:
        found = list(_all)
    for memory in found:
        memory.forget()
