"""Where findings go: whole lines to a file or to standard output, also when a disk is full."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, cast


@dataclass(slots=True)
class Output:
    """Unbuffered, so that a killed process leaves what it has put, in whole lines."""

    file: IO[bytes]
    name: str

    def put(self, lines: bytes) -> int:
        """Write *lines* and their end; returns where the file ends now, 0 for a pipe.

        Raises OSError when they could not be written; they are then not there at all.
        """
        data = memoryview(lines + b"\n")
        seekable = self.file.seekable()
        start = self.file.tell() if seekable else 0
        try:
            while data:
                data = data[self.file.write(data) :]
            self.file.flush()
        except OSError as error:
            if seekable:
                with suppress(OSError):
                    self.file.truncate(start)
            error.filename = self.name
            raise
        return self.file.tell() if seekable else 0


@contextmanager
def output(path: str, start: int = 0) -> Generator[Output]:
    """The output at *path*, or standard output for ``-``; what is there beyond *start* goes."""
    if path == "-":
        yield Output(cast("IO[bytes]", sys.stdout.buffer), "<stdout>")
        return
    with open(path, "r+b" if start else "wb", buffering=0) as file:
        if start:
            file.truncate(start)
            file.seek(start)
        yield Output(cast("IO[bytes]", file), path)
        if os.path.isfile(path):
            os.fsync(file.fileno())
