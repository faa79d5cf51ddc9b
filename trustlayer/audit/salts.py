"""Random salts, drawn from the system many at a time.

A call of the system for each would cost more than the call: the thread that makes rows lets
go of the interpreter for it, and waits for its turn again while another one sends.
"""

from __future__ import annotations

import os
from threading import local

LENGTH = 16
_AT_ONCE = 512


class _Drawn(local):
    # Of one thread; what a fork copied is not used again in the child.
    def __init__(self) -> None:
        self.process = 0
        self.left: list[bytes] = []


_drawn = _Drawn()


def salt() -> bytes:
    """Return LENGTH random bytes that nobody else was given."""
    if not _drawn.left or _drawn.process != os.getpid():
        many = os.urandom(LENGTH * _AT_ONCE)
        _drawn.process = os.getpid()
        _drawn.left = [many[at : at + LENGTH] for at in range(0, len(many), LENGTH)]
    return _drawn.left.pop()
