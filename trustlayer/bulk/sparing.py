"""Processes that share a machine with others of their kind, and spare its cores and memory."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

# Of glibc's mallopt. Large blocks go back to the system at once, instead of staying behind small
# ones; and all threads, of which each examination has its own, take from one heap.
_TRIM, _MMAP, _ARENAS = -1, -3, -8
_OPTIONS = {_TRIM: 4 << 20, _MMAP: 1 << 20, _ARENAS: 1}


def spare() -> None:
    """Have this process use one core, and give memory back that is not in use.

    To be called before any model is loaded, and any thread started.
    """
    single_threaded()
    with suppress(OSError, TypeError, AttributeError):  # another C library knows no such options
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in _OPTIONS.items():
            mallopt(option, value)


def single_threaded() -> None:
    """Have the models of this process use one core: the others have workers of their own."""
    os.environ.setdefault("TRUSTLAYER_THREADS", "1")
