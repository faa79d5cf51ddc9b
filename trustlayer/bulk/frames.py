"""Bytes between two processes: each message after its length, so that a torn one is seen."""

from __future__ import annotations

import struct
from typing import IO

_LENGTH = struct.Struct("!I")


def send(file: IO[bytes], message: bytes) -> None:
    """Raises OSError when nobody reads."""
    data = memoryview(_LENGTH.pack(len(message)) + message)
    while data:
        data = data[file.write(data) :]
    file.flush()


def receive(file: IO[bytes]) -> bytes | None:
    """The next message; None when the other side has gone, be it in the middle of one."""
    header = _exactly(file, _LENGTH.size)
    return None if header is None else _exactly(file, _LENGTH.unpack(header)[0])


def _exactly(file: IO[bytes], size: int) -> bytes | None:
    parts: list[bytes] = []
    while size:
        part = file.read(size)
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
