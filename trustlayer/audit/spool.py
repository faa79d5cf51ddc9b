"""A folder that takes outcomes while the database is away, one file for each process.

What is appended is on the disk before `append` returns, or nothing of it is in the file. Files
are read in the order in which they were begun, by whichever process comes first, and removed
once all that is in them is in the database.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from trustlayer.audit import frames

VARIABLE = "TRUSTLAYER_SPOOL"
SUFFIX = ".spool"
_TORN = ".torn"  # bytes that are no whole frame
_REFUSED = ".refused"  # frames that no database takes


class Spool:
    """The spool in *folder*, as one process sees it; threads have to take turns at it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._own: tuple[int, Path, int] | None = None  # the process, its file, and that open

    @staticmethod
    def in_environment() -> Path | None:
        """The folder that TRUSTLAYER_SPOOL names, if it names one."""
        found = os.environ.get(VARIABLE)
        return Path(found) if found else None

    def files(self) -> list[Path]:
        """All files that hold something, the first begun first."""
        try:
            return sorted(self.folder.glob(f"*{SUFFIX}"))
        except FileNotFoundError:
            return []

    def aside(self) -> list[Path]:
        """The files with what could not be replayed."""
        return sorted(p for p in self.folder.glob("*") if p.suffix in (_TORN, _REFUSED))

    def owns(self, path: Path) -> bool:
        """Whether this process appends to *path*."""
        return self._own is not None and self._own[:2] == (os.getpid(), path)

    def append(self, payloads: Sequence[bytes]) -> None:
        """Add *payloads*, durably; raises OSError, and then has added none."""
        with self._appending() as file:
            end = os.lseek(file, 0, os.SEEK_END)
            try:
                _write(file, frames.framed(payloads))
                os.fsync(file)
            except BaseException:
                self._undo(file, end)
                raise

    def replay(
        self, path: Path, write: Callable[[Sequence[bytes]], Sequence[bytes]], most: int
    ) -> int:
        """Give the next payloads in *path* to *write*; how many it was given.

        *write* returns, once the others are durable elsewhere, those that nobody will ever
        take: they are put aside, and so is the end of a file that is torn.
        """
        with _locked(path, wait=self.owns(path)) as file:
            if file is None:
                return 0
            at = _place(file)
            found = frames.read(file, at, most)
            refused = write(found.payloads) if found.payloads else ()
            if refused:
                self._put_aside(path.with_suffix(_REFUSED), frames.framed(refused))
            if found.torn:
                rest = os.pread(file, os.fstat(file).st_size - found.end, found.end)
                self._put_aside(path.with_suffix(_TORN), rest)
            if found.torn or found.end >= os.fstat(file).st_size:
                path.unlink()
            else:
                frames.note_place(file, found.end)
            return len(found.payloads)

    def close(self) -> None:
        """Let go of this process's file."""
        if self._own is not None and self._own[0] == os.getpid():
            os.close(self._own[2])
        self._own = None

    @contextmanager
    def _appending(self) -> Generator[int]:
        while True:
            file = self._file()
            with _lock(file, wait=True):
                if os.fstat(file).st_nlink:  # nobody replayed it to its end meanwhile
                    yield file
                    return
            self.close()

    def _undo(self, file: int, end: int) -> None:
        try:
            os.ftruncate(file, end)
        except OSError:  # its end stays torn: what is appended next goes to another file
            self._own = None

    def _file(self) -> int:
        if self._own is None or self._own[0] != os.getpid():
            self._own = (os.getpid(), *self._begin())
        return self._own[2]

    def _begin(self) -> tuple[Path, int]:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(4)}"
        made = self.folder / f"{name}.new"  # nobody reads it before it has its header
        file = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        try:
            _write(file, frames.header())
            os.fsync(file)
            path = made.rename(made.with_suffix(SUFFIX))
            _sync_folder(self.folder)
        except OSError:
            os.close(file)
            made.unlink(missing_ok=True)
            raise
        return path, file

    def _put_aside(self, path: Path, data: bytes) -> None:
        head = frames.header() if path.suffix == _REFUSED and not path.exists() else b""
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            _write(file, head + data)
            os.fsync(file)
        finally:
            os.close(file)
        _sync_folder(self.folder)


def _place(file: int) -> int:
    try:
        return frames.place(file)
    except ValueError:  # not even its header is left: all of it is put aside
        return 0


@contextmanager
def _locked(path: Path, *, wait: bool) -> Generator[int | None]:
    # None when another process has it at hand, or has replayed all of it.
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield None
        return
    try:
        with _lock(file, wait=wait) as locked:
            yield file if locked and os.fstat(file).st_nlink else None
    finally:
        os.close(file)


@contextmanager
def _lock(file: int, *, wait: bool) -> Generator[bool]:
    import fcntl  # not on Windows, where there is no spool

    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        yield False
        return
    try:
        yield True
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
