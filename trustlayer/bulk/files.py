"""The files that were meant: given by name, by folder or by pattern, in one fixed order."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from trustlayer.errors import Unreadable

KINDS = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".json", ".json.gz", ".parquet")


@dataclass(frozen=True, slots=True)
class Input:
    """A file as it was when a run began."""

    path: str
    size: int
    digest: str


def expanded(given: Iterable[str]) -> list[str]:
    """The files in *given*: folders are searched, patterns like ``logs/*.jsonl`` filled in.

    Each occurs once, those of a folder or pattern by name. A name of nothing stays, to be
    reported when it is opened. Raises Unreadable where a folder or pattern has no file.
    """
    found: dict[str, None] = {}
    for path in given:
        found |= dict.fromkeys(_files(path))
    return list(found)


def fingerprint(path: str) -> Input | None:
    """The size and SHA-256 of a file; None for what is not one, or cannot be read."""
    try:
        if not os.path.isfile(path):
            return None
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return Input(path, file.tell(), digest)
    except OSError:
        return None


def _files(path: str) -> Iterator[str]:
    if os.path.isdir(path):
        yield from _some(path, sorted(map(str, _within(Path(path)))))
    elif not os.path.exists(path) and glob.has_magic(path):
        yield from _some(path, sorted(p for p in glob.glob(path, recursive=True) if _is_file(p)))
    else:
        yield path


def _within(folder: Path) -> Iterator[Path]:
    return (p for p in folder.rglob("*") if p.name.endswith(KINDS) and not _hidden(p, folder))


def _hidden(path: Path, folder: Path) -> bool:
    # Half-written files and markers of other programs begin so.
    return any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)


def _is_file(path: str) -> bool:
    return not os.path.isdir(path)


def _some(path: str, found: list[str]) -> list[str]:
    if not found:
        expected = "a file" if glob.has_magic(path) else f"a file named *{', *'.join(KINDS)}"
        raise Unreadable(f"{path}: found no file; expected {expected}")
    return found
