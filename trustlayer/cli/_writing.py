"""Lines to a file or to standard output, each whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, cast

import typer


@dataclass(slots=True)
class Sink:
    """Writes a line at once, so that a killed process leaves nothing but whole lines."""

    file: IO[bytes]
    name: str
    written: int = 0

    def write(self, line: str) -> None:
        """Raises OSError when the line could not be written; it is then not there at all."""
        data = memoryview(line.encode("ascii") + b"\n")
        start = self.file.tell() if self.file.seekable() else None
        try:
            while data:
                data = data[self.file.write(data) :]
            self.file.flush()
        except OSError as error:
            if start is not None:
                with suppress(OSError):
                    self.file.truncate(start)
            error.filename = self.name
            raise
        self.written += 1


@contextmanager
def sink(path: str, source: str) -> Generator[Sink]:
    """A sink for *path*, or for standard output for ``-``; never for the *source* itself."""
    if path == "-":
        yield Sink(cast("IO[bytes]", sys.stdout.buffer), "<stdout>")
        return
    if source != "-" and os.path.exists(path) and os.path.samefile(path, source):
        raise typer.BadParameter("the output must be another file than the input")
    if path.endswith(".gz"):
        hint = path.removesuffix(".gz")
        raise typer.BadParameter(f"plain lines are written: --output {hint}, and gzip it then")
    with open(path, "wb", buffering=0) as file:
        yield Sink(cast("IO[bytes]", file), path)
