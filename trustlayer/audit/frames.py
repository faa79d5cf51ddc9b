"""Payloads one after another in a file: each behind its length and its SHA-256.

The file begins with a mark and the place up to which it has been replayed. A frame that is not
whole is told by its digest: the writer was killed within it, or the disk has lost some of it.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

_MARK = b"trustlayer spool, v1\n\0\0\0"
_PLACE = struct.Struct("<Q")
_FRAME = struct.Struct("<Q32s")
START = len(_MARK) + _PLACE.size  # where the first frame begins
_AT_ONCE = 8 << 20  # bytes of payloads read together, if not a single one is longer


@dataclass(frozen=True, slots=True)
class Read:
    """The payloads found, where they end, and whether what follows there is no whole frame."""

    payloads: tuple[bytes, ...]
    end: int
    torn: bool


def header() -> bytes:
    """What a new file begins with."""
    return _MARK + _PLACE.pack(START)


def framed(payloads: Iterable[bytes]) -> bytes:
    """The frames of *payloads*."""
    return b"".join(_FRAME.pack(len(p), sha256(p).digest()) + p for p in payloads)


def place(file: int) -> int:
    """Up to where *file* has been replayed; raises ValueError for a file of another kind."""
    found = os.pread(file, START, 0)
    if len(found) < START or not found.startswith(_MARK):
        raise ValueError(f"found {found[: len(_MARK)]!r}, expected {_MARK!r}")
    (at,) = _PLACE.unpack(found[len(_MARK) :])
    return int(at)


def note_place(file: int, at: int) -> None:
    """Note that *file* has been replayed up to there."""
    os.pwrite(file, _PLACE.pack(at), len(_MARK))


def read(file: int, at: int, most: int) -> Read:
    """At most so many payloads of *file* from there on."""
    size, found, characters = os.fstat(file).st_size, list[bytes](), 0
    while at < size and len(found) < most and characters < _AT_ONCE:
        payload = _payload(file, at, size)
        if payload is None:
            return Read(tuple(found), at, torn=True)
        found.append(payload)
        characters += len(payload)
        at += _FRAME.size + len(payload)
    return Read(tuple(found), at, torn=False)


def _payload(file: int, at: int, size: int) -> bytes | None:
    head = os.pread(file, _FRAME.size, at)
    if len(head) < _FRAME.size:
        return None
    length, digest = _FRAME.unpack(head)
    if length > size - at - _FRAME.size:
        return None
    payload = os.pread(file, length, at + _FRAME.size)
    return payload if sha256(payload).digest() == digest else None
